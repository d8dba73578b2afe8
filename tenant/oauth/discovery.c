/* tenant/oauth/discovery.c - the two metadata documents and the keys. A row stands here only when what it
 * promises is served: clients believe it. */
#include "tenant/oauth/discovery.h"

#include "core/limits.h"
#include "tenant/keys.h"
#include "tenant/oauth/error.h"
#include "tenant/record.h"

/* clang-format off */
static const struct { const char *name, *path; } endpoints[] = {
    { "authorization_endpoint", "authorize" },   { "token_endpoint", "oauth/token" },
    { "userinfo_endpoint", "userinfo" },         { "jwks_uri", ".well-known/jwks.json" },
    { "revocation_endpoint", "oauth/revoke" },   { "device_authorization_endpoint", "oauth/device/code" },
};

/* id_token_signing_alg_values_supported is what express-oauth2-jwt-bearer allows for access tokens: never without RS256.
 * code_challenge_methods_supported: RFC 9700 2.1.1 forbids plain, so it is not here although Auth0 lists it. */
static const struct { const char *name, *values; } lists[] = {
    { "scopes_supported", "openid profile offline_access email phone" },
    { "response_types_supported", "code" },
    { "response_modes_supported", "query form_post" },
    { "grant_types_supported", "authorization_code refresh_token client_credentials "
                               "urn:ietf:params:oauth:grant-type:device_code" },
    { "code_challenge_methods_supported", "S256" },
    { "subject_types_supported", "public" },
    { "token_endpoint_auth_methods_supported", "client_secret_basic client_secret_post none" },
    { "revocation_endpoint_auth_methods_supported", "client_secret_basic client_secret_post none" },
    { "id_token_signing_alg_values_supported", "RS256" },
    { "claims_supported", "aud auth_time email email_verified exp family_name given_name iat iss name nickname org_id "
                          "phone_number picture sid sub updated_at" },
    { "prompt_values_supported", "none login" },
};

static const struct { const char *name; bool value; } facts[] = {
    { "claims_parameter_supported", false },
    { "request_parameter_supported", false },
    { "request_uri_parameter_supported", false }, /* absent would mean true (Discovery 3) */
};
/* clang-format on */

static json_t *words(const char *text) {
    json_t *array = json_array();
    struct gh_str rest = gh_str_from(text), word;
    while (gh_str_cut(&rest, ' ', &word))
        json_array_append_new(array, json_stringn(word.ptr, word.len));
    json_array_append_new(array, json_stringn(rest.ptr, rest.len));
    return array;
}

static void answer(struct gh_exchange *x, json_t *doc) {
    gh_response_header(x, "Cache-Control",
                       GH_STR("public, max-age=15, stale-while-revalidate=15, stale-if-error=86400"));
    gh_response_header(x, "Access-Control-Allow-Origin", GH_STR("*"));
    gh_respond_json(x, 200, doc);
}

static void metadata(struct gh_exchange *x) {
    struct gh_str issuer = x->tenant->issuer;
    json_auto_t *settings = NULL;
    enum gh_err e = gh_settings_get(x->db, &settings);
    if (e) {
        gh_oauth_fail(x, e);
        return;
    }
    json_t *doc = json_object();
    json_object_set_new(doc, "issuer", json_stringn(issuer.ptr, issuer.len));
    for (size_t i = 0; i < GH_COUNT(endpoints); i++)
        json_object_set_new(doc, endpoints[i].name,
                            json_sprintf("%.*s%s", GH_STR_FMT(issuer), endpoints[i].path));
    for (size_t i = 0; i < GH_COUNT(lists); i++)
        json_object_set_new(doc, lists[i].name, words(lists[i].values));
    for (size_t i = 0; i < GH_COUNT(facts); i++)
        json_object_set_new(doc, facts[i].name, json_boolean(facts[i].value));
    json_object_set_new(
        doc, "authorization_response_iss_parameter_supported",
        json_boolean(gh_doc_bool(settings, "authorization_response_iss_parameter_supported", false)));
    answer(x, doc);
}

void gh_discovery_openid(struct gh_exchange *x) {
    metadata(x);
}

void gh_discovery_oauth(struct gh_exchange *x) {
    metadata(x);
}

void gh_discovery_jwks(struct gh_exchange *x) {
    gh_auto(gh_buf_release) struct gh_buf text = gh_buf_make(GH_LIMIT_JWKS);
    enum gh_err e = gh_keys_jwks(x->tenant->keys, &text);
    if (e || text.failed) {
        gh_oauth_fail(x, e ? e : GH_ERR_NOMEM);
        return;
    }
    gh_response_header(x, "Cache-Control",
                       GH_STR("public, max-age=15, stale-while-revalidate=15, stale-if-error=86400"));
    gh_response_header(x, "Access-Control-Allow-Origin", GH_STR("*"));
    gh_respond_text(x, 200, "application/json; charset=utf-8", gh_buf_str(&text));
}
