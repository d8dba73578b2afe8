/* tenant/contract/match.c - from method and path to the operation: one walk down the tree of segments. */
#include "tenant/contract/contract.h"

enum { MATCH_ARGS = 8 };

struct walk {
    enum gh_method method;
    struct gh_str *args;
    size_t count;
    bool other_method;
};

static int compare(const char *literal, struct gh_str segment) {
    size_t len = strlen(literal);
    int c = memcmp(literal, segment.ptr, len < segment.len ? len : segment.len);
    return c ? c : (len > segment.len) - (len < segment.len);
}

static const struct gh_path_node *find_literal(const struct gh_path_node *node, struct gh_str segment) {
    size_t low = node->first, high = low + node->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct gh_path_node *child = &gh_contract_nodes[middle];
        int c = child->segment[0] ? compare(child->segment, segment) : 1; /* the parameter sorts last */
        if (c == 0)
            return child;
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static const struct gh_operation *descend(struct walk *w, const struct gh_path_node *node, struct gh_str rest,
                                          bool more) {
    if (!more) {
        for (size_t m = 0; m < GH_METHOD_OTHER; m++)
            w->other_method |= node->operations[m] != 0;
        bool known = w->method < GH_METHOD_OTHER && node->operations[w->method];
        return known ? &gh_contract_operations[node->operations[w->method] - 1] : NULL;
    }

    struct gh_str segment = rest;
    more = gh_str_cut(&rest, '/', &segment);
    if (segment.len == 0)
        return NULL;
    const struct gh_path_node *child = find_literal(node, segment);
    const struct gh_operation *found = child ? descend(w, child, rest, more) : NULL;
    const struct gh_path_node *last = node->count ? &gh_contract_nodes[node->first + node->count - 1] : NULL;
    if (found || !last || last->segment[0] || w->count == MATCH_ARGS)
        return found;

    w->args[w->count++] = segment;
    found = descend(w, last, rest, more);
    if (!found)
        w->count--;
    return found;
}

const struct gh_operation *gh_contract_match(enum gh_method method, struct gh_str path, struct gh_str args[8],
                                             size_t *arg_count, bool *other_method) {
    struct walk w = { .method = method, .args = args };
    const struct gh_operation *op = descend(&w, &gh_contract_nodes[0], path, true);
    *arg_count = op ? w.count : 0;
    *other_method = !op && w.other_method;
    return op;
}
