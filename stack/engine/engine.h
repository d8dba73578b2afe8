/* stack/engine/engine.h - plan = f(program, ledger, live), and its application.
 *
 * A run registers its resources one at a time, in dependency order (struct gh_registrar), in one or two
 * passes over the same program: plan:  each registration becomes a step; nothing is written anywhere. At its
 * end the deletions are known. apply: the same registrations, now with what the writes answered; each is
 * decided again by the same code, must come to the step that was shown, and is then done. A world that
 * changed in between stops its resource. Everything goes through the public Management API. */
#pragma once
#include "stack/config.h"
#include "stack/engine/api.h"
#include "stack/engine/ledger.h"
#include "stack/engine/live.h"
#include "stack/program.h"

enum gh_op {
    GH_OP_SAME,
    GH_OP_CREATE,
    GH_OP_UPDATE,
    GH_OP_REPLACE,
    GH_OP_ADOPT, /* it exists: from now on it is ours as far as we declare it */
    GH_OP_DELETE,
    GH_OP_RELEASE, /* an adopted one goes back to what it was found as; the object stays */
    GH_OP_COUNT
};

struct gh_step {
    enum gh_op op;
    const char *name;
    const struct gh_provider *provider;
    const struct gh_resource_type *type;
    struct gh_position position;
    json_t *inputs;        /* as declared, with defaults: wire form. For deletions: the ledger's */
    json_t *changes;       /* of stack/engine/diff.h; sets: {"path": [property], "add": element} or
                              {"path": [property], "remove": element, "foreign"?: true} */
    json_t *entry;         /* the ledger's, or NULL */
    json_t *live;          /* what was read, or NULL; sets: their elements */
    char *id;              /* NULL while it has none */
    const char *note;      /* "was deleted outside the stack", or NULL */
    bool drift;            /* somebody else changed what we own */
    bool delete_first;     /* of a replacement */
    bool dies_with_parent; /* of a deletion: no call of its own */
    bool protect;
    bool failed, done;
    long long took; /* ns, of its application */
    json_t *outputs;
    json_t *parents; /* of struct gh_registration, or NULL */
};

enum gh_event { GH_EVENT_PLANNED, GH_EVENT_STARTED, GH_EVENT_DONE, GH_EVENT_FAILED, GH_EVENT_COUNT };
typedef void gh_step_event(void *context, const struct gh_step *step, enum gh_event event);

struct gh_engine_options {
    const char *dir, *stack, *project, *domain;
    unsigned parallel;                  /* most calls at a time; 0: one */
    bool write;                         /* takes the lock; a preview does without */
    bool adopt;                         /* take over what exists also where the host is not loopback */
    bool ignore_protect;                /* destroy: protected ones too */
    const char *const *allow_data_loss; /* names of resources that may go with the people they hold */
    size_t allow_data_loss_count;
    const char *const *targets; /* names or URNs: nothing else is changed; none: everything may be */
    size_t target_count;
    bool target_dependents; /* nor what does not depend on them */
    struct gh_api *api;
    struct gh_config *config; /* for its crypter; may be NULL in tests */
    struct gh_diagnostics *diagnostics;
    gh_step_event *event; /* or NULL */
    void *context;
};

struct gh_engine;
enum gh_err gh_engine_new(const struct gh_engine_options *options, struct gh_engine **ret);
void gh_engine_free(struct gh_engine *e);
struct gh_ledger *gh_engine_ledger(const struct gh_engine *e);

/* For gh_program_run, in either pass. */
struct gh_registrar gh_engine_registrar(struct gh_engine *e);

/* After the program's run in the plan pass: adds the deletions. An error was diagnosed (a protected resource
 * is no longer declared, say). */
enum gh_err gh_engine_end_plan(struct gh_engine *e);

/* Without a program: every resource goes. Steps of protected ones are errors. */
enum gh_err gh_engine_plan_destroy(struct gh_engine *e);

/* Without a program: the ledger against the tenant. UPDATE where something that was declared is otherwise
 * now, DELETE where it is gone. Nothing is sent to the tenant but questions. */
enum gh_err gh_engine_plan_refresh(struct gh_engine *e);
enum gh_err gh_engine_refresh(struct gh_engine *e); /* does what that plan says, and saves the ledger */

/* Both before a plan of another kind, untold; in memory only, until that plan's ledger is saved. */
enum gh_err gh_engine_refresh_first(struct gh_engine *e);

/* Without a program: this object becomes the stack's own, under that name. The first adds a step each; the
 * second writes them all into the ledger. *program: new {"config"?, "variables"?, "resources"}, what a
 * program has to say of them. Errors were diagnosed. */
enum gh_err gh_engine_plan_import(struct gh_engine *e, const char *type, const char *name, const char *id,
                                  bool protect);
enum gh_err gh_engine_import(struct gh_engine *e, json_t **program);

/* From now on registrations are applied, and told to `event` (or NULL): in the order of the plan, whichever
 * is done first. */
void gh_engine_begin_apply(struct gh_engine *e, gh_step_event *event);

/* Told to who draws the steps where they belong, whatever the order: each as it happens. */
void gh_engine_tell_at_once(struct gh_engine *e, bool at_once);

/* After the program's run in the apply pass: the deletions, unless something failed; outputs (may be NULL:
 * kept) and the ledger are saved. */
enum gh_err gh_engine_end_apply(struct gh_engine *e, json_t *outputs /* borrowed */, bool failed);

size_t gh_engine_step_count(const struct gh_engine *e);
const struct gh_step *gh_engine_step_at(const struct gh_engine *e, size_t i);
bool gh_engine_denied(const struct gh_engine *e); /* Auth0 refused our credentials: exit status 3 */

static inline void gh_engine_freep(struct gh_engine **e) {
    gh_engine_free(*e);
}
