#include "stack/language/type.h"

#define DEEPEST 100 /* variables that stand for variables; beyond, the type is not looked for */

static const struct gh_str any = GH_STR("any");

struct inferring {
    const struct gh_program *p;
    struct gh_diagnostics *d; /* NULL inside a variable: its errors are told where it is declared */
    const struct expr *e;     /* the reference at hand */
    unsigned depth;
};

static struct type infer(struct inferring *in, const struct expr *e);

static struct gh_position here(const struct inferring *in) {
    return at_place(in->p->file, in->e->at);
}

const struct gh_object_type *type_object(struct gh_str type) {
    char name[160];
    if (!gh_str_starts(type, GH_STR("@")) || type_is_list(type) || type.len > sizeof name)
        return NULL;
    memcpy(name, type.ptr + 1, type.len - 1);
    name[type.len - 1] = '\0';
    return gh_schema_object(name);
}

static struct type unknown_step(struct inferring *in, struct type type, const struct access *step) {
    if (!in->d)
        return type_named(any);
    gh_auto(gh_buf_release) struct gh_buf shown = gh_buf_make(512);
    type_show(&shown, type);
    if (step->name.ptr)
        gh_diagnose(in->d, GH_SEVERITY_ERROR, here(in), "cannot access property '%.*s' of a value of type %s",
                    GH_STR_FMT(step->name), shown.ptr);
    else
        gh_diagnose(in->d, GH_SEVERITY_ERROR, here(in), "cannot access item %llu of a value of type %s",
                    step->index, shown.ptr);
    return type_named(any);
}

static struct type step_result(struct inferring *in, struct type type, const struct access *step) {
    const struct gh_resource_type *t = type.result;
    bool both = type.resource;
    if (!step->name.ptr)
        return unknown_step(in, type, step);
    if (both && (gh_str_is(step->name, "id") || gh_str_is(step->name, "urn")))
        return type_named(GH_STR("string"));
    const struct gh_property *found =
        both ? gh_schema_member(t, step->name) : gh_schema_property(t->outputs, t->output_count, step->name);
    if (found)
        return type_named(gh_str_from(found->type));
    if (in->d)
        refuse_property(in->d, here(in), gh_schema_short_name(t), step->name, t->outputs, t->output_count,
                        both ? t->inputs : NULL, both ? t->input_count : 0);
    return type_named(any);
}

static struct type step_object(struct inferring *in, struct type type, const struct access *step) {
    const struct gh_object_type *object = type_object(type.text);
    if (!object)
        return type_named(any);
    if (!step->name.ptr)
        return unknown_step(in, type, step);
    const struct gh_property *found =
        gh_schema_property(object->properties, object->property_count, step->name);
    if (found)
        return type_named(gh_str_from(found->type));
    if (in->d)
        refuse_property(in->d, here(in), object->name, step->name, object->properties, object->property_count,
                        NULL, 0);
    return type_named(any);
}

static struct type step_literal(struct inferring *in, struct type type, const struct access *step) {
    bool map = type.literal->kind == EXPR_OBJECT;
    unsigned long long at = 0;
    if (map != (step->name.ptr != NULL))
        return unknown_step(in, type, step);
    for (const struct expr *m = type.literal->first; m; m = m->next, at++)
        if (map ? gh_str_eq(m->key, step->name) : at == step->index)
            return infer(in, m);
    return type_named(any); /* null in Pulumi */
}

static struct type follow(struct inferring *in, struct type type, const struct access *step) {
    for (; step; step = step->next) {
        if (gh_str_eq(type.text, any))
            return type;
        if (type.literal)
            type = step_literal(in, type, step);
        else if (type.result)
            type = step_result(in, type, step);
        else if (type_is_list(type.text) && !step->name.ptr)
            type = type_named(type_item(type.text));
        else if (type_is_map(type.text) && step->name.ptr)
            type = type_named(type_value(type.text));
        else if (gh_str_starts(type.text, GH_STR("@")) && !type_is_list(type.text))
            type = step_object(in, type, step);
        else
            return unknown_step(in, type, step);
    }
    return type;
}

static struct gh_str config_type(const char *type) {
    if (strcmp(type, "array") == 0)
        return GH_STR("any[]");
    return strcmp(type, "object") == 0 ? any : gh_str_from(type);
}

static struct type infer_access(struct inferring *in, const struct expr *e) {
    const struct declaration *root = e->root;
    if (!root)
        return type_named(GH_STR("string")); /* ${pulumi.…} */
    struct type type = { 0 };
    struct inferring inside = { .p = in->p, .e = e, .depth = in->depth };
    if (root->kind == DECLARED_CONFIG)
        type.text = config_type(root->type);
    else if (root->kind == DECLARED_RESOURCE)
        type = (struct type){ .result = root->resource, .resource = true };
    else
        type = infer(&inside, root->expr);
    const struct expr *before = in->e;
    in->e = e;
    type = follow(in, type, e->path);
    in->e = before;
    return type;
}

static struct type infer_call(struct inferring *in, const struct expr *e) {
    if (e->function && e->returns.len) {
        const struct access step = { .name = e->returns };
        return follow(in, (struct type){ .result = e->function }, &step);
    }
    if (e->function)
        return (struct type){ .result = e->function };
    if (strcmp(e->builtin->name, "secret") == 0)
        return infer(in, e->first);
    if (strcmp(e->builtin->name, "select") == 0) {
        struct type list = infer(in, e->first->next);
        return type_is_list(list.text) ? type_named(type_item(list.text)) : type_named(any);
    }
    return type_named(gh_str_from(e->builtin->result));
}

static struct type infer(struct inferring *in, const struct expr *e) {
    static const char *const simple[] = {
        [EXPR_NULL] = "any",      [EXPR_BOOLEAN] = "boolean", [EXPR_INTEGER] = "integer",
        [EXPR_NUMBER] = "number", [EXPR_STRING] = "string",   [EXPR_TEXT] = "string",
    };
    if (in->depth >= DEEPEST)
        return type_named(any);
    in->depth++;
    struct type type;
    if (e->kind == EXPR_ACCESS)
        type = infer_access(in, e);
    else if (e->kind == EXPR_CALL)
        type = infer_call(in, e);
    else if (e->kind == EXPR_LIST || e->kind == EXPR_OBJECT)
        type = (struct type){ .literal = e };
    else
        type = type_named(gh_str_from(simple[e->kind]));
    in->depth--;
    return type;
}

struct type type_of(const struct gh_program *p, struct gh_diagnostics *d, const struct expr *e) {
    struct inferring in = { .p = p, .d = d, .e = e };
    return infer(&in, e);
}

static bool text_fits(struct gh_str from, struct gh_str to) {
    if (gh_str_eq(from, to) || gh_str_eq(from, any) || gh_str_eq(to, any))
        return true;
    if (type_is_list(from) && type_is_list(to))
        return text_fits(type_item(from), type_item(to));
    if (type_is_map(from) && type_is_map(to))
        return text_fits(type_value(from), type_value(to));
    bool scalar = gh_str_is(from, "boolean") || gh_str_is(from, "integer") || gh_str_is(from, "number");
    if (gh_str_is(to, "string"))
        return scalar;
    if (gh_str_is(to, "number"))
        return gh_str_is(from, "integer");
    /* The output of a lookup and the input of a resource have types of different names and like form. */
    bool object = gh_str_starts(from, GH_STR("@")) && !type_is_list(from);
    return object && !type_is_list(to) && (gh_str_starts(to, GH_STR("@")) || type_is_map(to));
}

bool type_fits(struct type from, struct gh_str to) {
    if (gh_str_eq(to, any))
        return true;
    if (from.resource)
        return gh_str_is(to, "string"); /* its id */
    if (from.result)
        return gh_str_starts(to, GH_STR("@")) || type_is_map(to);
    return text_fits(from.text, to);
}

void type_show(struct gh_buf *out, struct type type) {
    if (type.result) {
        gh_buf_addf(out, type.resource ? "%s" : "result of %s", gh_schema_short_name(type.result));
    } else if (type.literal) {
        gh_buf_add(out, type.literal->kind == EXPR_LIST ? GH_STR("List") : GH_STR("Map"));
    } else if (type_is_list(type.text)) {
        gh_buf_add(out, GH_STR("List<"));
        type_show(out, type_named(type_item(type.text)));
        gh_buf_add_char(out, '>');
    } else if (type_is_map(type.text)) {
        gh_buf_add(out, GH_STR("Map<"));
        type_show(out, type_named(type_value(type.text)));
        gh_buf_add_char(out, '>');
    } else {
        gh_buf_add(out, type.text.len && type.text.ptr[0] == '@' ? gh_str_skip(type.text, 1) : type.text);
    }
}
