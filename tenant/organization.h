/* tenant/organization.h - what organizations mean (rule 4): context replaces, it does not add. Read by both
 * APIs at every issuance. */
#pragma once
#include "core/arena.h"
#include "tenant/record.h"

/* *err: GH_OK or STORAGE; false in the latter case. */
bool gh_organization_has_member(struct gh_db *db, struct gh_str organization_id, struct gh_str user_id,
                                enum gh_err *err);

/* May this client grant be used for the organization: it is associated, or the grant says
 * allow_any_organization and the client is of the first party. GH_OK, NO_PERMISSION, STORAGE. */
enum gh_err gh_organization_grant(struct gh_db *db, struct gh_str organization_id, const json_t *grant,
                                  const json_t *client);

/* By id; by name as well when `names` (the tenant's allow_organization_name_in_authentication_api).
 * NOT_FOUND. */
enum gh_err gh_organization_find(struct gh_db *db, struct gh_arena *a, struct gh_str id_or_name, bool names,
                                 json_t **ret);

/* The permissions of a user on an API: with an organization only those of the roles of that membership,
 * without one the user's own roles and direct permissions. Sorted, without repeats, in the arena. Empty when
 * the API does not enforce policies is the caller's business. */
enum gh_err gh_permissions_of(struct gh_db *db, struct gh_arena *a, struct gh_str user_id,
                              struct gh_str organization_id /* or empty */, struct gh_str resource_server_id,
                              struct gh_str **ret, size_t *count);
