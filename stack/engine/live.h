/* stack/engine/live.h - what the tenant has, read in bulk: one listing per collection that the program
 * touches, kept for the run and corrected by our own writes. Users have no listing that ends: those that
 * are expected are read by the hundred. */
#pragma once
#include "stack/engine/api.h"

/* How old may an answer be? */
enum gh_age {
    GH_AGE_ANY = false, /* read at any time of this run */
    GH_AGE_NOW = true,  /* the tenant is asked again, about this one alone where it can be */
    GH_AGE_PASS,        /* a listing must have been read since gh_live_begin_pass, anything else now */
};

struct gh_live;
struct gh_live *gh_live_new(struct gh_api *api); /* api borrowed; NULL when out of memory */
void gh_live_free(struct gh_live *l);
void gh_live_begin_pass(struct gh_live *l);

/* An object with this id will be asked for: the first such question takes others of its kind along. */
void gh_live_expect(struct gh_live *l, const struct gh_provider *p, const char *id);

/* The object, link or facet with this id: NULL in *ret when the tenant has none. `id` may be NULL for links
 * and facets (their inputs name them). New reference. Errors
 * are those of gh_api_call, its text in `reply`. */
enum gh_err gh_live_get(struct gh_live *l, const struct gh_provider *p, const char *id, const json_t *inputs,
                        enum gh_age age, json_t **ret, struct gh_api_reply *reply);

/* What gh_live_get or gh_live_elements gave came from an index or a listing that the API calls eventually
 * consistent, and so may be some seconds old. False when there was nothing. */
bool gh_live_is_hearsay(struct gh_live *l, const struct gh_provider *p, const char *id, const json_t *inputs);

/* All objects with the natural key that the inputs give, an array (new); empty when a part of the key is
 * unknown or not declared. */
enum gh_err gh_live_by_key(struct gh_live *l, const struct gh_provider *p, const json_t *inputs,
                           enum gh_age age, json_t **ret, struct gh_api_reply *reply);

/* The elements of a set in canonical form: strings, or objects of the identifying members. New array. */
enum gh_err gh_live_elements(struct gh_live *l, const struct gh_provider *p, const json_t *inputs,
                             enum gh_age age, json_t **ret, struct gh_api_reply *reply);
json_t *gh_live_canonical(const struct gh_provider *p,
                          const json_t *items); /* the same, of list items or of inputs
                                                   in the API's names; new */

/* The one element that the inputs of an ELEMENT mean, in canonical form; NULL when a part is not known. New.
 */
json_t *gh_live_element(const struct gh_provider *p, const json_t *inputs);

/* Our own writes. */
void gh_live_note(struct gh_live *l, const struct gh_provider *p, const json_t *inputs, json_t *object);
void gh_live_note_new(struct gh_live *l, const struct gh_provider *p,
                      const json_t *inputs); /* a link whose POST answered nothing */
void gh_live_note_gone(struct gh_live *l, const struct gh_provider *p, const char *id, const json_t *inputs);
