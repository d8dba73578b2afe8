/* tenant/settings.c - the tenant's settings: what was declared over the defaults (tenant/record.h). */
#include "tenant/record.h"

/* What Auth0 shows for a new tenant, in JSON. Session lifetimes are hours. */
static const char defaults[] =
    "{\"friendly_name\":\"Gatehouse\",\"picture_url\":\"\",\"support_email\":\"\",\"support_url\":\"\","
    "\"session_lifetime\":168,\"idle_session_lifetime\":72,\"session_cookie\":{\"mode\":\"persistent\"},"
    "\"allowed_logout_urls\":[],\"enabled_locales\":[\"en\"],\"sandbox_version\":\"22\","
    "\"default_audience\":\"\",\"default_directory\":\"\",\"allow_organization_name_in_authentication_api\":"
    "false,"
    "\"customize_mfa_in_postlogin_action\":false,\"pushed_authorization_requests_supported\":false,"
    "\"oidc_logout\":{\"rp_logout_end_session_endpoint_discovery\":true},"
    "\"flags\":{\"allow_legacy_delegation_grant_types\":false,\"allow_legacy_ro_grant_types\":false,"
    "\"allow_legacy_tokeninfo_endpoint\":false,\"disable_clickjack_protection_headers\":false,"
    "\"disable_impersonation\":true,\"enable_apis_section\":false,\"enable_client_connections\":false,"
    "\"enable_custom_domain_in_emails\":false,\"enable_dynamic_client_registration\":false,"
    "\"enable_legacy_logs_search_v2\":false,\"enable_pipeline2\":false,\"enable_public_signup_user_exists_"
    "error\":true,"
    "\"no_disclose_enterprise_connections\":false,\"revoke_refresh_token_grant\":false}}";

static enum gh_err stored(struct gh_db *db, json_t **ret) {
    struct gh_rows rows;
    bool found = false;
    enum gh_err e = gh_db_query(db, GH_SQL_SETTING_GET, GH_BINDS(GH_TEXT("name", GH_STR("tenant"))), &rows);
    if (e)
        return e;
    e = gh_rows_next(&rows, &found);
    if (!e && found) {
        struct gh_str text = gh_rows_text(&rows, 0);
        *ret = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
        e = json_is_object(*ret) ? GH_OK : GH_ERR_STORAGE;
    }
    gh_rows_end(&rows);
    return e;
}

/* Settings merge at the first level, and so do flags among themselves (notes b.8). */
static int merge(json_t *doc, json_t *declared) {
    json_t *flags = json_incref(json_object_get(doc, "flags"));
    const json_t *own = json_object_get(declared, "flags");
    int failed = json_object_update(doc, declared);
    if (json_is_object(own))
        failed |= json_object_update(flags, json_object_get(declared, "flags")) |
                  json_object_set(doc, "flags", flags);
    json_decref(flags);
    return failed;
}

enum gh_err gh_settings_get(struct gh_db *db, json_t **ret) {
    json_t *declared = NULL, *doc = NULL;
    enum gh_err e = stored(db, &declared);
    if (!e)
        doc = json_loads(defaults, 0, NULL);
    if (!e && (!doc || (declared && merge(doc, declared))))
        e = GH_ERR_NOMEM;
    json_decref(declared);
    if (e)
        json_decref(doc);
    else
        *ret = doc;
    return e;
}
