/* stack/language/tree.h - a program after reading: declarations and expressions, all in one arena. Private to
 * the language. */
#pragma once
#include "stack/language/yaml.h"
#include "stack/program.h"
#include "stack/schema.h"

struct place { /* in the program's file */
    unsigned line, column;
};

enum expr_kind {
    EXPR_NULL,
    EXPR_BOOLEAN,
    EXPR_INTEGER,
    EXPR_NUMBER,
    EXPR_STRING,
    EXPR_LIST,
    EXPR_OBJECT,
    EXPR_ACCESS, /* ${root.path}: keeps its type */
    EXPR_TEXT,   /* text with ${…} in it: children are EXPR_STRING and EXPR_ACCESS */
    EXPR_CALL,   /* fn::…: the arguments are the children */
};

struct access {
    struct gh_str name; /* member; empty ptr: `index` counts */
    unsigned long long index;
    const struct access *next;
};

struct expr {
    enum expr_kind kind;
    struct place at, key_at;
    struct gh_str key;  /* of a member of an object */
    struct gh_str text; /* EXPR_STRING; the root's name of EXPR_ACCESS */
    bool boolean;
    long long integer;
    double number;
    const struct access *path;
    struct declaration *root; /* of EXPR_ACCESS after resolution; NULL for `pulumi` */
    const struct builtin *builtin;
    const struct gh_resource_type *function; /* of an invoke; its arguments are the children */
    struct gh_str returns;                   /* the one result an invoke gives; empty: all */
    size_t count;
    struct expr *first, *next;
};

enum declaration_kind { DECLARED_CONFIG, DECLARED_VARIABLE, DECLARED_RESOURCE };

struct options {
    bool protect, retain_on_delete, delete_before_replace;
    const char *import_id;
    const char *const *ignore_changes, *const *replace_on_changes, *const *additional_secret_outputs,
                                                                       *const *aliases;
    struct expr *depends_on; /* list of accesses, or NULL */
};

struct declaration {
    enum declaration_kind kind;
    struct gh_str name; /* NUL-terminated */
    struct place at;
    size_t index; /* in declaration order */

    /* config */
    const char *type; /* "string", "integer", "number", "boolean", "array", "object" */
    const struct gh_yaml *default_value, *value;
    bool secret, has_items;

    /* variable */
    struct expr *expr;

    /* resource */
    const struct gh_resource_type *resource;
    const char *registered;  /* the name it is registered under */
    struct expr *properties; /* with get_id: what is known of the state */
    struct expr *get_id;     /* of a resource that is only read; or NULL */
    struct options options;

    struct declaration **needs; /* what it refers to, without repeats: variables and resources */
    size_t needs_count;
    int mark; /* of graph walks */
};

struct gh_program {
    struct gh_arena *arena;
    const char *file, *dir, *name, *runtime, *main, *virtualenv; /* main, virtualenv: or NULL */
    struct place main_at;
    struct declaration **all; /* config, then variables, then resources, as written */
    size_t count;
    struct declaration **by_name; /* sorted */
    struct expr *outputs;         /* an object; NULL without outputs */
};

/* expression.c */
struct reading {
    struct gh_arena *arena;
    struct gh_diagnostics *d;
    const char *file;
    bool failed;
};
struct expr *expr_read(struct reading *r, const struct gh_yaml *node);         /* NULL: diagnosed */
struct expr *expr_read_literal(struct reading *r, const struct gh_yaml *node); /* a string stays as it is */
struct expr *expr_read_text(struct reading *r, struct place at, struct gh_str s); /* "a ${b.c}" */
void refuse(struct reading *r, struct place at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void *need(struct reading *r, void *memory); /* NULL: "out of memory" was diagnosed */

static inline struct place place_of(const struct gh_yaml *n) {
    return (struct place){ n->line, n->column };
}

static inline struct gh_position at_place(const char *file, struct place at) {
    return (struct gh_position){ file, at.line, at.column };
}

/* builtin.c: functions of one file's table */
struct builtin_call {
    json_t *arguments[2];
    const char *dir;
    struct gh_diagnostics *d;
    struct gh_position at;
};
struct builtin {
    const char *name;
    const char *arguments;                     /* how it is written, for people */
    const char *types[2];                      /* of its arguments; NULL ends them */
    const char *result;                        /* "any": that of its argument */
    json_t *(*run)(struct builtin_call *call); /* plain arguments; new reference, or NULL: diagnosed */
    const char *warning;                       /* of the check, or NULL */
};
const struct builtin *builtin_find(struct gh_str name, const char **hint); /* NULL: *hint says why */

/* graph.c */
bool graph_link(struct gh_program *p, struct gh_diagnostics *d); /* names, references, cycles */
/* All variables and resources so that each comes after what it needs; where that leaves a choice, the API's
 * own order and then the file's. NULL: out of memory. */
struct declaration **graph_order(const struct gh_program *p, struct gh_arena *a, size_t *count);

/* The same with several under way: `next` gives one that waits for nothing, NULL when there is none (now, or
 * ever: when none is open, either); `done` lets those behind it come. */
struct graph_walk;
struct graph_walk *graph_walk_new(const struct gh_program *p); /* NULL: out of memory */
void graph_walk_free(struct graph_walk *w);
struct declaration *graph_walk_next(struct graph_walk *w);
void graph_walk_done(struct graph_walk *w, const struct declaration *d);
size_t graph_walk_open(const struct graph_walk *w);  /* handed out and not done */
size_t graph_walk_ready(const struct graph_walk *w); /* at least so many calls of `next` may give one */
struct declaration *graph_find(const struct gh_program *p, struct gh_str name);

/* nearest.c */
struct nearest {
    struct gh_str wanted;
    struct gh_str best[5]; /* by edit distance */
    unsigned distance[5];
    size_t kept, seen;
};
void nearest_add(struct nearest *n, struct gh_str candidate);
void nearest_tell(const struct nearest *n, struct gh_diagnostics *d, const char *lead); /* as detail */
bool nearest_is_close(const struct nearest *n);

/* trap.c */
void trap_check(const struct gh_program *p, struct gh_diagnostics *d);
