#include "stack/schema.h"

#include <stdlib.h>

#include "stack/schema_tables.h"

static struct gh_str last_part(const char *token) {
    const char *colon = strrchr(token, ':');
    return gh_str_from(colon ? colon + 1 : token);
}

/* "auth0:Role", "auth0:index:Role" and "auth0:index/role:Role" all end in the name; Pulumi compares it
 * without regard to case. */
static bool short_name(struct gh_str token, struct gh_str *ret) {
    struct gh_str rest = token, package, module;
    if (!gh_str_cut(&rest, ':', &package) || !gh_str_is(package, "auth0"))
        return false;
    if (!gh_str_cut(&rest, ':', &module)) {
        *ret = rest;
        return true;
    }
    if (memchr(rest.ptr, ':', rest.len))
        return false;
    struct gh_str index = module, lower = rest; /* "index" alone, or "index/role" before ":Role" */
    struct gh_str inner = module;
    if (gh_str_cut(&inner, '/', &index))
        lower = inner;
    *ret = rest;
    return gh_str_is(index, "index") && gh_str_eq_nocase(lower, rest);
}

static const struct gh_resource_type *find(const struct gh_resource_type *types, size_t count,
                                           struct gh_str token) {
    struct gh_str name;
    if (!short_name(token, &name))
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (gh_str_eq_nocase(last_part(types[i].token), name))
            return &types[i];
    return NULL;
}

const struct gh_resource_type *gh_schema_resource(struct gh_str token) {
    return find(gh_schema_resources, gh_schema_resources_count, token);
}

const struct gh_resource_type *gh_schema_function(struct gh_str token) {
    return find(gh_schema_functions, gh_schema_functions_count, token);
}

static int object_order(const void *name, const void *row) {
    return strcmp(name, ((const struct gh_object_type *)row)->name);
}

const struct gh_object_type *gh_schema_object(const char *name) {
    return bsearch(name, gh_schema_objects, gh_schema_objects_count, sizeof gh_schema_objects[0],
                   object_order);
}

const struct gh_property *gh_schema_property(const struct gh_property *properties, size_t count,
                                             struct gh_str name) {
    for (size_t i = 0; i < count; i++)
        if (gh_str_is(name, properties[i].name))
            return &properties[i];
    return NULL;
}

const struct gh_property *gh_schema_member(const struct gh_resource_type *type, struct gh_str name) {
    const struct gh_property *p = gh_schema_property(type->inputs, type->input_count, name);
    return p ? p : gh_schema_property(type->outputs, type->output_count, name);
}

const char *gh_schema_short_name(const struct gh_resource_type *type) {
    return last_part(type->token).ptr;
}

size_t gh_schema_resource_count(void) {
    return gh_schema_resources_count;
}

const struct gh_resource_type *gh_schema_resource_at(size_t i) {
    return i < gh_schema_resources_count ? &gh_schema_resources[i] : NULL;
}

size_t gh_schema_function_count(void) {
    return gh_schema_functions_count;
}

const struct gh_resource_type *gh_schema_function_at(size_t i) {
    return i < gh_schema_functions_count ? &gh_schema_functions[i] : NULL;
}
