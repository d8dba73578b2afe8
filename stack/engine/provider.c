#include "stack/engine/provider.h"

#include <string.h>

#include "stack/form.h"
#include "stack/value.h"

#define ORGANIZATION "auth0:index/organization:Organization"
#define CONNECTION "auth0:index/connection:Connection"
#define ROLE "auth0:index/role:Role"
#define API "auth0:index/resourceServer:ResourceServer"
#define CLIENT "auth0:index/client:Client"
#define TENANT "auth0:index/tenant:Tenant"
#define USER "auth0:index/user:User"
#define MEMBER "auth0:index/organizationMember:OrganizationMember"
/* With the roles of each: nobody is asked about one by one. */
#define MEMBER_FIELDS "fields=user_id,roles&include_fields=true"

/* clang-format off */
static const struct gh_provider rows[] = {
    { .token = ORGANIZATION, .kind = GH_KIND_OBJECT,
      .list = "/organizations", .items = "organizations", .paging = GH_PAGING_CHECKPOINT,
      .object = "/organizations/{id}", .id = "id", .keys = { "name" }, .autonamed = true },
    { .token = "auth0:index/organizationConnection:OrganizationConnection", .kind = GH_KIND_LINK,
      .list = "/organizations/{organizationId}/connections", .items = "connections", .paging = GH_PAGING_PAGE,
      .object = "/organizations/{organizationId}/connections/{connectionId}",
      .id = "{organizationId}::{connectionId}", .keys = { "organizationId", "connectionId" },
      .create_only = { "organizationId", "connectionId" },
      .child = "connectionId", .child_member = "connection_id", .dies_with = { "organizationId", ORGANIZATION } },
    { .token = MEMBER, .kind = GH_KIND_LINK,
      .list = "/organizations/{organizationId}/members", .query = MEMBER_FIELDS, .items = "members", .paging = GH_PAGING_CHECKPOINT,
      .id = "{organizationId}::{userId}", .keys = { "organizationId", "userId" },
      .child = "userId", .child_member = "user_id", .batch = 10, .dies_with = { "organizationId", ORGANIZATION } },
    { .token = "auth0:index/organizationMemberRoles:OrganizationMemberRoles", .kind = GH_KIND_SET,
      .list = "/organizations/{organizationId}/members/{userId}/roles", .items = "roles", .paging = GH_PAGING_PAGE,
      .id = "{organizationId}::{userId}", .set = "roles", .elements = { "id" }, .set_member = "roles", .batch = 50,
      .inside = { MEMBER, "userId", "roles" }, .dies_with = { "organizationId", ORGANIZATION } },
    { .token = "auth0:index/organizationMemberRole:OrganizationMemberRole", .kind = GH_KIND_ELEMENT,
      .list = "/organizations/{organizationId}/members/{userId}/roles", .items = "roles", .paging = GH_PAGING_PAGE,
      .id = "{organizationId}::{userId}::{roleId}", .part = { "roleId" }, .elements = { "id" }, .set_member = "roles",
      .inside = { MEMBER, "userId", "roles" }, .shows = { "roleId", ROLE }, .dies_with = { "organizationId", ORGANIZATION } },
    { .token = "auth0:index/organizationMembers:OrganizationMembers", .kind = GH_KIND_SET,
      .list = "/organizations/{organizationId}/members", .query = MEMBER_FIELDS, .items = "members",
      .paging = GH_PAGING_CHECKPOINT, .id = "{organizationId}", .set = "members", .elements = { "user_id" }, .set_member = "members", .batch = 10,
      .dies_with = { "organizationId", ORGANIZATION } },
    { .token = "auth0:index/organizationConnections:OrganizationConnections", .kind = GH_KIND_SET,
      .list = "/organizations/{organizationId}/connections", .items = "connections", .paging = GH_PAGING_PAGE,
      .each = "/organizations/{organizationId}/connections/{connectionId}", .id = "{organizationId}", .set = "enabledConnections",
      .elements = { "connection_id" }, .batch = 1, .dies_with = { "organizationId", ORGANIZATION } },
    { .token = "auth0:index/organizationClientGrant:OrganizationClientGrant", .kind = GH_KIND_LINK,
      .list = "/organizations/{organizationId}/client-grants", .items = "client_grants", .paging = GH_PAGING_PAGE,
      .object = "/organizations/{organizationId}/client-grants/{grantId}", .no_get = true,
      .id = "{organizationId}::{grantId}", .keys = { "organizationId", "grantId" },
      .child = "grantId", .child_member = "id", .dies_with = { "organizationId", ORGANIZATION } },
    { .token = CONNECTION, .kind = GH_KIND_OBJECT,
      .list = "/connections", .items = "connections", .paging = GH_PAGING_CHECKPOINT,
      .object = "/connections/{id}", .id = "id", .keys = { "name" }, .autonamed = true },
    { .token = "auth0:index/connectionClients:ConnectionClients", .kind = GH_KIND_SET,
      .list = "/connections/{connectionId}/clients", .items = "clients", .paging = GH_PAGING_CHECKPOINT,
      .id = "{connectionId}", .set = "enabledClients", .elements = { "client_id" }, .batch = 50,
      .shows = { "connectionId", CONNECTION }, .dies_with = { "connectionId", CONNECTION } },
    { .token = "auth0:index/connectionClient:ConnectionClient", .kind = GH_KIND_ELEMENT,
      .list = "/connections/{connectionId}/clients", .items = "clients", .paging = GH_PAGING_CHECKPOINT,
      .id = "{connectionId}::{clientId}", .part = { "clientId" }, .elements = { "client_id" },
      .shows = { "connectionId", CONNECTION }, .dies_with = { "connectionId", CONNECTION } },
    { .token = ROLE, .kind = GH_KIND_OBJECT,
      .list = "/roles", .items = "roles", .paging = GH_PAGING_PAGE,
      .object = "/roles/{id}", .id = "id", .keys = { "name" }, .autonamed = true },
    { .token = "auth0:index/rolePermissions:RolePermissions", .kind = GH_KIND_SET,
      .list = "/roles/{roleId}/permissions", .items = "permissions", .paging = GH_PAGING_PAGE,
      .id = "{roleId}", .set = "permissions", .elements = { "permission_name", "resource_server_identifier" },
      .set_member = "permissions", .batch = 50, .dies_with = { "roleId", ROLE } },
    { .token = "auth0:index/rolePermission:RolePermission", .kind = GH_KIND_ELEMENT,
      .list = "/roles/{roleId}/permissions", .items = "permissions", .paging = GH_PAGING_PAGE,
      .id = "{roleId}::{resourceServerIdentifier}::{permission}", .part = { "permission", "resourceServerIdentifier" },
      .elements = { "permission_name", "resource_server_identifier" }, .set_member = "permissions", .dies_with = { "roleId", ROLE } },
    /* One address may live in several connections: the lookup is by e-mail, and the connection decides. */
    { .token = USER, .kind = GH_KIND_OBJECT,
      .list = "/users", .items = "users", .paging = GH_PAGING_NONE,
      .object = "/users/{id}", .id = "user_id", .keys = { "connectionName", "email" },
      .create_only = { "connectionName", "userId" }, .write_only = { "password", "verifyEmail", "connectionName" },
      .unserved = { "customDomainHeader" } },
    { .token = "auth0:index/userRoles:UserRoles", .kind = GH_KIND_SET,
      .list = "/users/{userId}/roles", .items = "roles", .paging = GH_PAGING_PAGE,
      .id = "{userId}", .set = "roles", .elements = { "id" }, .set_member = "roles", .batch = 50, .dies_with = { "userId", USER } },
    { .token = "auth0:index/userRole:UserRole", .kind = GH_KIND_ELEMENT,
      .list = "/users/{userId}/roles", .items = "roles", .paging = GH_PAGING_PAGE,
      .id = "{userId}::{roleId}", .part = { "roleId" }, .elements = { "id" }, .set_member = "roles", .dies_with = { "userId", USER } },
    { .token = "auth0:index/userPermissions:UserPermissions", .kind = GH_KIND_SET,
      .list = "/users/{userId}/permissions", .items = "permissions", .paging = GH_PAGING_PAGE,
      .id = "{userId}", .set = "permissions", .elements = { "permission_name", "resource_server_identifier" },
      .set_member = "permissions", .batch = 50, .dies_with = { "userId", USER } },
    { .token = "auth0:index/userPermission:UserPermission", .kind = GH_KIND_ELEMENT,
      .list = "/users/{userId}/permissions", .items = "permissions", .paging = GH_PAGING_PAGE,
      .id = "{userId}::{resourceServerIdentifier}::{permission}", .part = { "permission", "resourceServerIdentifier" },
      .elements = { "permission_name", "resource_server_identifier" }, .set_member = "permissions", .dies_with = { "userId", USER } },
    { .token = API, .kind = GH_KIND_OBJECT,
      .list = "/resource-servers", .items = "resource_servers", .paging = GH_PAGING_PAGE,
      .object = "/resource-servers/{id}", .id = "id", .keys = { "identifier" }, .autonamed = true,
      .write_only = { "signingSecret" } },
    { .token = "auth0:index/resourceServerScopes:ResourceServerScopes", .kind = GH_KIND_FACET,
      .object = "/resource-servers/{resourceServerIdentifier}", .id = "{resourceServerIdentifier}",
      .dies_with = { "resourceServerIdentifier", API } },
    { .token = "auth0:index/resourceServerScope:ResourceServerScope", .kind = GH_KIND_ELEMENT,
      .object = "/resource-servers/{resourceServerIdentifier}", .items = "scopes", .paging = GH_PAGING_NONE,
      .id = "{resourceServerIdentifier}::{scope}", .part = { "scope" }, .elements = { "value" },
      .dies_with = { "resourceServerIdentifier", API } },
    { .token = CLIENT, .kind = GH_KIND_OBJECT,
      .list = "/clients", .items = "clients", .paging = GH_PAGING_CHECKPOINT,
      .object = "/clients/{id}", .id = "client_id", .keys = { "name" }, .key_repeats = true, .autonamed = true },
    { .token = "auth0:index/clientCredentials:ClientCredentials", .kind = GH_KIND_FACET,
      .object = "/clients/{clientId}", .id = "{clientId}",
      .unserved = { "privateKeyJwt", "tlsClientAuth", "selfSignedTlsClientAuth", "signedRequestObject", "clientSecretWo",
                    "clientSecretWoVersion" },
      .dies_with = { "clientId", CLIENT } },
    { .token = "auth0:index/clientGrant:ClientGrant", .kind = GH_KIND_OBJECT,
      .list = "/client-grants", .items = "client_grants", .paging = GH_PAGING_CHECKPOINT,
      .object = "/client-grants/{id}", .id = "id", .keys = { "clientId", "audience", "subjectType" } },
    /* There is one, and nobody makes or deletes it: destroy gives back what was there. */
    { .token = TENANT, .kind = GH_KIND_FACET, .object = "/tenants/settings", .id = "tenant" },
};

/* Where "no longer declared" is neither null nor the empty value of the type. A NULL value: it stays as it is. */
static const struct {
    const char *token, *api, *json;
} resets[] = {
    { ORGANIZATION, "name", NULL }, { ORGANIZATION, "display_name", NULL },
    { ORGANIZATION, "third_party_client_access", "\"block\"" }, { ORGANIZATION, "token_quota", "null" },
    { CONNECTION, "display_name", NULL }, { CONNECTION, "realms", NULL }, { CONNECTION, "show_as_button", NULL },
    { CONNECTION, "authentication", "{\"active\":true}" }, { CONNECTION, "connected_accounts", "{\"active\":false}" },
    { API, "name", NULL }, { API, "signing_secret", NULL }, { API, "signing_alg", "\"RS256\"" },
    { API, "token_lifetime", "86400" }, { API, "token_dialect", "\"access_token\"" }, { API, "token_encryption", "null" },
    { API, "authorization_details", "null" }, { API, "proof_of_possession", "null" },
    { API, "authorization_policy", "null" }, { API, "verificationLocation", NULL }, { API, "token_lifetime_for_web", NULL },
    { CLIENT, "name", NULL }, { CLIENT, "app_type", NULL }, { CLIENT, "description", "\"\"" }, { CLIENT, "logo_uri", "\"\"" },
    { CLIENT, "initiate_login_uri", "\"\"" }, { CLIENT, "custom_login_page", "\"\"" }, { CLIENT, "form_template", "\"\"" },
    { CLIENT, "is_first_party", "true" }, { CLIENT, "custom_login_page_on", "true" },
    { CLIENT, "jwt_configuration", NULL }, { CLIENT, "session_transfer", "null" }, { CLIENT, "encryption_key", "null" },
    { CLIENT, "token_quota", "null" }, { CLIENT, "native_social_login", "null" }, { CLIENT, "fedcm_login", "null" },
    { CLIENT, "refresh_token", "null" }, { CLIENT, "default_organization", "null" }, { CLIENT, "token_exchange", "null" },
    { CLIENT, "organization_discovery_methods", "null" }, { CLIENT, "express_configuration", "null" },
    { CLIENT, "my_organization_configuration", "null" }, { CLIENT, "async_approval_notification_channels", "null" },
    { CLIENT, "third_party_security_mode", NULL }, { CLIENT, "redirection_policy", NULL },
    { CLIENT, "skip_non_verifiable_callback_uri_confirmation_prompt", "null" },
    { "auth0:index/clientCredentials:ClientCredentials", "client_secret", NULL },
    { "auth0:index/organizationConnection:OrganizationConnection", "show_as_button", "true" },
    { "auth0:index/organizationConnection:OrganizationConnection", "is_enabled", "true" },
    { "auth0:index/clientGrant:ClientGrant", "allow_any_organization", "null" },
    { "auth0:index/clientGrant:ClientGrant", "allow_all_scopes", "null" },
    { USER, "password", NULL },
    { TENANT, "flags", NULL }, { TENANT, "sessions", NULL }, { TENANT, "session_cookie", "null" }, { TENANT, "default_token_quota", "null" },
    { TENANT, "oidc_logout", NULL }, { TENANT, "mtls", "null" }, { TENANT, "error_page", "null" }, { TENANT, "sandbox_version", NULL },
    { TENANT, "enabled_locales", "[\"en\"]" }, { TENANT, "session_lifetime", "168" }, { TENANT, "idle_session_lifetime", "72" },
    { TENANT, "default_audience", "\"\"" }, { TENANT, "default_directory", "\"\"" }, { TENANT, "friendly_name", "\"\"" },
    { TENANT, "picture_url", "\"\"" }, { TENANT, "support_email", "\"\"" }, { TENANT, "support_url", "\"\"" },
    { TENANT, "default_redirection_uri", "\"\"" },
};

static const struct {
    const char *token, *api;
} merging[] = {
    { CLIENT, "client_metadata" },
    { USER, "user_metadata" },
    { USER, "app_metadata" },
    { TENANT, "flags" },
    { TENANT, "sessions" },
};
/* clang-format on */

const struct gh_provider *gh_provider_find(const char *token) {
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        if (strcmp(rows[i].token, token) == 0)
            return &rows[i];
    return NULL;
}

size_t gh_provider_count(void) {
    return GH_COUNT(rows);
}

const struct gh_provider *gh_provider_at(size_t i) {
    return i < GH_COUNT(rows) ? &rows[i] : NULL;
}

/* The next {hole} at or behind *at: its name in *name, *at behind it; what stood before it in *before. */
static bool next_hole(struct gh_str *rest, struct gh_str *before, struct gh_str *name) {
    if (!gh_str_cut(rest, '{', before))
        return false;
    return gh_str_cut(rest, '}', name);
}

enum gh_err gh_provider_expand(const char *template, const char *id, const json_t *inputs, bool encode,
                               struct gh_buf *ret) {
    struct gh_str rest = gh_str_from(template), before, name;
    while (next_hole(&rest, &before, &name)) {
        json_t *input = json_object_getn(inputs, name.ptr, name.len);
        const char *value = gh_str_is(name, "id") ? id : json_string_value(gh_value_reveal(input));
        if (!value || !*value || strcmp(value, GH_UNKNOWN) == 0)
            return GH_ERR_MALFORMED;
        /* "." and ".." mean another path once percent-decoded or not: no id looks so. */
        if (encode && (strcmp(value, ".") == 0 || strcmp(value, "..") == 0))
            return GH_ERR_MALFORMED;
        gh_buf_add(ret, before);
        if (encode)
            gh_percent_add(ret, value);
        else
            gh_buf_add(ret, gh_str_from(value));
    }
    gh_buf_add(ret, rest);
    return ret->failed ? GH_ERR_NOMEM : GH_OK;
}

bool gh_provider_in_path(const char *template, const char *name) {
    struct gh_str rest = gh_str_from(template), before, hole;
    while (next_hole(&rest, &before, &hole))
        if (gh_str_is(hole, name))
            return true;
    return false;
}

bool gh_provider_lists(const char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count && names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static const struct gh_property *property_of(const struct gh_provider *p, const char *api) {
    const struct gh_resource_type *type = gh_schema_resource(gh_str_from(p->token));
    for (size_t i = 0; type && i < type->input_count; i++)
        if (strcmp(type->inputs[i].api, api) == 0)
            return &type->inputs[i];
    return NULL;
}

bool gh_provider_reset(const struct gh_provider *p, const char *api, json_t **ret) {
    for (size_t i = 0; i < GH_COUNT(resets); i++)
        if (strcmp(resets[i].token, p->token) == 0 && strcmp(resets[i].api, api) == 0) {
            if (resets[i].json)
                *ret = json_loads(resets[i].json, JSON_DECODE_ANY, NULL);
            return resets[i].json != NULL;
        }
    const struct gh_property *property = property_of(p, api);
    const char *type = property ? property->type : "string";
    size_t len = strlen(type);
    if (len > 2 && strcmp(type + len - 2, "[]") == 0)
        *ret = json_array();
    else if (type[0] == '@' || strncmp(type, "map<", 4) == 0 || strstr(api, "_metadata"))
        *ret = json_object();
    else if (strcmp(type, "boolean") == 0)
        *ret = json_false();
    else
        *ret = json_null();
    return true;
}

bool gh_provider_merges(const struct gh_provider *p, const char *api) {
    for (size_t i = 0; i < GH_COUNT(merging); i++)
        if (strcmp(merging[i].token, p->token) == 0 && strcmp(merging[i].api, api) == 0)
            return true;
    return false;
}
