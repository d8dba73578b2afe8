/* stack/engine/internal.h - what the files of the engine share. */
#pragma once
#include "stack/engine/crowd.h"
#include "stack/engine/diff.h"
#include "stack/engine/engine.h"

struct gh_engine {
    struct gh_engine_options options;
    struct gh_ledger *ledger;
    struct gh_live *live;
    struct gh_step **steps;
    size_t count, room;
    json_t *by_key;                           /* "type::name" → index in steps */
    json_t *order;                            /* keys as registered */
    json_t *targeted, *skipped, *targets_met; /* sets of names and of targets, of target.c */
    json_t *removed;                          /* entries of what this run deleted */
    json_t *held;                             /* ids of users who were to be deleted and may not */
    struct gh_crowd *crowd;                   /* the users whom the plan deletes, when they are many */
    struct gh_own *own;                       /* NULL while registrations change the ledger */
    struct gh_crew *crew;
    struct gh_telling *telling; /* what happened, in the order in which it is told */
    json_t *creating;           /* names of which somebody makes one, of those that may repeat */
    struct gh_crew_gate created;
    bool at_once;
    bool applying, denied, crypter_asked;
    bool lost;                  /* and said so: once is enough */
    struct gh_crypter *crypter; /* borrowed from the config; NULL: no passphrase */
    struct gh_arena *arena;     /* names and texts, for the life of the engine */
};

/* decide.c: what is to be done about this registration. The step is new and holds all it needs. Errors were
 * diagnosed. */
enum gh_err gh_step_decide(struct gh_engine *e, const struct gh_registration *r, struct gh_step **ret);
/* What the ledger knows under a former name (the option aliases) goes on under the new one. */
enum gh_err gh_take_former_name(struct gh_engine *e, const struct gh_registration *r);
struct gh_step *gh_step_new(struct gh_engine *e, const char *name, const char *token, struct gh_position at);
void gh_step_free(struct gh_step *s);
bool gh_step_set_id(struct gh_step *s, const char *id); /* NULL: it has none; false: no memory */
/* The comparison of this step, with create-only and ignored fields left out: two new references in `diff`. */
void gh_step_diff(struct gh_engine *e, const struct gh_step *s, const char *const *ignore,
                  struct gh_diff *diff);
struct gh_crypter *gh_engine_crypter(struct gh_engine *e);

/* adopt.c: someone's object (adopted), or that of a run that was cut off (*ours); s->live stays NULL when
 * there is none. Errors were diagnosed: several that it could be, calls. */
enum gh_err gh_adopt_find(struct gh_engine *e, struct gh_step *s, bool *ours);
/* The object that the option import names, and the same of a set or facet, which was read already. */
enum gh_err gh_adopt_import(struct gh_engine *e, struct gh_step *s, const char *id);
enum gh_err gh_adopt_named(struct gh_engine *e, struct gh_step *s, const struct gh_registration *r);
/* Takes s->live over, or refuses (CONFLICT): beyond this machine without --adopt, unless it was imported;
 * where it is another than declared and cannot be changed. */
enum gh_err gh_adopt(struct gh_engine *e, struct gh_step *s, bool imported);
json_t *
gh_shared_name(const struct gh_step *s); /* of a type whose names may repeat; borrowed, NULL for others */

/* set.c: all elements of a collection. The comparison makes s->changes anew. */
enum gh_err gh_set_decide(struct gh_engine *e, struct gh_step *s, const struct gh_registration *r);
void gh_set_compare(struct gh_step *s);
/* Of a set's elements: this one, or the one of the same identity where elements have fields. Borrowed. */
json_t *gh_find_element(const struct gh_provider *p, const json_t *list, const json_t *element);

/* inputs.c: defaults, autonaming, secrets. New. */
json_t *gh_inputs_complete(struct gh_engine *e, const struct gh_step *s, const json_t *inputs);
json_t *gh_inputs_without(const struct gh_step *s, const json_t *inputs, const char *const *ignore);
json_t *gh_path_get(json_t *object, const char *path);
void gh_path_set(json_t *object, const char *path, json_t *value /* borrowed; NULL removes */);

/* outputs.c: what the program sees of it. New. */
void gh_outputs_add_unknowns(const struct gh_resource_type *type, json_t *outputs);
/* Outputs that the reply has not: of the object that is named by what the row says, when it is known. */
enum gh_err gh_outputs_add_shown(struct gh_engine *e, struct gh_step *s);
json_t *gh_outputs_of(const struct gh_step *s, const struct gh_registration *r);

/* read.c: the answer to a registration with get_id. Errors were diagnosed. */
enum gh_err gh_read(struct gh_engine *e, const struct gh_registration *r, json_t **outputs);

/* telling.c: what several workers do at the same time is told in the order of the program. `rank` is 1 … */
struct gh_telling *gh_telling_new(struct gh_engine *e);
void gh_telling_free(struct gh_telling *t);
void gh_telling_restart(struct gh_telling *t); /* before another pass */
size_t gh_telling_rank(struct gh_telling *t, const struct gh_registration *r);
void gh_telling_begun(struct gh_telling *t, size_t rank, struct gh_step *s);
/* A planned step joins the engine's. */
void gh_telling_ended(struct gh_telling *t, size_t rank, struct gh_step *s, enum gh_event event);
void gh_telling_skip(struct gh_telling *t,
                     size_t rank);            /* nothing to tell, if it has not ended; nobody waits for it */
void gh_telling_finish(struct gh_telling *t); /* those behind one that never came, too */

/* together.c: the POST of one link; several of the same collection go in one call. As gh_api_call, but
 * uncertain only after it was tried again: adding twice is adding once. */
enum gh_err gh_post_together(struct gh_engine *e, const struct gh_step *s, const char *path, json_t *body,
                             struct gh_api_reply *reply);

/* apply.c */
enum gh_err gh_apply(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s);

/* create.c: an object or a link. Its intent stays in the journal where nobody knows whether it was made. */
enum gh_err gh_create_object(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s);

/* entry.c: of an applied step, new; `found` (may be NULL) is what there was before us. Errors were
 * diagnosed. */
enum gh_err gh_entry_of(struct gh_engine *e, const struct gh_registration *r, const struct gh_step *s,
                        json_t *found, json_t **ret);
/* Writes it, unless the ledger says so already; from then on it is the step's own. */
enum gh_err gh_entry_put(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s,
                         json_t *found);
/* What a write to the ledger gave: an error is diagnosed. Returns `err`. */
enum gh_err gh_entry_complain(struct gh_engine *e, const struct gh_step *s, enum gh_err err);

/* remove.c */
enum gh_err gh_remove(struct gh_engine *e, struct gh_step *s);
enum gh_err gh_remove_replaced(struct gh_engine *e);
enum gh_err gh_plan_removals(struct gh_engine *e, bool all);

/* people.c: asked in the plan and again right before the call. Refuses (CONFLICT, or why they could not be
 * counted; diagnosed) what would be deleted with people that this stack did not make; where that was allowed,
 * the step's note tells how many. */
enum gh_err gh_people_guard(struct gh_engine *e, struct gh_step *s);
bool gh_people_is_user(const char *type);
/* Once in a plan, before any is asked about: these users (ids as keys; borrowed) are to be deleted. */
void gh_people_expect(struct gh_engine *e, const json_t *users);
bool gh_people_may_go(const struct gh_engine *e, const char *name); /* by --allow-data-loss */
void gh_people_check_names(
    const struct gh_engine *e); /* at the end of a plan: warns of names that mean nothing */

/* own.c: the ids (keys; new) in what the object of this step holds that the stack may take away: made by it,
 * or put there. Of a user who may not go the connection is not free to take it along. NULL: no memory. */
json_t *gh_own_ids(struct gh_engine *e, const struct gh_step *s, const char *connection);
bool gh_own_was_made(const json_t *entry); /* what was adopted or imported was there before the stack */
/* From here on the ledger changes by deletions only: it need not be walked for each user. */
void gh_own_index(struct gh_engine *e);
void gh_own_unindex(struct gh_engine *e);
void gh_own_free(struct gh_own *x);

/* target.c: is it named by --target, or does it depend on what is? Without --target all are. Asked in the
 * order of dependencies. */
bool gh_target_takes(struct gh_engine *e, const struct gh_registration *r);
bool gh_target_takes_entry(struct gh_engine *e, const json_t *entry);
/* A registration that is not: as the ledger has it, or skipped where it has nothing. *outputs is new. */
enum gh_err gh_target_pass_by(struct gh_engine *e, const struct gh_registration *r, json_t **outputs);
/* Refusals, diagnosed: what is needed was skipped; what stays depends on what goes; a target that is none. */
enum gh_err gh_target_check_needs(struct gh_engine *e, const struct gh_registration *r);
enum gh_err gh_target_check_removal(struct gh_engine *e, const struct gh_step *s);
enum gh_err gh_target_check_names(struct gh_engine *e);
/* New: the program's outputs; where they hang on what was skipped, the ledger's. */
json_t *gh_target_outputs(const struct gh_engine *e, json_t *outputs);

/* element.c: what is one of several, beside others that are none of our business. */
enum gh_err gh_element_decide(struct gh_engine *e, struct gh_step *s, const struct gh_registration *r);
enum gh_err gh_element_add(struct gh_engine *e, struct gh_step *s); /* or changes its own field */
enum gh_err gh_element_remove(struct gh_engine *e, struct gh_step *s);

/* writes.c: the calls themselves. */
enum gh_err gh_write_object(struct gh_engine *e, struct gh_step *s, const struct gh_diff *diff,
                            const json_t *changes);
enum gh_err gh_write_elements(struct gh_engine *e, struct gh_step *s, json_t *add, json_t *remove,
                              bool lenient);

/* Says what failed, where, what Auth0 answered and what helps. Returns `err`. */
enum gh_err gh_complain(struct gh_engine *e, const struct gh_step *s, const char *verb, enum gh_err err,
                        const struct gh_api_reply *reply);
void gh_engine_add_step(struct gh_engine *e, struct gh_step *s);
struct gh_step *gh_engine_find_step(const struct gh_engine *e, const char *type, const char *name);
void gh_engine_tell(struct gh_engine *e, const struct gh_step *s, enum gh_event event);
