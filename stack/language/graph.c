/* Names, what refers to what, and in which order it comes about. */
#include <stdlib.h>

#include "stack/language/tree.h"

static int name_order(const void *left, const void *right) {
    const struct declaration *a = *(struct declaration *const *)left,
                             *b = *(struct declaration *const *)right;
    int c = strcmp(a->name.ptr, b->name.ptr);
    return c ? c : (a->index > b->index) - (a->index < b->index);
}

static int name_search(const void *name, const void *row) {
    return strcmp(name, (*(struct declaration *const *)row)->name.ptr);
}

static struct declaration *find_exact(const struct gh_program *p, const char *name) {
    struct declaration **found = bsearch(name, p->by_name, p->count, sizeof *p->by_name, name_search);
    return found ? *found : NULL;
}

/* A key of the project's own configuration may be written with the project in front. */
struct declaration *graph_find(const struct gh_program *p, struct gh_str name) {
    struct declaration *found = find_exact(p, name.ptr);
    size_t n = strlen(p->name);
    if (!found && name.len > n && memcmp(name.ptr, p->name, n) == 0 && name.ptr[n] == ':') {
        found = find_exact(p, name.ptr + n + 1);
        if (found && found->kind != DECLARED_CONFIG)
            found = NULL;
    }
    return found;
}

static bool names_are_unique(struct gh_program *p, struct reading *r) {
    static const char *const kinds[] = { "config value", "variable", "resource" };
    p->by_name = need(r, gh_arena_calloc(p->arena, p->count, sizeof *p->by_name));
    if (!p->by_name)
        return false;
    for (size_t i = 0; i < p->count; i++)
        p->by_name[i] = p->all[i];
    qsort(p->by_name, p->count, sizeof *p->by_name, name_order);
    for (size_t i = 1; i < p->count; i++) {
        const struct declaration *first = p->by_name[i - 1], *again = p->by_name[i];
        if (gh_str_eq(first->name, again->name))
            refuse(r, again->at, "the name '%s' is taken: the %s in line %u has it", again->name.ptr,
                   kinds[first->kind], first->at.line);
    }
    return !r->failed;
}

/* ---- references ---- */

struct linking {
    struct gh_program *p;
    struct reading *r;
    struct declaration **found; /* of the declaration at hand */
    size_t count, room;
    int generation; /* marks what is in `found` already */
};

static void found_add(struct linking *l, struct declaration *d) {
    if (d->mark == l->generation || d->kind == DECLARED_CONFIG)
        return;
    d->mark = l->generation;
    if (l->count == l->room) {
        size_t room = l->room ? l->room * 2 : 16;
        struct declaration **more = reallocarray(l->found, room, sizeof *more);
        if (!need(l->r, more))
            return;
        l->found = more;
        l->room = room;
    }
    l->found[l->count++] = d;
}

static const char *const pulumi_names[] = { "cwd", "organization", "project", "rootDirectory", "stack" };

static void link_pulumi(struct linking *l, const struct expr *e) {
    struct nearest near = { .wanted = e->path ? e->path->name : (struct gh_str){ 0 } };
    for (size_t i = 0; i < GH_COUNT(pulumi_names); i++) {
        if (gh_str_is(near.wanted, pulumi_names[i]) && !e->path->next)
            return;
        nearest_add(&near, gh_str_from(pulumi_names[i]));
    }
    refuse(l->r, e->at, "${pulumi%s%.*s} is not known", near.wanted.len ? "." : "", GH_STR_FMT(near.wanted));
    nearest_tell(&near, l->r->d, "There are");
}

static void link_access(struct linking *l, struct expr *e) {
    if (gh_str_is(e->text, "pulumi")) {
        link_pulumi(l, e);
        return;
    }
    e->root = graph_find(l->p, e->text);
    if (e->root) {
        found_add(l, e->root);
        return;
    }
    struct nearest near = { .wanted = e->text };
    for (size_t i = 0; i < l->p->count; i++)
        nearest_add(&near, l->p->all[i]->name);
    refuse(l->r, e->at, "resource, variable, or config value \"%.*s\" not found", GH_STR_FMT(e->text));
    if (nearest_is_close(&near))
        gh_diagnose_detail(l->r->d, "Did you mean %.*s?", GH_STR_FMT(near.best[0]));
}

static void link_expr(struct linking *l, struct expr *e) {
    if (e->kind == EXPR_ACCESS)
        link_access(l, e);
    for (struct expr *child = e->first; child; child = child->next)
        link_expr(l, child);
}

static void link_declaration(struct linking *l, struct declaration *d) {
    l->count = 0;
    l->generation++;
    if (d->expr)
        link_expr(l, d->expr);
    if (d->properties)
        link_expr(l, d->properties);
    if (d->get_id)
        link_expr(l, d->get_id);
    if (d->options.depends_on)
        link_expr(l, d->options.depends_on);
    d->needs = need(l->r, gh_arena_calloc(l->p->arena, l->count, sizeof *d->needs));
    if (!d->needs)
        return;
    if (l->count)
        memcpy(d->needs, l->found, l->count * sizeof *d->needs);
    d->needs_count = l->count;
}

/* ---- cycles: depth first with a stack of our own, the chain of a large program is long ---- */

enum { WHITE = 0, GREY = -1, BLACK = -2 };

struct frame {
    struct declaration *d;
    size_t next;
};

static bool no_cycle_from(struct declaration *start, struct frame *stack, struct reading *r) {
    size_t depth = 0;
    stack[depth++] = (struct frame){ start, 0 };
    start->mark = GREY;
    while (depth) {
        struct frame *top = &stack[depth - 1];
        if (top->next == top->d->needs_count) {
            top->d->mark = BLACK;
            depth--;
            continue;
        }
        struct declaration *needed = top->d->needs[top->next++];
        if (needed->mark == GREY) {
            refuse(r, needed->at, "circular dependency of %s '%s' transitively on itself",
                   needed->kind == DECLARED_RESOURCE ? "resource" : "variable", needed->name.ptr);
            if (top->d != needed)
                gh_diagnose_detail(r->d, "'%s' in line %u closes the circle", top->d->name.ptr,
                                   top->d->at.line);
            return false;
        }
        if (needed->mark == WHITE) {
            needed->mark = GREY;
            stack[depth++] = (struct frame){ needed, 0 };
        }
    }
    return true;
}

static bool no_cycles(struct gh_program *p, struct reading *r) {
    struct frame *stack = need(r, gh_arena_calloc(p->arena, p->count + 1, sizeof *stack));
    if (!stack)
        return false;
    for (size_t i = 0; i < p->count; i++)
        p->all[i]->mark = WHITE;
    for (size_t i = 0; i < p->count; i++)
        if (p->all[i]->mark == WHITE && !no_cycle_from(p->all[i], stack, r))
            return false;
    return true;
}

bool graph_link(struct gh_program *p, struct gh_diagnostics *d) {
    struct reading r = { .arena = p->arena, .d = d, .file = p->file };
    if (!names_are_unique(p, &r))
        return false;
    struct linking l = { .p = p, .r = &r };
    for (size_t i = 0; i < p->count; i++)
        link_declaration(&l, p->all[i]);
    if (p->outputs)
        link_expr(&l, p->outputs);
    free(l.found);
    return !r.failed && no_cycles(p, &r);
}
