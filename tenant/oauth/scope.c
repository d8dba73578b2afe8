#include "tenant/oauth/scope.h"

static const char *const oidc_scopes[] = {
    "openid", "profile", "email", "address", "phone", "offline_access"
};

/* RFC 6749 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) */
static bool is_scope_char(char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static enum gh_err scopes_room(struct gh_arena *a, size_t count, struct gh_scopes *ret) {
    *ret = (struct gh_scopes){ .items = gh_arena_calloc(a, count, sizeof *ret->items) };
    return ret->items ? GH_OK : GH_ERR_NOMEM;
}

static void add_once(struct gh_scopes *s, struct gh_str name) {
    if (!gh_scopes_have(s, name))
        s->items[s->count++] = name;
}

enum gh_err gh_scopes_parse(struct gh_arena *a, struct gh_str text, struct gh_scopes *ret) {
    size_t names = 1;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == ' ')
            names++;
        else if (!is_scope_char(text.ptr[i]))
            return GH_ERR_MALFORMED;
    }
    if (names > GH_SCOPES_MAX)
        return GH_ERR_TOO_LARGE;

    struct gh_scopes s;
    enum gh_err e = scopes_room(a, names, &s);
    if (e)
        return e;
    for (struct gh_str rest = text, name; rest.len > 0;) {
        if (!gh_str_cut(&rest, ' ', &name)) {
            name = rest;
            rest.len = 0;
        }
        if (name.len > 0)
            add_once(&s, name);
    }
    *ret = s;
    return GH_OK;
}

bool gh_scopes_have(const struct gh_scopes *s, struct gh_str name) {
    for (size_t i = 0; i < s->count; i++)
        if (gh_str_eq(s->items[i], name))
            return true;
    return false;
}

bool gh_scopes_within(const struct gh_scopes *s, const struct gh_scopes *whole) {
    for (size_t i = 0; i < s->count; i++)
        if (!gh_scopes_have(whole, s->items[i]))
            return false;
    return true;
}

enum gh_err gh_scopes_join(struct gh_arena *a, const struct gh_scopes *s, struct gh_str *ret) {
    size_t len = 0;
    for (size_t i = 0; i < s->count; i++)
        len += s->items[i].len + 1;
    char *text = gh_arena_alloc(a, len + 1);
    if (!text)
        return GH_ERR_NOMEM;

    char *at = text;
    for (size_t i = 0; i < s->count; i++) {
        if (i > 0)
            *at++ = ' ';
        memcpy(at, s->items[i].ptr, s->items[i].len);
        at += s->items[i].len;
    }
    *ret = (struct gh_str){ text, (size_t)(at - text) };
    return GH_OK;
}

bool gh_scope_is_oidc(struct gh_str name) {
    for (size_t i = 0; i < GH_COUNT(oidc_scopes); i++)
        if (gh_str_is(name, oidc_scopes[i]))
            return true;
    return false;
}

enum gh_err gh_scopes_from_array(struct gh_arena *a, const json_t *array, struct gh_scopes *ret) {
    enum gh_err e = scopes_room(a, json_array_size(array) + 1, ret);
    if (e)
        return e;
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item) {
        const json_t *name = json_is_object(item) ? json_object_get(item, "value") : item;
        struct gh_str copy =
            gh_arena_dup(a, (struct gh_str){ json_string_value(name), json_string_length(name) });
        if (!copy.ptr)
            return GH_ERR_NOMEM;
        if (copy.len > 0)
            ret->items[ret->count++] =
                copy; /* the API refuses repeats, so no search here: a list has up to 1,000 */
    }
    return GH_OK;
}

static bool allows(const struct gh_scopes *list, struct gh_str name) {
    return !list || gh_scopes_have(list, name);
}

enum gh_err gh_scopes_decide(struct gh_arena *a, const struct gh_scopes *wanted,
                             const struct gh_scope_rule *rule, struct gh_scopes *ret) {
    enum gh_err e = scopes_room(a, wanted->count + 1, ret);
    if (e)
        return e;
    for (size_t i = 0; i < wanted->count; i++) {
        struct gh_str name = wanted->items[i];
        bool yes;
        if (gh_str_is(name, "offline_access"))
            yes = rule->offline;
        else if (gh_scope_is_oidc(name))
            yes = true;
        else
            yes = rule->defined && gh_scopes_have(rule->defined, name) && allows(rule->permitted, name) &&
                  allows(rule->granted, name);
        if (yes)
            ret->items[ret->count++] = name;
    }
    return GH_OK;
}

enum gh_err gh_scopes_intersect(struct gh_arena *a, const struct gh_scopes *wanted,
                                const struct gh_scopes *allowed, struct gh_scopes *ret) {
    if (wanted->count == 0) {
        *ret = *allowed;
        return GH_OK;
    }
    enum gh_err e = scopes_room(a, wanted->count, ret);
    for (size_t i = 0; !e && i < wanted->count; i++)
        if (gh_scopes_have(allowed, wanted->items[i]))
            ret->items[ret->count++] = wanted->items[i];
    return e;
}
