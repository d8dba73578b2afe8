/* Runs a program: one declaration after the other, each value known, unknown (in a preview) or secret. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "stack/config.h"
#include "stack/language/fit.h"
#include "stack/language/type.h"

struct evaluation {
    const struct gh_program *p;
    const struct gh_config *config;
    const struct gh_registrar *registrar;
    struct gh_diagnostics *d;
    struct gh_arena *arena;
    json_t **values; /* by declaration; NULL: not there yet, or failed */
    size_t *seen;    /* by declaration: the round in which dependencies() met it */
    size_t round;
    size_t *uses;  /* by declaration: those that need its value and have not come about, and the program's
                      outputs */
    size_t *ranks; /* by declaration: its place in the order in which one after the other would come about */
    struct graph_walk *walk;
    struct gh_crew_gate idle; /* workers for whom there is nothing to do at the moment */
    enum gh_err error;        /* the first */
};

static json_t *evaluate(struct evaluation *ev, const struct expr *e);

static struct gh_position where(const struct evaluation *ev, struct place at) {
    return at_place(ev->p->file, at);
}

/* Steals the value. */
static json_t *measured(struct evaluation *ev, struct place at, json_t *value) {
    if (!value || fit_is_within_limits(value))
        return value;
    gh_diagnose(ev->d, GH_SEVERITY_ERROR, where(ev, at), "this value is too large or nested too deeply");
    json_decref(value);
    return NULL;
}

/* ---- ${…} ---- */

static json_t *pulumi_value(const struct evaluation *ev, struct gh_str name) {
    if (gh_str_is(name, "stack"))
        return json_string(gh_config_stack(ev->config));
    if (gh_str_is(name, "project"))
        return json_string(ev->p->name);
    if (gh_str_is(name, "organization"))
        return json_string("organization"); /* what Pulumi says when no service is behind it */
    char full[PATH_MAX];
    return json_string(realpath(ev->p->dir, full) ? full : ev->p->dir);
}

static json_t *urn(const struct evaluation *ev, const struct declaration *d) {
    return json_sprintf("urn:pulumi:%s::%s::%s::%s", gh_config_stack(ev->config), ev->p->name,
                        d->resource->token, d->registered);
}

/* One step into a value. What is not there is null, as in Pulumi. */
static json_t *step_into(struct evaluation *ev, const struct expr *e, json_t *value,
                         const struct access *step) {
    if (step->name.ptr)
        return json_object_getn(value, step->name.ptr, step->name.len);
    if (json_is_array(value) && step->index >= json_array_size(value)) {
        gh_diagnose(ev->d, GH_SEVERITY_ERROR, where(ev, e->at), "there is no item %llu in a list of %zu",
                    step->index, json_array_size(value));
        return NULL;
    }
    json_t *item = json_array_get(value, (size_t)step->index);
    return item ? item : json_null();
}

static json_t *follow(struct evaluation *ev, const struct expr *e, json_t *value, const struct access *path) {
    bool secret = false;
    for (;; path = path->next) {
        for (; gh_value_is_secret(value); value = gh_value_reveal(value))
            secret = true;
        if (!path || gh_value_is_unknown(value))
            break;
        value = step_into(ev, e, value, path);
        if (!value && path->name.ptr)
            value = json_null();
        if (!value)
            return NULL;
    }
    return fit_wrap(json_incref(value), secret);
}

static json_t *evaluate_access(struct evaluation *ev, const struct expr *e) {
    if (!e->root)
        return pulumi_value(ev, e->path->name);
    const struct declaration *d = e->root;
    if (d->kind == DECLARED_CONFIG) {
        json_t *value = gh_config_get(ev->config, d->name.ptr);
        json_t *ret = value ? follow(ev, e, value, e->path) : NULL;
        json_decref(value);
        return ret;
    }
    json_t *value = ev->values[d->index];
    if (!value) /* it failed and said why */
        return NULL;
    if (d->kind == DECLARED_RESOURCE && !e->path) /* the resource itself stands for its id */
        return json_incref(json_object_get(value, "id"));
    if (d->kind == DECLARED_RESOURCE && gh_str_is(e->path->name, "urn"))
        return urn(ev, d);
    return follow(ev, e, value, e->path);
}

/* ---- text ---- */

static json_t *evaluate_text(struct evaluation *ev, const struct expr *e) {
    gh_auto(gh_buf_release) struct gh_buf out = gh_buf_make(GH_LIMIT_STACK_FILE);
    bool secret = false, unknown = false, good = true;
    for (const struct expr *part = e->first; part && good; part = part->next) {
        json_t *value = evaluate(ev, part);
        if (!value)
            return NULL;
        secret |= gh_value_has_secret(value);
        unknown |= gh_value_has_unknown(value);
        good = fit_add_text(&out, gh_value_reveal(value));
        json_decref(value);
    }
    if (!good || out.failed) {
        gh_diagnose(ev->d, GH_SEVERITY_ERROR, where(ev, e->at), "%s",
                    good ? "the text is too large"
                         : "a list or a map cannot be part of a text; see fn::toJSON");
        return NULL;
    }
    return fit_wrap(unknown ? gh_value_unknown() : json_stringn(out.ptr ? out.ptr : "", out.len), secret);
}

/* ---- calls ---- */

static json_t *evaluate_members(struct evaluation *ev, const struct expr *first) {
    json_t *object = json_object();
    for (const struct expr *m = first; m; m = m->next) {
        json_t *value = evaluate(ev, m);
        if (!value || json_object_setn_new(object, m->key.ptr, m->key.len, value) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *evaluate_invoke(struct evaluation *ev, const struct expr *e) {
    json_t *arguments = measured(ev, e->at, evaluate_members(ev, e->first)), *result = NULL;
    if (!arguments)
        return NULL;
    if (gh_value_has_unknown(arguments)) {
        json_decref(arguments);
        return gh_value_unknown();
    }
    bool secret = gh_value_has_secret(arguments);
    const struct gh_registrar *r = ev->registrar;
    enum gh_err error =
        r->invoke(r->context, e->function->token, arguments, where(ev, e->at), ev->d, &result);
    json_decref(arguments);
    if (error) {
        ev->error = ev->error ? ev->error : error;
        return NULL;
    }
    if (json_is_object(result) && !gh_value_is_secret(result))
        fit_mark_secrets(result, e->function->outputs, e->function->output_count);
    if (e->returns.len && !gh_value_is_unknown(result)) {
        const struct access path = { .name = e->returns };
        json_t *one = follow(ev, e, result, &path);
        json_decref(result);
        result = one;
    }
    return fit_wrap(result, secret);
}

static json_t *evaluate_builtin(struct evaluation *ev, const struct expr *e) {
    struct builtin_call call = { .dir = ev->p->dir, .d = ev->d, .at = where(ev, e->at) };
    bool secret = false, unknown = false, good = true;
    size_t n = 0;
    for (const struct expr *argument = e->first; argument && good; argument = argument->next, n++) {
        json_t *value = measured(ev, argument->at, evaluate(ev, argument));
        good = value;
        secret |= value && gh_value_has_secret(value);
        unknown |= value && gh_value_has_unknown(value);
        call.arguments[n] = value ? gh_value_plain(value) : NULL;
        json_decref(value);
    }
    json_t *ret = NULL;
    if (good && unknown)
        ret = fit_wrap(gh_value_unknown(), secret || strcmp(e->builtin->name, "secret") == 0);
    else if (good)
        ret = fit_wrap(e->builtin->run(&call), secret);
    json_decref(call.arguments[0]);
    json_decref(call.arguments[1]);
    return ret;
}

static json_t *evaluate_list(struct evaluation *ev, const struct expr *e) {
    json_t *list = json_array();
    for (const struct expr *item = e->first; item; item = item->next)
        if (json_array_append_new(list, evaluate(ev, item)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

/* A new reference; NULL when it was diagnosed here or where the value failed. */
static json_t *evaluate(struct evaluation *ev, const struct expr *e) {
    switch (e->kind) {
    case EXPR_NULL:
        return json_null();
    case EXPR_BOOLEAN:
        return json_boolean(e->boolean);
    case EXPR_INTEGER:
        return json_integer(e->integer);
    case EXPR_NUMBER:
        return json_real(e->number);
    case EXPR_STRING:
        return json_stringn(e->text.ptr, e->text.len);
    case EXPR_LIST:
        return evaluate_list(ev, e);
    case EXPR_OBJECT:
        return evaluate_members(ev, e->first);
    case EXPR_ACCESS:
        return evaluate_access(ev, e);
    case EXPR_TEXT:
        return evaluate_text(ev, e);
    case EXPR_CALL:
        return e->function ? evaluate_invoke(ev, e) : evaluate_builtin(ev, e);
    }
    return NULL;
}

/* ---- resources ---- */

struct names {
    const char **list;
    size_t count;
};

/* The resources behind what a declaration refers to, through variables. False: one of them failed. */
static bool dependencies(struct evaluation *ev, const struct declaration *d, struct names *names) {
    bool good = true;
    for (size_t i = 0; i < d->needs_count; i++) {
        const struct declaration *needed = d->needs[i];
        if (ev->seen[needed->index] == ev->round)
            continue;
        ev->seen[needed->index] = ev->round;
        good &= ev->values[needed->index] != NULL;
        if (needed->kind == DECLARED_RESOURCE)
            names->list[names->count++] = needed->registered;
        else
            good &= dependencies(ev, needed, names);
    }
    return good;
}

/* The id of what is only read, plain; new reference, NULL when it is no text. */
static json_t *evaluate_id(struct evaluation *ev, const struct declaration *d) {
    json_t *id = evaluate(ev, d->get_id), *plain = id ? json_incref(gh_value_reveal(id)) : NULL;
    json_decref(id);
    if (!plain || (json_is_string(plain) && json_string_length(plain)))
        return plain;
    gh_diagnose(ev->d, GH_SEVERITY_ERROR, where(ev, d->get_id->at), "the id of %s is no text", d->name.ptr);
    json_decref(plain);
    return NULL;
}

static json_t *register_resource(struct evaluation *ev, const struct declaration *d,
                                 const struct names *names) {
    json_t *inputs = d->properties ? evaluate_members(ev, d->properties->first) : json_object(),
           *outputs = NULL, *id = d->get_id ? evaluate_id(ev, d) : NULL;
    if (!inputs || (d->get_id && !id)) {
        json_decref(inputs);
        json_decref(id);
        return NULL;
    }
    inputs = fit_inputs(d->resource, inputs);
    const struct options *o = &d->options;
    const struct gh_registration reg = {
        .name = d->registered,
        .type = d->resource->token,
        .inputs = inputs,
        .depends_on = names->list,
        .depends_on_count = names->count,
        .rank = ev->ranks[d->index],
        .position = where(ev, d->at),
        .protect = o->protect,
        .retain_on_delete = o->retain_on_delete,
        .delete_before_replace = o->delete_before_replace,
        .import_id = o->import_id,
        .get_id = json_string_value(id),
        .ignore_changes = o->ignore_changes,
        .replace_on_changes = o->replace_on_changes,
        .additional_secret_outputs = o->additional_secret_outputs,
        .aliases = o->aliases,
    };
    const struct gh_registrar *r = ev->registrar;
    enum gh_err error = r->register_resource(r->context, &reg, ev->d, &outputs);
    if (!error && outputs)
        fit_outputs(d->resource, &reg, outputs);
    else if (!ev->error)
        ev->error = error;
    json_decref(inputs);
    json_decref(id);
    return error ? NULL : outputs;
}

static void come_about(struct evaluation *ev, const struct declaration *d, const char **room) {
    struct names names = { .list = room };
    ev->round++;
    if (!dependencies(ev, d, &names)) /* what it needs failed: it is skipped */
        return;
    ev->values[d->index] = d->kind == DECLARED_RESOURCE ? register_resource(ev, d, &names)
                                                        : measured(ev, d->at, evaluate(ev, d->expr));
    if (!ev->values[d->index] && !ev->error)
        ev->error = GH_ERR_MALFORMED;
}

static void count_outputs(struct evaluation *ev, const struct expr *e) {
    for (; e; e = e->next) {
        if (e->kind == EXPR_ACCESS && e->root)
            ev->uses[e->root->index]++;
        count_outputs(ev, e->first);
    }
}

static void count_uses(struct evaluation *ev) {
    for (size_t i = 0; i < ev->p->count; i++)
        for (size_t k = 0; k < ev->p->all[i]->needs_count; k++)
            ev->uses[ev->p->all[i]->needs[k]->index]++;
    count_outputs(ev, ev->p->outputs);
}

/* What nobody will ask for any more is only known to have come about: of ten thousand members nothing else is
 * kept. */
static void forget_unused(struct evaluation *ev, const struct declaration *d) {
    if (ev->uses[d->index] || !ev->values[d->index])
        return;
    json_decref(ev->values[d->index]);
    ev->values[d->index] = json_true();
}

static void has_come_about(struct evaluation *ev, const struct declaration *d) {
    forget_unused(ev, d);
    for (size_t k = 0; k < d->needs_count; k++) {
        ev->uses[d->needs[k]->index]--;
        forget_unused(ev, d->needs[k]);
    }
    graph_walk_done(ev->walk, d);
}

/* One worker, of one or many. */
static void work(void *context) {
    struct evaluation *ev = context;
    struct gh_crew *crew = ev->registrar->crew;
    const char **room = calloc(ev->p->count + 1, sizeof *room);
    struct declaration *d;
    while (room && ((d = graph_walk_next(ev->walk)) || graph_walk_open(ev->walk))) {
        if (d) {
            come_about(ev, d, room);
            has_come_about(ev, d);
            gh_crew_open(crew, &ev->idle, graph_walk_ready(ev->walk));
        } else if (!gh_crew_wait(crew, &ev->idle))
            break;
    }
    if (!room)
        ev->error = GH_ERR_NOMEM;
    if (!graph_walk_open(ev->walk))
        gh_crew_open(crew, &ev->idle, SIZE_MAX); /* there is nothing left, for them either */
    free(room);
}

static size_t *ranks_of(const struct gh_program *p, struct gh_arena *a) {
    size_t count = 0, rank = 0;
    struct declaration **order = graph_order(p, a, &count);
    size_t *ranks = gh_arena_calloc(a, p->count, sizeof *ranks);
    for (size_t i = 0; order && ranks && i < count; i++)
        if (order[i]->kind == DECLARED_RESOURCE)
            ranks[order[i]->index] = ++rank;
    return order ? ranks : NULL;
}

/* Outputs that rest on what failed are left out. */
static json_t *collect_outputs(struct evaluation *ev) {
    json_t *ret = json_object();
    for (const struct expr *m = ev->p->outputs ? ev->p->outputs->first : NULL; m; m = m->next) {
        json_t *value = measured(ev, m->at, evaluate(ev, m));
        if (value)
            json_object_setn_new(ret, m->key.ptr, m->key.len, value);
        else if (!ev->error)
            ev->error = GH_ERR_MALFORMED;
    }
    return ret;
}

enum gh_err gh_program_run(const struct gh_program *p, const struct gh_config *config,
                           const struct gh_registrar *registrar, struct gh_diagnostics *d, json_t **outputs) {
    enum gh_err e = gh_config_check(config, d);
    if (e)
        return e;
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(64 << 20);
    struct evaluation ev = { .p = p, .config = config, .registrar = registrar, .d = d, .arena = a };
    if (!a)
        return GH_ERR_NOMEM;
    ev.ranks = ranks_of(p, a);
    ev.walk = graph_walk_new(p);
    ev.values = gh_arena_calloc(a, p->count, sizeof *ev.values);
    ev.seen = gh_arena_calloc(a, p->count, sizeof *ev.seen);
    ev.uses = gh_arena_calloc(a, p->count, sizeof *ev.uses);
    if (!ev.ranks || !ev.walk || !ev.values || !ev.seen || !ev.uses) {
        graph_walk_free(ev.walk);
        return GH_ERR_NOMEM;
    }
    count_uses(&ev);
    gh_crew_run(registrar->crew, work, &ev);
    graph_walk_free(ev.walk);
    *outputs = collect_outputs(&ev);
    for (size_t i = 0; i < p->count; i++)
        json_decref(ev.values[i]);
    return ev.error;
}
