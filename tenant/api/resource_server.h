/* tenant/api/resource_server.h - APIs as other objects name them. */
#pragma once
#include "tenant/api/call.h"

/* The Management API's identifier follows the origin and is never stored (DESIGN); its row has this one. */
struct gh_str gh_identifier_shown(const struct gh_tenant *t, struct gh_str stored);
struct gh_str gh_identifier_stored(const struct gh_tenant *t, struct gh_str shown);

/* By identifier as shown. NOT_FOUND without a refusal. The document is the caller's; id in the arena. */
enum gh_err gh_resource_server_find(struct gh_db *db, struct gh_call *c, struct gh_str identifier,
                                    struct gh_str *id, json_t **doc);

/* Fills in what Auth0 fills in at creation. Also for fresh.c. NOMEM. */
enum gh_err gh_resource_server_defaults(json_t *doc);
