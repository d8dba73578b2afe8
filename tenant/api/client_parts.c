/* tenant/api/client_parts.c - defaults, merging and credentials of a client (recorded replies). */
#include "tenant/api/client.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "core/jwk.h"
#include "sys/random.h"

/* clang-format off */
static const char defaults[] =
    "{\"global\":false,\"is_first_party\":true,\"is_token_endpoint_ip_header_trusted\":false,"
    "\"oidc_conformant\":false,\"sso_disabled\":false,\"cross_origin_authentication\":false,"
    "\"cross_origin_auth\":false,\"callback_url_template\":false,\"custom_login_page_on\":true,"
    "\"jwt_configuration\":{\"secret_encoded\":false,\"lifetime_in_seconds\":36000},"
    "\"grant_types\":[\"authorization_code\",\"implicit\",\"refresh_token\",\"client_credentials\"]}";
/* clang-format on */

static const char ordinary_refresh_token[] =
    "{\"rotation_type\":\"non-rotating\",\"expiration_type\":\"non-expiring\",\"leeway\":0,\"token_"
    "lifetime\":2592000,"
    "\"infinite_token_lifetime\":true,\"infinite_idle_token_lifetime\":true,\"idle_token_lifetime\":1296000}";

/* The one that stands for all applications has few members of its own (recorded). */
static bool is_global(const json_t *doc) {
    return gh_doc_bool(doc, "global", false);
}

/* What kinds of clients get instead, asked in this order (recorded). */
static bool is_express(const json_t *doc) {
    return gh_str_is(gh_doc_string(doc, "app_type"), "express_configuration");
}

static bool is_api(const json_t *doc) {
    return gh_str_is(gh_doc_string(doc, "app_type"), "resource_server");
}

static bool is_third_party(const json_t *doc) {
    return !gh_doc_bool(doc, "is_first_party", true);
}

static bool is_public(const json_t *doc) {
    return gh_str_is(gh_doc_string(doc, "token_endpoint_auth_method"), "none");
}

static bool is_machine(const json_t *doc) { /* with a posted secret */
    return gh_str_is(gh_doc_string(doc, "app_type"), "non_interactive") &&
           gh_str_is(gh_doc_string(doc, "token_endpoint_auth_method"), "client_secret_post");
}

static bool is_any(const json_t *doc) {
    return true;
}

/* clang-format off */
static const struct {
    bool (*applies)(const json_t *doc);
    const char *defaults, *refresh_token;
    bool complete; /* no later row adds to it */
} kinds[] = {
    { is_global, "{\"is_first_party\":true,\"is_token_endpoint_ip_header_trusted\":false,\"oidc_conformant\":true,"
                 "\"jwt_configuration\":{\"alg\":\"RS256\"},\"sso\":false,\"sso_disabled\":false,"
                 "\"cross_origin_auth\":false,\"custom_login_page_on\":true}", ordinary_refresh_token, true },
    { is_express, "{\"oidc_conformant\":true,\"callbacks\":[\"https://system-admin.okta.com/admin/app/generic/oauth20redirect\"],"
                  "\"jwt_configuration\":{\"secret_encoded\":false,\"alg\":\"RS256\"},"
                  "\"grant_types\":[\"authorization_code\",\"client_credentials\"],\"organization_usage\":\"require\","
                  "\"organization_require_behavior\":\"pre_login_prompt\","
                  "\"client_authentication_methods\":{\"private_key_jwt\":{\"credentials\":[]}},"
                  "\"async_approval_notification_channels\":[\"guardian-push\"]}", "{}" },
    { is_api, "{\"oidc_conformant\":true,\"jwt_configuration\":{\"secret_encoded\":false,\"alg\":\"RS256\"},"
              "\"grant_types\":[]}", "{}" },
    { is_third_party, "{\"oidc_conformant\":true,\"third_party_security_mode\":\"permissive\"}",
      "{\"rotation_type\":\"rotating\",\"expiration_type\":\"expiring\",\"infinite_token_lifetime\":false,"
      "\"infinite_idle_token_lifetime\":false}" },
    { is_public, "{\"grant_types\":[\"authorization_code\",\"implicit\",\"refresh_token\"]}", "{}" },
    { is_machine, "{}", "{\"token_lifetime\":31557600,\"idle_token_lifetime\":2592000}" },
    { is_any, defaults, ordinary_refresh_token },
};
/* clang-format on */

enum gh_err gh_client_defaults(json_t *doc) {
    bool refresh_is_null = json_is_null(json_object_get(doc, "refresh_token"));
    json_t *jwt =
        json_object_get(doc, "jwt_configuration"); /* sent without a lifetime: none is added (recorded) */
    enum gh_err e = jwt ? gh_doc_default(jwt, "{\"secret_encoded\":false}") : GH_OK;
    if (!e && !json_is_object(json_object_get(doc, "refresh_token")) && !refresh_is_null)
        e = json_object_set_new(doc, "refresh_token", json_object()) ? GH_ERR_NOMEM : GH_OK;
    for (size_t i = 0; i < GH_COUNT(kinds) && !e; i++) {
        if (!kinds[i].applies(doc))
            continue;
        e = gh_doc_default(doc, kinds[i].defaults);
        if (!e && !refresh_is_null)
            e = gh_doc_default(json_object_get(doc, "refresh_token"), kinds[i].refresh_token);
        if (kinds[i].complete)
            break;
    }
    return e;
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
    enum gh_err e = gh_doc_merge(doc, top);
    if (gh_str_is(gh_doc_string(doc, "initiate_login_uri"), "")) /* emptied: gone (recorded) */
        json_object_del(doc, "initiate_login_uri");
    return e;
}

/* --- credentials --- */

GH_DEFINE_FREEP(BIO, BIO_free_all)
GH_DEFINE_FREEP(EVP_PKEY, EVP_PKEY_free)

/* The key id is the RFC 7638 thumbprint (recorded). */
static enum gh_err key_id(struct gh_call *c, struct gh_str pem, struct gh_str *ret) {
    gh_auto(BIO_freep) BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    gh_auto(EVP_PKEY_freep) EVP_PKEY *key = in ? PEM_read_bio_PUBKEY(in, NULL, NULL, NULL) : NULL;
    return key ? gh_jwk_thumbprint(c->x->arena, key, ret)
               : gh_call_refuse(c, 400, "invalid_body", "The credential's pem is not a public key.");
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

/* Credentials have a collection of their own: elsewhere only their ids are shown, and at creation all but the
 * key itself (recorded). */
void gh_client_show_credentials(json_t *doc, bool creating) {
    const char *name;
    json_t *method, *credential;
    size_t i;
    json_object_foreach(json_object_get(doc, "client_authentication_methods"), name, method)
        json_array_foreach(json_object_get(method, "credentials"), i, credential) {
        json_object_del(credential, "pem");
        if (!creating)
            json_array_set_new(json_object_get(method, "credentials"), i,
                               json_pack("{s:O}", "id", json_object_get(credential, "id")));
    }
}
