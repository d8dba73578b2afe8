#include "core/b64url.h"
#include "core/cleanup.h"
#include "core/jws.h"
#include "core/limits.h"
#include "keys.h"
#include "tests/check.h"

TEST(what_is_not_a_token_is_refused_at_any_memory_limit) {
    static const struct {
        const char *text;
        enum gh_err want;
    } rows[] = {
        { "e30.e30.AA", GH_OK },                       /* the smallest right shape */
        { "e30.e30.", GH_ERR_MALFORMED },              /* no signature */
        { "e30.e30", GH_ERR_MALFORMED },               /* ... nor its dot */
        { "e30..AA", GH_ERR_MALFORMED },               /* no payload */
        { ".e30.AA", GH_ERR_MALFORMED },               /* no header */
        { "..", GH_ERR_MALFORMED },                    /* nothing */
        { "", GH_ERR_MALFORMED },                      /* less */
        { "e30.e30.AB", GH_ERR_MALFORMED },            /* stray low bits */
        { "e30.e30.A", GH_ERR_MALFORMED },             /* half a byte */
        { "e30.e30.AA==", GH_ERR_MALFORMED },          /* padding */
        { "e30.e30.A+", GH_ERR_MALFORMED },            /* another alphabet */
        { "e30.e30.AA\n", GH_ERR_MALFORMED },          /* a line end */
        { "e30.e30.AA.e30", GH_ERR_MALFORMED },        /* four parts */
        { "e30.e30.AA.e30.AA", GH_ERR_MALFORMED },     /* five: a JWE */
        { "{\"payload\":\"e30\"}", GH_ERR_MALFORMED }, /* the JSON serialisation */
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        enum gh_err e = GH_ERR_NOMEM;
        for (size_t cap = 0; e == GH_ERR_NOMEM && cap < 4096; cap += 16) {
            gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(cap);
            struct gh_jws jws;
            e = gh_jws_split(a, gh_str_from(rows[i].text), &jws);
        }
        CHECK_ROW(rows[i].text, e == rows[i].want);
    }
}

TEST(a_token_has_a_longest_length) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    static char text[GH_LIMIT_TOKEN + 1];
    struct gh_jws jws;
    memset(text, 'A', sizeof text);
    text[4] = text[9] = '.';
    text[0] = 'e';
    CHECK(gh_jws_split(a, (struct gh_str){ text, GH_LIMIT_TOKEN + 1 }, &jws) == GH_ERR_TOO_LARGE);
    CHECK(gh_jws_split(a, (struct gh_str){ text, GH_LIMIT_TOKEN }, &jws) == GH_OK);
}

TEST(a_header_names_key_and_algorithm_and_nothing_critical) {
    static const struct {
        const char *json;
        enum gh_err want;
    } rows[] = {
        { "{\"alg\":\"RS256\",\"kid\":\"k\"}", GH_OK },
        { " {\"kid\":\"\\u006b\",\"typ\":\"JWT\",\"alg\":\"ES256\",\"x\":[1]} ", GH_OK },
        { "{\"alg\":\"RS256\",\"kid\":\"k\",\"jku\":\"https://x\",\"x5u\":1,\"jwk\":{},\"x5c\":[]}", GH_OK },
        { "{\"alg\":\"none\",\"kid\":\"k\"}", GH_ERR_WRONG_ALG },
        { "{\"alg\":\"NONE\",\"kid\":\"k\"}", GH_ERR_WRONG_ALG },
        { "{\"alg\":\"HS256\",\"kid\":\"k\"}", GH_ERR_WRONG_ALG },
        { "{\"alg\":\"rs256\",\"kid\":\"k\"}", GH_ERR_WRONG_ALG },
        { "{\"alg\":\"RS256 \",\"kid\":\"k\"}", GH_ERR_WRONG_ALG },
        { "{\"alg\":\"ES512\",\"kid\":\"k\"}", GH_ERR_WRONG_ALG },
        { "{\"alg\":\"RSA1_5\",\"kid\":\"k\"}", GH_ERR_WRONG_ALG },
        { "{\"alg\":\"\",\"kid\":\"k\"}", GH_ERR_MALFORMED },
        { "{\"kid\":\"k\"}", GH_ERR_MALFORMED },
        { "{\"alg\":1,\"kid\":\"k\"}", GH_ERR_MALFORMED },
        { "{\"alg\":null,\"kid\":\"k\"}", GH_ERR_MALFORMED },
        { "{\"alg\":[\"RS256\"],\"kid\":\"k\"}", GH_ERR_MALFORMED },
        { "{\"alg\":\"RS256\"}", GH_ERR_MALFORMED },
        { "{\"alg\":\"RS256\",\"kid\":\"\"}", GH_ERR_MALFORMED },
        { "{\"alg\":\"RS256\",\"kid\":1}", GH_ERR_MALFORMED },
        { "{\"alg\":\"RS256\",\"kid\":\"k\",\"typ\":1}", GH_ERR_MALFORMED },
        { "{\"alg\":\"RS256\",\"kid\":\"k\",\"typ\":\"\"}", GH_ERR_MALFORMED },
        { "{\"alg\":\"RS256\",\"kid\":\"k\",\"crit\":[\"x\"]}", GH_ERR_MALFORMED },
        { "{\"alg\":\"RS256\",\"kid\":\"k\",\"crit\":[]}", GH_ERR_MALFORMED },
        { "{\"alg\":\"RS256\",\"kid\":\"k\",\"\\u0063rit\":[\"x\"]}", GH_ERR_MALFORMED },
        { "{\"alg\":\"RS256\",\"kid\":\"k\",\"b64\":false}", GH_ERR_MALFORMED },
        { "{\"alg\":\"RS256\",\"kid\":\"k\",\"b64\":true}", GH_ERR_MALFORMED },
        { "{\"alg\":\"RS256\",\"kid\":\"k\",\"zip\":\"DEF\"}", GH_ERR_MALFORMED },
        { "{\"alg\":\"RS256\",\"kid\":\"k\",\"kid\":\"l\"}", GH_ERR_MALFORMED },
        { "{\"alg\":\"RS256\",\"\\u006bid\":\"k\"}", GH_ERR_MALFORMED },
        { "{\"\\u0061lg\":\"RS256\",\"kid\":\"k\"}", GH_ERR_MALFORMED },
        { "[\"RS256\"]", GH_ERR_MALFORMED },
        { "\"RS256\"", GH_ERR_MALFORMED },
        { "{\"alg\":\"RS256\",\"kid\":\"k\"}x", GH_ERR_MALFORMED },
        { "\xef\xbb\xbf{\"alg\":\"RS256\",\"kid\":\"k\"}", GH_ERR_MALFORMED },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        enum gh_err e = GH_ERR_NOMEM;
        for (size_t cap = 0; e == GH_ERR_NOMEM && cap < 4096; cap += 16) {
            gh_auto(gh_arena_freep) struct gh_arena *outside = gh_arena_new(4096);
            gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(cap);
            struct gh_jws_header header;
            struct gh_str text;
            CHECK(gh_b64url_encode(outside, gh_str_from(rows[i].json), &text) == GH_OK);
            e = gh_jws_header_parse(a, text, &header);
            CHECK_ROW(rows[i].json, e || gh_str_is(header.kid, "k"));
        }
        CHECK_ROW(rows[i].json, e == rows[i].want);
    }
}

TEST(a_kid_has_a_longest_length) {
    for (size_t len = GH_LIMIT_KID; len <= GH_LIMIT_KID + 1; len++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
        static char kid[GH_LIMIT_KID + 1];
        struct gh_jws_header header;
        struct gh_str text;
        memset(kid, 'k', sizeof kid);
        struct gh_str json = gh_arena_printf(a, "{\"alg\":\"RS256\",\"kid\":\"%.*s\"}", (int)len, kid);
        CHECK(gh_b64url_encode(a, json, &text) == GH_OK);
        CHECK(gh_jws_header_parse(a, text, &header) == (len > GH_LIMIT_KID ? GH_ERR_TOO_LARGE : GH_OK));
    }
}

TEST(a_signature_of_another_length_or_of_zeros_is_none) {
    static const enum gh_alg algs[] = { GH_RS256, GH_PS256, GH_ES256, GH_ES384, GH_EDDSA };
    static const char zeros[600];
    for (size_t i = 0; i < GH_COUNT(algs); i++) {
        const struct gh_key *key = test_key(algs[i], "k");
        for (size_t len = 1; len < sizeof zeros; len += len < 130 ? 1 : 63) {
            struct gh_jws jws = { .signing_input = GH_STR("e30.e30"), .signature = { zeros, len } };
            CHECK(gh_jws_verify(&jws, algs[i], key) == GH_ERR_BAD_SIGNATURE);
        }
    }
}

/* The other half of an ECDSA signature, s and n - s, is what JOSE allows; r and s swapped, doubled or in DER
 * is not. */
TEST(an_ecdsa_signature_is_r_and_s_side_by_side) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    const struct gh_key *key = test_key(GH_ES256, "k");
    struct gh_str token;
    struct gh_jws jws;
    CHECK(gh_jws_sign(a, key, GH_STR("JWT"), GH_STR("{}"), &token) == GH_OK);
    CHECK(gh_jws_split(a, token, &jws) == GH_OK && jws.signature.len == 64);
    CHECK(gh_jws_verify(&jws, GH_ES256, key) == GH_OK);
    char swapped[64], padded[65] = { 0 };
    memcpy(swapped, jws.signature.ptr + 32, 32);
    memcpy(swapped + 32, jws.signature.ptr, 32);
    memcpy(padded + 1, jws.signature.ptr, 64);
    jws.signature = (struct gh_str){ swapped, 64 };
    CHECK(gh_jws_verify(&jws, GH_ES256, key) == GH_ERR_BAD_SIGNATURE);
    jws.signature = (struct gh_str){ padded, 65 };
    CHECK(gh_jws_verify(&jws, GH_ES256, key) == GH_ERR_BAD_SIGNATURE);
    test_keys_free();
}

GH_TESTS(what_is_not_a_token_is_refused_at_any_memory_limit, a_token_has_a_longest_length,
         a_header_names_key_and_algorithm_and_nothing_critical, a_kid_has_a_longest_length,
         a_signature_of_another_length_or_of_zeros_is_none, an_ecdsa_signature_is_r_and_s_side_by_side)
