/* tenant/organization.h - what organizations mean (rule 4): context replaces, it does not add. Read by both
 * APIs at every issuance. */
#pragma once
#include "core/arena.h"
#include "tenant/record.h"

bool gh_organization_has_member(struct gh_db *db, struct gh_str organization_id, struct gh_str user_id,
                                enum gh_err *err);

/* The connection counts only if the organization enables it (is_enabled) and the client has it. *doc: the
 * organization's connection row. */
enum gh_err gh_organization_connection(struct gh_db *db, struct gh_str organization_id,
                                       struct gh_str connection_id, json_t **doc);

/* The permissions of a user on an API: with an organization only those of the roles of that membership,
 * without one the user's own roles and direct permissions. Sorted, without repeats, in the arena. Empty when
 * the API does not enforce policies is the caller's business. */
enum gh_err gh_permissions_of(struct gh_db *db, struct gh_arena *a, struct gh_str user_id,
                              struct gh_str organization_id /* or empty */, struct gh_str resource_server_id,
                              struct gh_str **ret, size_t *count);
