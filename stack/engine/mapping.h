/* stack/engine/mapping.h - the program's names and shapes to the API's, and back, by the schema tables.
 * Secrets and unknowns pass through: a secret of the program is a secret around the API's value. */
#pragma once
#include <jansson.h>

#include "stack/schema.h"

/* inputs (camelCase) → the API's object; nulls are left out: they mean "not declared". New. */
json_t *gh_mapping_encode(const struct gh_resource_type *type, const json_t *inputs);

/* One value of a property: what encode would put. New. */
json_t *gh_mapping_encode_value(const struct gh_property *property, json_t *value);

/* The API's object → inputs and outputs (camelCase), those that are there. Properties that the schema calls
 * secret come out as secrets. New. */
json_t *gh_mapping_decode(const struct gh_resource_type *type, const json_t *object);

/* The API's value of one property, or one element of a list of them, as the program would write it. New. */
json_t *gh_mapping_decode_value(const struct gh_property *property, json_t *value);
json_t *gh_mapping_decode_element(const struct gh_property *property, json_t *value);

/* Is it secret: by the schema, or by our better knowledge of the API (signingSecret)? */
bool gh_mapping_is_secret(const struct gh_property *property);
