/* stack/engine/live.h - what the tenant has, read in bulk: one listing per collection that the program
 * touches, kept for the run and corrected by our own writes. */
#pragma once
#include "stack/engine/api.h"

struct gh_live;
struct gh_live *gh_live_new(struct gh_api *api); /* api borrowed; NULL when out of memory */
void gh_live_free(struct gh_live *l);

/* The object, link or facet with this id: NULL in *ret when the tenant has none. `id` may be NULL for links
 * and facets (their inputs name them). `fresh` asks the tenant again about this one. New reference. Errors
 * are those of gh_api_call, its text in `reply`. */
enum gh_err gh_live_get(struct gh_live *l, const struct gh_provider *p, const char *id, const json_t *inputs,
                        bool fresh, json_t **ret, struct gh_api_reply *reply);

/* All objects with the natural key that the inputs give, an array (new); empty when a part of the key is
 * unknown or not declared. */
enum gh_err gh_live_by_key(struct gh_live *l, const struct gh_provider *p, const json_t *inputs, bool fresh,
                           json_t **ret, struct gh_api_reply *reply);

/* The elements of a set in canonical form: strings, or objects of the identifying members. New array. */
enum gh_err gh_live_elements(struct gh_live *l, const struct gh_provider *p, const json_t *inputs, bool fresh,
                             json_t **ret, struct gh_api_reply *reply);
json_t *gh_live_canonical(const struct gh_provider *p,
                          const json_t *items); /* the same, of list items or of inputs
                                                   in the API's names; new */

/* Our own writes. */
void gh_live_note(struct gh_live *l, const struct gh_provider *p, const json_t *inputs, json_t *object);
void gh_live_note_gone(struct gh_live *l, const struct gh_provider *p, const char *id, const json_t *inputs);
