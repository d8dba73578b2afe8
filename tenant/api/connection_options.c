/* tenant/api/connection_options.c - defaults, merging and rules of a connection's options. */
#include "tenant/api/connection.h"

/* What a database connection gets when nothing else was said, as recorded in August 2026: passwordPolicy is
 * not among it any more. */
static const char database_defaults[] =
    "{\"mfa\":{\"active\":true,\"return_enroll_settings\":true},\"strategy_version\":2,"
    "\"brute_force_protection\":true,"
    "\"password_options\":{\"complexity\":{\"character_type_rule\":\"all\",\"identical_characters\":"
    "\"allow\","
    "\"sequential_characters\":\"allow\",\"max_length_exceeded\":\"error\",\"min_length\":15,"
    "\"character_types\":[]},\"profile_data\":{\"active\":false,\"blocked_fields\":[\"name\",\"username\","
    "\"nickname\",\"email\",\"phone_number\",\"user_metadata.name\",\"user_metadata.first\","
    "\"user_metadata.last\"]},\"history\":{\"active\":false,\"size\":3},\"dictionary\":{\"active\":false,"
    "\"custom\":[],\"default\":\"en_100k\"}},"
    "\"authentication_methods\":{\"password\":{\"enabled\":true,\"api_behavior\":\"required\","
    "\"signup_behavior\":\"allow\"},\"passkey\":{\"enabled\":false}},"
    "\"passkey_options\":{\"challenge_ui\":\"both\",\"progressive_enrollment_enabled\":true,"
    "\"local_enrollment_enabled\":true}}";

/* What Okta connections get (recorded, 2026). Other enterprise strategies are kept as they were sent. */
static const char okta_defaults[] = "{\"schema_version\":\"oidc-V4\",\"type\":\"back_channel\","
                                    "\"attribute_map\":{\"mapping_mode\":\"basic_profile\"},"
                                    "\"connection_settings\":{\"pkce\":\"auto\"}}";

/* … and OpenID Connect ones; with the metadata of the provider come its four absent flags. */
static const char oidc_defaults[] =
    "{\"schema_version\":\"oidc-V4\",\"attribute_map\":{\"mapping_mode\":\"bind_all\"},"
    "\"connection_settings\":{\"pkce\":\"auto\"}}";
static const char metadata_defaults[] =
    "{\"claims_parameter_supported\":false,\"request_parameter_supported\":false,"
    "\"request_uri_parameter_supported\":false,"
    "\"require_request_uri_registration\":false}";

static const struct {
    const char *strategy, *options;
} strategies[] = { { "auth0", database_defaults }, { "okta", okta_defaults }, { "oidc", oidc_defaults } };

/* Missing members are added at every depth; arrays and scalars stay as they were sent. */
static enum gh_err fill_in(json_t *object, const json_t *defaults) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)defaults, key, value) {
        json_t *own = json_object_get(object, key);
        enum gh_err e = GH_OK;
        if (!own)
            e = json_object_set_new(object, key, json_deep_copy(value)) ? GH_ERR_NOMEM : GH_OK;
        else if (json_is_object(own) && json_is_object(value))
            e = fill_in(own, value);
        if (e)
            return e;
    }
    return GH_OK;
}

/* The e-mail attribute gains unique and verification_method; beside attributes stand the two
 * one-time-password methods (recorded since March 2026). */
static enum gh_err fill_attributes(json_t *options) {
    json_t *attributes = json_object_get(options, "attributes");
    json_t *email = json_object_get(attributes, "email");
    if (!attributes)
        return GH_OK;
    json_auto_t *methods = json_loads("{\"authentication_methods\":{\"email_otp\":{\"enabled\":false},"
                                      "\"phone_otp\":{\"enabled\":false}}}",
                                      0, NULL);
    enum gh_err e = methods ? fill_in(options, methods) : GH_ERR_NOMEM;
    if (!e && email)
        e = gh_doc_default(email, "{\"unique\":true,\"verification_method\":\"link\"}");
    return e;
}

static bool is_database(const json_t *doc) {
    return gh_str_is(gh_doc_string(doc, "strategy"), "auth0");
}

static enum gh_err fill_options(const json_t *doc, json_t *options) {
    for (size_t i = 0; i < GH_COUNT(strategies); i++) {
        if (!gh_str_is(gh_doc_string(doc, "strategy"), strategies[i].strategy))
            continue;
        json_auto_t *wanted = json_loads(strategies[i].options, 0, NULL);
        return wanted ? fill_in(options, wanted) : GH_ERR_NOMEM;
    }
    return GH_OK;
}

/* Endpoints that were left null come from the provider's metadata where that was sent along (recorded). */
static enum gh_err fill_endpoints(json_t *options) {
    static const char *const names[] = { "authorization_endpoint", "token_endpoint", "userinfo_endpoint",
                                         "jwks_uri" };
    json_t *metadata = json_object_get(options, "oidc_metadata");
    if (!json_is_object(metadata))
        return GH_OK;
    enum gh_err e = gh_doc_default(metadata, metadata_defaults);
    for (size_t i = 0; i < GH_COUNT(names) && !e; i++) {
        json_t *known = json_object_get(metadata, names[i]);
        if (known && json_is_null(json_object_get(options, names[i])))
            e = json_object_set(options, names[i], known) ? GH_ERR_NOMEM : GH_OK;
    }
    return e;
}

enum gh_err gh_connection_defaults(json_t *doc) {
    if (!json_object_get(doc, "options"))
        json_object_set_new(doc, "options", json_object());
    json_t *options = json_object_get(doc, "options");
    enum gh_err e = options ? fill_options(doc, options) : GH_ERR_NOMEM;
    if (!e && is_database(doc))
        e = fill_attributes(options);
    if (!e && gh_str_is(gh_doc_string(doc, "strategy"), "oidc"))
        e = fill_endpoints(options);
    if (!e && gh_str_is(gh_doc_string(doc, "strategy"), "oidc") && !json_object_get(doc, "display_name"))
        e = json_object_set(doc, "display_name", json_object_get(doc, "name")) ? GH_ERR_NOMEM : GH_OK;
    if (!e && !is_database(doc)) /* only others have a button (recorded) */
        e = gh_doc_default(doc, "{\"show_as_button\":false}");
    if (!e)
        e = gh_doc_default(doc, "{\"is_domain_connection\":false,\"authentication\":{\"active\":true},"
                                "\"connected_accounts\":{\"active\":false}}");
    if (!e && !json_object_get(doc, "realms"))
        e = json_object_set_new(doc, "realms", json_pack("[O]", json_object_get(doc, "name"))) ? GH_ERR_NOMEM
                                                                                               : GH_OK;
    return e;
}

static void keep_member(json_t *options, const json_t *was, const char *name) {
    if (!json_object_get(options, name) && json_object_get(was, name))
        json_object_set(options, name, json_object_get(was, name));
}

enum gh_err gh_connection_merge(json_t *doc, const json_t *patch) {
    json_auto_t *was = json_incref(json_object_get(doc, "options"));
    json_auto_t *merged = json_deep_copy(patch);
    if (!merged)
        return GH_ERR_NOMEM;
    json_object_del(merged, "enabled_clients");
    json_t *options = json_object_get(merged, "options");
    if (json_is_object(options)) {
        keep_member(options, was, "authentication_methods");
        keep_member(options, was, "passkey_options");
    }
    enum gh_err e = is_database(doc) && options ? fill_attributes(options) : GH_OK;
    if (!e && is_database(doc) && json_is_object(options)) /* never off by omission (recorded) */
        e = gh_doc_default(options, "{\"brute_force_protection\":true}");
    return e ? e : gh_doc_merge(doc, merged);
}

/* --- rules (recorded wordings) --- */

static enum gh_err refuse(struct gh_call *c, const char *message) {
    return gh_call_refuse(c, 400, "invalid_body", "%s", message);
}

static enum gh_err check_attributes(struct gh_call *c, const json_t *attributes) {
    static const char *const names[] = { "email", "phone_number", "username" };
    bool any_active = false;
    for (size_t i = 0; i < GH_COUNT(names); i++) {
        const json_t *attribute = json_object_get(attributes, names[i]);
        const json_t *signup = json_object_get(attribute, "signup");
        any_active |= gh_doc_bool(json_object_get(attribute, "identifier"), "active", false);
        if (gh_doc_bool(attribute, "profile_required", false) && signup &&
            !gh_str_is(gh_doc_string(signup, "status"), "required"))
            return gh_call_refuse(c, 400, "invalid_body", "attribute %s must also be required on signup",
                                  names[i]);
    }
    return any_active ? GH_OK : refuse(c, "attributes must contain one active identifier");
}

/* An e-mail attribute may be made non-unique only together with the connection, or stay so. */
static bool adds_non_unique_email(const json_t *was, const json_t *attributes) {
    const json_t *email = json_object_get(attributes, "email");
    const json_t *before =
        json_object_get(json_object_get(json_object_get(was, "options"), "attributes"), "email");
    return was && email && !gh_doc_bool(email, "unique", true) &&
           (!before || gh_doc_bool(before, "unique", true));
}

enum gh_err gh_connection_check(struct gh_call *c, const json_t *was, const json_t *now) {
    const json_t *options = json_object_get(now, "options");
    const json_t *attributes = json_object_get(options, "attributes");
    if (!is_database(now))
        return GH_OK;
    if (gh_doc_bool(json_object_get(now, "cross_app_access_requesting_app"), "active", false))
        return gh_call_refuse(c, 400, "operation_not_supported",
                              "Cross App Access Requesting App is not supported for this connection.");
    if (!attributes)
        return GH_OK;
    if (json_object_get(options, "validation"))
        return refuse(c, "Cannot set both options.attributes and options.validation");
    if (json_is_true(json_object_get(options, "requires_username")))
        return refuse(c, "Cannot set both options.attributes and options.requires_username");
    if (adds_non_unique_email(was, attributes))
        return refuse(c, "cannot add non-unique email attribute");
    return check_attributes(c, attributes);
}
