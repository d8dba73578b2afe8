/* stack/engine/declare.h - what a program would say so that a live object is as it is: the way from the
 * tenant to the program. Pure. */
#pragma once
#include <jansson.h>

#include "stack/engine/provider.h"

/* New inputs in the program's names. `live`: the object, the item of its list, or the elements of a set.
 * `parents`: inputs that its id or path names, already known. Left out is what cannot be declared, what no
 * reply shows, what is empty, and what Auth0 gives an object that says nothing of it. Secrets deep inside
 * stay, as secrets; those at the top are left out. */
json_t *gh_declare(const struct gh_provider *p, const json_t *live, const json_t *parents);

/* "org_1::auth0|2" by "{organizationId}::{userId}": adds the inputs that the id of a link, set or facet
 * names. False: it has another form. */
bool gh_declare_parents(const struct gh_provider *p, const char *id, json_t *inputs);
