/* stack/language/yaml.h - YAML as the stack reads it: one document, string keys, no duplicates, no anchors,
 * aliases or tags, bounded in size and depth; every node knows where it stands. */
#pragma once
#include "stack/diagnostic.h"
#include "stack/value.h"

enum gh_yaml_kind { GH_YAML_SCALAR, GH_YAML_SEQUENCE, GH_YAML_MAPPING };

struct gh_yaml {
    enum gh_yaml_kind kind;
    bool plain;                       /* a scalar without quotes: may be a number, a boolean or null */
    bool flow;                        /* written in brackets or braces */
    unsigned line, column, last_line; /* from 1; last_line is the last one with content */
    unsigned end_column;              /* the one behind it in last_line; 0: it ends with the line */
    struct gh_str text;               /* of a scalar; never holds NUL */
    size_t count;
    const struct gh_yaml *first; /* items of a list, values of a map; then `next` */
    const struct gh_yaml *next;
    const struct gh_yaml *key; /* of a value in a map: a scalar */
};

/* `file` is for diagnostics and is copied; the nodes live in the arena. An empty document gives an empty
 * scalar. MALFORMED, TOO_LARGE or NOMEM, diagnosed. */
enum gh_err gh_yaml_parse(struct gh_arena *a, const char *file, struct gh_str text, struct gh_diagnostics *d,
                          const struct gh_yaml **ret);

/* The value of a key, or NULL. */
const struct gh_yaml *gh_yaml_get(const struct gh_yaml *map, struct gh_str key);

/* What a plain scalar means to Pulumi (null, boolean, integer, number or string), a new reference. NULL when
 * YAML readers disagree about it ("012", "1_000", ".inf"): then the caller asks for quotes. */
json_t *gh_yaml_scalar(const struct gh_yaml *scalar);

/* The whole node as JSON, a new reference; NULL as above, and then *culprit is the scalar. */
json_t *gh_yaml_json(const struct gh_yaml *node, const struct gh_yaml **culprit);

static inline bool gh_yaml_is_null(const struct gh_yaml *n) {
    return n->kind == GH_YAML_SCALAR && n->plain &&
           (n->text.len == 0 || gh_str_is(n->text, "~") || gh_str_is(n->text, "null") ||
            gh_str_is(n->text, "Null") || gh_str_is(n->text, "NULL"));
}
