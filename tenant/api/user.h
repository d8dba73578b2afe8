/* tenant/api/user.h - users as other objects' lists show them. */
#pragma once
#include "tenant/api/call.h"

/* {user_id, email, picture, name} of a row (id, created_at, doc). */
enum gh_err gh_user_summary(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t **ret);

/* A role {id, name, description} of a row (id, created_at, doc). */
enum gh_err gh_role_summary(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t **ret);

/* As e-mail addresses and user names are kept: in lower case. Empty stays empty; ptr is NULL when out of
 * memory. */
struct gh_str gh_user_fold(struct gh_call *c, struct gh_str s);

/* May the role be given here? A role of an organization is known in that organization only: elsewhere, and
 * with an empty `organization` (a user's own roles), it is 404 (rule 4: context replaces, it does not add).
 */
enum gh_err gh_role_check(struct gh_db *db, struct gh_call *c, struct gh_str role,
                          struct gh_str organization);

/* Steps before the write of users (handlers.c). */
enum gh_err gh_users_prepare_create(struct gh_db *db, struct gh_call *c);
enum gh_err gh_users_prepare_update(struct gh_db *db, struct gh_call *c);
bool gh_user_hash_wanted(const struct gh_call *c);
enum gh_err gh_user_hash(struct gh_exchange *x);
