/* What a lack of memory inside the crypto library makes of a signature: each of its allocations fails once,
 * in turn. A good signature is then proven or "our trouble", never "bad": that would be remembered. A bad one
 * is never good. */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/jws.h"
#include "keys.h"
#include "tests/check.h"

static size_t calls, fail_at; /* 0: none fails */

static bool fails(void) {
    return fail_at && ++calls == fail_at;
}

static void *give(size_t size, const char *file, int line) {
    return fails() ? NULL : malloc(size);
}

static void *give_more(void *p, size_t size, const char *file, int line) {
    return fails() ? NULL : realloc(p, size);
}

static void take_back(void *p, const char *file, int line) {
    free(p);
}

/* Before the library asks for its first byte. */
__attribute__((constructor)) static void stand_between(void) {
    CRYPTO_set_mem_functions(give, give_more, take_back);
}

static enum gh_err verify_failing(const struct gh_jws *jws, const struct gh_key *key, size_t at) {
    calls = 0;
    fail_at = at;
    enum gh_err e = gh_jws_verify(jws, key->alg, key);
    fail_at = 0;
    return e;
}

/* Returns how many allocations there were. */
static size_t in_turn(const struct gh_jws *good, const struct gh_jws *bad, const struct gh_key *key) {
    size_t at = 0;
    CHECK(verify_failing(good, key, 0) == GH_OK && verify_failing(bad, key, 0) == GH_ERR_BAD_SIGNATURE);
    do {
        enum gh_err e = verify_failing(good, key, ++at);
        CHECK_ROW(gh_alg_name(key->alg), e == GH_OK || e == GH_ERR_NOMEM || e == GH_ERR_CRYPTO);
    } while (calls >= at);
    size_t count = at - 1;
    for (at = 1; at <= count; at++)
        CHECK_ROW(gh_alg_name(key->alg), verify_failing(bad, key, at) != GH_OK);
    CHECK(verify_failing(good, key, 0) == GH_OK);
    return count;
}

TEST(no_lack_of_memory_makes_a_good_signature_bad_or_a_bad_one_good) {
    for (int alg = GH_RS256; alg <= GH_EDDSA; alg++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
        gh_auto(gh_keyset_freep) struct gh_keyset *ks = gh_keyset_new();
        const struct gh_key *key = test_key((enum gh_alg)alg, "k1");
        struct gh_str token;
        struct gh_jws good, bad;
        CHECK(gh_keyset_add(ks, key->kid, key->alg, key->pkey) == GH_OK);
        CHECK(gh_jws_sign(a, key, GH_STR("JWT"), GH_STR("{}"), &token) == GH_OK);
        CHECK(gh_jws_split(a, token, &good) == GH_OK);
        bad = good;
        bad.signing_input.len--;
        size_t copied = in_turn(&good, &bad, gh_keyset_find(ks, GH_STR("k1")));
        size_t made = in_turn(&good, &bad, key); /* a key that is in no set has nothing to copy */
        CHECK(copied > 2 && made > 2);
        printf("%s: %zu and %zu allocations\n", gh_alg_name(key->alg), copied, made);
    }
}

static bool works(const struct gh_keyset *ks, const struct gh_jws *jws, enum gh_alg alg) {
    const struct gh_key *key = gh_keyset_find(ks, GH_STR("k1"));
    return key && gh_jws_verify(jws, alg, key) == GH_OK;
}

/* A set is read whole and its key works, or it is our trouble: a key that is left out makes good tokens
 * unknown, half a key makes them bad. */
TEST(no_lack_of_memory_makes_a_key_unfit) {
    for (int alg = GH_RS256; alg <= GH_EDDSA; alg++) {
        gh_auto(gh_keyset_freep) struct gh_keyset *ks = gh_keyset_new();
        const struct gh_key *key = test_key((enum gh_alg)alg, "k1");
        struct gh_buf text = gh_buf_make(1 << 16);
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
        struct gh_str token;
        struct gh_jws jws;
        CHECK(gh_jws_sign(a, key, GH_STR("JWT"), GH_STR("{}"), &token) == GH_OK);
        CHECK(gh_jws_split(a, token, &jws) == GH_OK);
        CHECK(gh_keyset_add(ks, key->kid, key->alg, key->pkey) == GH_OK);
        CHECK(gh_keyset_format(ks, &text) == GH_OK);
        size_t at = 0;
        do {
            gh_auto(gh_keyset_freep) struct gh_keyset *read = NULL;
            calls = 0;
            fail_at = ++at;
            enum gh_err e = gh_keyset_parse_jwks(gh_buf_str(&text), GH_ALG_UNKNOWN, &read);
            fail_at = 0;
            bool right =
                e == GH_ERR_NOMEM || e == GH_ERR_CRYPTO || (e == GH_OK && works(read, &jws, key->alg));
            if (!right)
                print_error("allocation %zu: %s\n", at, gh_err_name(e));
            CHECK_ROW(gh_alg_name(key->alg), right);
        } while (calls >= at);
        CHECK(at > 10);
        gh_buf_release(&text);
    }
    test_keys_free();
}

GH_TESTS(no_lack_of_memory_makes_a_good_signature_bad_or_a_bad_one_good, no_lack_of_memory_makes_a_key_unfit)
