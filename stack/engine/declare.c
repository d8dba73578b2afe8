#include "stack/engine/declare.h"

#include <string.h>

#include "stack/engine/diff.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"

#define CONNECTION "auth0:index/connection:Connection"
#define CLIENT "auth0:index/client:Client"
#define USER "auth0:index/user:User"

struct pair {
    const char *token, *property;
};

/* What an object has when nothing was said, in the API's names: saying it would only make the file longer. */
/* clang-format off */
static const struct {
    const char *token, *json;
} defaults[] = {
    { "auth0:index/organization:Organization", "{\"third_party_client_access\":\"block\"}" },
    { "auth0:index/organizationConnection:OrganizationConnection",
      "{\"assign_membership_on_login\":false,\"show_as_button\":true,\"is_signup_enabled\":false,\"is_enabled\":true,"
      "\"organization_access_level\":\"none\"}" },
    { CONNECTION,
      "{\"is_domain_connection\":false,\"show_as_button\":false,\"authentication\":{\"active\":true},\"connected_accounts\":{\"active\":false},"
      "\"options\":{\"brute_force_protection\":true,\"disable_signup\":false,\"requires_username\":false,"
      "\"import_mode\":false,\"enable_script_context\":false,\"enabledDatabaseCustomization\":false,\"strategy_version\":2,"
      "\"mfa\":{\"active\":true,\"return_enroll_settings\":true},"
      "\"passkey_options\":{\"challenge_ui\":\"both\",\"local_enrollment_enabled\":true,\"progressive_enrollment_enabled\":true},"
      "\"authentication_methods\":{\"passkey\":{\"enabled\":false},"
      "\"password\":{\"enabled\":true,\"api_behavior\":\"required\",\"signup_behavior\":\"allow\"}},"
      "\"password_options\":{\"complexity\":{\"character_type_rule\":\"all\",\"identical_characters\":\"allow\","
      "\"sequential_characters\":\"allow\",\"max_length_exceeded\":\"error\",\"min_length\":15},"
      "\"dictionary\":{\"active\":false,\"default\":\"en_100k\"},\"history\":{\"active\":false,\"size\":3},"
      "\"profile_data\":{\"active\":false,\"blocked_fields\":[\"name\",\"username\",\"nickname\",\"email\",\"phone_number\","
      "\"user_metadata.name\",\"user_metadata.first\",\"user_metadata.last\"]}}}}" },
    { "auth0:index/resourceServer:ResourceServer",
      "{\"allow_offline_access\":false,\"skip_consent_for_verifiable_first_party_clients\":false,\"enforce_policies\":false,"
      "\"token_lifetime\":86400,\"token_lifetime_for_web\":7200,\"token_dialect\":\"access_token\",\"signing_alg\":\"RS256\","
      "\"subject_type_authorization\":{\"client\":{\"policy\":\"require_client_grant\"},\"user\":{\"policy\":\"allow_all\"}}}" },
    { CLIENT,
      "{\"is_first_party\":true,\"is_token_endpoint_ip_header_trusted\":false,\"sso\":false,\"sso_disabled\":false,"
      "\"cross_origin_auth\":false,\"cross_origin_authentication\":false,\"custom_login_page_on\":true,"
      "\"require_pushed_authorization_requests\":false,\"require_proof_of_possession\":false,"
      "\"jwt_configuration\":{\"secret_encoded\":false,\"lifetime_in_seconds\":36000},"
      "\"refresh_token\":{\"rotation_type\":\"non-rotating\",\"expiration_type\":\"non-expiring\",\"leeway\":0,"
      "\"token_lifetime\":2592000,\"idle_token_lifetime\":1296000,\"infinite_token_lifetime\":true,\"infinite_idle_token_lifetime\":true}}" },
    { "auth0:index/clientGrant:ClientGrant", "{\"subject_type\":\"client\"}" },
    { "auth0:index/tenant:Tenant",
      "{\"allow_organization_name_in_authentication_api\":false,\"customize_mfa_in_postlogin_action\":false,"
      "\"pushed_authorization_requests_supported\":false,\"enabled_locales\":[\"en\"],\"idle_session_lifetime\":72,"
      "\"session_lifetime\":168,\"sandbox_version\":\"22\",\"session_cookie\":{\"mode\":\"persistent\"},"
      "\"oidc_logout\":{\"rp_logout_end_session_endpoint_discovery\":true},"
      "\"flags\":{\"allow_legacy_delegation_grant_types\":false,\"allow_legacy_ro_grant_types\":false,"
      "\"allow_legacy_tokeninfo_endpoint\":false,\"disable_clickjack_protection_headers\":false,"
      "\"enable_apis_section\":false,\"enable_client_connections\":false,\"enable_custom_domain_in_emails\":false,"
      "\"enable_dynamic_client_registration\":false,\"enable_legacy_logs_search_v2\":false,"
      "\"enable_pipeline2\":false,\"no_disclose_enterprise_connections\":false,\"revoke_refresh_token_grant\":false,"
      "\"enable_public_signup_user_exists_error\":true}}" },
    { USER, "{\"blocked\":false,\"email_verified\":false,\"phone_verified\":false}" },
};
/* Empty ones that still say something: an object that does not say them is given others. */
static const struct pair telling[] = {
    { CLIENT, "grantTypes" }, { "auth0:index/clientGrant:ClientGrant", "scopes" },
    { "auth0:index/resourceServerScopes:ResourceServerScopes", "scopes" },
};
/* Made by the tenant, or not of the object's own. */
static const struct pair unsaid[] = {
    { USER, "userId" }, { USER, "picture" }, { CLIENT, "encryptionKey" },
};
/* clang-format on */

static bool is_empty(const json_t *v) {
    return !v || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) ||
           (json_is_array(v) && json_array_size(v) == 0) || (json_is_object(v) && json_object_size(v) == 0);
}

static bool lists(const struct pair *pairs, size_t count, const char *token, const char *property) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].token, token) == 0 && strcmp(pairs[i].property, property) == 0)
            return true;
    return false;
}

/* The value without what is empty in it and what `usual` has as well. New, or NULL when nothing is left. */
static json_t *trimmed(json_t *value, json_t *usual) {
    if (gh_value_is_secret(value))
        return json_incref(value);
    if (usual && !json_is_object(value) && gh_diff_satisfies(value, usual))
        return NULL;
    if (!json_is_object(value))
        return is_empty(value) ? NULL : json_incref(value);
    json_t *ret = json_object(), *member;
    const char *key;
    json_object_foreach(value, key, member) {
        json_t *kept = trimmed(member, json_object_get(usual, key));
        if (kept)
            json_object_set_new(ret, key, kept);
    }
    if (json_object_size(ret))
        return ret;
    json_decref(ret);
    return NULL;
}

static json_t *usual_of(const struct gh_resource_type *type) {
    json_t *usual = NULL;
    for (size_t i = 0; i < GH_COUNT(defaults); i++)
        if (strcmp(defaults[i].token, type->token) == 0) {
            json_t *api = json_loads(defaults[i].json, 0, NULL);
            usual = gh_mapping_decode(type, api);
            json_decref(api);
        }
    return usual ? usual : json_object();
}

static bool can_be_said(const struct gh_provider *p, const struct gh_property *property, json_t *value) {
    return !property->deprecated && !gh_value_is_secret(value) &&
           !lists(unsaid, GH_COUNT(unsaid), p->token, property->name) &&
           !gh_provider_lists(p->unserved, GH_COUNT(p->unserved), property->name) &&
           !gh_provider_lists(p->write_only, GH_COUNT(p->write_only), property->name);
}

/* A property with a default of the program's side has to be said where the object has another one, be it
 * none. */
static json_t *against_default(const struct gh_property *property, json_t *value) {
    json_t *usual = json_loads(property->default_value, JSON_DECODE_ANY, NULL);
    bool same = json_equal(usual, value);
    bool text = json_is_string(usual);
    json_decref(usual);
    if (same)
        return NULL;
    return !is_empty(value) ? json_incref(value) : text ? json_string("") : NULL;
}

/* Empty or usual, it counts: in a map of somebody's own keys an empty text is a text. */
static bool says_by_itself(const struct gh_provider *p, const struct gh_property *property,
                           const json_t *value) {
    bool map = strncmp(property->type, "map<", 4) == 0 && json_object_size(value);
    return map || property->required ||
           (json_is_array(value) && lists(telling, GH_COUNT(telling), p->token, property->name));
}

static void say(const struct gh_provider *p, const struct gh_property *property, json_t *value, json_t *usual,
                json_t *ret) {
    json_t *said = NULL;
    if (value && !can_be_said(p, property, value))
        return;
    if (property->default_value)
        said = against_default(property, value);
    else if (value && says_by_itself(p, property, value))
        said = json_incref(value);
    else if (value)
        said = trimmed(value, json_object_get(usual, property->name));
    if (said)
        json_object_set_new(ret, property->name, said);
}

/* In the primary identity of a user is its connection; what Auth0 makes of the address need not be said. */
static void say_of_user(const json_t *live, json_t *ret) {
    const json_t *identity = json_array_get(json_object_get(live, "identities"), 0);
    const char *email = json_string_value(json_object_get(live, "email"));
    const char *nickname = json_string_value(json_object_get(live, "nickname"));
    if (json_object_get(identity, "connection"))
        json_object_set(ret, "connectionName", json_object_get(identity, "connection"));
    if (!email)
        return;
    if (json_equal(json_object_get(ret, "name"), json_object_get(ret, "email")))
        json_object_del(ret, "name");
    size_t local = strcspn(email, "@");
    if (nickname && strlen(nickname) == local && strncmp(nickname, email, local) == 0)
        json_object_del(ret, "nickname");
}

/* The realm of a connection is its name unless somebody said otherwise. */
static void say_of_connection(json_t *ret) {
    json_t *realms = json_object_get(ret, "realms");
    if (json_array_size(realms) == 1 && json_equal(json_array_get(realms, 0), json_object_get(ret, "name")))
        json_object_del(ret, "realms");
}

json_t *gh_declare(const struct gh_provider *p, const json_t *live, const json_t *parents) {
    const struct gh_resource_type *type = gh_schema_resource(gh_str_from(p->token));
    json_t *ret = json_object(), *usual = usual_of(type), *decoded = NULL;
    if (p->kind == GH_KIND_SET) {
        const struct gh_property *set =
            gh_schema_property(type->inputs, type->input_count, gh_str_from(p->set));
        decoded = json_object();
        json_object_set_new(decoded, p->set, gh_mapping_decode_value(set, (json_t *)(uintptr_t)live));
    } else
        decoded = gh_mapping_decode(type, live);
    json_object_update(ret, (json_t *)(uintptr_t)parents);
    for (int pass = 0; pass < 3; pass++) /* for people: the natural key, what must be said, the rest */
        for (size_t i = 0; i < type->input_count; i++) {
            const struct gh_property *property = &type->inputs[i];
            bool key = gh_provider_lists(p->keys, GH_COUNT(p->keys), property->name);
            if ((key ? 0 : property->required ? 1 : 2) == pass && !json_object_get(parents, property->name))
                say(p, property, json_object_get(decoded, property->name), usual, ret);
        }
    if (strcmp(p->token, USER) == 0)
        say_of_user(live, ret);
    if (strcmp(p->token, CONNECTION) == 0)
        say_of_connection(ret);
    json_decref(decoded);
    json_decref(usual);
    return ret;
}

bool gh_declare_parents(const struct gh_provider *p, const char *id, json_t *inputs) {
    struct gh_str form = gh_str_from(p->id), rest = gh_str_from(id), before, name, value;
    while (gh_str_cut(&form, '{', &before) && gh_str_cut(&form, '}', &name)) {
        const char *cut = form.len ? memmem(rest.ptr, rest.len, "::", 2) : rest.ptr + rest.len;
        if (!cut)
            return false;
        value = (struct gh_str){ rest.ptr, (size_t)(cut - rest.ptr) };
        rest = gh_str_skip(rest, value.len + (form.len ? 2 : 0));
        if (!value.len ||
            json_object_setn_new(inputs, name.ptr, name.len, json_stringn(value.ptr, value.len)))
            return false;
    }
    return rest.len == 0;
}
