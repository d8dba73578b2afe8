#include "stack/engine/order.h"

#include <stddef.h>
#include <string.h>

#include "core/str.h"

#define T(file, name) "auth0:index/" file ":" name

/* clang-format off */
static const struct {
    const char *type, *after[4];
} rows[] = {
    { T("resourceServerScopes", "ResourceServerScopes"), { T("resourceServer", "ResourceServer") } },
    { T("rolePermissions", "RolePermissions"),
      { T("resourceServer", "ResourceServer"), T("resourceServerScopes", "ResourceServerScopes"),
        T("resourceServerScope", "ResourceServerScope") } },
    { T("rolePermission", "RolePermission"),
      { T("resourceServer", "ResourceServer"), T("resourceServerScopes", "ResourceServerScopes"),
        T("resourceServerScope", "ResourceServerScope") } },
    { T("userPermissions", "UserPermissions"),
      { T("resourceServer", "ResourceServer"), T("resourceServerScopes", "ResourceServerScopes"),
        T("resourceServerScope", "ResourceServerScope") } },
    { T("userPermission", "UserPermission"),
      { T("resourceServer", "ResourceServer"), T("resourceServerScopes", "ResourceServerScopes"),
        T("resourceServerScope", "ResourceServerScope") } },
    { T("clientGrant", "ClientGrant"),
      { T("resourceServer", "ResourceServer"), T("resourceServerScopes", "ResourceServerScopes"),
        T("resourceServerScope", "ResourceServerScope") } },
    /* A user of a connection that no client has enabled is refused: "connection is disabled". */
    { T("user", "User"),
      { T("connection", "Connection"), T("connectionClients", "ConnectionClients"), T("connectionClient", "ConnectionClient") } },
    { T("organizationMemberRoles", "OrganizationMemberRoles"),
      { T("organizationMember", "OrganizationMember"), T("organizationMembers", "OrganizationMembers") } },
    { T("organizationMemberRole", "OrganizationMemberRole"),
      { T("organizationMember", "OrganizationMember"), T("organizationMembers", "OrganizationMembers") } },
    { T("organizationClientGrant", "OrganizationClientGrant"), { T("clientGrant", "ClientGrant") } },
};
/* clang-format on */

bool gh_domain_after(const char *type, const char *other) {
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        if (strcmp(rows[i].type, type) != 0)
            continue;
        for (size_t k = 0; k < GH_COUNT(rows[i].after) && rows[i].after[k]; k++)
            if (strcmp(rows[i].after[k], other) == 0)
                return true;
    }
    return false;
}
