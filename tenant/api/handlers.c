/* tenant/api/handlers.c - which operation is answered by what. A row with words is a write: it runs in a
 * transaction and leaves an audit row with them. An operation without a row is known, but not served. */
#include "tenant/api/collection.h"
#include "tenant/api/user.h"

/* clang-format off */
const struct gh_handler gh_handlers[GH_OP_COUNT] = {
    [GH_OP_GET_ORGANIZATIONS]                = { gh_organizations_list },
    [GH_OP_POST_ORGANIZATIONS]               = { gh_organizations_create, "Create an Organization" },
    [GH_OP_GET_NAME_BY_NAME]                 = { gh_organizations_get_by_name },
    [GH_OP_GET_ORGANIZATIONS_BY_ID]          = { gh_organizations_get },
    [GH_OP_PATCH_ORGANIZATIONS_BY_ID]        = { gh_organizations_update, "Modify an Organization" },
    [GH_OP_DELETE_ORGANIZATIONS_BY_ID]       = { gh_organizations_delete, "Delete organization" },

    [GH_OP_GET_ORGANIZATION_CONNECTIONS]     = { gh_organization_connections_list },
    [GH_OP_POST_ORGANIZATION_CONNECTION]     = { gh_organization_connections_add, "Add a connection to an organization" },
    [GH_OP_GET_ORGANIZATION_CONNECTION]      = { gh_organization_connections_get },
    [GH_OP_PATCH_ORGANIZATION_CONNECTION]    = { gh_organization_connections_update, "Modify an Organization Connection" },
    [GH_OP_DELETE_ORGANIZATION_CONNECTION]   = { gh_organization_connections_remove, "Delete connections from an organization" },
    [GH_OP_GET_ENABLED_CONNECTIONS]          = { gh_organization_connections_list },
    [GH_OP_POST_ENABLED_CONNECTIONS]         = { gh_organization_connections_add, "Add connections to an organization" },
    [GH_OP_GET_ENABLED_CONNECTIONS_BY_CONNECTIONID] = { gh_organization_connections_get },
    [GH_OP_PATCH_ENABLED_CONNECTIONS_BY_CONNECTIONID] =
        { gh_organization_connections_update, "Modify an Organizations Connection" },
    [GH_OP_DELETE_ENABLED_CONNECTIONS_BY_CONNECTIONID] =
        { gh_organization_connections_remove, "Delete connections from an organization" },

    [GH_OP_GET_ORGANIZATION_MEMBERS]         = { gh_organization_members_list },
    [GH_OP_POST_MEMBERS]                     = { gh_organization_members_add, "Add members to an organization" },
    [GH_OP_DELETE_MEMBERS]                   = { gh_organization_members_remove, "Delete members from an organization" },
    [GH_OP_GET_ORGANIZATION_MEMBER_ROLES]    = { gh_member_roles_list },
    [GH_OP_POST_ORGANIZATION_MEMBER_ROLES]   = { gh_member_roles_add, "Assign user roles to an Organization member" },
    [GH_OP_DELETE_ORGANIZATION_MEMBER_ROLES] = { gh_member_roles_remove, "Delete user roles from an Organization member" },
    [GH_OP_GET_ORGANIZATION_CLIENT_GRANTS]   = { gh_organization_grants_list },
    [GH_OP_CREATE_ORGANIZATION_CLIENT_GRANTS] = { gh_organization_grants_add, "Associate a client grant with an organization" },
    [GH_OP_DELETE_CLIENT_GRANTS_BY_GRANT_ID] = { gh_organization_grants_remove, "Remove a client grant from an organization" },

    [GH_OP_GET_CONNECTIONS]                  = { gh_connections_list },
    [GH_OP_POST_CONNECTIONS]                 = { gh_connections_create, "Create a connection" },
    [GH_OP_GET_CONNECTIONS_BY_ID]            = { gh_connections_get },
    [GH_OP_PATCH_CONNECTIONS_BY_ID]          = { gh_connections_update, "Update a connection" },
    [GH_OP_DELETE_CONNECTIONS_BY_ID]         = { gh_connections_delete, "Delete a connection" },
    [GH_OP_GET_CONNECTION_CLIENTS]           = { gh_connection_clients_list },
    [GH_OP_PATCH_CLIENTS]                    = { gh_connection_clients_update, "Update enabled clients for a connection" },

    [GH_OP_GET_CLIENTS]                      = { gh_clients_list },
    [GH_OP_POST_CLIENTS]                     = { gh_clients_create, "Create a client" },
    [GH_OP_GET_CLIENTS_BY_ID]                = { gh_clients_get },
    [GH_OP_PATCH_CLIENTS_BY_ID]              = { gh_clients_update, "Update a client" },
    [GH_OP_DELETE_CLIENTS_BY_ID]             = { gh_clients_delete, "Delete a client" },
    [GH_OP_POST_ROTATE_SECRET]               = { gh_clients_rotate_secret, "Rotate a client secret" },
    [GH_OP_GET_CLIENT_CONNECTIONS]           = { gh_client_connections_list },

    [GH_OP_GET_CLIENT_GRANTS]                = { gh_client_grants_list },
    [GH_OP_POST_CLIENT_GRANTS]               = { gh_client_grants_create, "Create client grant" },
    [GH_OP_GET_CLIENT_GRANT]                 = { gh_client_grants_get },
    [GH_OP_PATCH_CLIENT_GRANTS_BY_ID]        = { gh_client_grants_update, "Update client grant" },
    [GH_OP_DELETE_CLIENT_GRANTS_BY_ID]       = { gh_client_grants_delete, "Delete client grant" },
    [GH_OP_GET_CLIENT_GRANT_ORGANIZATIONS]   = { gh_client_grant_organizations_list },

    [GH_OP_GET_RESOURCE_SERVERS]             = { gh_resource_servers_list },
    [GH_OP_POST_RESOURCE_SERVERS]            = { gh_resource_servers_create, "Create a resource server" },
    [GH_OP_GET_RESOURCE_SERVERS_BY_ID]       = { gh_resource_servers_get },
    [GH_OP_PATCH_RESOURCE_SERVERS_BY_ID]     = { gh_resource_servers_update, "Update a resource server" },
    [GH_OP_DELETE_RESOURCE_SERVERS_BY_ID]    = { gh_resource_servers_delete, "Delete a resource server" },

    [GH_OP_GET_ROLES]                        = { gh_roles_list },
    [GH_OP_POST_ROLES]                       = { gh_roles_create, "Create a role" },
    [GH_OP_GET_ROLES_BY_ID]                  = { gh_roles_get },
    [GH_OP_PATCH_ROLES_BY_ID]                = { gh_roles_update, "Update a role" },
    [GH_OP_DELETE_ROLES_BY_ID]               = { gh_roles_delete, "Delete a role" },
    [GH_OP_GET_ROLE_PERMISSION]              = { gh_role_permissions_list },
    [GH_OP_POST_ROLE_PERMISSION_ASSIGNMENT]  = { gh_role_permissions_add, "Associate permissions with a role" },
    [GH_OP_DELETE_ROLE_PERMISSION_ASSIGNMENT] = { gh_role_permissions_remove, "Remove permissions from a role" },
    [GH_OP_GET_ROLE_USER]                    = { gh_role_users_list },
    [GH_OP_POST_ROLE_USERS]                  = { gh_role_users_add, "Assign users to a role" },

    [GH_OP_GET_USERS]                        = { gh_users_list },
    [GH_OP_GET_USERS_BY_EMAIL]               = { gh_users_by_email },
    [GH_OP_POST_USERS]                       = { gh_users_create, "Create a User", gh_users_prepare_create,
                                                 gh_user_hash_wanted, gh_user_hash },
    [GH_OP_GET_USERS_BY_ID]                  = { gh_users_get },
    [GH_OP_PATCH_USERS_BY_ID]                = { gh_users_update, "Update a User", gh_users_prepare_update,
                                                 gh_user_hash_wanted, gh_user_hash },
    [GH_OP_DELETE_USERS_BY_ID]               = { gh_users_delete, "Delete a User" },
    [GH_OP_GET_USER_ROLES]                   = { gh_user_roles_list },
    [GH_OP_POST_USER_ROLES]                  = { gh_user_roles_add, "Assign roles to a user" },
    [GH_OP_DELETE_USER_ROLES]                = { gh_user_roles_remove, "Remove roles from a user" },
    [GH_OP_GET_PERMISSIONS]                  = { gh_user_permissions_list },
    [GH_OP_POST_PERMISSIONS]                 = { gh_user_permissions_add, "Assign permissions to a user" },
    [GH_OP_DELETE_PERMISSIONS]               = { gh_user_permissions_remove, "Remove permissions from a user" },
    [GH_OP_GET_USER_ORGANIZATIONS]           = { gh_user_organizations_list },

    [GH_OP_GET_ACTIONS]                      = { gh_actions_list },
    [GH_OP_TENANT_SETTINGS_ROUTE]            = { gh_settings_get_handler },
    [GH_OP_PATCH_SETTINGS]                   = { gh_settings_update, "Update tenant settings" },
};
/* clang-format on */
