/* stack/program.h - a Pulumi YAML program: read, checked, and run against whoever registers its resources.
 * The evaluator hands out one resource at a time in dependency order, as Pulumi's language hosts do; it knows
 * nothing of tenants. */
#pragma once
#include "stack/crew.h"
#include "stack/diagnostic.h"
#include "stack/value.h"

struct gh_program;
struct gh_config; /* stack/config.h: the values of one stack */

/* What a program asks for. All borrowed for the duration of the call. */
struct gh_registration {
    const char *name, *type;       /* logical name; canonical token "auth0:index/role:Role" */
    const json_t *parents;         /* "type::name" of the components around it, outermost first; or NULL */
    json_t *inputs;                /* object, camelCase, wire form: may hold secrets and unknowns */
    const char *const *depends_on; /* logical names: every reference and dependsOn, without repeats */
    size_t depends_on_count;
    size_t rank; /* 1 … : its place when one comes about after the other; 0: it is the next to come */
    struct gh_position position;
    bool protect, retain_on_delete, delete_before_replace;
    const char *import_id; /* or NULL */
    const char *get_id;    /* only read it, under this id; GH_UNKNOWN in a preview; NULL: it is managed */
    const char *const *ignore_changes,
        *const *replace_on_changes,
            *const *additional_secret_outputs,
                *const *aliases; /* former names; these lists are NULL-terminated, or NULL */
};

struct gh_registrar {
    void *context;
    /* *outputs: new object with "id" and all properties, unknowns where a preview cannot know. An error was
     * diagnosed by the callee. When a dependency failed, the resource is skipped: the evaluator does not
     * call. */
    enum gh_err (*register_resource)(void *context, const struct gh_registration *r, struct gh_diagnostics *d,
                                     json_t **outputs);
    enum gh_err (*invoke)(void *context, const char *function, json_t *arguments, struct gh_position at,
                          struct gh_diagnostics *d, json_t **result);
    struct gh_crew *crew; /* registrations that wait for nothing come together, each in a worker; NULL:
                             one by one */
};

/* Reads DIR/Pulumi.yaml (name, runtime, config, variables, resources, outputs). Errors land in d; *ret is
 * NULL then. */
enum gh_err gh_program_load(const char *dir, struct gh_diagnostics *d, struct gh_program **ret);

/* The same from memory: `file` is for diagnostics, `dir` for fn::readFile. */
enum gh_err gh_program_parse(const char *dir, const char *file, struct gh_str text, struct gh_diagnostics *d,
                             struct gh_program **ret);
void gh_program_free(struct gh_program *p);
const char *gh_program_name(const struct gh_program *p);

/* "yaml"; or "nodejs", "python": these are run by gh_host_run, and neither the check nor the run here knows
 * what they declare. */
const char *gh_program_runtime(const struct gh_program *p);
bool gh_program_is_yaml(const struct gh_program *p);
const char *gh_program_main(const struct gh_program *p);       /* where the program starts, or NULL */
const char *gh_program_virtualenv(const struct gh_program *p); /* of a Python program, as written; or NULL */

/* Offline: types, missing and misspelt properties with the nearest right one, references, cycles, semantic
 * traps. */
enum gh_err gh_program_check(const struct gh_program *p, struct gh_diagnostics *d);

/* Runs it; check first: what the check refuses, the run reads as null. *outputs: object of the program's
 * outputs in wire form. Independent branches go on after a failed resource; then an error is returned. */
enum gh_err gh_program_run(const struct gh_program *p, const struct gh_config *config,
                           const struct gh_registrar *registrar, struct gh_diagnostics *d, json_t **outputs);

/* Rewrites what another tool or version would have understood: *ret is the text, as people wrote it but for
 * that; notes gets "FILE:LINE: what was done" a line for each. What cannot be mended stays. Both are made
 * with a ceiling by the caller. NOMEM. */
enum gh_err gh_program_mend(const char *file, struct gh_str text, struct gh_buf *ret, struct gh_buf *notes);

static inline void gh_program_freep(struct gh_program **p) {
    gh_program_free(*p);
}
