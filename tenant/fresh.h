/* tenant/fresh.h - what a new tenant holds: every client assumes these objects (notes/management-api, b.9).
 */
#pragma once
#include "tenant/tenant.h"

/* Makes tenant settings, connection Username-Password-Authentication, "All Applications", the Management API,
 * and the first machine client with its grant for all scopes, in one transaction. */
enum gh_err gh_fresh_make(struct gh_tenant *t);

/* Id and secret of the machine client that gh_fresh_make made, for `dev`'s environment file and `init`.
 * NOT_FOUND when it was deleted. */
enum gh_err gh_fresh_machine_client(struct gh_tenant *t, struct gh_arena *a, struct gh_str *client_id,
                                    struct gh_str *client_secret);
