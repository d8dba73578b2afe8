#include "core/keyset.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "core/b64url.h"
#include "core/jwk.h"
#include "core/jws.h"
#include "core/limits.h"

/* Twice the limit of keys and a power of two, so that a probe ends soon. A slot is 0 or one more than the
 * key's place. */
#define SLOTS 256
_Static_assert(SLOTS >= 2 * GH_LIMIT_JWKS_KEYS && GH_LIMIT_JWKS_KEYS < 255);

struct gh_keyset {
    struct gh_key *keys[GH_LIMIT_JWKS_KEYS]; /* each with its kid behind it; they never move */
    size_t count;
    unsigned char slots[SLOTS];
};

struct gh_keyset *gh_keyset_new(void) {
    return calloc(1, sizeof(struct gh_keyset));
}

void gh_keyset_free(struct gh_keyset *ks) {
    if (!ks)
        return;
    for (size_t i = 0; i < ks->count; i++) {
        EVP_MD_CTX_free(ks->keys[i]->verifier);
        EVP_PKEY_free(ks->keys[i]->pkey);
        free(ks->keys[i]);
    }
    free(ks);
}

size_t gh_keyset_count(const struct gh_keyset *ks) {
    return ks->count;
}

/* FNV-1a. Keys of a set come from its issuer: at worst it makes its own probes long, by 100 steps. */
static unsigned hash(struct gh_str s) {
    unsigned h = 2166136261u;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ gh_bytes(s)[i]) * 16777619u;
    return h ^ h >> 16;
}

/* The slot of that kid, or the free one where it belongs. */
static size_t slot_of(const struct gh_keyset *ks, struct gh_str kid) {
    size_t slot = hash(kid) % SLOTS;
    while (ks->slots[slot] && !gh_str_eq(ks->keys[ks->slots[slot] - 1]->kid, kid))
        slot = (slot + 1) % SLOTS;
    return slot;
}

const struct gh_key *gh_keyset_find(const struct gh_keyset *ks, struct gh_str kid) {
    unsigned char place = ks->slots[slot_of(ks, kid)];
    return place ? ks->keys[place - 1] : NULL;
}

static struct gh_key *key_new(struct gh_str kid, enum gh_alg alg, EVP_PKEY *pkey) {
    struct gh_key *key = malloc(sizeof *key + kid.len);
    if (!key)
        return NULL;
    char *copy = (char *)(key + 1);
    memcpy(copy, kid.ptr, kid.len);
    *key = (struct gh_key){ .kid = { copy, kid.len }, .alg = alg, .pkey = pkey };
    return key;
}

/* Takes over the caller's reference when it succeeds. The key was checked. */
static enum gh_err insert(struct gh_keyset *ks, struct gh_str kid, enum gh_alg alg, EVP_PKEY *pkey) {
    size_t slot = slot_of(ks, kid);
    if (ks->slots[slot])
        return GH_ERR_CONFLICT;
    if (ks->count == GH_LIMIT_JWKS_KEYS || kid.len == 0 || kid.len > GH_LIMIT_KID)
        return GH_ERR_TOO_LARGE;
    struct gh_key *key = key_new(kid, alg, pkey);
    if (!key)
        return GH_ERR_NOMEM;
    enum gh_err e = gh_jws_verifier_new(key, &key->verifier);
    if (e) {
        free(key);
        return e;
    }
    ks->keys[ks->count++] = key;
    ks->slots[slot] = (unsigned char)ks->count;
    return GH_OK;
}

enum gh_err gh_keyset_add(struct gh_keyset *ks, struct gh_str kid, enum gh_alg alg, EVP_PKEY *pkey) {
    enum gh_err e = gh_jwk_check(alg, pkey);
    if (e)
        return e;
    if (!EVP_PKEY_up_ref(pkey))
        return GH_ERR_CRYPTO;
    e = insert(ks, kid, alg, pkey);
    if (e)
        EVP_PKEY_free(pkey);
    return e;
}

/* ---- PEM ---- */

/* The base64 of a "PUBLIC KEY" (RFC 7468 13) without its line ends. */
static enum gh_err pem_body(struct gh_arena *a, struct gh_str pem, struct gh_str *ret) {
    static const struct gh_str first = { "-----BEGIN PUBLIC KEY-----", 26 };
    static const struct gh_str last = { "-----END PUBLIC KEY-----", 24 };
    while (pem.len && (pem.ptr[pem.len - 1] == '\n' || pem.ptr[pem.len - 1] == '\r'))
        pem.len--;
    if (pem.len > GH_LIMIT_JWKS)
        return GH_ERR_TOO_LARGE;
    if (pem.len < first.len + last.len || !gh_str_starts(pem, first) || !gh_str_ends(pem, last))
        return GH_ERR_MALFORMED;
    char *text = gh_arena_alloc(a, pem.len);
    if (!text)
        return GH_ERR_NOMEM;
    size_t len = 0;
    for (size_t i = first.len; i < pem.len - last.len; i++)
        if (pem.ptr[i] != '\n' && pem.ptr[i] != '\r')
            text[len++] = pem.ptr[i];
    *ret = (struct gh_str){ text, len };
    return GH_OK;
}

enum gh_err gh_keyset_add_pem(struct gh_keyset *ks, struct gh_str kid, enum gh_alg alg, struct gh_str pem) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(2 * GH_LIMIT_JWKS);
    struct gh_str body, der;
    if (!a)
        return GH_ERR_NOMEM;
    enum gh_err e = pem_body(a, pem, &body);
    if (!e)
        e = gh_b64_decode(a, body, &der);
    if (e)
        return e;
    const unsigned char *p = gh_bytes(der);
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)der.len);
    if (!pkey)
        return GH_ERR_MALFORMED;
    e = p == gh_bytes(der) + der.len ? gh_keyset_add(ks, kid, alg, pkey) : GH_ERR_MALFORMED;
    EVP_PKEY_free(pkey);
    return e;
}

/* ---- JWK set ---- */

/* How a set is read: `left_out` counts the keys that cannot be believed, NULL: one refuses the set. */
struct reading {
    struct gh_arena *arena;
    struct gh_keyset *keys;
    enum gh_alg fallback;
    size_t *left_out;
};

static enum gh_err add_jwk(const struct reading *r, struct gh_json jwk) {
    struct gh_str kid;
    enum gh_alg alg;
    EVP_PKEY *pkey = NULL;
    if (r->left_out && gh_jwk_is_secret(jwk))
        return GH_ERR_UNSUPPORTED;
    enum gh_err e = gh_jwk_parse(r->arena, jwk, r->fallback, &kid, &alg, &pkey);
    if (e == GH_ERR_NOT_FOUND)
        return GH_OK;
    if (r->left_out && (e == GH_ERR_UNSUPPORTED || e == GH_ERR_MALFORMED || e == GH_ERR_TOO_LARGE)) {
        ++*r->left_out;
        return GH_OK;
    }
    if (e)
        return e;
    e = insert(r->keys, kid, alg, pkey);
    if (e)
        EVP_PKEY_free(pkey);
    return e == GH_ERR_CONFLICT ? GH_ERR_MALFORMED : e;
}

static enum gh_err add_all(const struct reading *r, struct gh_json keys) {
    struct gh_str name;
    struct gh_json jwk;
    size_t count = 0;
    for (size_t at = 0; gh_json_next(keys, &at, &name, &jwk);) {
        if (++count > GH_LIMIT_JWKS_KEYS)
            return GH_ERR_TOO_LARGE;
        enum gh_err e = add_jwk(r, jwk);
        if (e)
            return e;
    }
    return GH_OK;
}

static enum gh_err parse_set(struct gh_str text, enum gh_alg fallback, size_t *left_out,
                             struct gh_keyset **ret) {
    struct gh_json set, keys;
    if (text.len > GH_LIMIT_JWKS)
        return GH_ERR_TOO_LARGE;
    enum gh_err e = gh_json_parse(text, GH_LIMIT_JSON_DEPTH, &set);
    if (e)
        return e;
    if (!gh_json_member(set, GH_STR("keys"), &keys) || keys.type != GH_JSON_ARRAY)
        return GH_ERR_MALFORMED;

    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(2 * GH_LIMIT_JWKS);
    gh_auto(gh_keyset_freep) struct gh_keyset *ks = gh_keyset_new();
    if (!a || !ks)
        return GH_ERR_NOMEM;
    e = add_all(&(struct reading){ a, ks, fallback, left_out }, keys);
    if (e)
        return e;
    *ret = ks;
    ks = NULL;
    return GH_OK;
}

enum gh_err gh_keyset_parse_jwks(struct gh_str text, enum gh_alg fallback, struct gh_keyset **ret) {
    return parse_set(text, fallback, NULL, ret);
}

enum gh_err gh_keyset_parse_foreign(struct gh_str text, enum gh_alg fallback, size_t *ret_left_out,
                                    struct gh_keyset **ret) {
    *ret_left_out = 0;
    return parse_set(text, fallback, ret_left_out, ret);
}

enum gh_err gh_keyset_format(const struct gh_keyset *ks, struct gh_buf *ret) {
    gh_buf_add(ret, GH_STR("{\"keys\":["));
    for (size_t i = 0; i < ks->count; i++) {
        if (i > 0)
            gh_buf_add_char(ret, ',');
        enum gh_err e = gh_jwk_format(ks->keys[i], ret);
        if (e)
            return e;
    }
    gh_buf_add(ret, GH_STR("]}"));
    return ret->failed ? GH_ERR_NOMEM : GH_OK;
}
