/* Expressions: literals, ${references}, text with references, and fn:: calls. */
#include <stdarg.h>
#include <stdio.h>

#include "core/limits.h"
#include "stack/language/tree.h"

void refuse(struct reading *r, struct place at, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    gh_diagnose(r->d, GH_SEVERITY_ERROR, at_place(r->file, at), "%s", text);
    r->failed = true;
}

void *need(struct reading *r, void *memory) {
    if (!memory)
        refuse(r, (struct place){ 0 }, "out of memory: the program is too large");
    return memory;
}

static struct expr *expr_new(struct reading *r, enum expr_kind kind, struct place at) {
    struct expr *e = need(r, GH_NEW(r->arena, struct expr));
    if (e)
        *e = (struct expr){ .kind = kind, .at = at };
    return e;
}

static void append(struct expr *parent, struct expr **tail, struct expr *child) {
    if (*tail)
        (*tail)->next = child;
    else
        parent->first = child;
    *tail = child;
    parent->count++;
}

/* ---- ${root.name[0]["key"]} ---- */

static size_t name_length(struct gh_str s) {
    size_t n = 0;
    while (n < s.len && !strchr(".[]{}\"$ \t\n", s.ptr[n]))
        n++;
    return n;
}

static bool read_quoted(struct gh_str *rest, struct gh_str *ret) {
    struct gh_str inner = gh_str_skip(*rest, 2); /* [" */
    if (!gh_str_cut(&inner, '"', ret) || ret->len == 0 || memchr(ret->ptr, '\\', ret->len) ||
        !gh_str_starts(inner, GH_STR("]")))
        return false;
    *rest = gh_str_skip(inner, 1);
    return true;
}

static bool read_index(struct gh_str *rest, unsigned long long *ret) {
    struct gh_str inner = gh_str_skip(*rest, 1), number;
    if (!gh_str_cut(&inner, ']', &number) || !gh_str_to_u64(number, 1000000, ret))
        return false;
    *rest = inner;
    return true;
}

static bool read_step(struct gh_str *rest, struct access *step) {
    if (gh_str_starts(*rest, GH_STR("[\"")))
        return read_quoted(rest, &step->name);
    if (gh_str_starts(*rest, GH_STR("[")))
        return read_index(rest, &step->index);
    if (!gh_str_starts(*rest, GH_STR(".")))
        return false;
    *rest = gh_str_skip(*rest, 1);
    step->name = (struct gh_str){ rest->ptr, name_length(*rest) };
    *rest = gh_str_skip(*rest, step->name.len);
    return step->name.len > 0;
}

static struct expr *read_access(struct reading *r, struct place at, struct gh_str inner) {
    struct expr *e = expr_new(r, EXPR_ACCESS, at);
    struct gh_str rest = inner;
    if (!e)
        return NULL;
    if (inner.len == 0) {
        refuse(r, at, "an empty ${} refers to nothing; write $${} for the text itself");
        return NULL;
    }
    e->text = gh_arena_dup(r->arena, (struct gh_str){ rest.ptr, name_length(rest) });
    rest = gh_str_skip(rest, e->text.len);
    bool good = e->text.len > 0;
    const struct access **tail = &e->path;
    for (unsigned depth = 0; good && rest.len; depth++) {
        struct access *step = need(r, GH_NEW(r->arena, struct access));
        if (!step)
            return NULL;
        good = depth < GH_LIMIT_STACK_DEPTH && read_step(&rest, step);
        *tail = step;
        tail = &step->next;
    }
    if (!good) {
        refuse(r, at,
               "${%.*s} is no reference: write ${name}, ${name.property}, ${name[0]} or ${name[\"key\"]}",
               GH_STR_FMT(inner));
        return NULL;
    }
    return e;
}

/* ---- text ---- */

/* Where the reference that starts at s ends: behind its brace, a quoted key may hold one. 0: never. */
static size_t reference_length(struct gh_str s) {
    bool quoted = false;
    for (size_t i = 2; i < s.len; i++) {
        if (s.ptr[i] == '"')
            quoted = !quoted;
        else if (s.ptr[i] == '}' && !quoted)
            return i + 1;
    }
    return 0;
}

/* The literal text up to the next reference, "$$" become "$". */
static struct expr *read_piece(struct reading *r, struct place at, struct gh_str *rest) {
    char *text = need(r, gh_arena_alloc(r->arena, rest->len + 1));
    struct expr *e = expr_new(r, EXPR_STRING, at);
    if (!text || !e)
        return NULL;
    size_t n = 0;
    while (rest->len && !gh_str_starts(*rest, GH_STR("${"))) {
        text[n++] = rest->ptr[0];
        *rest = gh_str_skip(*rest, gh_str_starts(*rest, GH_STR("$$")) ? 2 : 1);
    }
    e->text = (struct gh_str){ text, n };
    return e;
}

struct expr *expr_read_text(struct reading *r, struct place at, struct gh_str s) {
    struct expr *text = expr_new(r, EXPR_TEXT, at), *tail = NULL;
    if (!text)
        return NULL;
    struct gh_str rest = s;
    while (rest.len) {
        struct expr *part;
        if (gh_str_starts(rest, GH_STR("${"))) {
            size_t n = reference_length(rest);
            if (n == 0) {
                refuse(r, at, "a reference is not closed: '}' is missing");
                return NULL;
            }
            part = read_access(r, at, (struct gh_str){ rest.ptr + 2, n - 3 });
            rest = gh_str_skip(rest, n);
        } else {
            part = read_piece(r, at, &rest);
        }
        if (!part)
            return NULL;
        append(text, &tail, part);
    }
    if (text->count == 0)
        text->kind = EXPR_STRING, text->text = GH_STR("");
    return text->count == 1 ? text->first : text;
}

static struct expr *read_scalar(struct reading *r, const struct gh_yaml *n, bool literal) {
    struct expr *e = expr_new(r, EXPR_STRING, place_of(n));
    json_t *value = gh_yaml_scalar(n);
    if (!e || !value) {
        if (e)
            refuse(r, e->at, "YAML readers disagree about %.*s: put it in quotes if it is a text",
                   GH_STR_FMT(n->text));
        json_decref(value);
        return NULL;
    }
    switch (json_typeof(value)) {
    case JSON_NULL:
        e->kind = EXPR_NULL;
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        e->kind = EXPR_BOOLEAN;
        e->boolean = json_is_true(value);
        break;
    case JSON_INTEGER:
        e->kind = EXPR_INTEGER;
        e->integer = json_integer_value(value);
        break;
    case JSON_REAL:
        e->kind = EXPR_NUMBER;
        e->number = json_real_value(value);
        break;
    default:
        e->text = n->text;
        if (!literal && memchr(n->text.ptr, '$', n->text.len))
            e = expr_read_text(r, place_of(n), n->text);
    }
    json_decref(value);
    return e;
}

/* ---- calls ---- */

static const struct gh_resource_type *read_function(struct reading *r, struct place at, struct gh_str token) {
    const struct gh_resource_type *f = gh_schema_function(token);
    if (!f)
        refuse(r, at, "there is no function '%.*s' in the provider auth0", GH_STR_FMT(token));
    return f;
}

static void take_arguments(struct reading *r, struct expr *call, const struct gh_yaml *node) {
    struct expr *arguments = node && !gh_yaml_is_null(node) ? expr_read(r, node) : NULL;
    if (!arguments)
        return;
    if (arguments->kind != EXPR_OBJECT) {
        refuse(r, arguments->at, "the arguments of a function are a map");
        return;
    }
    call->first = arguments->first;
    call->count = arguments->count;
}

static struct expr *read_invoke(struct reading *r, struct expr *call, const struct gh_yaml *node) {
    if (node->kind != GH_YAML_MAPPING) {
        refuse(r, place_of(node), "fn::invoke takes a map with function, arguments and return");
        return NULL;
    }
    for (const struct gh_yaml *v = node->first; v; v = v->next) {
        struct gh_str key = v->key->text;
        if (gh_str_is(key, "function") && v->kind == GH_YAML_SCALAR)
            call->function = read_function(r, place_of(v), v->text);
        else if (gh_str_is(key, "arguments"))
            take_arguments(r, call, v);
        else if (gh_str_is(key, "return") && v->kind == GH_YAML_SCALAR)
            call->returns = v->text;
        else
            refuse(r, place_of(v->key),
                   "fn::invoke has no key '%.*s' here; it takes function, arguments, return",
                   GH_STR_FMT(key));
    }
    if (!call->function && !r->failed)
        refuse(r, call->at, "Required field 'function' is missing in fn::invoke");
    return r->failed ? NULL : call;
}

static struct expr *read_builtin(struct reading *r, struct expr *call, const struct gh_yaml *node) {
    const struct builtin *b = call->builtin;
    struct expr *argument = expr_read(r, node);
    if (!argument)
        return NULL;
    if (!b->types[1]) {
        call->first = argument;
        call->count = 1;
        return call;
    }
    if (argument->kind != EXPR_LIST || argument->count != 2) {
        refuse(r, argument->at, "fn::%s takes %s", b->name, b->arguments);
        return NULL;
    }
    call->first = argument->first;
    call->count = 2;
    return call;
}

static struct expr *read_call(struct reading *r, const struct gh_yaml *value) {
    struct gh_str name = gh_str_skip(value->key->text, 4); /* fn:: */
    struct expr *call = expr_new(r, EXPR_CALL, place_of(value->key));
    if (!call)
        return NULL;
    if (gh_str_eq_nocase(name, GH_STR("invoke")))
        return read_invoke(r, call, value);
    if (memchr(name.ptr, ':', name.len)) {
        call->function = read_function(r, call->at, name);
        take_arguments(r, call, value);
        return r->failed ? NULL : call;
    }
    const char *hint;
    call->builtin = builtin_find(name, &hint);
    if (!call->builtin) {
        refuse(r, call->at, "fn::%.*s %s", GH_STR_FMT(name), hint);
        return NULL;
    }
    return read_builtin(r, call, value);
}

/* ---- lists and maps ---- */

static bool is_call(struct gh_str key) {
    return key.len > 4 && gh_str_eq_nocase((struct gh_str){ key.ptr, 4 }, GH_STR("fn::"));
}

static struct expr *read_node(struct reading *r, const struct gh_yaml *n, bool literal) {
    if (n->kind == GH_YAML_SCALAR)
        return read_scalar(r, n, literal);
    bool map = n->kind == GH_YAML_MAPPING;
    if (map && !literal)
        for (const struct gh_yaml *v = n->first; v; v = v->next) {
            if (!is_call(v->key->text))
                continue;
            if (n->count == 1)
                return read_call(r, v);
            refuse(r, place_of(v->key), "'fn::' is a reserved prefix: %.*s must be the only key of its map",
                   GH_STR_FMT(v->key->text));
            return NULL;
        }
    struct expr *e = expr_new(r, map ? EXPR_OBJECT : EXPR_LIST, place_of(n)), *tail = NULL;
    bool good = e;
    for (const struct gh_yaml *v = n->first; e && v; v = v->next) {
        struct expr *child = read_node(r, v, literal); /* all of them, so that all errors are told */
        good &= child != NULL;
        if (!child)
            continue;
        if (map) {
            child->key = v->key->text;
            child->key_at = place_of(v->key);
        }
        append(e, &tail, child);
    }
    return good ? e : NULL;
}

struct expr *expr_read(struct reading *r, const struct gh_yaml *node) {
    return read_node(r, node, false);
}

struct expr *expr_read_literal(struct reading *r, const struct gh_yaml *node) {
    return read_node(r, node, true);
}
