/* The order in which a program comes about: what is needed first; then what the API wants first; then the
 * order of the file. */
#include <stdlib.h>

#include "stack/engine/order.h"
#include "stack/language/tree.h"

struct node {
    size_t *after; /* the nodes that wait for this one: first `hard` of them must, the others should */
    size_t after_count, hard_count, room;
    size_t hard, soft; /* how many this one still waits for */
    bool done;
};

/* A binary heap of indices: the smallest comes out first. */
struct heap {
    size_t *items, count;
};

static void heap_push(struct heap *h, size_t item) {
    size_t at = h->count++;
    for (; at > 0 && h->items[(at - 1) / 2] > item; at = (at - 1) / 2)
        h->items[at] = h->items[(at - 1) / 2];
    h->items[at] = item;
}

static size_t heap_pop(struct heap *h) {
    size_t top = h->items[0], item = h->items[--h->count], at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < h->count && h->items[child + 1] < h->items[child])
            child++;
        if (child >= h->count || h->items[child] >= item)
            break;
        h->items[at] = h->items[child];
        at = child;
    }
    h->items[at] = item;
    return top;
}

static bool edge(struct node *nodes, size_t from, size_t to) {
    struct node *n = &nodes[from];
    if (n->after_count == n->room) {
        size_t room = n->room ? n->room * 2 : 4;
        size_t *more = reallocarray(n->after, room, sizeof *more);
        if (!more)
            return false;
        n->after = more;
        n->room = room;
    }
    n->after[n->after_count++] = to;
    return true;
}

static bool hard_edges(const struct gh_program *p, struct node *nodes) {
    for (size_t i = 0; i < p->count; i++) {
        const struct declaration *d = p->all[i];
        for (size_t k = 0; k < d->needs_count; k++)
            if (!edge(nodes, d->needs[k]->index, i))
                return false;
        nodes[i].hard = d->needs_count;
    }
    for (size_t i = 0; i < p->count; i++)
        nodes[i].hard_count = nodes[i].after_count;
    return true;
}

/* A hub stands for "all of that type are there": so many edges as resources, not as pairs of them. */
static bool hub_edges(const struct gh_program *p, struct node *nodes, const struct gh_resource_type *type,
                      size_t hub) {
    for (size_t i = 0; i < p->count; i++) {
        const struct declaration *d = p->all[i];
        if (d->kind != DECLARED_RESOURCE)
            continue;
        bool before = d->resource == type, after = gh_domain_after(d->resource->token, type->token);
        if (before && !edge(nodes, i, hub))
            return false;
        if (after && !edge(nodes, hub, i))
            return false;
        nodes[hub].soft += before;
        nodes[i].soft += after;
    }
    return true;
}

static bool wanted_first(const struct gh_resource_type *type) {
    for (size_t i = 0; i < gh_schema_resource_count(); i++)
        if (gh_domain_after(gh_schema_resource_at(i)->token, type->token))
            return true;
    return false;
}

static bool soft_edges(const struct gh_program *p, struct node *nodes) {
    for (size_t t = 0; t < gh_schema_resource_count(); t++) {
        const struct gh_resource_type *type = gh_schema_resource_at(t);
        if (wanted_first(type) && !hub_edges(p, nodes, type, p->count + t))
            return false;
    }
    return true;
}

static size_t edge_count(const struct node *nodes, size_t count) {
    size_t sum = count;
    for (size_t i = 0; i < count; i++)
        sum += nodes[i].after_count;
    return sum;
}

struct graph_walk {
    const struct gh_program *p;
    struct node *nodes;
    size_t count, open; /* nodes; declarations that were handed out and are not done */
    struct heap ready, waiting;
};

struct graph_walk *graph_walk_new(const struct gh_program *p) {
    struct graph_walk *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->p = p;
    w->count = p->count + gh_schema_resource_count();
    w->nodes = calloc(w->count, sizeof *w->nodes);
    bool good = w->nodes && hard_edges(p, w->nodes) && soft_edges(p, w->nodes);
    size_t room = good ? edge_count(w->nodes, w->count) : 1;
    w->ready.items = calloc(room, sizeof(size_t));
    w->waiting.items = calloc(room, sizeof(size_t));
    if (!good || !w->ready.items || !w->waiting.items) {
        graph_walk_free(w);
        return NULL;
    }
    for (size_t i = 0; i < w->count; i++)
        if (w->nodes[i].hard == 0)
            heap_push(w->nodes[i].soft == 0 ? &w->ready : &w->waiting, i);
    return w;
}

void graph_walk_free(struct graph_walk *w) {
    if (!w)
        return;
    for (size_t i = 0; w->nodes && i < w->count; i++)
        free(w->nodes[i].after);
    free(w->nodes);
    free(w->ready.items);
    free(w->waiting.items);
    free(w);
}

static void let_go(struct graph_walk *w, size_t at) {
    const struct node *n = &w->nodes[at];
    for (size_t i = 0; i < n->after_count; i++) {
        struct node *next = &w->nodes[n->after[i]];
        (*(i < n->hard_count ? &next->hard : &next->soft))--;
        if (!next->done && next->hard == 0)
            heap_push(next->soft == 0 ? &w->ready : &w->waiting, n->after[i]);
    }
}

/* Ready and wished for comes first; ready but waiting for a wish that would make a circle comes when nothing
 * else is left. */
struct declaration *graph_walk_next(struct graph_walk *w) {
    while (w->ready.count || (w->waiting.count && !w->open)) {
        size_t at = heap_pop(w->ready.count ? &w->ready : &w->waiting);
        struct node *n = &w->nodes[at];
        if (n->done)
            continue;
        n->done = true;
        if (at < w->p->count && w->p->all[at]->kind != DECLARED_CONFIG) {
            w->open++;
            return w->p->all[at];
        }
        let_go(w, at);
    }
    return NULL;
}

void graph_walk_done(struct graph_walk *w, const struct declaration *d) {
    w->open--;
    let_go(w, d->index);
}

size_t graph_walk_open(const struct graph_walk *w) {
    return w->open;
}

size_t graph_walk_ready(const struct graph_walk *w) {
    return w->ready.count;
}

struct declaration **graph_order(const struct gh_program *p, struct gh_arena *a, size_t *count) {
    struct declaration **out = gh_arena_calloc(a, p->count, sizeof(struct declaration *)), *d;
    struct graph_walk *w = out ? graph_walk_new(p) : NULL;
    *count = 0;
    while (w && (d = graph_walk_next(w))) {
        out[(*count)++] = d;
        graph_walk_done(w, d);
    }
    graph_walk_free(w);
    return w ? out : NULL;
}
