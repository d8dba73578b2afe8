#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "core/b64url.h"
#include "core/json.h"
#include "core/jwk.h"
#include "core/keyset.h"
#include "core/limits.h"

GH_DEFINE_FREEP(BIGNUM, BN_free)

/* A public key as the members that RFC 7638 3.2 hashes, in its order: `text` is the inside of the object. */
static enum gh_err number(struct gh_arena *a, EVP_PKEY *pkey, const char *name, size_t len,
                          struct gh_str *ret) {
    gh_auto(BIGNUM_freep) BIGNUM *n = NULL;
    if (!EVP_PKEY_get_bn_param(pkey, name, &n))
        return GH_ERR_CRYPTO;
    if (len == 0)
        len = (size_t)BN_num_bytes(n);
    unsigned char *bytes = gh_arena_alloc(a, len);
    if (!bytes)
        return GH_ERR_NOMEM;
    if (BN_bn2binpad(n, bytes, (int)len) < 0)
        return GH_ERR_CRYPTO;
    return gh_b64url_encode(a, (struct gh_str){ (char *)bytes, len }, ret);
}

static enum gh_err done(struct gh_str text, struct gh_str *ret) {
    *ret = text;
    return text.ptr ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_err rsa_members(struct gh_arena *a, EVP_PKEY *pkey, struct gh_str *ret) {
    struct gh_str n, exponent;
    enum gh_err e = number(a, pkey, OSSL_PKEY_PARAM_RSA_N, 0, &n);
    if (!e)
        e = number(a, pkey, OSSL_PKEY_PARAM_RSA_E, 0, &exponent);
    if (e)
        return e;
    return done(gh_arena_printf(a, "\"e\":\"%.*s\",\"kty\":\"RSA\",\"n\":\"%.*s\"", GH_STR_FMT(exponent),
                                GH_STR_FMT(n)),
                ret);
}

static enum gh_err ec_members(struct gh_arena *a, EVP_PKEY *pkey, const struct gh_alg_traits *t,
                              struct gh_str *ret) {
    struct gh_str x, y;
    enum gh_err e = number(a, pkey, OSSL_PKEY_PARAM_EC_PUB_X, t->coordinate, &x);
    if (!e)
        e = number(a, pkey, OSSL_PKEY_PARAM_EC_PUB_Y, t->coordinate, &y);
    if (e)
        return e;
    return done(gh_arena_printf(a, "\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%.*s\",\"y\":\"%.*s\"", t->curve,
                                GH_STR_FMT(x), GH_STR_FMT(y)),
                ret);
}

static enum gh_err okp_members(struct gh_arena *a, EVP_PKEY *pkey, const struct gh_alg_traits *t,
                               struct gh_str *ret) {
    unsigned char raw[32];
    size_t len = sizeof raw;
    struct gh_str x;
    if (EVP_PKEY_get_raw_public_key(pkey, raw, &len) != 1)
        return GH_ERR_CRYPTO;
    enum gh_err e = gh_b64url_encode(a, (struct gh_str){ (char *)raw, len }, &x);
    if (e)
        return e;
    return done(gh_arena_printf(a, "\"crv\":\"%s\",\"kty\":\"OKP\",\"x\":\"%.*s\"", t->curve, GH_STR_FMT(x)),
                ret);
}

/* The row of the table that describes the key: of an RSA key the first, since its members do not depend on
 * the algorithm. */
static const struct gh_alg_traits *traits_of(EVP_PKEY *pkey) {
    char group[32] = "";
    EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL);
    const struct gh_alg_traits *t;
    for (int alg = GH_RS256; (t = gh_alg_traits((enum gh_alg)alg)); alg++)
        if (EVP_PKEY_is_a(pkey, t->key_type) && (!t->group || strcmp(t->group, group) == 0))
            return t;
    return NULL;
}

static enum gh_err members_of(struct gh_arena *a, EVP_PKEY *pkey, struct gh_str *ret) {
    const struct gh_alg_traits *t = traits_of(pkey);
    if (!t)
        return GH_ERR_UNSUPPORTED;
    return t->group    ? ec_members(a, pkey, t, ret)
           : t->digest ? rsa_members(a, pkey, ret)
                       : okp_members(a, pkey, t, ret);
}

enum gh_err gh_jwk_format(const struct gh_key *key, struct gh_buf *ret) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(16384);
    struct gh_str members;
    if (!a)
        return GH_ERR_NOMEM;
    enum gh_err e = members_of(a, key->pkey, &members);
    if (e)
        return e;
    gh_buf_add(ret, GH_STR("{\"kid\":"));
    gh_json_quote(ret, key->kid);
    gh_buf_addf(ret, ",\"use\":\"sig\",\"alg\":\"%s\",", gh_alg_name(key->alg));
    gh_buf_add(ret, members);
    gh_buf_add_char(ret, '}');
    return ret->failed ? GH_ERR_NOMEM : GH_OK;
}

enum gh_err gh_jwk_thumbprint(struct gh_arena *a, EVP_PKEY *pkey, struct gh_str *ret) {
    struct gh_str members;
    enum gh_err e = members_of(a, pkey, &members);
    if (e)
        return e;
    struct gh_str text = gh_arena_printf(a, "{%.*s}", GH_STR_FMT(members));
    if (!text.ptr)
        return GH_ERR_NOMEM;
    unsigned char digest[32];
    if (EVP_Q_digest(NULL, "SHA256", NULL, text.ptr, text.len, digest, NULL) != 1)
        return GH_ERR_CRYPTO;
    return gh_b64url_encode(a, (struct gh_str){ (char *)digest, sizeof digest }, ret);
}
