#include <openssl/bn.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "core/b64url.h"
#include "core/cleanup.h"
#include "core/keyset.h"
#include "core/limits.h"
#include "keys.h"
#include "tests/check.h"

/* Published keys (RFC 7517 A.1, RFC 8037 A.2), so that the rows below can spoil one member at a time. */
#define EC_X_VALUE "\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\""
#define EC_X "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\""
#define EC_Y "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\""
#define EC "\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X "," EC_Y
#define OKP "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define RSA_N                                                                                                \
    "\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"        \
    "BJECPebWK"                                                                                              \
    "RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"                        \
    "FDW2QvzqY368QQMicAtaSqzs8"                                                                              \
    "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"   \
    "xBni"                                                                                                   \
    "Iqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\""
#define RSA "\"kty\":\"RSA\"," RSA_N ",\"e\":\"AQAB\""
#define SET(members) "{\"keys\":[{\"kid\":\"k\"," members "}]}"

TEST(a_key_set_is_refused_whole_for_each_bad_key) {
    static const struct {
        const char *json;
        enum gh_err want;
        size_t count;
    } rows[] = {
        { SET("\"alg\":\"ES256\"," EC), GH_OK, 1 },
        { SET("\"alg\":\"EdDSA\"," OKP), GH_OK, 1 },
        { SET("\"alg\":\"PS512\",\"use\":\"sig\",\"key_ops\":[\"verify\"],\"x5c\":[],\"x5t\":\"y\"," RSA),
          GH_OK, 1 },
        { SET(RSA), GH_OK, 1 }, /* takes the fallback, RS256 */
        { "{\"keys\":[]}", GH_OK, 0 },
        { "{\"keys\":[{\"alg\":\"ES256\"," EC "}]}", GH_OK, 0 }, /* without kid nobody can name it */
        { SET("\"use\":\"enc\"," RSA), GH_OK, 0 },
        { SET("\"key_ops\":[\"encrypt\"]," RSA), GH_OK, 0 },
        { SET("\"kty\":\"AKP\",\"alg\":\"ML-DSA-44\",\"pub\":\"AA\""), GH_OK, 0 },
        { SET("\"alg\":\"RSA-OAEP\"," RSA), GH_OK, 0 },
        { SET("\"alg\":\"none\"," RSA), GH_OK, 0 },
        { SET("\"alg\":\"HS256\"," RSA), GH_OK, 0 }, /* a public key is no secret */
        { SET(EC), GH_OK, 0 },                       /* the fallback does not fit */
        { "{\"keys\":[{\"kid\":\"a\",\"alg\":\"ES256\"," EC "},{\"kid\":\"b\"," RSA "}]}", GH_OK, 2 },
        { "{\"keys\":[{\"kid\":\"a\",\"alg\":\"ES256\"," EC "},{\"kid\":\"a\"," RSA "}]}", GH_ERR_MALFORMED,
          0 },
        { "{\"keys\":[{\"kid\":\"a\",\"alg\":\"ES256\"," EC "},{\"kid\":\"\\u0061\"," RSA "}]}",
          GH_ERR_MALFORMED, 0 },
        { "{\"keys\":[{\"kid\":\"a\",\"kty\":\"oct\",\"k\":\"AAAA\"},{\"kid\":\"b\"," RSA "}]}",
          GH_ERR_UNSUPPORTED, 0 },
        { SET("\"d\":\"AQAB\"," RSA), GH_ERR_UNSUPPORTED, 0 },
        { SET("\"\\u0064\":\"AQAB\"," RSA), GH_ERR_UNSUPPORTED, 0 },
        { SET("\"qi\":1," RSA), GH_ERR_UNSUPPORTED, 0 },
        { SET("\"alg\":\"ES256\",\"d\":\"AQAB\"," EC), GH_ERR_UNSUPPORTED, 0 },
        { SET("\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":"
              "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbf"
              "AAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-"
              "5JsGY4Hc5n9yBXArwl93lqt7w\""),
          GH_ERR_UNSUPPORTED, 0 }, /* 1024 bits */
        { SET("\"kty\":\"RSA\",\"e\":\"Aw\"," RSA_N), GH_ERR_UNSUPPORTED, 0 },
        { SET("\"kty\":\"RSA\",\"e\":\"AQ\"," RSA_N), GH_ERR_UNSUPPORTED, 0 },
        { SET("\"kty\":\"RSA\",\"e\":\"AAEAAQ\"," RSA_N), GH_ERR_MALFORMED, 0 }, /* a leading zero */
        { SET("\"kty\":\"RSA\",\"e\":\"AQAB\""), GH_ERR_MALFORMED, 0 },
        { SET("\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":7"), GH_ERR_MALFORMED, 0 },
        { SET("\"kty\":\"RSA\",\"e\":\"AQAB=\"," RSA_N), GH_ERR_MALFORMED, 0 },
        { SET("\"alg\":\"ES256\"," RSA), GH_ERR_MALFORMED, 0 }, /* algorithm and type differ */
        { SET("\"alg\":\"RS256\"," EC), GH_ERR_MALFORMED, 0 },
        { SET("\"alg\":\"ES384\"," EC), GH_ERR_MALFORMED, 0 }, /* algorithm and curve differ */
        { SET("\"alg\":\"EdDSA\",\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"AA\""), GH_ERR_MALFORMED, 0 },
        { SET("\"alg\":\"EdDSA\",\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\""), GH_ERR_MALFORMED, 0 },
        { SET("\"alg\":\"ES256\",\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X), GH_ERR_MALFORMED, 0 },
        { SET("\"alg\":\"ES256\",\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X ",\"y\":\"AA\""), GH_ERR_MALFORMED,
          0 },
        { SET("\"alg\":\"ES256\",\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X
              ",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyN\""),
          GH_ERR_MALFORMED, 0 }, /* stray low bits */
        { SET("\"alg\":\"ES256\",\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X
              ",\"y\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\""),
          GH_ERR_UNSUPPORTED, 0 },                                           /* off the curve */
        { SET("\"alg\":\"ES256\",\"kid\":\"j\"," EC), GH_ERR_MALFORMED, 0 }, /* kid twice in one key */
        { "{\"keys\":[{\"kid\":7," RSA "}]}", GH_ERR_MALFORMED, 0 },
        { "{\"keys\":[{\"kid\":\"\"," RSA "}]}", GH_ERR_MALFORMED, 0 },
        { "{\"keys\":[{\"kid\":\"k\"}]}", GH_ERR_MALFORMED, 0 },
        { "{\"keys\":[7]}", GH_ERR_MALFORMED, 0 },
        { "{\"keys\":{}}", GH_ERR_MALFORMED, 0 },
        { "{}", GH_ERR_MALFORMED, 0 },
        { "[]", GH_ERR_MALFORMED, 0 },
        { "", GH_ERR_MALFORMED, 0 },
        { "<html>", GH_ERR_MALFORMED, 0 },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_keyset_freep) struct gh_keyset *ks = NULL;
        enum gh_err e = gh_keyset_parse_jwks(gh_str_from(rows[i].json), GH_RS256, &ks);
        CHECK_ROW(rows[i].json, e == rows[i].want);
        CHECK_ROW(rows[i].json, e ? !ks : gh_keyset_count(ks) == rows[i].count);
    }
    struct gh_keyset *ks = NULL;
    CHECK(gh_keyset_parse_jwks(GH_STR(SET(RSA)), GH_ALG_UNKNOWN, &ks) == GH_ERR_UNSUPPORTED && !ks);
}

#define BESIDE(members) "{\"keys\":[{\"kid\":\"good\",\"alg\":\"ES256\"," EC "},{\"kid\":\"k\"," members "}]}"

TEST(a_foreign_set_loses_its_bad_keys_but_never_shows_a_secret) {
    static const struct {
        const char *json;
        enum gh_err want;
        size_t count, left_out;
    } rows[] = {
        { BESIDE(RSA), GH_OK, 2, 0 },
        { BESIDE("\"use\":\"enc\"," RSA), GH_OK, 1, 0 }, /* not for us: nothing is wrong with it */
        { BESIDE("\"kty\":\"RSA\",\"e\":\"Aw\"," RSA_N), GH_OK, 1, 1 },
        { BESIDE("\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AQAB\""), GH_OK, 1, 1 }, /* weak */
        { BESIDE("\"kty\":\"RSA\",\"e\":\"AQAB\""), GH_OK, 1, 1 },
        { BESIDE("\"alg\":\"RS256\"," EC), GH_OK, 1, 1 },
        { BESIDE("\"alg\":\"ES256\",\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X ",\"y\":" EC_X_VALUE), GH_OK, 1,
          1 },
        { "{\"keys\":[1,{\"kid\":\"k\"," RSA "}]}", GH_OK, 1, 1 },
        { "{\"keys\":[]}", GH_OK, 0, 0 },
        { BESIDE("\"kty\":\"oct\",\"k\":\"AAAA\""), GH_ERR_UNSUPPORTED, 0, 0 },
        { BESIDE("\"kty\":\"\\u006fct\""), GH_ERR_UNSUPPORTED, 0, 0 },
        { BESIDE("\"d\":\"AQAB\"," RSA), GH_ERR_UNSUPPORTED, 0, 0 },
        { BESIDE("\"use\":\"enc\",\"p\":\"AQAB\"," RSA), GH_ERR_UNSUPPORTED, 0, 0 }, /* a key for others */
        { BESIDE("\"kty\":\"AKP\",\"\\u0064\":\"AA\""), GH_ERR_UNSUPPORTED, 0, 0 },
        { "{\"keys\":[{\"kid\":\"a\"," RSA "},{\"kid\":\"a\",\"alg\":\"ES256\"," EC "}]}", GH_ERR_MALFORMED,
          0, 0 },
        { "{\"keys\":{}}", GH_ERR_MALFORMED, 0, 0 },
        { "{\"keys\":[],\"keys\":[]}", GH_ERR_MALFORMED, 0, 0 },
        { "[]", GH_ERR_MALFORMED, 0, 0 },
        { "<html>", GH_ERR_MALFORMED, 0, 0 },
        { "", GH_ERR_MALFORMED, 0, 0 },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_keyset_freep) struct gh_keyset *ks = NULL;
        size_t left_out;
        enum gh_err e = gh_keyset_parse_foreign(gh_str_from(rows[i].json), GH_RS256, &left_out, &ks);
        CHECK_ROW(rows[i].json, e == rows[i].want);
        if (e)
            continue;
        CHECK_ROW(rows[i].json, gh_keyset_count(ks) == rows[i].count && left_out == rows[i].left_out);

        gh_auto(gh_buf_release) struct gh_buf text = gh_buf_make(GH_LIMIT_JWKS);
        gh_auto(gh_keyset_freep) struct gh_keyset *again = NULL;
        CHECK_ROW(rows[i].json, gh_keyset_format(ks, &text) == GH_OK);
        CHECK_ROW(rows[i].json, gh_keyset_parse_jwks(gh_buf_str(&text), GH_ALG_UNKNOWN, &again) == GH_OK);
        CHECK_ROW(rows[i].json, gh_keyset_count(again) == rows[i].count);
    }
}

/* A modulus as the broken library makes them: 1 modulo each small prime, which is a power of 65537. Such a
 * number is M * r + 1 with M the product of those primes. */
TEST(a_roca_modulus_is_refused) {
    static const unsigned primes[] = { 2,   3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,
                                       43,  47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101,
                                       103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167 };
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    for (unsigned add = 1; add <= 3; add += 2) {
        BIGNUM *n = BN_new();
        unsigned char bytes[256];
        struct gh_str text;
        struct gh_keyset *ks = NULL;
        CHECK(n && BN_one(n));
        for (size_t i = 0; i < GH_COUNT(primes); i++)
            CHECK(BN_mul_word(n, primes[i]));
        CHECK(BN_lshift(n, n, 2048 - BN_num_bits(n)) && BN_add_word(n, add));
        CHECK(BN_bn2binpad(n, bytes, sizeof bytes) == sizeof bytes);
        CHECK(gh_b64url_encode(a, (struct gh_str){ (char *)bytes, sizeof bytes }, &text) == GH_OK);
        struct gh_str json =
            gh_arena_printf(a, SET("\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%.*s\""), GH_STR_FMT(text));
        /* 3 is no power of 65537 modulo 11 among others: the same number plus 2 is another key and passes. */
        CHECK(gh_keyset_parse_jwks(json, GH_RS256, &ks) == (add == 1 ? GH_ERR_UNSUPPORTED : GH_OK));
        gh_keyset_free(ks);
        BN_free(n);
    }
}

TEST(a_set_has_a_largest_size) {
    gh_auto(gh_buf_release) struct gh_buf b = gh_buf_make(1 << 20);
    for (size_t keys = GH_LIMIT_JWKS_KEYS; keys <= GH_LIMIT_JWKS_KEYS + 1; keys++) {
        gh_auto(gh_keyset_freep) struct gh_keyset *ks = NULL;
        gh_buf_reset(&b);
        for (size_t i = 0; i < keys; i++)
            gh_buf_addf(&b, "%s{\"kid\":\"k%zu\",\"alg\":\"EdDSA\"," OKP "}", i ? "," : "{\"keys\":[", i);
        gh_buf_add(&b, GH_STR("]}"));
        enum gh_err e = gh_keyset_parse_jwks(gh_buf_str(&b), GH_ALG_UNKNOWN, &ks);
        CHECK(e == (keys > GH_LIMIT_JWKS_KEYS ? GH_ERR_TOO_LARGE : GH_OK));
        CHECK(e || (gh_keyset_find(ks, GH_STR("k0")) && gh_keyset_find(ks, GH_STR("k99"))));
        CHECK(e || !gh_keyset_find(ks, GH_STR("k100")));
    }
    /* Keys that are not for us count too: somebody has to look at them. */
    gh_buf_reset(&b);
    for (size_t i = 0; i <= GH_LIMIT_JWKS_KEYS; i++)
        gh_buf_addf(&b, "%s{\"kty\":\"X\"}", i ? "," : "{\"keys\":[");
    gh_buf_add(&b, GH_STR("]}"));
    struct gh_keyset *none = NULL;
    CHECK(gh_keyset_parse_jwks(gh_buf_str(&b), GH_RS256, &none) == GH_ERR_TOO_LARGE);
    gh_buf_reset(&b);
    for (size_t i = 0; i <= GH_LIMIT_JWKS; i++)
        gh_buf_add_char(&b, ' ');
    struct gh_keyset *ks = NULL;
    CHECK(gh_keyset_parse_jwks(gh_buf_str(&b), GH_RS256, &ks) == GH_ERR_TOO_LARGE);
}

TEST(keys_are_found_by_their_exact_name) {
    gh_auto(gh_keyset_freep) struct gh_keyset *ks = gh_keyset_new();
    EVP_PKEY *pkey = test_key(GH_EDDSA, "k")->pkey;
    static char longest[GH_LIMIT_KID + 1];
    memset(longest, 'x', sizeof longest);
    CHECK(gh_keyset_add(ks, GH_STR("k1"), GH_EDDSA, pkey) == GH_OK);
    CHECK(gh_keyset_add(ks, GH_STR("k1"), GH_EDDSA, pkey) == GH_ERR_CONFLICT);
    CHECK(gh_keyset_add(ks, (struct gh_str){ longest, GH_LIMIT_KID }, GH_EDDSA, pkey) == GH_OK);
    CHECK(gh_keyset_add(ks, (struct gh_str){ longest, GH_LIMIT_KID + 1 }, GH_EDDSA, pkey) ==
          GH_ERR_TOO_LARGE);
    CHECK(gh_keyset_find(ks, GH_STR("k1")) && !gh_keyset_find(ks, GH_STR("K1")));
    CHECK(!gh_keyset_find(ks, GH_STR("k")) && !gh_keyset_find(ks, GH_STR("k12")));
    CHECK(!gh_keyset_find(ks, GH_STR("")) && gh_keyset_count(ks) == 2);
}

TEST(a_key_must_fit_its_algorithm) {
    static const struct {
        enum gh_alg of, as;
        enum gh_err want;
    } rows[] = {
        { GH_RS256, GH_RS256, GH_OK },
        { GH_RS256, GH_PS384, GH_OK },
        { GH_RS256, GH_ES256, GH_ERR_UNSUPPORTED },
        { GH_RS256, GH_EDDSA, GH_ERR_UNSUPPORTED },
        { GH_RS256, GH_ALG_UNKNOWN, GH_ERR_UNSUPPORTED },
        { GH_RS256, (enum gh_alg)99, GH_ERR_UNSUPPORTED },
        { GH_ES256, GH_RS256, GH_ERR_UNSUPPORTED },
        { GH_ES256, GH_ES384, GH_ERR_UNSUPPORTED },
        { GH_ES384, GH_ES256, GH_ERR_UNSUPPORTED },
        { GH_EDDSA, GH_ES256, GH_ERR_UNSUPPORTED },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_keyset_freep) struct gh_keyset *ks = gh_keyset_new();
        CHECK(gh_keyset_add(ks, GH_STR("k"), rows[i].as, test_key(rows[i].of, "k")->pkey) == rows[i].want);
    }
}

TEST(only_a_public_key_is_read_from_pem) {
#define BODY "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define PEM(body) "-----BEGIN PUBLIC KEY-----\n" body "\n-----END PUBLIC KEY-----\n"
    static const struct {
        const char *pem;
        enum gh_err want;
    } rows[] = {
        { PEM(BODY), GH_OK },
        { "-----BEGIN PUBLIC KEY-----\r\n" BODY "\r\n-----END PUBLIC KEY-----", GH_OK },
        { "", GH_ERR_MALFORMED },
        { BODY, GH_ERR_MALFORMED },
        { PEM(""), GH_ERR_MALFORMED },
        { PEM("AAAA"), GH_ERR_MALFORMED },
        { PEM(BODY "x"), GH_ERR_MALFORMED },
        { PEM("MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURoA"),
          GH_ERR_MALFORMED }, /* a byte more */
        { PEM(BODY BODY), GH_ERR_MALFORMED },
        { PEM(BODY) PEM(BODY), GH_ERR_MALFORMED },
        { "x" PEM(BODY), GH_ERR_MALFORMED },
        { "-----BEGIN PUBLIC KEY-----END PUBLIC KEY-----", GH_ERR_MALFORMED },
        { "-----BEGIN PRIVATE KEY-----\n" BODY "\n-----END PRIVATE KEY-----\n", GH_ERR_MALFORMED },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_keyset_freep) struct gh_keyset *ks = gh_keyset_new();
        CHECK_ROW(rows[i].pem,
                  gh_keyset_add_pem(ks, GH_STR("k"), GH_EDDSA, gh_str_from(rows[i].pem)) == rows[i].want);
    }
}

TEST(a_key_is_written_as_it_is_read) {
    for (int alg = GH_RS256; alg <= GH_EDDSA; alg++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
        gh_auto(gh_buf_release) struct gh_buf b = gh_buf_make(1 << 16);
        gh_auto(gh_keyset_freep) struct gh_keyset *ks = NULL;
        const struct gh_key *key = test_key((enum gh_alg)alg, "a\"b");
        struct gh_str was, is;
        gh_buf_add(&b, GH_STR("{\"keys\":["));
        CHECK(gh_jwk_format(key, &b) == GH_OK); /* of a private key, and only its public half */
        gh_buf_add(&b, GH_STR("]}"));
        CHECK_ROW(b.ptr, gh_keyset_parse_jwks(gh_buf_str(&b), GH_ALG_UNKNOWN, &ks) == GH_OK);
        const struct gh_key *again = gh_keyset_find(ks, GH_STR("a\"b"));
        CHECK_ROW(b.ptr, again && again->alg == key->alg && EVP_PKEY_eq(again->pkey, key->pkey) == 1);
        CHECK(gh_jwk_thumbprint(a, key->pkey, &was) == GH_OK &&
              gh_jwk_thumbprint(a, again->pkey, &is) == GH_OK);
        CHECK(was.len == 43 && gh_str_eq(was, is));
    }
    struct gh_buf full = gh_buf_make(20);
    CHECK(gh_jwk_format(test_key(GH_ES256, "k"), &full) == GH_ERR_NOMEM);
    gh_buf_release(&full);
    test_keys_free();
}

GH_TESTS(a_key_set_is_refused_whole_for_each_bad_key,
         a_foreign_set_loses_its_bad_keys_but_never_shows_a_secret, a_roca_modulus_is_refused,
         a_set_has_a_largest_size, keys_are_found_by_their_exact_name, a_key_must_fit_its_algorithm,
         only_a_public_key_is_read_from_pem, a_key_is_written_as_it_is_read)
