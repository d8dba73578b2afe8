/* stack/engine/lookup_lists.h - lookups that answer many, and the relations of one object. */
#pragma once
#include "stack/engine/api.h"

/* Adds to `result` what belongs to the object `id` beside its own fields: a role's permissions and users, an
 * organization's members … unless `arguments` skip it. Errors are those of gh_api_call. */
enum gh_err gh_lookup_add_relations(struct gh_api *api, const char *function, const char *id,
                                    json_t *arguments, json_t *result, struct gh_api_reply *reply);

bool gh_lookup_is_list(const char *function);

/* The objects of a collection that fit the arguments. *result is new. */
enum gh_err gh_lookup_list(struct gh_api *api, const char *function, json_t *arguments, json_t **result,
                           struct gh_api_reply *reply);

/* The one user of a query: NOT_FOUND and CONFLICT, for none and several. *ret is new. */
enum gh_err gh_lookup_user(struct gh_api *api, json_t *arguments, json_t **ret, struct gh_api_reply *reply);
