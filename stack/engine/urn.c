#include "stack/engine/urn.h"

#include <string.h>

/* Up to the next "::", which is taken too. */
static bool cut(struct gh_str *rest, struct gh_str *head) {
    const char *at = rest->len ? memmem(rest->ptr, rest->len, "::", 2) : NULL;
    if (!at)
        return false;
    *head = (struct gh_str){ rest->ptr, (size_t)(at - rest->ptr) };
    *rest = gh_str_skip(*rest, head->len + 2);
    return head->len > 0;
}

bool gh_urn_parse(struct gh_str text, struct gh_urn *ret) {
    struct gh_urn u;
    if (!gh_str_starts(text, GH_STR("urn:pulumi:")))
        return false;
    struct gh_str rest = gh_str_skip(text, 11), parent;
    if (!cut(&rest, &u.stack) || !cut(&rest, &u.project) || !cut(&rest, &u.type) || rest.len == 0)
        return false;
    u.name = rest;
    for (struct gh_str types = u.type; gh_str_cut(&types, '$', &parent);)
        u.type = types;
    if (u.type.len == 0)
        return false;
    *ret = u;
    return true;
}

bool gh_urn_means(const char *text, const char *stack, const char *project, const char *type,
                  const char *name) {
    struct gh_urn u;
    if (!gh_urn_parse(gh_str_from(text), &u))
        return strcmp(text, name) == 0;
    return gh_str_is(u.stack, stack) && gh_str_is(u.project, project) && gh_str_is(u.type, type) &&
           gh_str_is(u.name, name);
}
