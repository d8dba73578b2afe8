/* Pulumi's passphrase secrets: a key from PBKDF2-HMAC-SHA256, texts under AES-256-GCM. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "core/b64url.h"
#include "core/cleanup.h"
#include "core/limits.h"
#include "stack/config.h"
#include "sys/random.h"

#define ROUNDS 1000000
#define SALT 8
#define KEY 32
#define NONCE 12
#define TAG 16
#define PROOF "pulumi" /* what the ciphertext in a state says, so that a wrong passphrase is noticed */

GH_DEFINE_FREEP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

struct gh_crypter {
    unsigned char key[KEY];
    char *state; /* "v1:salt:v1:nonce:ciphertext" */
};

static enum gh_err seal(const unsigned char *key, const unsigned char *nonce, struct gh_str plain,
                        unsigned char *out /* plain.len + TAG */) {
    gh_auto(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, rest = 0;
    if (!ctx)
        return GH_ERR_NOMEM;
    if (EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) != 1 ||
        EVP_EncryptUpdate(ctx, out, &n, gh_bytes(plain), (int)plain.len) != 1 ||
        EVP_EncryptFinal_ex(ctx, out + n, &rest) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, out + plain.len) != 1)
        return GH_ERR_CRYPTO;
    return GH_OK;
}

static enum gh_err open_sealed(const unsigned char *key, struct gh_str nonce, struct gh_str sealed,
                               unsigned char *out /* sealed.len */) {
    gh_auto(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    size_t len = sealed.len - TAG;
    unsigned char tag[TAG];
    int n = 0, rest = 0;
    if (!ctx)
        return GH_ERR_NOMEM;
    memcpy(tag, sealed.ptr + len, TAG);
    if (EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, gh_bytes(nonce)) != 1 ||
        EVP_DecryptUpdate(ctx, out, &n, gh_bytes(sealed), (int)len) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, tag) != 1 ||
        EVP_DecryptFinal_ex(ctx, out + n, &rest) != 1)
        return GH_ERR_CRYPTO;
    return GH_OK;
}

enum gh_err gh_crypter_encrypt(struct gh_crypter *c, struct gh_str plain, struct gh_buf *ret) {
    unsigned char nonce[NONCE];
    if (plain.len > GH_LIMIT_STACK_FILE)
        return GH_ERR_TOO_LARGE;
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(8 * GH_LIMIT_STACK_FILE);
    unsigned char *sealed = a ? gh_arena_alloc(a, plain.len + TAG) : NULL;
    struct gh_str nonce64, sealed64;
    if (!sealed)
        return GH_ERR_NOMEM;
    enum gh_err e = gh_random_bytes(nonce, sizeof nonce);
    if (!e)
        e = seal(c->key, nonce, plain, sealed);
    if (!e)
        e = gh_b64_encode(a, (struct gh_str){ (const char *)nonce, NONCE }, &nonce64);
    if (!e)
        e = gh_b64_encode(a, (struct gh_str){ (const char *)sealed, plain.len + TAG }, &sealed64);
    if (e)
        return e;
    gh_buf_addf(ret, "v1:%.*s:%.*s", GH_STR_FMT(nonce64), GH_STR_FMT(sealed64));
    return ret->failed ? GH_ERR_NOMEM : GH_OK;
}

enum gh_err gh_crypter_decrypt(struct gh_crypter *c, struct gh_str text, struct gh_buf *ret) {
    struct gh_str rest = text, version, nonce64, nonce, sealed;
    if (!gh_str_cut(&rest, ':', &version) || !gh_str_is(version, "v1") || !gh_str_cut(&rest, ':', &nonce64))
        return GH_ERR_MALFORMED;
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(8 * GH_LIMIT_STACK_FILE);
    if (!a)
        return GH_ERR_NOMEM;
    enum gh_err e = gh_b64_decode(a, nonce64, &nonce);
    if (!e)
        e = gh_b64_decode(a, rest, &sealed);
    if (!e && (nonce.len != NONCE || sealed.len < TAG))
        e = GH_ERR_MALFORMED;
    if (e)
        return e;
    unsigned char *plain = malloc(sealed.len);
    if (!plain)
        return GH_ERR_NOMEM;
    e = open_sealed(c->key, nonce, sealed, plain);
    if (!e)
        gh_buf_add(ret, (struct gh_str){ (const char *)plain, sealed.len - TAG });
    OPENSSL_cleanse(plain, sealed.len);
    free(plain);
    return e ? e : ret->failed ? GH_ERR_NOMEM : GH_OK;
}

static enum gh_err derive(struct gh_crypter *c, struct gh_str passphrase, struct gh_str salt) {
    const char *text = passphrase.len ? passphrase.ptr : "";
    return PKCS5_PBKDF2_HMAC(text, (int)passphrase.len, gh_bytes(salt), (int)salt.len, ROUNDS, EVP_sha256(),
                             KEY, c->key) == 1
               ? GH_OK
               : GH_ERR_CRYPTO;
}

static enum gh_err begin(struct gh_crypter *c, struct gh_arena *a, struct gh_str passphrase) {
    unsigned char salt[SALT];
    struct gh_str raw = { (const char *)salt, SALT }, salt64;
    gh_auto(gh_buf_release) struct gh_buf state = gh_buf_make(256);
    enum gh_err e = gh_random_bytes(salt, SALT);
    if (!e)
        e = gh_b64_encode(a, raw, &salt64);
    if (!e)
        e = derive(c, passphrase, raw);
    if (e)
        return e;
    gh_buf_addf(&state, "v1:%.*s:", GH_STR_FMT(salt64));
    e = gh_crypter_encrypt(c, GH_STR(PROOF), &state);
    c->state = e ? NULL : strdup(state.ptr);
    return e ? e : c->state ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_err resume(struct gh_crypter *c, struct gh_arena *a, struct gh_str passphrase,
                          const char *state) {
    struct gh_str rest = gh_str_from(state), version, salt64, salt;
    if (!gh_str_cut(&rest, ':', &version) || !gh_str_is(version, "v1") || !gh_str_cut(&rest, ':', &salt64))
        return GH_ERR_MALFORMED;
    enum gh_err e = gh_b64_decode(a, salt64, &salt);
    if (!e && salt.len != SALT)
        e = GH_ERR_MALFORMED;
    if (!e)
        e = derive(c, passphrase, salt);
    if (e)
        return e;
    gh_auto(gh_buf_release) struct gh_buf proof = gh_buf_make(256);
    e = gh_crypter_decrypt(c, rest, &proof);
    if (!e && !gh_str_is(gh_buf_str(&proof), PROOF))
        e = GH_ERR_CRYPTO;
    c->state = e ? NULL : strdup(state);
    return e ? e : c->state ? GH_OK : GH_ERR_NOMEM;
}

enum gh_err gh_crypter_new(struct gh_str passphrase, const char *state, struct gh_crypter **ret) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
    struct gh_crypter *c = calloc(1, sizeof *c);
    if (!a || !c || passphrase.len > GH_LIMIT_PASSWORD) {
        free(c);
        return a && c ? GH_ERR_TOO_LARGE : GH_ERR_NOMEM;
    }
    enum gh_err e = state ? resume(c, a, passphrase, state) : begin(c, a, passphrase);
    if (e)
        gh_crypter_free(c);
    else
        *ret = c;
    return e;
}

void gh_crypter_free(struct gh_crypter *c) {
    if (!c)
        return;
    OPENSSL_cleanse(c->key, sizeof c->key);
    free(c->state);
    free(c);
}

const char *gh_crypter_state(const struct gh_crypter *c) {
    return c->state;
}
