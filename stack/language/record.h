/* stack/language/record.h - reading maps whose keys are known: each key a row of a table. Private to the
 * language. */
#pragma once
#include "stack/language/tree.h"

#define NOT_HERE "is not in Gatehouse's subset of Pulumi YAML"

struct loading {
    struct reading r;
    struct gh_program *p;
    struct declaration *at_hand;
    size_t room;
};

/* One key of a map: what reads it, or why it is not read. */
struct key {
    const char *name;
    void (*read)(struct loading *l, const struct gh_yaml *value);
    const char *reason; /* without both the key is known and says nothing to us */
};

bool record_is_text(struct loading *l, const struct gh_yaml *v); /* false: diagnosed */
bool record_is_map(struct loading *l, const struct gh_yaml *v);
bool record_boolean(struct loading *l, const struct gh_yaml *v, bool *ret);

/* Reads a value by the row of its key, or every value of a map; a key without row is refused with the nearest
 * that there are. */
void record_key(struct loading *l, const struct gh_yaml *v, const char *what, const struct key *keys,
                size_t count);
void record_keys(struct loading *l, const struct gh_yaml *map, const char *what, const struct key *keys,
                 size_t count);

/* A new declaration named by the key of `v`; NULL: diagnosed. */
struct declaration *declare(struct loading *l, enum declaration_kind kind, const struct gh_yaml *v);

/* resource.c */
void read_resources(struct loading *l, const struct gh_yaml *map);
void registered_are_unique(struct loading *l);
