#include "stack/engine/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "stack/value.h"
#include "sys/random.h"

#define ROUNDS 100000 /* ~25 ms: somebody who reads the ledger may guess, but slowly */
#define SALT 16
#define HASH 32
#define CEILING (4 << 20)

static char *json_text(json_t *plain) {
    return json_dumps(plain, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
}

static void wipe_text(char **text) {
    if (*text)
        OPENSSL_cleanse(*text, strlen(*text));
    free(*text);
}

static void wipe_buf(struct gh_buf *b) {
    if (b->ptr)
        OPENSSL_cleanse(b->ptr, b->len);
    gh_buf_release(b);
}

static enum gh_err digest_of(json_t *plain, const unsigned char salt[SALT], struct gh_buf *ret) {
    gh_auto(wipe_text) char *text = json_text(plain);
    unsigned char hash[HASH];
    if (!text)
        return GH_ERR_NOMEM;
    if (PKCS5_PBKDF2_HMAC(text, (int)strlen(text), salt, SALT, ROUNDS, EVP_sha256(), HASH, hash) != 1)
        return GH_ERR_CRYPTO;
    gh_buf_add(ret, GH_STR("d1:"));
    for (size_t i = 0; i < SALT; i++)
        gh_buf_addf(ret, "%02x", salt[i]);
    gh_buf_add_char(ret, ':');
    for (size_t i = 0; i < HASH; i++)
        gh_buf_addf(ret, "%02x", hash[i]);
    return ret->failed ? GH_ERR_NOMEM : GH_OK;
}

static bool salt_of(const char *digest, unsigned char salt[SALT]) {
    if (!digest || strncmp(digest, "d1:", 3) != 0 || strlen(digest) != 3 + 2 * SALT + 1 + 2 * HASH)
        return false;
    for (size_t i = 0; i < SALT; i++) {
        unsigned byte;
        if (sscanf(digest + 3 + 2 * i, "%2x", &byte) != 1)
            return false;
        salt[i] = (unsigned char)byte;
    }
    return true;
}

bool gh_ledger_seal_is_lost(const json_t *value) {
    return gh_value_is_secret(value) && json_object_get(value, "digest");
}

static json_t *wrapped(const char *member, const struct gh_buf *text) {
    return json_pack("{s:s, s:s%}", GH_SECRET_KEY, GH_SECRET_MARK, member, text->ptr, text->len);
}

static enum gh_err seal_one(json_t *plain, struct gh_crypter *crypter, json_t **ret) {
    gh_auto(gh_buf_release) struct gh_buf sealed = gh_buf_make(CEILING);
    enum gh_err e;
    if (crypter) {
        gh_auto(wipe_text) char *text = json_text(plain);
        e = text ? gh_crypter_encrypt(crypter, gh_str_from(text), &sealed) : GH_ERR_NOMEM;
    } else {
        unsigned char salt[SALT];
        e = gh_random_bytes(salt, sizeof salt);
        e = e ? e : digest_of(plain, salt, &sealed);
    }
    if (e)
        return e;
    *ret = wrapped(crypter ? "ciphertext" : "digest", &sealed);
    return *ret ? GH_OK : GH_ERR_NOMEM;
}

bool gh_ledger_seal_matches(const json_t *sealed, json_t *plain, struct gh_crypter *crypter) {
    const char *digest = json_string_value(json_object_get(sealed, "digest"));
    const char *cipher = json_string_value(json_object_get(sealed, "ciphertext"));
    gh_auto(wipe_buf) struct gh_buf text = gh_buf_make(CEILING);
    unsigned char salt[SALT];
    if (salt_of(digest, salt) && digest_of(plain, salt, &text) == GH_OK)
        return gh_str_eq_secret(gh_buf_str(&text), gh_str_from(digest));
    if (!cipher || !crypter || gh_crypter_decrypt(crypter, gh_str_from(cipher), &text) != GH_OK)
        return false;
    gh_auto(wipe_text) char *want = json_text(plain);
    return want && gh_str_eq_secret(gh_buf_str(&text), gh_str_from(want));
}

enum gh_err gh_ledger_seal(json_t *value, json_t *former, struct gh_crypter *crypter, json_t **ret) {
    enum gh_err e = GH_OK;
    json_t *member, *sealed;
    if (gh_value_is_secret(value)) {
        json_t *plain = json_object_get(value, "value");
        bool weaker =
            crypter && gh_ledger_seal_is_lost(former); /* a passphrase came since: seal it properly */
        bool kept = !plain ||
                    (gh_value_is_secret(former) && !weaker && gh_ledger_seal_matches(former, plain, crypter));
        if (!kept)
            return seal_one(plain, crypter, ret);
        *ret = json_incref(plain ? former : value);
        return GH_OK;
    }
    if (!json_is_object(value) && !json_is_array(value)) {
        *ret = json_incref(value);
        return GH_OK;
    }
    json_t *copy = json_is_object(value) ? json_object() : json_array();
    const char *key;
    size_t i;
    json_object_foreach(value, key, member) {
        if (!e && !(e = gh_ledger_seal(member, json_object_get(former, key), crypter, &sealed)))
            json_object_set_new(copy, key, sealed);
    }
    json_array_foreach(value, i, member) {
        if (!e && !(e = gh_ledger_seal(member, json_array_get(former, i), crypter, &sealed)))
            json_array_append_new(copy, sealed);
    }
    if (e)
        json_decref(copy);
    else
        *ret = copy;
    return e;
}

static enum gh_err unseal_one(json_t *value, struct gh_crypter *crypter, json_t **ret) {
    const char *cipher = json_string_value(json_object_get(value, "ciphertext"));
    gh_auto(wipe_buf) struct gh_buf text = gh_buf_make(CEILING);
    if (!cipher) {
        *ret = json_incref(value);
        return GH_OK;
    }
    if (!crypter)
        return GH_ERR_UNSUPPORTED;
    enum gh_err e = gh_crypter_decrypt(crypter, gh_str_from(cipher), &text);
    if (e)
        return e;
    json_t *plain = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, NULL);
    if (!plain)
        return GH_ERR_MALFORMED;
    *ret = gh_value_secret(plain);
    return GH_OK;
}

static enum gh_err unseal(void *crypter, const char *key, json_t *value, json_t **ret) {
    return gh_value_is_secret(value) ? unseal_one(value, crypter, ret)
                                     : gh_value_each(value, unseal, crypter, ret);
}

enum gh_err gh_ledger_unseal(json_t *value, struct gh_crypter *crypter, json_t **ret) {
    return unseal(crypter, NULL, value, ret);
}

bool gh_ledger_seal_needs_crypter(const json_t *value) {
    if (gh_value_is_secret(value))
        return json_object_get(value, "ciphertext") != NULL;
    json_t *member;
    const char *key;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        if (gh_ledger_seal_needs_crypter(member))
            return true;
    }
    json_array_foreach(value, i, member) {
        if (gh_ledger_seal_needs_crypter(member))
            return true;
    }
    return false;
}
