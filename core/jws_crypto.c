#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "core/b64url.h"
#include "core/ecdsa.h"
#include "core/jws.h"

GH_DEFINE_FREEP(EVP_MD_CTX, EVP_MD_CTX_free)

static bool set_padding(EVP_PKEY_CTX *ctx, const struct gh_alg_traits *t) {
    return !t->pss || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

/* The signature as the library wants it; false when its length alone shows that it is none. */
static bool to_library(const struct gh_alg_traits *t, EVP_PKEY *pkey, struct gh_str raw,
                       unsigned char der[static GH_ECDSA_DER_MAX], struct gh_str *ret) {
    *ret = raw;
    if (!t->group)
        return raw.len == (size_t)EVP_PKEY_get_size(pkey); /* RFC 8017 8.2.2 step 1; RFC 8032 5.1.7 */
    size_t len = gh_ecdsa_to_der(raw, t->coordinate, der);
    *ret = (struct gh_str){ (char *)der, len };
    return len > 0;
}

enum gh_err gh_jws_verifier_new(const struct gh_key *key, EVP_MD_CTX **ret) {
    const struct gh_alg_traits *t = gh_alg_traits(key->alg);
    gh_auto(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx; /* the context's own */
    if (!ctx)
        return GH_ERR_NOMEM;
    if (!t || EVP_DigestVerifyInit_ex(ctx, &pctx, t->digest, NULL, NULL, key->pkey, NULL) != 1 ||
        !set_padding(pctx, t))
        return GH_ERR_CRYPTO;
    *ret = ctx;
    ctx = NULL;
    return GH_OK;
}

/* A context of our own for one verification. */
static enum gh_err start(const struct gh_key *key, EVP_MD_CTX **ret) {
    if (!key->verifier)
        return gh_jws_verifier_new(key, ret);
    *ret = EVP_MD_CTX_new();
    if (!*ret)
        return GH_ERR_NOMEM;
    return EVP_MD_CTX_copy_ex(*ret, key->verifier) == 1 ? GH_OK : GH_ERR_CRYPTO; /* mostly lack of memory */
}

/* Why the library did not say yes. It says no, too, when it has no memory: the difference is in its queue of
 * errors, which this empties. A signature is bad when the scheme's own library says so and nothing is fatal;
 * ECDSA and EdDSA may also say nothing at all. */
static enum gh_err why_not(const struct gh_alg_traits *t) {
    bool rsa = !t->group && t->digest, said = ERR_peek_error() != 0, bad = false, fatal = false;
    for (unsigned long e; (e = ERR_get_error());) {
        fatal |= ERR_FATAL_ERROR(e);
        bad |= ERR_GET_LIB(e) == (rsa ? ERR_LIB_RSA : ERR_LIB_EC) && !ERR_COMMON_ERROR(e);
    }
    return !fatal && (said ? bad : !rsa) ? GH_ERR_BAD_SIGNATURE : GH_ERR_CRYPTO;
}

static enum gh_err verify(const struct gh_jws *jws, const struct gh_alg_traits *t, const struct gh_key *key,
                          struct gh_str signature) {
    gh_auto(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = NULL;
    enum gh_err e = start(key, &ctx);
    if (e)
        return e;
    EVP_MD_CTX_set_flags(ctx, EVP_MD_CTX_FLAG_FINALISE); /* used once: no copy of it for the end */

    /* 0 and negative both mean "not proven"; only 1 is a yes. */
    int yes = EVP_DigestVerify(ctx, gh_bytes(signature), signature.len, gh_bytes(jws->signing_input),
                               jws->signing_input.len);
    return yes == 1 ? GH_OK : why_not(t);
}

enum gh_err gh_jws_verify(const struct gh_jws *jws, enum gh_alg alg, const struct gh_key *key) {
    const struct gh_alg_traits *t = gh_alg_traits(key->alg);
    if (alg != key->alg || !t)
        return GH_ERR_WRONG_ALG;

    unsigned char der[GH_ECDSA_DER_MAX];
    struct gh_str signature;
    if (!to_library(t, key->pkey, jws->signature, der, &signature))
        return GH_ERR_BAD_SIGNATURE;

    ERR_clear_error(); /* of others, who did not look */
    enum gh_err e = verify(jws, t, key, signature);
    if (e == GH_ERR_BAD_SIGNATURE && !t->digest)
        e = verify(jws, t, key, signature); /* EdDSA hides one lack of memory behind its no: ask again */
    ERR_clear_error(); /* a stranger's bad token must not be found in the queue by the next caller */
    return e;
}

/* ---- signing ---- */

static enum gh_err signing_input(struct gh_arena *a, const struct gh_key *key, struct gh_str typ,
                                 struct gh_str payload, struct gh_str *ret) {
    struct gh_buf header = gh_buf_make(4096);
    struct gh_str head = { 0 }, body;
    gh_buf_addf(&header, "{\"alg\":\"%s\",\"typ\":", gh_alg_name(key->alg));
    gh_json_quote(&header, typ);
    gh_buf_add(&header, GH_STR(",\"kid\":"));
    gh_json_quote(&header, key->kid);
    gh_buf_add_char(&header, '}');
    enum gh_err e = header.failed ? GH_ERR_NOMEM : gh_b64url_encode(a, gh_buf_str(&header), &head);
    gh_buf_release(&header);
    if (!e)
        e = gh_b64url_encode(a, payload, &body);
    if (e)
        return e;
    *ret = gh_arena_printf(a, "%.*s.%.*s", GH_STR_FMT(head), GH_STR_FMT(body));
    return ret->ptr ? GH_OK : GH_ERR_NOMEM;
}

/* The library's signature in the spelling of JOSE. */
static enum gh_err from_library(struct gh_arena *a, const struct gh_alg_traits *t, struct gh_str made,
                                struct gh_str *ret) {
    if (!t->group) {
        *ret = made;
        return GH_OK;
    }
    unsigned char *raw = gh_arena_alloc(a, 2 * t->coordinate);
    if (!raw)
        return GH_ERR_NOMEM;
    *ret = (struct gh_str){ (char *)raw, 2 * t->coordinate };
    return gh_ecdsa_from_der(made, t->coordinate, raw) ? GH_OK : GH_ERR_CRYPTO;
}

static enum gh_err sign(struct gh_arena *a, const struct gh_key *key, const struct gh_alg_traits *t,
                        struct gh_str input, struct gh_str *ret) {
    size_t len = (size_t)EVP_PKEY_get_size(key->pkey);
    unsigned char *made = gh_arena_alloc(a, len);
    gh_auto(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    if (!made || !ctx)
        return GH_ERR_NOMEM;
    if (EVP_DigestSignInit_ex(ctx, &pctx, t->digest, NULL, NULL, key->pkey, NULL) != 1 ||
        !set_padding(pctx, t) || EVP_DigestSign(ctx, made, &len, gh_bytes(input), input.len) != 1)
        return GH_ERR_CRYPTO;
    return from_library(a, t, (struct gh_str){ (char *)made, len }, ret);
}

enum gh_err gh_jws_sign(struct gh_arena *a, const struct gh_key *key, struct gh_str typ,
                        struct gh_str payload, struct gh_str *ret) {
    const struct gh_alg_traits *t = gh_alg_traits(key->alg);
    if (!t || strcmp(EVP_PKEY_get0_type_name(key->pkey), t->key_type) != 0)
        return GH_ERR_UNSUPPORTED;
    struct gh_str input, signature, text;
    enum gh_err e = signing_input(a, key, typ, payload, &input);
    if (!e)
        e = sign(a, key, t, input, &signature);
    if (!e)
        e = gh_b64url_encode(a, signature, &text);
    if (e)
        return e;
    *ret = gh_arena_printf(a, "%.*s.%.*s", GH_STR_FMT(input), GH_STR_FMT(text));
    return ret->ptr ? GH_OK : GH_ERR_NOMEM;
}
