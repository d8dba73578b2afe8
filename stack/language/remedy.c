/* Properties that people look for where they are not, and what to write instead. */
#include "stack/language/remedy.h"

/* clang-format off */
static const struct {
    const char *type, *property, *remedy;
} remedies[] = {
    { "OrganizationMember", "roles", "Roles of a member are a resource of their own: OrganizationMemberRoles with "
                                     "organizationId, userId and roles" },
    { "OrganizationMember", "role", "A role of a member is a resource of its own: OrganizationMemberRole" },
    { "Organization", "authDomain", "The domain is the tenant's: declare variables: { tenant: { fn::auth0:getTenant: {} } } "
                                    "and write ${tenant.domain}" },
    { "Organization", "domain", "The domain is the tenant's: declare variables: { tenant: { fn::auth0:getTenant: {} } } "
                                "and write ${tenant.domain}" },
    { "Organization", "connections", "Connections of an organization are resources of their own: OrganizationConnection" },
    { "Organization", "enabledConnections", "Connections of an organization are resources of their own: "
                                            "OrganizationConnection" },
    { "Organization", "members", "Members are resources of their own: OrganizationMember" },
    { "Connection", "enabledClients", "Clients of a connection are a resource of their own: ConnectionClients with "
                                      "connectionId and enabledClients" },
    { "Client", "clientSecret", "The secret is of ClientCredentials: declare one with clientId and write "
                                "${name.clientSecret}" },
    { "Client", "tokenEndpointAuthMethod", "How a client authenticates is authenticationMethod of ClientCredentials" },
    { "Client", "scopes", "What a client may ask for is a ClientGrant with clientId, audience and scopes" },
    { "ResourceServer", "scopes", "Permissions of an API are a resource of their own: ResourceServerScopes with "
                                  "resourceServerIdentifier and scopes" },
    { "ResourceServer", "permissions", "Permissions of an API are a resource of their own: ResourceServerScopes" },
    { "Role", "permissions", "Permissions of a role are a resource of their own: RolePermissions with roleId and "
                             "permissions" },
    { "User", "roles", "Roles of a user are resources of their own: OrganizationMemberRoles in an organization, "
                       "UserRoles without one" },
    { "User", "permissions", "Permissions of a user are a resource of their own: UserPermissions" },
    { "User", "connection", "It is called connectionName" },
};
/* clang-format on */

/* display_name and displayName are the same mistake. */
static bool same_name(const char *camel, struct gh_str written) {
    size_t at = 0;
    for (; *camel; camel++) {
        bool upper = *camel >= 'A' && *camel <= 'Z';
        if (upper && at < written.len && written.ptr[at] == '_')
            at++;
        if (at >= written.len)
            return false;
        char c = written.ptr[at++];
        if (c != *camel && !(upper && c == *camel + 32))
            return false;
    }
    return at == written.len;
}

const char *remedy_find(const char *type, struct gh_str property) {
    for (size_t i = 0; i < GH_COUNT(remedies); i++)
        if (strcmp(remedies[i].type, type) == 0 && same_name(remedies[i].property, property))
            return remedies[i].remedy;
    return NULL;
}

bool remedy_is_placeholder(struct gh_str s) {
    if (s.len < 3 || s.ptr[0] != '<' || s.ptr[s.len - 1] != '>')
        return false;
    for (size_t i = 1; i + 1 < s.len; i++)
        if (!(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z') && !(s.ptr[i] >= '0' && s.ptr[i] <= '9') && s.ptr[i] != '_')
            return false;
    return true;
}
