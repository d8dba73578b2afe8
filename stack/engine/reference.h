/* stack/engine/reference.h - from ids to references: what is known by name in a program, and a resource of it
 * written with those names. */
#pragma once
#include <jansson.h>

#include "stack/engine/provider.h"

struct gh_references {
    json_t *ids;        /* id → logical name, of objects */
    json_t *named;      /* "token\nvalue" → logical name, of those that are named by another property */
    json_t *config;     /* values of the configuration that the resources use, as a program declares them */
    json_t *variables;  /* the same of variables */
    json_t *management; /* the identifier of the tenant's own API, or NULL */
};

/* False when out of memory. Release it in either case. */
bool gh_references_init(struct gh_references *r);
void gh_references_release(struct gh_references *r);

/* From now on this object is called so. */
void gh_references_note(struct gh_references *r, const struct gh_provider *p, const char *name,
                        const char *id, const json_t *inputs);
const char *gh_references_name(const struct gh_references *r, const char *id);
const char *gh_references_named(const struct gh_references *r, const char *token, const char *value);

/* {"type", "properties", "options"?} of a program, new. `depends_on`: logical names beside those that are
 * referred to, or NULL. `used`: an array that gets the names referred to, or NULL. A secret becomes a value
 * of the configuration, and is ignored in changes: no reply gave it away. */
json_t *gh_references_resource(struct gh_references *r, const struct gh_provider *p, const char *name,
                               const json_t *inputs, const json_t *depends_on, json_t *used);
