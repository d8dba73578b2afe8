/* stack/language/mend.h - what `check --fix` rewrites: spellings of other tools, properties that became
 * resources, outputs that never were. One mistake at a time, so that each is told and the rest of the file
 * stays as people wrote it. Private to the language. */
#pragma once
#include "stack/language/edit.h"
#include "stack/language/tree.h"

struct mending {
    struct gh_str text;
    const struct gh_yaml *root, *resources;
    struct place at;        /* of the mistake at hand */
    struct place tried[32]; /* what was written there was no YAML */
    size_t tried_count;
    struct gh_buf *out;  /* the text with one mistake less */
    struct gh_buf *note; /* what was done, for people */
};

/* True when this place was not tried before; then it is the one at hand, with nothing written. */
bool mend_here(struct mending *m, const struct gh_yaml *at);

/* `old` is a part of the text. */
void mend_replace(struct mending *m, struct gh_str old, struct gh_str with);

/* No config value, variable or resource has the name. */
bool mend_name_is_free(const struct mending *m, const char *name);

/* The resource of that name, of that type (short name); NULL when it is none. */
const struct gh_yaml *mend_resource_of_type(const struct mending *m, struct gh_str name, const char *type);

/* displayName, display_name and DisplayName are the same. */
bool mend_same_name(struct gh_str a, struct gh_str b);

/* mend_text.c: placeholders and references in one scalar. True when `out` has the mended text. */
bool mend_scalar(struct mending *m, const struct gh_yaml *scalar);

/* mend_move.c: a property that is a resource of its own now. */
bool mend_move(struct mending *m, const struct gh_yaml *resource, const struct gh_yaml *properties,
               const struct gh_yaml *property, const char *type);
