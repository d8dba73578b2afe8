/* stack/language/type.h - what is known of a value before it is there. Private to the language. */
#pragma once
#include "stack/language/tree.h"

struct type {
    struct gh_str text; /* "string", "@Name", "string[]", "any", …; empty: one of the others */
    const struct gh_resource_type *result; /* of a resource as a whole, or of a function */
    bool resource;                         /* `result` is a resource */
    const struct expr *literal;            /* a list or a map that a variable writes out */
};

/* Wrong steps of a reference are diagnosed, then the type is "any". */
struct type type_of(const struct gh_program *p, struct gh_diagnostics *d, const struct expr *e);

/* Can a value of that type be had where `to` is wanted? Texts take numbers and booleans, as in Pulumi. A
 * literal is not judged here. */
bool type_fits(struct type from, struct gh_str to);

/* "List<string>" and "Map<string>", as Pulumi shows them. */
void type_show(struct gh_buf *out, struct type type);

static inline struct type type_named(struct gh_str text) {
    return (struct type){ .text = text };
}

static inline struct gh_str type_item(struct gh_str list) { /* of "T[]" */
    return (struct gh_str){ list.ptr, list.len - 2 };
}

static inline struct gh_str type_value(struct gh_str map) { /* of "map<T>" */
    return (struct gh_str){ map.ptr + 4, map.len - 5 };
}

static inline bool type_is_list(struct gh_str t) {
    return gh_str_ends(t, GH_STR("[]"));
}

static inline bool type_is_map(struct gh_str t) {
    return gh_str_starts(t, GH_STR("map<")) && gh_str_ends(t, GH_STR(">"));
}

/* The object type that "@Name" names; NULL for all else. */
const struct gh_object_type *type_object(struct gh_str type);

/* check.c: "Property x does not exist on T; …" with what may have been meant. */
void refuse_property(struct gh_diagnostics *d, struct gh_position at, const char *on, struct gh_str name,
                     const struct gh_property *some, size_t count, const struct gh_property *more,
                     size_t more_count);
