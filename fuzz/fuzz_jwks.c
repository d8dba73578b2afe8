#include "core/keyset.h"
#include "core/limits.h"
#include "fuzz/fuzz.h"

/* A key that was read is written and read again as the same key, bound to the same algorithm. */
static void survives(const struct gh_key *key) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    gh_auto(gh_keyset_freep) struct gh_keyset *ks = NULL;
    struct gh_buf text = gh_buf_make(GH_LIMIT_JWKS);
    struct gh_str was, is;
    gh_buf_add(&text, GH_STR("{\"keys\":["));
    MUST(gh_jwk_format(key, &text) == GH_OK);
    gh_buf_add(&text, GH_STR("]}"));
    MUST(gh_keyset_parse_jwks(gh_buf_str(&text), GH_ALG_UNKNOWN, &ks) == GH_OK);
    const struct gh_key *again = gh_keyset_find(ks, key->kid);
    MUST(again && again->alg == key->alg && gh_keyset_count(ks) == 1);
    MUST(gh_jwk_thumbprint(a, key->pkey, &was) == GH_OK && gh_jwk_thumbprint(a, again->pkey, &is) == GH_OK);
    MUST(gh_str_eq(was, is));
    gh_buf_release(&text);
}

/* What a lenient reader takes is at least what the strict one takes, and is written as a set for the latter.
 */
static void foreign(struct gh_str text, const struct gh_keyset *strict) {
    gh_auto(gh_keyset_freep) struct gh_keyset *ks = NULL, *again = NULL;
    gh_auto(gh_buf_release) struct gh_buf written = gh_buf_make(2 * GH_LIMIT_JWKS);
    size_t left_out;
    enum gh_err e = gh_keyset_parse_foreign(text, GH_RS256, &left_out, &ks);
    MUST(!strict || !e || e == GH_ERR_UNSUPPORTED);
    if (e)
        return;
    MUST(!strict || (gh_keyset_count(ks) == gh_keyset_count(strict) && left_out == 0));
    MUST(gh_keyset_format(ks, &written) == GH_OK);
    if (written.len > GH_LIMIT_JWKS)
        return;
    MUST(gh_keyset_parse_jwks(gh_buf_str(&written), GH_ALG_UNKNOWN, &again) == GH_OK);
    MUST(gh_keyset_count(again) == gh_keyset_count(ks));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gh_auto(gh_keyset_freep) struct gh_keyset *ks = NULL;
    if (gh_keyset_parse_jwks((struct gh_str){ (const char *)data, size }, GH_RS256, &ks) != GH_OK) {
        MUST(!ks);
        foreign((struct gh_str){ (const char *)data, size }, NULL);
        return 0;
    }
    foreign((struct gh_str){ (const char *)data, size }, ks);
    MUST(gh_keyset_count(ks) <= GH_LIMIT_JWKS_KEYS);
    static const char *const kids[] = { "k1", "k2", "a\"b", "\xc3\xa9" };
    for (size_t i = 0; i < GH_COUNT(kids); i++) {
        const struct gh_key *key = gh_keyset_find(ks, gh_str_from(kids[i]));
        if (key)
            survives(key);
    }
    return 0;
}
