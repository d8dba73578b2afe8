/* tenant/api/client_parts.c - defaults, merging and credentials of a client (recorded replies). */
#include "tenant/api/client.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "core/b64url.h"
#include "sys/random.h"

/* clang-format off */
static const char defaults[] =
    "{\"global\":false,\"is_first_party\":true,\"is_token_endpoint_ip_header_trusted\":false,"
    "\"oidc_conformant\":false,\"sso_disabled\":false,\"cross_origin_authentication\":false,"
    "\"cross_origin_auth\":false,\"callback_url_template\":false,\"custom_login_page_on\":true,"
    "\"jwt_configuration\":{\"secret_encoded\":false,\"lifetime_in_seconds\":36000},"
    "\"grant_types\":[\"authorization_code\",\"implicit\",\"refresh_token\",\"client_credentials\"]}";
/* clang-format on */

/* Machines with a posted secret get longer lives (recorded). */
static bool is_machine(const json_t *doc) {
    return gh_str_is(gh_doc_string(doc, "app_type"), "non_interactive") &&
           gh_str_is(gh_doc_string(doc, "token_endpoint_auth_method"), "client_secret_post");
}

enum gh_err gh_client_defaults(json_t *doc) {
    bool machine = is_machine(doc);
    json_t *jwt = json_object_get(doc, "jwt_configuration"), *refresh = json_object_get(doc, "refresh_token");
    enum gh_err e = gh_doc_default(doc, defaults);
    if (!e && jwt) /* sent without a lifetime: none is added (recorded) */
        e = gh_doc_default(jwt, "{\"secret_encoded\":false}");
    json_auto_t *wanted =
        json_pack("{s:s, s:s, s:i, s:i, s:b, s:b, s:i}", "rotation_type", "non-rotating", "expiration_type",
                  "non-expiring", "leeway", 0, "token_lifetime", machine ? 31557600 : 2592000,
                  "infinite_token_lifetime", 1, "infinite_idle_token_lifetime", 1, "idle_token_lifetime",
                  machine ? 2592000 : 1296000);
    if (e || !wanted)
        return e ? e : GH_ERR_NOMEM;
    if (json_is_object(refresh))
        return json_object_update_missing(refresh, wanted) ? GH_ERR_NOMEM : GH_OK;
    return refresh ? GH_OK : json_object_set(doc, "refresh_token", wanted) ? GH_ERR_NOMEM : GH_OK;
}

void gh_client_drop_nulls(json_t *doc) {
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(doc, next, key, value) if (json_is_null(value)) json_object_del(doc, key);
}

enum gh_err gh_client_merge(json_t *doc, const json_t *patch) {
    static const char *const by_key[] = { "client_metadata", "jwt_configuration", "refresh_token" };
    json_auto_t *top = json_copy((json_t *)patch);
    if (!top)
        return GH_ERR_NOMEM;
    for (size_t i = 0; i < GH_COUNT(by_key); i++) {
        json_t *part = json_object_get(patch, by_key[i]), *own = json_object_get(doc, by_key[i]);
        if (!json_is_object(part))
            continue;
        if (!json_is_object(own)) {
            own = json_object();
            if (json_object_set_new(doc, by_key[i], own))
                return GH_ERR_NOMEM;
        }
        enum gh_err e = gh_doc_merge(own, part);
        if (e)
            return e;
        json_object_del(top, by_key[i]);
    }
    return gh_doc_merge(doc, top);
}

/* --- credentials --- */

GH_DEFINE_FREEP(BIO, BIO_free_all)
GH_DEFINE_FREEP(EVP_PKEY, EVP_PKEY_free)

/* The RFC 7638 thumbprint-like key id: SHA-256 of the public key's DER, base64url. */
static enum gh_err key_id(struct gh_call *c, struct gh_str pem, struct gh_str *ret) {
    gh_auto(BIO_freep) BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    gh_auto(EVP_PKEY_freep) EVP_PKEY *key = in ? PEM_read_bio_PUBKEY(in, NULL, NULL, NULL) : NULL;
    unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    int len = key ? i2d_PUBKEY(key, &der) : 0;
    if (len <= 0)
        return gh_call_refuse(c, 400, "invalid_body", "The credential's pem is not a public key.");
    int done = EVP_Digest(der, (size_t)len, digest, &size, EVP_sha256(), NULL);
    OPENSSL_free(der);
    return done == 1 ? gh_b64url_encode(c->x->arena, (struct gh_str){ (char *)digest, size }, ret)
                     : GH_ERR_CRYPTO;
}

static enum gh_err finish_credential(struct gh_call *c, json_t *credential) {
    struct gh_str id, kid, pem = gh_doc_string(credential, "pem");
    enum gh_err e = gh_random_id(c->x->arena, "cred_", 22, &id);
    if (!e && pem.ptr)
        e = key_id(c, pem, &kid);
    if (e)
        return e;
    if (pem.ptr) {
        json_object_set_new(credential, "kid", gh_json_from(kid));
        e = gh_doc_default(credential, "{\"alg\":\"RS256\"}");
    }
    json_object_set_new(credential, "created_at", gh_json_time(c->now));
    json_object_set_new(credential, "updated_at", gh_json_time(c->now));
    return e || json_object_set_new(credential, "id", gh_json_from(id)) ? GH_ERR_NOMEM : GH_OK;
}

enum gh_err gh_client_add_credentials(struct gh_call *c, json_t *doc) {
    const char *name;
    json_t *method, *credential;
    size_t i;
    enum gh_err e = GH_OK;
    json_object_foreach(json_object_get(doc, "client_authentication_methods"), name, method)
        json_array_foreach(json_object_get(method, "credentials"), i,
                           credential) if (!e && !json_object_get(credential, "id")) e =
            finish_credential(c, credential);
    return e;
}
