/* From bytes to believed claims: gh_token_open with keys and texts of every kind. */
#include "core/claims.h"
#include "keys.h"
#include "tests/check.h"

#define ISSUER "https://tenant.example/"
#define CLAIMS                                                                                               \
    "{\"iss\":\"" ISSUER "\",\"sub\":\"auth0|u1\",\"aud\":\"https://api.example/\",\"exp\":2000000000}"

static const struct gh_key *find(void *context, struct gh_str issuer, struct gh_str kid) {
    return gh_str_is(issuer, ISSUER) ? gh_keyset_find(context, kid) : NULL;
}

static struct gh_keyset *keyset_of(enum gh_alg alg) {
    struct gh_keyset *ks = gh_keyset_new();
    CHECK(ks && gh_keyset_add(ks, GH_STR("k1"), alg, test_key(alg, "k1")->pkey) == GH_OK);
    return ks;
}

TEST(each_algorithm_opens_what_it_signed_and_nothing_changed) {
    for (int alg = GH_RS256; alg <= GH_EDDSA; alg++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
        gh_auto(gh_keyset_freep) struct gh_keyset *ks = keyset_of((enum gh_alg)alg);
        struct gh_str token;
        struct gh_claims claims;
        const struct gh_key *key = test_key((enum gh_alg)alg, "k1");
        CHECK(gh_jws_sign(a, key, GH_STR("JWT"), GH_STR(CLAIMS), &token) == GH_OK);
        CHECK_ROW(gh_alg_name(key->alg), gh_token_open(a, token, find, ks, &claims) == GH_OK);
        CHECK(gh_str_is(claims.subject, "auth0|u1") && gh_str_is(claims.type, "JWT"));

        /* Each character matters: change one at a time, through all parts. */
        char *text = gh_arena_cstr(a, token);
        for (size_t i = 0; i < token.len; i += 7) {
            gh_auto(gh_arena_freep) struct gh_arena *b = gh_arena_new(1 << 20);
            char was = text[i];
            text[i] = was == 'A' ? 'B' : 'A';
            CHECK_ROW(text, gh_token_open(b, (struct gh_str){ text, token.len }, find, ks, &claims) != GH_OK);
            text[i] = was;
        }
    }
}

TEST(a_key_believes_only_its_own_algorithm) {
    for (int bound = GH_RS256; bound <= GH_PS512; bound++)
        for (int used = GH_RS256; used <= GH_PS512; used++) {
            gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
            gh_auto(gh_keyset_freep) struct gh_keyset *ks = keyset_of((enum gh_alg)bound);
            struct gh_str token;
            struct gh_claims claims;
            const struct gh_key *key = test_key((enum gh_alg)used, "k1");
            CHECK(gh_jws_sign(a, key, GH_STR("JWT"), GH_STR(CLAIMS), &token) == GH_OK);
            enum gh_err e = gh_token_open(a, token, find, ks, &claims);
            CHECK(e == (bound == used ? GH_OK : GH_ERR_WRONG_ALG));
        }
}

TEST(other_keys_issuers_and_types_are_refused) {
    static const struct {
        const char *kid, *typ, *claims;
        enum gh_err want;
    } rows[] = {
        { "k1", "JWT", CLAIMS, GH_OK },
        { "k1", "at+jwt", CLAIMS, GH_OK },
        { "k1", "application/at+jwt", CLAIMS, GH_OK },
        { "k1", "logout+jwt", CLAIMS, GH_ERR_WRONG_TYPE },
        { "k1", "dpop+jwt", CLAIMS, GH_ERR_WRONG_TYPE },
        { "k1", "jwt", CLAIMS, GH_ERR_WRONG_TYPE },
        { "k1", "AT+JWT", CLAIMS, GH_ERR_WRONG_TYPE },
        { "K1", "JWT", CLAIMS, GH_ERR_UNKNOWN_KEY },
        { "k2", "JWT", CLAIMS, GH_ERR_UNKNOWN_KEY },
        { "k1", "JWT", "{\"iss\":\"https://evil.example/\",\"exp\":2000000000}", GH_ERR_UNKNOWN_KEY },
        { "k1", "JWT", "{\"exp\":2000000000}", GH_ERR_UNKNOWN_KEY },
        { "k1", "JWT", "{\"iss\":\"" ISSUER "\"}", GH_ERR_BAD_CLAIM },
        { "k1", "JWT", "[]", GH_ERR_MALFORMED },
        { "k1", "JWT", "\"text\"", GH_ERR_MALFORMED },
    };
    gh_auto(gh_keyset_freep) struct gh_keyset *ks = keyset_of(GH_ES256);
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
        struct gh_str token;
        struct gh_claims claims;
        const struct gh_key *key = test_key(GH_ES256, rows[i].kid);
        CHECK(gh_jws_sign(a, key, gh_str_from(rows[i].typ), gh_str_from(rows[i].claims), &token) == GH_OK);
        CHECK_ROW(rows[i].claims, gh_token_open(a, token, find, ks, &claims) == rows[i].want);
    }
}

TEST(each_shortage_of_memory_is_said) {
    gh_auto(gh_arena_freep) struct gh_arena *signing = gh_arena_new(1 << 20);
    gh_auto(gh_keyset_freep) struct gh_keyset *ks = keyset_of(GH_ES256);
    struct gh_str token;
    CHECK(gh_jws_sign(signing, test_key(GH_ES256, "k1"), GH_STR("JWT"), GH_STR(CLAIMS), &token) == GH_OK);
    enum gh_err e = GH_ERR_NOMEM;
    size_t cap = 0;
    for (; e == GH_ERR_NOMEM && cap < 4096; cap += 16) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(cap);
        struct gh_claims claims;
        e = gh_token_open(a, token, find, ks, &claims);
    }
    CHECK(e == GH_OK && cap > 200);
    test_keys_free();
}

GH_TESTS(each_algorithm_opens_what_it_signed_and_nothing_changed, a_key_believes_only_its_own_algorithm,
         other_keys_issuers_and_types_are_refused, each_shortage_of_memory_is_said)
