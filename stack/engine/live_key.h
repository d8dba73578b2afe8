/* stack/engine/live_key.h - what tells an item of a collection from the others, and which of them has the
 * natural key that the inputs give. Pure. */
#pragma once
#include "stack/engine/provider.h"

/* The items of a list reply under what tells them apart, in the API's order; without what is there by roles
 * alone. New. */
json_t *gh_live_key_index(const struct gh_provider *p, const json_t *array);

/* The inputs give all parts of the key; false, too, for a type that has none. */
bool gh_live_key_is_known(const struct gh_provider *p, const json_t *inputs);

/* Of a key that is known. */
bool gh_live_key_matches(const struct gh_provider *p, const json_t *inputs, const json_t *item);

/* A user of this connection? It is inside the identities. */
bool gh_live_key_has_identity(const json_t *user, const char *connection);
