/* stack/schema.h - the provider's types as const tables, generated from stack/contract/ at build time: what
 * Pulumi's schema says of each property, and its name in the API. Read by the checker (offline) and by the
 * engine (names, replacement, secrets). */
#pragma once
#include "core/str.h"

struct gh_property {
    const char *name; /* camelCase, as in Pulumi */
    const char *api;  /* the API's name: snake case, or a path with dots where the contract says so */
    const char *type; /* "string", "boolean", "integer", "number", "any", "asset", "T[]", "map<T>", "@Name" */
    const char *const *enum_values; /* NULL-terminated, or NULL */
    const char *default_value;      /* JSON text, or NULL */
    bool required, replace_on_changes, secret, deprecated;
};

struct gh_object_type { /* "@Name": an object inside a property */
    const char *name;
    const struct gh_property *properties;
    size_t property_count;
};

struct gh_resource_type {
    const char *token;                          /* "auth0:index/role:Role" */
    const struct gh_property *inputs, *outputs; /* outputs: those that are no inputs */
    size_t input_count, output_count;
};

/* Any spelling that Pulumi accepts: "auth0:Role", "auth0:index:Role", "auth0:index/role:Role". NULL when
 * there is none. */
const struct gh_resource_type *gh_schema_resource(struct gh_str token);
const struct gh_resource_type *
gh_schema_function(struct gh_str token); /* inputs = arguments, outputs = results */
const struct gh_object_type *gh_schema_object(const char *name);
const struct gh_property *gh_schema_property(const struct gh_property *properties, size_t count,
                                             struct gh_str name);

/* The input or output of that name; NULL when there is none. */
const struct gh_property *gh_schema_member(const struct gh_resource_type *type, struct gh_str name);

/* "Role" of "auth0:index/role:Role": what people call the type. */
const char *gh_schema_short_name(const struct gh_resource_type *type);

size_t gh_schema_resource_count(void);
const struct gh_resource_type *gh_schema_resource_at(size_t i);
size_t gh_schema_function_count(void);
const struct gh_resource_type *gh_schema_function_at(size_t i);
