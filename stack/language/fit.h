/* stack/language/fit.h - values brought to what the provider's schema says of them, for YAML and for the
 * language hosts alike. Private to stack/. */
#pragma once
#include "core/buf.h"
#include "stack/language/type.h"

json_t *fit_wrap(json_t *value /* stolen */, bool secret);

/* Neither too large nor nested too deeply: asked before anything walks through a value. */
bool fit_is_within_limits(json_t *value);

/* A scalar as text; false for lists and maps. */
bool fit_add_text(struct gh_buf *out, const json_t *value);

bool fit_is_whole(double n); /* and no larger than such a number can be told exactly, 2^53 */

/* Numbers and booleans become texts where a text is wanted, whole numbers integers (others stay, for the
 * check to refuse), null is "not set", and what the provider calls secret is one. Steals the inputs. */
json_t *fit_inputs(const struct gh_resource_type *type, json_t *inputs);

/* What the schema calls secret becomes one; returns the object. */
json_t *fit_mark_secrets(json_t *object, const struct gh_property *properties, size_t count);

/* An output is as secret as the schema says, and as the input it came from. */
void fit_outputs(const struct gh_resource_type *type, const struct gh_registration *reg, json_t *outputs);
