#include "stack/engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "stack/engine/internal.h"
#include "stack/engine/lookup.h"
#include "stack/engine/seal.h"
#include "stack/value.h"
#include "sys/clock.h"

#define ARENA (256 << 20)

/* The ids of a ledger mean something in one tenant only. A loopback tenant may come back on another port. */
static enum gh_err check_domain(struct gh_engine *e) {
    const char *domain = gh_ledger_text(e->ledger, "domain");
    const struct gh_engine_options *o = &e->options;
    if (!domain || strcmp(domain, o->domain) == 0 ||
        (gh_api_is_loopback(domain) && gh_api_is_loopback(o->domain)))
        return GH_OK;
    gh_diagnose(o->diagnostics, GH_SEVERITY_ERROR, (struct gh_position){ 0 },
                "stack %s lives in the tenant %s, but AUTH0_DOMAIN is %s", o->stack, domain, o->domain);
    gh_diagnose_detail(o->diagnostics, "take another stack with -s NAME for another tenant");
    return GH_ERR_CONFLICT;
}

/* What the stack owns will be asked for, be it to compare or to see whether it is still there. */
static void expect_objects(struct gh_engine *e) {
    size_t i;
    json_t *entry;
    json_array_foreach(e->ledger ? gh_ledger_resources(e->ledger) : NULL, i, entry) {
        const struct gh_provider *p = gh_provider_find(json_string_value(json_object_get(entry, "type")));
        if (p)
            gh_live_expect(e->live, p, json_string_value(json_object_get(entry, "id")));
    }
}

enum gh_err gh_engine_new(const struct gh_engine_options *options, struct gh_engine **ret) {
    struct gh_engine *e = calloc(1, sizeof *e);
    if (!e)
        return GH_ERR_NOMEM;
    e->options = *options;
    e->arena = gh_arena_new(ARENA);
    e->live = gh_live_new(options->api);
    e->crew = gh_crew_new(options->parallel);
    e->telling = gh_telling_new(e);
    e->creating = json_object();
    gh_api_set_crew(options->api, e->crew);
    e->by_key = json_object();
    e->order = json_array();
    e->removed = json_array();
    e->held = json_object();
    e->targeted = json_object();
    e->skipped = json_object();
    e->targets_met = json_object();
    enum gh_err err = e->arena && e->live && e->crew && e->telling && e->creating && e->by_key && e->order &&
                              e->removed && e->held && e->targeted && e->skipped && e->targets_met
                          ? GH_OK
                          : GH_ERR_NOMEM;
    err =
        err ? err
            : gh_ledger_open(options->dir, options->stack, options->write, options->diagnostics, &e->ledger);
    err = err ? err : check_domain(e);
    expect_objects(e);
    if (err) {
        gh_engine_free(e);
        return err;
    }
    *ret = e;
    return GH_OK;
}

void gh_engine_free(struct gh_engine *e) {
    if (!e)
        return;
    for (size_t i = 0; i < e->count; i++)
        gh_step_free(e->steps[i]);
    free(e->steps);
    json_decref(e->by_key);
    json_decref(e->order);
    json_decref(e->removed);
    json_decref(e->held);
    json_decref(e->targeted);
    json_decref(e->skipped);
    json_decref(e->targets_met);
    json_decref(e->creating);
    gh_telling_free(e->telling);
    gh_api_set_crew(e->options.api, NULL);
    gh_crew_free(e->crew);
    gh_crowd_free(e->crowd);
    gh_own_free(e->own);
    gh_live_free(e->live);
    gh_ledger_free(e->ledger);
    gh_arena_free(e->arena);
    free(e);
}

struct gh_ledger *gh_engine_ledger(const struct gh_engine *e) {
    return e->ledger;
}

size_t gh_engine_step_count(const struct gh_engine *e) {
    return e->count;
}

const struct gh_step *gh_engine_step_at(const struct gh_engine *e, size_t i) {
    return i < e->count ? e->steps[i] : NULL;
}

bool gh_engine_denied(const struct gh_engine *e) {
    return e->denied;
}

void gh_engine_tell(struct gh_engine *e, const struct gh_step *s, enum gh_event event) {
    if (e->options.event && event != GH_EVENT_COUNT)
        e->options.event(e->options.context, s, event);
}

void gh_engine_add_step(struct gh_engine *e, struct gh_step *s) {
    if (e->count == e->room) {
        size_t room = e->room ? e->room * 2 : 64;
        struct gh_step **steps = reallocarray(e->steps, room, sizeof *steps);
        if (!steps)
            abort(); /* the plan would lose a step: there is no way to go on truthfully */
        e->steps = steps;
        e->room = room;
    }
    e->steps[e->count++] = s;
    if (s->op == GH_OP_DELETE || s->op == GH_OP_RELEASE)
        return;
    const char *key = gh_arena_printf(e->arena, "%s::%s", s->type->token, s->name).ptr;
    if (!key)
        abort();
    json_object_set_new(e->by_key, key, json_integer((json_int_t)e->count - 1));
    json_array_append_new(e->order, json_string(key));
}

struct gh_step *gh_engine_find_step(const struct gh_engine *e, const char *type, const char *name) {
    gh_auto(gh_buf_release) struct gh_buf key = gh_buf_make(65536);
    gh_buf_addf(&key, "%s::%s", type, name);
    json_t *index = key.failed ? NULL : json_object_get(e->by_key, key.ptr);
    return index ? e->steps[json_integer_value(index)] : NULL;
}

/* What is declared as it was is kept once. */
static void share_inputs(struct gh_step *s) {
    json_t *before = json_object_get(s->entry, "inputs");
    if (s->op != GH_OP_SAME || !json_equal(before, s->inputs))
        return;
    json_decref(s->inputs);
    s->inputs = json_incref(before);
}

static enum gh_err plan(struct gh_engine *e, const struct gh_registration *r, size_t rank, json_t **outputs) {
    struct gh_step *s = NULL;
    enum gh_err err = gh_step_decide(e, r, &s);
    if (err)
        return err;
    gh_telling_ended(e->telling, rank, s, GH_EVENT_PLANNED);
    *outputs = gh_outputs_of(s, r);
    share_inputs(s);
    return *outputs ? GH_OK : GH_ERR_NOMEM;
}

/* What became known since the preview may make less necessary, never something else. */
static bool is_as_shown(enum gh_op shown, const struct gh_step *now) {
    if (shown == now->op)
        return true;
    return (shown == GH_OP_UPDATE && now->op == GH_OP_SAME) ||
           (shown == GH_OP_REPLACE && (now->op == GH_OP_UPDATE || now->op == GH_OP_SAME));
}

static enum gh_err refuse_other(struct gh_engine *e, const struct gh_step *s) {
    gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, s->position,
                "%s %s is not as it was at the preview: something else would have to be done now",
                gh_schema_short_name(s->type), s->name);
    gh_diagnose_detail(e->options.diagnostics, "nothing was done to it; run the command again to see what");
    return GH_ERR_CONFLICT;
}

/* The step of the plan takes over what the new decision knows. */
static void take_over(struct gh_step *shown, struct gh_step *now) {
    struct gh_step old = *shown;
    *shown = *now;
    *now = old;
    gh_step_free(now);
}

static enum gh_err apply(struct gh_engine *e, const struct gh_registration *r, size_t rank,
                         json_t **outputs) {
    struct gh_step *s = NULL, *shown = gh_engine_find_step(e, r->type, r->name);
    enum gh_err err = gh_step_decide(e, r, &s);
    if (err) {
        if (shown)
            shown->failed = true;
        return err;
    }
    if (!shown || !is_as_shown(shown->op, s)) {
        err = refuse_other(e, s);
        if (shown)
            shown->failed = true;
        gh_step_free(s);
        return err;
    }
    take_over(shown, s);
    gh_telling_begun(e->telling, rank, shown);
    err = gh_apply(e, r, shown);
    gh_telling_ended(e->telling, rank, shown, err ? GH_EVENT_FAILED : GH_EVENT_DONE);
    if (err)
        return err;
    *outputs = gh_outputs_of(shown, r);
    return *outputs ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_err on_resource(void *context, const struct gh_registration *r, struct gh_diagnostics *d,
                               json_t **outputs) {
    struct gh_engine *e = context;
    if (e->lost)
        return GH_ERR_IO;
    size_t rank = gh_telling_rank(e->telling, r);
    bool takes = !r->get_id && gh_target_takes(e, r);
    enum gh_err err = r->get_id                     ? gh_read(e, r, outputs)
                      : !takes                      ? gh_target_pass_by(e, r, outputs)
                      : gh_target_check_needs(e, r) ? GH_ERR_NOT_FOUND
                      : e->applying                 ? apply(e, r, rank, outputs)
                                                    : plan(e, r, rank, outputs);
    if (!takes || err)
        gh_telling_skip(e->telling, rank);
    e->lost = gh_api_is_lost(e->options.api);
    return err;
}

static enum gh_err on_invoke(void *context, const char *function, json_t *arguments, struct gh_position at,
                             struct gh_diagnostics *d, json_t **result) {
    struct gh_engine *e = context;
    if (e->lost)
        return GH_ERR_IO;
    enum gh_err err =
        gh_lookup(e->options.api, e->live, e->options.domain, function, arguments, at, d, result);
    e->denied |= err == GH_ERR_NO_TOKEN;
    e->lost = gh_api_is_lost(e->options.api);
    return err;
}

struct gh_registrar gh_engine_registrar(struct gh_engine *e) {
    return (struct gh_registrar){ .context = e,
                                  .register_resource = on_resource,
                                  .invoke = on_invoke,
                                  .crew = e->options.target_count
                                              ? NULL
                                              : e->crew /* what --target skips is known in order only */ };
}

enum gh_err gh_engine_end_plan(struct gh_engine *e) {
    gh_telling_finish(e->telling);
    enum gh_err err = gh_plan_removals(e, false);
    gh_people_check_names(e);
    return err ? err : gh_target_check_names(e);
}

enum gh_err gh_engine_plan_destroy(struct gh_engine *e) {
    enum gh_err err = gh_plan_removals(e, true);
    gh_people_check_names(e);
    return err ? err : gh_target_check_names(e);
}

void gh_engine_begin_apply(struct gh_engine *e, gh_step_event *event) {
    e->options.event = event;
    e->applying = true;
    gh_own_unindex(e);
    gh_telling_restart(e->telling);
    gh_live_begin_pass(e->live);
}

void gh_engine_tell_at_once(struct gh_engine *e, bool at_once) {
    e->at_once = at_once;
}

/* Before the first deletion all are asked again, so that who came since the plan stops it as a whole. Users
 * only where the lists tell of all of them: each is asked right before its own deletion, and they may be
 * many. */
static enum gh_err guard_all(struct gh_engine *e) {
    bool users = gh_crowd_list(e->crowd);
    gh_own_index(e);
    enum gh_err err = GH_OK;
    for (size_t i = 0; i < e->count; i++) {
        bool asks =
            e->steps[i]->op == GH_OP_DELETE && (users || !gh_people_is_user(e->steps[i]->type->token));
        enum gh_err one = asks ? gh_people_guard(e, e->steps[i]) : GH_OK;
        e->steps[i]->failed |= one != GH_OK;
        err = err ? err : one;
    }
    gh_crowd_unlist(e->crowd);
    return err;
}

/* Children that die with a parent leave the ledger once it is gone: if its deletion fails, they are still
 * ours. */
static enum gh_err remove_all(struct gh_engine *e) {
    enum gh_err err = guard_all(e);
    if (err)
        return err;
    for (int children = 0; children < 2; children++)
        for (size_t i = 0; i < e->count; i++) {
            struct gh_step *s = e->steps[i];
            bool removal = s->op == GH_OP_DELETE || s->op == GH_OP_RELEASE;
            if (!removal || s->done || s->dies_with_parent != (children == 1) || (children == 1 && err))
                continue;
            /* A parent whose children could not be deleted may hold them still, but it takes them along. */
            gh_engine_tell(e, s, GH_EVENT_STARTED);
            long long began = gh_clock_monotonic_ns();
            enum gh_err one = gh_remove(e, s);
            s->took = gh_clock_monotonic_ns() - began;
            gh_engine_tell(e, s, one ? GH_EVENT_FAILED : GH_EVENT_DONE);
            err = err ? err : one;
        }
    return err;
}

enum gh_err gh_engine_end_apply(struct gh_engine *e, json_t *outputs, bool failed) {
    gh_telling_finish(e->telling);
    enum gh_err err = failed ? GH_OK : remove_all(e), saved;
    if (!failed && !err)
        err = gh_remove_replaced(e);
    const struct gh_engine_options *o = &e->options;
    gh_ledger_set(e->ledger, "project", json_string(o->project));
    gh_ledger_set(e->ledger, "stack", json_string(o->stack));
    gh_ledger_set(e->ledger, "domain", json_string(o->domain));
    if (outputs) {
        json_t *sealed = NULL, *known = gh_target_outputs(e, outputs);
        bool secrets = gh_value_has_secret(known);
        saved = gh_ledger_seal(known, gh_ledger_outputs(e->ledger), secrets ? gh_engine_crypter(e) : NULL,
                               &sealed);
        if (!saved)
            gh_ledger_set(e->ledger, "outputs", sealed);
        json_decref(known);
        err = err ? err : saved;
    }
    saved = gh_ledger_save(e->ledger, e->order);
    return err ? err : saved;
}
