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

/* Ready and wished for comes first; ready but waiting for a wish that would make a circle comes when nothing
 * else is left. */
static void walk(const struct gh_program *p, struct node *nodes, struct heap *ready, struct heap *waiting,
                 struct declaration **out, size_t *out_count) {
    while (ready->count || waiting->count) {
        size_t at = heap_pop(ready->count ? ready : waiting);
        struct node *n = &nodes[at];
        if (n->done)
            continue;
        n->done = true;
        if (at < p->count && p->all[at]->kind != DECLARED_CONFIG)
            out[(*out_count)++] = p->all[at];
        for (size_t i = 0; i < n->after_count; i++) {
            struct node *next = &nodes[n->after[i]];
            (*(i < n->hard_count ? &next->hard : &next->soft))--;
            if (!next->done && next->hard == 0)
                heap_push(next->soft == 0 ? ready : waiting, n->after[i]);
        }
    }
}

static size_t edge_count(const struct node *nodes, size_t count) {
    size_t sum = count;
    for (size_t i = 0; i < count; i++)
        sum += nodes[i].after_count;
    return sum;
}

struct declaration **graph_order(const struct gh_program *p, struct gh_arena *a, size_t *count) {
    size_t all = p->count + gh_schema_resource_count();
    struct declaration **out = gh_arena_calloc(a, p->count, sizeof(struct declaration *));
    struct node *nodes = calloc(all, sizeof *nodes);
    bool good = out && nodes && hard_edges(p, nodes) && soft_edges(p, nodes);
    size_t room = good ? edge_count(nodes, all) : 1;
    struct heap ready = { .items = calloc(room, sizeof(size_t)) };
    struct heap waiting = { .items = calloc(room, sizeof(size_t)) };
    good = good && ready.items && waiting.items;
    *count = 0;
    for (size_t i = 0; good && i < all; i++)
        if (nodes[i].hard == 0)
            heap_push(nodes[i].soft == 0 ? &ready : &waiting, i);
    if (good)
        walk(p, nodes, &ready, &waiting, out, count);
    for (size_t i = 0; nodes && i < all; i++)
        free(nodes[i].after);
    free(nodes);
    free(ready.items);
    free(waiting.items);
    return good ? out : NULL;
}
