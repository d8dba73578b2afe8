/* Offline check: every property against the provider's types, every reference against what it refers to. */
#include <stdarg.h>
#include <stdio.h>

#include "stack/language/fit.h"
#include "stack/language/remedy.h"
#include "stack/language/type.h"

struct checking {
    const struct gh_program *p;
    struct gh_diagnostics *d;
};

static void check_value(struct checking *c, const struct expr *e, struct gh_str type,
                        const struct gh_property *property);
static void check_inside(struct checking *c, const struct expr *e);

static void complain(struct checking *c, struct place at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void complain(struct checking *c, struct place at, const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    gh_diagnose(c->d, GH_SEVERITY_ERROR, at_place(c->p->file, at), "%s", text);
}

void refuse_property(struct gh_diagnostics *d, struct gh_position at, const char *on, struct gh_str name,
                     const struct gh_property *some, size_t count, const struct gh_property *more,
                     size_t more_count) {
    struct nearest near = { .wanted = name };
    const char *remedy = remedy_find(on, name);
    for (size_t i = 0; i < count; i++)
        nearest_add(&near, gh_str_from(some[i].name));
    for (size_t i = 0; i < more_count; i++)
        nearest_add(&near, gh_str_from(more[i].name));
    gh_diagnose(d, GH_SEVERITY_ERROR, at, "Property %.*s does not exist on %s", GH_STR_FMT(name), on);
    if (remedy)
        gh_diagnose_detail(d, "%s", remedy);
    else
        nearest_tell(&near, d, "Existing properties are:");
}

/* ---- literals ---- */

static void check_text(struct checking *c, const struct expr *e, const struct gh_property *property) {
    if (remedy_is_placeholder(e->text)) {
        complain(c, e->at, "%.*s is a placeholder: replace it", GH_STR_FMT(e->text));
        gh_diagnose_detail(
            c->d, "Declare the object in this program and write ${name.id}, look it up with a function "
                  "such as fn::auth0:getUser, or write its id");
        return;
    }
    const char *const *allowed = property ? property->enum_values : NULL;
    if (!allowed)
        return;
    struct nearest near = { .wanted = e->text };
    for (; *allowed; allowed++) {
        if (gh_str_is(e->text, *allowed))
            return;
        nearest_add(&near, gh_str_from(*allowed));
    }
    complain(c, e->at, "'%.*s' is no value of %s", GH_STR_FMT(e->text), property->name);
    nearest_tell(&near, c->d, "Allowed are:");
}

static void refuse_type(struct checking *c, struct place at, struct type from, struct gh_str to,
                        const struct gh_property *property) {
    gh_auto(gh_buf_release) struct gh_buf shown = gh_buf_make(1024);
    gh_buf_add(&shown, GH_STR("Cannot assign "));
    type_show(&shown, from);
    gh_buf_add(&shown, GH_STR(" to "));
    type_show(&shown, type_named(to));
    complain(c, at, "%s%s%s", shown.ptr, property ? ": property " : "", property ? property->name : "");
}

static bool scalar_fits(const struct expr *e, struct gh_str type) {
    bool text = gh_str_is(type, "string"), number = gh_str_is(type, "number");
    switch (e->kind) {
    case EXPR_BOOLEAN:
        return text || gh_str_is(type, "boolean");
    case EXPR_INTEGER:
        return text || number || gh_str_is(type, "integer");
    case EXPR_NUMBER:
        return text || number || (gh_str_is(type, "integer") && fit_is_whole(e->number));
    default:
        return text;
    }
}

static void check_scalar(struct checking *c, const struct expr *e, struct gh_str type,
                         const struct gh_property *property) {
    if (!scalar_fits(e, type))
        refuse_type(c, e->at, type_of(c->p, c->d, e), type, property);
    else if (e->kind == EXPR_STRING)
        check_text(c, e, property);
}

/* ---- members ---- */

static bool has_value(const struct expr *first, const char *name) {
    for (const struct expr *m = first; m; m = m->next)
        if (gh_str_is(m->key, name))
            return m->kind != EXPR_NULL;
    return false;
}

static void check_members(struct checking *c, const struct expr *first, struct place at, const char *on,
                          const struct gh_property *properties, size_t count) {
    for (const struct expr *m = first; m; m = m->next) {
        const struct gh_property *property = gh_schema_property(properties, count, m->key);
        if (!property) {
            refuse_property(c->d, at_place(c->p->file, m->key_at), on, m->key, properties, count, NULL, 0);
            check_inside(c, m);
            continue;
        }
        if (property->deprecated)
            gh_diagnose(c->d, GH_SEVERITY_WARNING, at_place(c->p->file, m->key_at), "%s of %s is deprecated",
                        property->name, on);
        check_value(c, m, gh_str_from(property->type), property);
    }
    for (size_t i = 0; i < count; i++)
        if (properties[i].required && !has_value(first, properties[i].name))
            complain(c, at, "Missing required property '%s' of %s", properties[i].name, on);
}

/* Keys of maps reach the API as they are; these two maps know their keys. */
static void check_colors(struct checking *c, const struct expr *colors) {
    for (const struct expr *m = colors->first; m; m = m->next) {
        if (gh_str_is(m->key, "primary") || gh_str_is(m->key, "page_background"))
            continue;
        complain(c, m->key_at, "colors has no key '%.*s'", GH_STR_FMT(m->key));
        gh_diagnose_detail(c->d,
                           "The keys of a map are the API's own, in snake case: primary, page_background");
    }
}

static void check_object(struct checking *c, const struct expr *e, struct gh_str type,
                         const struct gh_property *property) {
    if (type_is_map(type)) {
        for (const struct expr *m = e->first; m; m = m->next)
            check_value(c, m, type_value(type), NULL);
        if (property && strcmp(property->name, "colors") == 0)
            check_colors(c, e);
        return;
    }
    const struct gh_object_type *object = type_object(type);
    if (object)
        check_members(c, e->first, e->at, object->name, object->properties, object->property_count);
    else
        refuse_type(c, e->at, type_of(c->p, c->d, e), type, property);
}

static void check_list(struct checking *c, const struct expr *e, struct gh_str type,
                       const struct gh_property *property) {
    if (!type_is_list(type)) {
        refuse_type(c, e->at, type_of(c->p, c->d, e), type, property);
        return;
    }
    for (const struct expr *i = e->first; i; i = i->next)
        check_value(c, i, type_item(type), property);
}

/* ---- references and calls ---- */

static void check_call(struct checking *c, const struct expr *e) {
    if (e->function) {
        check_members(c, e->first, e->at, gh_schema_short_name(e->function), e->function->inputs,
                      e->function->input_count);
        return;
    }
    if (e->builtin->warning)
        gh_diagnose(c->d, GH_SEVERITY_WARNING, at_place(c->p->file, e->at), "%s", e->builtin->warning);
    size_t n = 0;
    for (const struct expr *argument = e->first; argument; argument = argument->next)
        check_value(c, argument, gh_str_from(e->builtin->types[n++]), NULL);
}

static void check_part(struct checking *c, const struct expr *e) {
    struct type type = type_of(c->p, c->d, e);
    if (e->kind == EXPR_ACCESS && (type.literal || !type_fits(type, GH_STR("string"))))
        refuse_type(c, e->at, type, GH_STR("string"), NULL);
}

/* Where any value will do, what is inside must still make sense. */
static void check_inside(struct checking *c, const struct expr *e) {
    if (e->kind == EXPR_CALL) {
        check_call(c, e);
        (void)type_of(c->p, c->d, e);
    } else if (e->kind == EXPR_ACCESS) {
        (void)type_of(c->p, c->d, e);
    } else if (e->kind == EXPR_STRING) {
        check_text(c, e, NULL);
    } else if (e->kind == EXPR_TEXT) {
        for (const struct expr *part = e->first; part; part = part->next)
            check_part(c, part);
    } else {
        for (const struct expr *child = e->first; child; child = child->next)
            check_inside(c, child);
    }
}

static void check_derived(struct checking *c, const struct expr *e, struct gh_str type,
                          const struct gh_property *property) {
    size_t before = gh_diagnostics_count(c->d, GH_SEVERITY_ERROR);
    check_inside(c, e);
    if (gh_diagnostics_count(c->d, GH_SEVERITY_ERROR) > before)
        return;
    struct type from = type_of(c->p, c->d, e);
    bool list = from.literal && from.literal->kind == EXPR_LIST;
    bool fits = from.literal ? (list ? type_is_list(type)
                                     : !type_is_list(type) && (type_is_map(type) || type_object(type)))
                             : type_fits(from, type);
    if (!fits)
        refuse_type(c, e->at, from, type, property);
}

static void check_value(struct checking *c, const struct expr *e, struct gh_str type,
                        const struct gh_property *property) {
    if (gh_str_is(type, "any")) {
        check_inside(c, e);
        return;
    }
    switch (e->kind) {
    case EXPR_NULL:
        return;
    case EXPR_LIST:
        check_list(c, e, type, property);
        return;
    case EXPR_OBJECT:
        check_object(c, e, type, property);
        return;
    case EXPR_ACCESS:
    case EXPR_TEXT:
    case EXPR_CALL:
        check_derived(c, e, type, property);
        return;
    default:
        check_scalar(c, e, type, property);
    }
}

/* ---- declarations ---- */

/* Of what is only read: nothing is required, and what the provider tells may be said, too. */
static void check_get(struct checking *c, const struct declaration *d) {
    const struct gh_resource_type *t = d->resource;
    check_value(c, d->get_id, GH_STR("string"), NULL);
    for (const struct expr *m = d->properties ? d->properties->first : NULL; m; m = m->next) {
        const struct gh_property *property = gh_schema_member(t, m->key);
        if (property)
            check_value(c, m, gh_str_from(property->type), property);
        else
            refuse_property(c->d, at_place(c->p->file, m->key_at), gh_schema_short_name(t), m->key, t->inputs,
                            t->input_count, t->outputs, t->output_count);
    }
}

static void check_resource(struct checking *c, const struct declaration *d) {
    const struct gh_resource_type *t = d->resource;
    const struct expr *depends_on = d->options.depends_on;
    if (d->get_id)
        check_get(c, d);
    else
        check_members(c, d->properties ? d->properties->first : NULL, d->at, gh_schema_short_name(t),
                      t->inputs, t->input_count);
    for (const struct expr *e = depends_on ? depends_on->first : NULL; e; e = e->next)
        if (!e->root || e->root->kind != DECLARED_RESOURCE)
            complain(c, e->at, "dependsOn names resources: '%.*s' is none", GH_STR_FMT(e->text));
}

enum gh_err gh_program_check(const struct gh_program *p, struct gh_diagnostics *d) {
    struct checking c = { .p = p, .d = d };
    size_t before = gh_diagnostics_count(d, GH_SEVERITY_ERROR);
    for (size_t i = 0; i < p->count; i++) {
        if (p->all[i]->kind == DECLARED_RESOURCE)
            check_resource(&c, p->all[i]);
        else if (p->all[i]->kind == DECLARED_VARIABLE)
            check_inside(&c, p->all[i]->expr);
    }
    if (p->outputs)
        check_inside(&c, p->outputs);
    trap_check(p, d);
    return gh_diagnostics_count(d, GH_SEVERITY_ERROR) > before ? GH_ERR_MALFORMED : GH_OK;
}
