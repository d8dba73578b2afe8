#include "tenant/seal.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/b64url.h"
#include "sys/file.h"
#include "sys/random.h"

#define KEY_BYTES 32
#define KEY_DIGITS (2 * KEY_BYTES)
#define NONCE_BYTES 12 /* random: far below 2^32 seals under one key (NIST SP 800-38D 8.3) */
#define TAG_BYTES 16
#define VERSION GH_STR("v1.")

GH_DEFINE_FREEP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

struct gh_sealer {
    unsigned char *key; /* in guarded, locked memory that is left out of core dumps */
};

/* A key that everybody on the machine can read protects nothing. */
static bool is_private(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && (st.st_mode & 0007) == 0;
}

static enum gh_err make_key_file(struct gh_arena *a, const char *path) {
    struct gh_str digits;
    enum gh_err e = gh_random_hex(a, KEY_DIGITS, &digits);
    return e ? e : gh_file_write_atomic(path, digits, 0600);
}

static enum gh_err decode_key(struct gh_str text, unsigned char *key) {
    size_t len = 0;
    const char *end = NULL;
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    bool ok =
        text.len == KEY_DIGITS && sodium_hex2bin(key, KEY_BYTES, text.ptr, text.len, NULL, &len, &end) == 0;
    return ok && len == KEY_BYTES ? GH_OK : GH_ERR_MALFORMED;
}

enum gh_err gh_sealer_open(const char *kek_file, bool make_when_absent, struct gh_sealer **ret) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4096);
    struct gh_str text = { 0 };
    if (!a)
        return GH_ERR_NOMEM;
    if (sodium_init() < 0)
        return GH_ERR_CRYPTO;
    enum gh_err e = gh_file_read(a, kek_file, 128, &text);
    if (e == GH_ERR_NOT_FOUND && make_when_absent) {
        e = make_key_file(a, kek_file);
        if (!e)
            e = gh_file_read(a, kek_file, 128, &text);
    }
    if (e)
        return e;
    if (!is_private(kek_file))
        return GH_ERR_NO_PERMISSION;

    struct gh_sealer *s = calloc(1, sizeof *s);
    if (s)
        s->key = sodium_malloc(KEY_BYTES);
    e = !s || !s->key ? GH_ERR_NOMEM : decode_key(text, s->key);
    sodium_memzero((char *)text.ptr, text.len);
    if (e) {
        gh_sealer_close(s);
        return e;
    }
    sodium_mprotect_readonly(s->key);
    *ret = s;
    return GH_OK;
}

void gh_sealer_close(struct gh_sealer *s) {
    if (!s)
        return;
    sodium_free(s->key);
    free(s);
}

/* The row that a secret belongs to, as associated data: table, NUL, id. */
static bool add_row(EVP_CIPHER_CTX *ctx, const char *table, struct gh_str id, bool sealing) {
    int (*update)(EVP_CIPHER_CTX *, unsigned char *, int *, const unsigned char *, int) =
        sealing ? EVP_EncryptUpdate : EVP_DecryptUpdate;
    int n;
    return update(ctx, NULL, &n, (const unsigned char *)table, (int)strlen(table) + 1) == 1 &&
           (id.len == 0 || update(ctx, NULL, &n, gh_bytes(id), (int)id.len) == 1);
}

enum gh_err gh_seal(struct gh_sealer *s, struct gh_arena *a, const char *table, struct gh_str id,
                    struct gh_str plain, struct gh_str *ret) {
    if (plain.len > 1 << 20 || id.len > 1 << 20)
        return GH_ERR_TOO_LARGE;
    size_t len = NONCE_BYTES + plain.len + TAG_BYTES;
    unsigned char *raw = gh_arena_alloc(a, len);
    gh_auto(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!raw || !ctx)
        return GH_ERR_NOMEM;
    enum gh_err e = gh_random_bytes(raw, NONCE_BYTES);
    if (e)
        return e;

    unsigned char *text = raw + NONCE_BYTES, *tag = text + plain.len;
    int n;
    if (EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), s->key, raw, NULL) != 1 ||
        !add_row(ctx, table, id, true) ||
        (plain.len > 0 && EVP_EncryptUpdate(ctx, text, &n, gh_bytes(plain), (int)plain.len) != 1) ||
        EVP_EncryptFinal_ex(ctx, tag, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) != 1)
        return GH_ERR_CRYPTO;

    struct gh_str encoded;
    e = gh_b64url_encode(a, (struct gh_str){ (const char *)raw, len }, &encoded);
    if (e)
        return e;
    *ret = gh_arena_printf(a, "%.*s%.*s", GH_STR_FMT(VERSION), GH_STR_FMT(encoded));
    return ret->ptr ? GH_OK : GH_ERR_NOMEM;
}

enum gh_err gh_unseal(struct gh_sealer *s, struct gh_arena *a, const char *table, struct gh_str id,
                      struct gh_str sealed, struct gh_str *ret) {
    struct gh_str raw;
    if (!gh_str_starts(sealed, VERSION) || id.len > 1 << 20)
        return GH_ERR_MALFORMED;
    enum gh_err e = gh_b64url_decode(a, gh_str_skip(sealed, VERSION.len), &raw);
    if (e)
        return e;
    if (raw.len < NONCE_BYTES + TAG_BYTES || raw.len > 2 << 20)
        return GH_ERR_MALFORMED;

    size_t len = raw.len - NONCE_BYTES - TAG_BYTES;
    const unsigned char *text = gh_bytes(raw) + NONCE_BYTES;
    unsigned char tag[TAG_BYTES];
    unsigned char *plain = gh_arena_alloc(a, len + 1);
    gh_auto(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;
    if (!plain || !ctx)
        return GH_ERR_NOMEM;
    memcpy(tag, text + len, TAG_BYTES);
    if (EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), s->key, gh_bytes(raw), NULL) != 1 ||
        !add_row(ctx, table, id, false) ||
        (len > 0 && EVP_DecryptUpdate(ctx, plain, &n, text, (int)len) != 1) ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1)
        return GH_ERR_CRYPTO;
    if (EVP_DecryptFinal_ex(ctx, plain + len, &n) != 1) {
        sodium_memzero(plain, len); /* not authentic: nobody may see it */
        return GH_ERR_BAD_SIGNATURE;
    }
    *ret = (struct gh_str){ (const char *)plain, len };
    return GH_OK;
}

enum gh_err gh_token_hash(struct gh_arena *a, struct gh_str token, struct gh_str *ret) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char *hex = gh_arena_alloc(a, 2 * sizeof digest + 1);
    if (!hex)
        return GH_ERR_NOMEM;
    if (!SHA256(gh_bytes(token), token.len, digest))
        return GH_ERR_CRYPTO;
    sodium_bin2hex(hex, 2 * sizeof digest + 1, digest, sizeof digest);
    *ret = (struct gh_str){ hex, 2 * sizeof digest };
    return GH_OK;
}
