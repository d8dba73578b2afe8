#include "core/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "core/b64url.h"
#include "core/keyset.h"
#include "core/limits.h"

GH_DEFINE_FREEP(BIGNUM, BN_free)
GH_DEFINE_FREEP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
GH_DEFINE_FREEP(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
GH_DEFINE_FREEP(OSSL_PARAM, OSSL_PARAM_free)

/* ---- reading ---- */

/* The members of a JWK that we look at, by value; absent ones are empty. */
struct jwk {
    struct gh_str kty, kid, use, alg, crv, n, e, x, y;
    bool secret;        /* has a member that only a private or symmetric key has */
    bool other_purpose; /* has key_ops, and "verify" is not among them */
};

static const struct {
    struct gh_str name;
    size_t offset;
} members[] = {
#define MEMBER(m)                                                                                            \
    { { #m, sizeof #m - 1 }, offsetof(struct jwk, m) }
    MEMBER(kty), MEMBER(kid), MEMBER(use), MEMBER(alg), MEMBER(crv),
    MEMBER(n),   MEMBER(e),   MEMBER(x),   MEMBER(y),
#undef MEMBER
};

static bool is_secret(struct gh_str name) {
    static const char *const names[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };
    for (size_t i = 0; i < GH_COUNT(names); i++)
        if (gh_json_key_spells(name, gh_str_from(names[i])))
            return true;
    return false;
}

bool gh_jwk_is_secret(struct gh_json jwk) {
    struct gh_str name;
    struct gh_json value;
    if (jwk.type != GH_JSON_OBJECT)
        return false;
    for (size_t at = 0; gh_json_next(jwk, &at, &name, &value);)
        if (is_secret(name))
            return true;
    return gh_json_member(jwk, GH_STR("kty"), &value) && value.type == GH_JSON_STRING &&
           gh_json_key_spells((struct gh_str){ value.text.ptr + 1, value.text.len - 2 }, GH_STR("oct"));
}

/* RFC 7517 4.3. */
static enum gh_err read_purpose(struct gh_arena *a, struct gh_json value, struct jwk *ret) {
    struct gh_str name, operation;
    struct gh_json item;
    if (value.type != GH_JSON_ARRAY)
        return GH_ERR_MALFORMED;
    ret->other_purpose = true;
    for (size_t at = 0; gh_json_next(value, &at, &name, &item);) {
        enum gh_err e = gh_json_string(a, item, &operation);
        if (e)
            return e == GH_ERR_BAD_CLAIM ? GH_ERR_MALFORMED : e;
        if (gh_str_is(operation, "verify"))
            ret->other_purpose = false;
    }
    return GH_OK;
}

static enum gh_err read_member(struct gh_arena *a, struct gh_str name, struct gh_json value,
                               struct jwk *ret) {
    for (size_t i = 0; i < GH_COUNT(members); i++) {
        if (!gh_json_key_spells(name, members[i].name))
            continue;
        struct gh_str *to = (struct gh_str *)((char *)ret + members[i].offset);
        enum gh_err e = gh_json_string(a, value, to);
        return e == GH_ERR_BAD_CLAIM || (e == GH_OK && to->len == 0) ? GH_ERR_MALFORMED : e;
    }
    if (gh_json_key_spells(name, GH_STR("key_ops")))
        return read_purpose(a, value, ret);
    ret->secret |= is_secret(name);
    return GH_OK;
}

static enum gh_err read_members(struct gh_arena *a, struct gh_json json, struct jwk *ret) {
    struct gh_str name;
    struct gh_json value;
    if (json.type != GH_JSON_OBJECT)
        return GH_ERR_MALFORMED;
    for (size_t at = 0; gh_json_next(json, &at, &name, &value);) {
        enum gh_err e = read_member(a, name, value, ret);
        if (e)
            return e;
    }
    return GH_OK;
}

/* A positive number in its shortest form (RFC 7518 2, Base64urlUInt). */
static enum gh_err push_number(struct gh_arena *a, OSSL_PARAM_BLD *b, const char *name, struct gh_str text,
                               BIGNUM **keep) {
    struct gh_str bytes;
    enum gh_err e = gh_b64url_decode(a, text, &bytes);
    if (e)
        return e;
    if (bytes.len == 0 || bytes.ptr[0] == 0)
        return GH_ERR_MALFORMED;
    if (bytes.len > GH_LIMIT_RSA_BITS_MAX / 8)
        return GH_ERR_UNSUPPORTED;
    *keep = BN_bin2bn(gh_bytes(bytes), (int)bytes.len, NULL);
    return *keep && OSSL_PARAM_BLD_push_BN(b, name, *keep) ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_err build(const char *key_type, OSSL_PARAM_BLD *b, EVP_PKEY **ret) {
    gh_auto(OSSL_PARAM_freep) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
    gh_auto(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, key_type, NULL);
    if (!params || !ctx)
        return GH_ERR_NOMEM;
    if (EVP_PKEY_fromdata_init(ctx) != 1)
        return GH_ERR_CRYPTO;
    /* A point off the curve fails in here. */
    return EVP_PKEY_fromdata(ctx, ret, EVP_PKEY_PUBLIC_KEY, params) == 1 ? GH_OK : GH_ERR_UNSUPPORTED;
}

static enum gh_err build_rsa(struct gh_arena *a, const struct jwk *jwk, EVP_PKEY **ret) {
    gh_auto(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    gh_auto(BIGNUM_freep) BIGNUM *n = NULL;
    gh_auto(BIGNUM_freep) BIGNUM *exponent = NULL;
    if (!b)
        return GH_ERR_NOMEM;
    enum gh_err e = push_number(a, b, OSSL_PKEY_PARAM_RSA_N, jwk->n, &n);
    if (!e)
        e = push_number(a, b, OSSL_PKEY_PARAM_RSA_E, jwk->e, &exponent);
    return e ? e : build("RSA", b, ret);
}

static enum gh_err coordinate(struct gh_arena *a, struct gh_str text, size_t len, struct gh_str *ret) {
    enum gh_err e = gh_b64url_decode(a, text, ret);
    if (e)
        return e;
    return ret->len == len ? GH_OK : GH_ERR_MALFORMED; /* RFC 7518 6.2.1.2: of full length */
}

static enum gh_err build_ec(struct gh_arena *a, const struct jwk *jwk, const struct gh_alg_traits *t,
                            EVP_PKEY **ret) {
    struct gh_str x, y;
    enum gh_err e = coordinate(a, jwk->x, t->coordinate, &x);
    if (!e)
        e = coordinate(a, jwk->y, t->coordinate, &y);
    if (e)
        return e;
    size_t len = 1 + 2 * t->coordinate;
    char *bytes = gh_arena_alloc(a, len);
    gh_auto(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    if (!bytes || !b)
        return GH_ERR_NOMEM;
    bytes[0] = 4; /* an uncompressed point (SEC 1, 2.3.3) */
    memcpy(bytes + 1, x.ptr, x.len);
    memcpy(bytes + 1 + x.len, y.ptr, y.len);
    if (!OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, t->group, 0) ||
        !OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, bytes, len))
        return GH_ERR_NOMEM;
    return build("EC", b, ret);
}

static enum gh_err build_okp(struct gh_arena *a, const struct jwk *jwk, const struct gh_alg_traits *t,
                             EVP_PKEY **ret) {
    struct gh_str x;
    enum gh_err e = coordinate(a, jwk->x, t->coordinate, &x);
    if (e)
        return e;
    *ret = EVP_PKEY_new_raw_public_key_ex(NULL, t->key_type, NULL, gh_bytes(x), x.len);
    return *ret ? GH_OK : GH_ERR_UNSUPPORTED;
}

static const char *kty_of(const struct gh_alg_traits *t) {
    return t->group ? "EC" : t->digest ? "RSA" : "OKP";
}

/* The algorithm this key is bound to; NOT_FOUND when it is not one of ours. */
static enum gh_err bind_alg(const struct jwk *jwk, enum gh_alg fallback, enum gh_alg *ret) {
    bool named = jwk->alg.len > 0;
    if (!gh_str_is(jwk->kty, "RSA") && !gh_str_is(jwk->kty, "EC") && !gh_str_is(jwk->kty, "OKP"))
        return GH_ERR_NOT_FOUND;
    if (!named && fallback == GH_ALG_UNKNOWN)
        return GH_ERR_UNSUPPORTED;
    *ret = named ? gh_alg_from_name(jwk->alg) : fallback;
    const struct gh_alg_traits *t = gh_alg_traits(*ret);
    if (!t)
        return GH_ERR_NOT_FOUND;
    bool fits = gh_str_is(jwk->kty, kty_of(t)) && (!t->curve || gh_str_is(jwk->crv, t->curve));
    return fits ? GH_OK : named ? GH_ERR_MALFORMED : GH_ERR_NOT_FOUND;
}

/* The library may say no, or yes and give half a key, when it has no memory: then its queue holds something
 * fatal. */
static bool of_memory(void) {
    bool fatal = false;
    for (unsigned long e; (e = ERR_get_error());)
        fatal |= ERR_FATAL_ERROR(e);
    return fatal;
}

static enum gh_err make(struct gh_arena *a, const struct jwk *jwk, enum gh_alg alg, EVP_PKEY **ret) {
    const struct gh_alg_traits *t = gh_alg_traits(alg);
    EVP_PKEY *made = NULL;
    ERR_clear_error();
    enum gh_err e = t->group    ? build_ec(a, jwk, t, &made)
                    : t->digest ? build_rsa(a, jwk, &made)
                                : build_okp(a, jwk, t, &made);
    if (!e)
        e = gh_jwk_check(alg, made);
    if (of_memory())
        e = GH_ERR_NOMEM;
    if (e) {
        EVP_PKEY_free(made);
        return e;
    }
    *ret = made;
    return GH_OK;
}

enum gh_err gh_jwk_parse(struct gh_arena *a, struct gh_json json, enum gh_alg fallback, struct gh_str *kid,
                         enum gh_alg *alg, EVP_PKEY **pkey) {
    struct jwk jwk = { 0 };
    enum gh_err e = read_members(a, json, &jwk);
    if (e)
        return e;
    if (jwk.kty.len == 0)
        return GH_ERR_MALFORMED;
    if (jwk.secret || gh_str_is(jwk.kty, "oct"))
        return GH_ERR_UNSUPPORTED;
    if (jwk.kid.len > GH_LIMIT_KID)
        return GH_ERR_TOO_LARGE;
    if (jwk.kid.len == 0 || jwk.other_purpose || (jwk.use.len && !gh_str_is(jwk.use, "sig")))
        return GH_ERR_NOT_FOUND;
    if ((e = bind_alg(&jwk, fallback, alg)))
        return e;

    /* Some of the library's ways to say no hide a lack of memory and leave no trace: ask twice. */
    e = make(a, &jwk, *alg, pkey);
    if (e == GH_ERR_UNSUPPORTED)
        e = make(a, &jwk, *alg, pkey);
    if (!e)
        *kid = jwk.kid;
    return e;
}
