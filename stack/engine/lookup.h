/* stack/engine/lookup.h - the provider's functions: reading what the program does not own. */
#pragma once
#include "stack/diagnostic.h"
#include "stack/engine/live.h"

bool gh_lookup_is_served(const char *function);

/* `function` is the canonical token. *result: new object with the function's properties. Errors were
 * diagnosed: UNSUPPORTED for a function that is known but not served, NOT_FOUND when there is no such object.
 */
enum gh_err gh_lookup(struct gh_api *api, struct gh_live *live, const char *domain, const char *function,
                      json_t *arguments, struct gh_position at, struct gh_diagnostics *d, json_t **result);
