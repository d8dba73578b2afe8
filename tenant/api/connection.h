/* tenant/api/connection.h - what a connection is made of: defaults, merging, rules, and its password policy.
 */
#pragma once
#include "tenant/api/call.h"

/* Fills in what Auth0 fills in at creation (the newest recordings). Also for fresh.c. NOMEM. */
enum gh_err gh_connection_defaults(json_t *doc);

/* PATCH: members merge, but `options` is replaced as a whole except for authentication_methods and
 * passkey_options, which survive when absent (recorded, 8 cases). */
enum gh_err gh_connection_merge(json_t *doc, const json_t *patch);

/* The rules that no schema states; `was` is NULL at creation. */
enum gh_err gh_connection_check(struct gh_call *c, const json_t *was, const json_t *now);

/* Is the password strong enough for this connection? */
bool gh_password_is_strong(const json_t *connection, struct gh_str password);
