/* Wycheproof's JOSE files, its signature primitives, and the objects of the JOSE RFCs, judged with the policy
 * of jose/EXPECTED.json. HMAC and JWE have no code path here: what the policy accepts of them is counted
 * apart as "not offered", and a refusal of it is right. A wrong acceptance is never excused. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/jws.h"
#include "tests/check.h"
#include "vectors.h"

struct tally {
    unsigned accepted, refused, not_offered, wrong_accepts, wrong_refusals;
};

static void count(struct tally *t, const char *file, int id, bool want, bool got, bool offered) {
    t->accepted += got && want;
    t->refused += !got && !want;
    t->not_offered += want && !got && !offered;
    t->wrong_accepts += got && !want;
    t->wrong_refusals += want && !got && offered;
    if (got != want && (got || offered))
        print_error("%s #%d: %s\n", file ? file : "a file without a name", id,
                    got ? "accepted, must be refused" : "refused, must be accepted");
}

static void say(const char *what, const struct tally *t) {
    printf("%s: %u accepted, %u refused, %u not offered, %u wrong accepts, %u wrong refusals\n", what,
           t->accepted, t->refused, t->not_offered, t->wrong_accepts, t->wrong_refusals);
    CHECK(t->wrong_accepts == 0 && t->wrong_refusals == 0 && t->refused > 0);
}

/* The verdict that the policy gives: an override, else by the label. */
static bool wanted(const json_t *expected, const char *file, const json_t *test, const char **layer) {
    size_t i;
    json_t *row;
    long long id = json_integer_value(member_of(test, "tcId"));
    json_array_foreach(member_of(expected, "overrides"), i, row) {
        if (gh_str_is(text_of(row, "file"), file) && json_integer_value(member_of(row, "tcId")) == id) {
            *layer = text_of(row, "layer").ptr;
            return gh_str_is(text_of(row, "verdict"), "accept");
        }
    }
    *layer = "";
    return gh_str_is(text_of(test, "result"), "valid");
}

/* ---- whole tokens ---- */

/* A key or a set as the text of a set. The text is the caller's. */
static char *as_set(const json_t *key) {
    json_t *set = json_object_get(key, "keys") ? json_deep_copy(key) : json_pack("{s:[O]}", "keys", key);
    char *text = json_dumps(set, JSON_COMPACT);
    json_decref(set);
    return text;
}

static bool accepts(const json_t *key, struct gh_str token, struct gh_str *payload) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    gh_auto(gh_keyset_freep) struct gh_keyset *ks = NULL;
    struct gh_jws jws;
    struct gh_jws_header header;
    char *text = as_set(key);
    enum gh_err e = gh_keyset_parse_jwks(gh_str_from(text), GH_ALG_UNKNOWN, &ks);
    free(text);
    if (e || gh_jws_split(a, token, &jws) || gh_jws_header_parse(a, jws.header, &header))
        return false;
    *payload = jws.payload;
    const struct gh_key *found = gh_keyset_find(ks, header.kid);
    return found && gh_jws_verify(&jws, header.alg, found) == GH_OK;
}

/* Only refusals can be expected of us where the trust is a symmetric key and where the payload is empty: a
 * JWS may have that, an access token may not (three parts that are not empty). */
static bool is_offered(const json_t *key, const json_t *token) {
    const json_t *keys = json_object_get(key, "keys");
    const json_t *first = keys ? json_array_get(keys, 0) : key;
    bool empty_payload = json_is_string(token) && strstr(json_string_value(token), "..");
    return !gh_str_is(text_of(first, "kty"), "oct") && !empty_payload;
}

static void run_tokens(const json_t *expected, const char *file) {
    char path[256];
    struct tally t = { 0 };
    size_t i, j;
    json_t *group, *test;
    snprintf(path, sizeof path, "jose/wycheproof/%s", file);
    json_t *all = vectors_json(path);
    json_array_foreach(member_of(all, "testGroups"), i, group) {
        const json_t *key = json_object_get(group, "public");
        if (!key)
            key = member_of(group, "private");
        json_array_foreach(member_of(group, "tests"), j, test) {
            const char *layer;
            struct gh_str payload;
            bool want = wanted(expected, file, test, &layer);
            const char *kind = json_object_get(test, "jws") ? "jws" : "jwe";
            const json_t *token = member_of(test, kind);
            bool got = json_is_string(token) && accepts(key, text_of(test, kind), &payload);
            count(&t, file, (int)json_integer_value(member_of(test, "tcId")), want, got,
                  is_offered(key, token));
        }
    }
    json_decref(all);
    say(file, &t);
}

TEST(wycheproof_tokens_and_key_sets) {
    json_t *expected = vectors_json("jose/EXPECTED.json");
    run_tokens(expected, "json_web_signature_test.json");
    run_tokens(expected, "json_web_key_test.json");
    run_tokens(expected, "json_web_crypto_test.json");
    json_decref(expected);
}

/* ---- signatures alone ---- */

static bool verifies(struct gh_arena *a, enum gh_alg alg, struct gh_str pem, const json_t *test) {
    gh_auto(gh_keyset_freep) struct gh_keyset *ks = gh_keyset_new();
    struct gh_jws jws = { .signing_input = bytes_of_hex(a, text_of(test, "msg")),
                          .signature = bytes_of_hex(a, text_of(test, "sig")) };
    if (!ks || gh_keyset_add_pem(ks, GH_STR("k"), alg, pem))
        return false;
    return gh_jws_verify(&jws, alg, gh_keyset_find(ks, GH_STR("k"))) == GH_OK;
}

static void run_signatures(const json_t *expected, const char *file, enum gh_alg alg) {
    char path[256];
    struct tally t = { 0 };
    size_t i, j;
    json_t *group, *test;
    snprintf(path, sizeof path, "jose/wycheproof/%s", file);
    json_t *all = vectors_json(path);
    json_array_foreach(member_of(all, "testGroups"), i, group) {
        json_array_foreach(member_of(group, "tests"), j, test) {
            gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
            const char *layer;
            bool want = wanted(expected, file, test, &layer);
            bool got = verifies(a, alg, text_of(group, "publicKeyPem"), test);
            count(&t, file, (int)json_integer_value(member_of(test, "tcId")), want, got, true);
        }
    }
    json_decref(all);
    say(file, &t);
}

TEST(wycheproof_signatures) {
    static const struct {
        const char *file;
        enum gh_alg alg;
    } rows[] = {
        { "ecdsa_secp256r1_sha256_p1363_test.json", GH_ES256 },
        { "ecdsa_secp384r1_sha384_p1363_test.json", GH_ES384 },
        { "ed25519_test.json", GH_EDDSA },
        { "rsa_signature_2048_sha256_test.json", GH_RS256 },
        { "rsa_signature_2048_sha384_test.json", GH_RS384 },
        { "rsa_signature_2048_sha512_test.json", GH_RS512 },
        { "rsa_signature_3072_sha256_test.json", GH_RS256 },
        { "rsa_signature_3072_sha384_test.json", GH_RS384 },
        { "rsa_signature_3072_sha512_test.json", GH_RS512 },
        { "rsa_signature_4096_sha256_test.json", GH_RS256 },
        { "rsa_signature_4096_sha384_test.json", GH_RS384 },
        { "rsa_signature_4096_sha512_test.json", GH_RS512 },
        { "rsa_pss_2048_sha256_mgf1_32_test.json", GH_PS256 },
        { "rsa_pss_2048_sha384_mgf1_48_test.json", GH_PS384 },
        { "rsa_pss_3072_sha256_mgf1_32_test.json", GH_PS256 },
        { "rsa_pss_4096_sha256_mgf1_32_test.json", GH_PS256 },
        { "rsa_pss_4096_sha384_mgf1_48_test.json", GH_PS384 },
        { "rsa_pss_4096_sha512_mgf1_64_test.json", GH_PS512 },
    };
    json_t *expected = vectors_json("jose/EXPECTED.json");
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        run_signatures(expected, rows[i].file, rows[i].alg);
    json_decref(expected);
}

/* ---- the RFCs ---- */

/* The public half, with the kid and alg that the object leaves out; the caller's. */
static json_t *public_of(const json_t *jwk, const char *alg) {
    static const char *const secret[] = { "d", "p", "q", "dp", "dq", "qi" };
    json_t *copy = json_deep_copy(jwk);
    for (size_t i = 0; i < GH_COUNT(secret); i++)
        json_object_del(copy, secret[i]);
    if (!json_object_get(copy, "kid"))
        json_object_set_new(copy, "kid", json_string("k"));
    if (alg && !json_object_get(copy, "alg"))
        json_object_set_new(copy, "alg", json_string(alg));
    return copy;
}

static const json_t *set_of(const json_t *rfc, const char *name) {
    size_t i;
    json_t *set;
    json_array_foreach(member_of(rfc, "sets"), i, set) {
        if (gh_str_is(text_of(set, "set"), name))
            return member_of(set, "cases");
    }
    fail_msg("no set %s", name);
    return NULL;
}

TEST(published_thumbprints) {
    json_t *rfc = vectors_json("jose/rfc.json"), *row;
    size_t i, checked = 0;
    json_array_foreach(set_of(rfc, "jwk_thumbprint_sha256"), i, row) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
        gh_auto(gh_keyset_freep) struct gh_keyset *ks = NULL;
        struct gh_str kty = text_of(member_of(row, "jwk"), "kty"), print = { 0 };
        json_t *key = public_of(member_of(row, "jwk"), gh_str_is(kty, "EC") ? "ES256" : "EdDSA");
        char *text = as_set(key);
        CHECK_ROW(text, gh_keyset_parse_jwks(gh_str_from(text), GH_ALG_UNKNOWN, &ks) == GH_OK);
        const struct gh_key *found = gh_keyset_find(ks, text_of(key, "kid"));
        CHECK(found && gh_jwk_thumbprint(a, found->pkey, &print) == GH_OK);
        CHECK_ROW(text, gh_str_eq(print, text_of(row, "thumbprint")));
        checked++;
        free(text);
        json_decref(key);
    }
    json_decref(rfc);
    CHECK(checked == 3);
}

/* Published tokens carry no kid, which we demand: so the shape and the signature are proven here. */
static bool signature_holds(const json_t *jwk, const char *alg, struct gh_str token) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    gh_auto(gh_keyset_freep) struct gh_keyset *ks = NULL;
    struct gh_jws jws;
    json_t *key = public_of(jwk, alg);
    char *text = as_set(key);
    struct gh_str kid = text_of(key, "kid");
    bool holds = gh_keyset_parse_jwks(gh_str_from(text), GH_ALG_UNKNOWN, &ks) == GH_OK &&
                 gh_keyset_find(ks, kid) && gh_jws_split(a, token, &jws) == GH_OK &&
                 gh_jws_verify(&jws, gh_alg_from_name(gh_str_from(alg)), gh_keyset_find(ks, kid)) == GH_OK;
    free(text);
    json_decref(key);
    return holds;
}

TEST(published_tokens_of_the_rfcs) {
    json_t *rfc = vectors_json("jose/rfc.json"), *row;
    struct tally t = { 0 };
    size_t i;
    json_array_foreach(set_of(rfc, "jws_compact"), i, row) {
        const json_t *jwk = json_object_get(row, "jwk");
        const json_t *alg = json_object_get(jwk, "alg");
        bool offered = alg && gh_alg_from_name(gh_str_from(json_string_value(alg)));
        bool want = gh_str_is(text_of(row, "verdict"), "accept");
        bool got = alg && signature_holds(jwk, json_string_value(alg), text_of(row, "jws"));
        count(&t, text_of(row, "ref").ptr, (int)i, want, got, offered);
    }
    json_decref(rfc);
    say("rfc.json jws_compact", &t);
}

TEST(the_cookbook) {
    json_t *verdicts = vectors_json("jose/cookbook/VERDICTS.json"), *row;
    struct tally t = { 0 };
    size_t i;
    json_array_foreach(member_of(verdicts, "files"), i, row) {
        char path[512];
        struct gh_str file = text_of(row, "file");
        if (gh_str_starts(file, GH_STR("jwk/")))
            continue; /* keys of issuers here are public and signed with: see published_thumbprints */
        snprintf(path, sizeof path, "jose/cookbook/%.*s", GH_STR_FMT(file));
        json_t *example = vectors_json(path);
        const json_t *input = member_of(example, "input"), *compact = NULL;
        const json_t *output = json_object_get(example, "output");
        if (output)
            compact = json_object_get(output, "compact");
        const json_t *alg = json_object_get(input, "alg"), *key = json_object_get(input, "key");
        bool offered = json_is_string(alg) && gh_alg_from_name(gh_str_from(json_string_value(alg)));
        bool got = offered && compact && json_is_object(key) &&
                   signature_holds(key, json_string_value(alg), gh_str_from(json_string_value(compact)));
        count(&t, path, (int)i, gh_str_is(text_of(row, "verdict"), "accept"), got, offered);
        json_decref(example);
    }
    json_decref(verdicts);
    say("cookbook", &t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wycheproof_tokens_and_key_sets),
        cmocka_unit_test(wycheproof_signatures),
        cmocka_unit_test(published_thumbprints),
        cmocka_unit_test(published_tokens_of_the_rfcs),
        cmocka_unit_test(the_cookbook),
    };
    vectors_or_skip();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
