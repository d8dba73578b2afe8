#include "stack/engine/live_key.h"

#include <string.h>
#include <strings.h>

#include "core/cleanup.h"
#include "core/str.h"
#include "stack/value.h"

static const char *text(const json_t *object, const char *member) {
    return json_string_value(json_object_get(object, member));
}

static const char *input(const json_t *inputs, const char *name) {
    return json_string_value(gh_value_reveal(json_object_get(inputs, name)));
}

/* What tells an item from the others of its collection. */
static bool add_key(const struct gh_provider *p, const json_t *item, struct gh_buf *ret) {
    const char *members[2] = { p->kind == GH_KIND_LINK ? p->child_member
                               : p->elements[0]        ? p->elements[0]
                                                       : p->id,
                               p->elements[1] };
    for (size_t i = 0; i < GH_COUNT(members) && members[i]; i++) {
        const char *value = text(item, members[i]);
        if (!value)
            return false;
        gh_buf_addf(ret, "%s%s", i ? "\n" : "", value);
    }
    return !ret->failed;
}

/* A permission of a user that comes by roles alone: it is in the list, and no element of it that could be
 * taken away. */
static bool is_derived(const json_t *item) {
    const json_t *sources = json_object_get(item, "sources");
    size_t i;
    json_t *source;
    json_array_foreach(sources, i, source) {
        const char *type = text(source, "source_type");
        if (type && strcmp(type, "DIRECT") == 0)
            return false;
    }
    return json_array_size(sources) > 0;
}

json_t *gh_live_key_index(const struct gh_provider *p, const json_t *array) {
    json_t *items = json_object(), *item;
    gh_auto(gh_buf_release) struct gh_buf key = gh_buf_make(8192);
    size_t i;
    json_array_foreach(array, i, item) {
        gh_buf_reset(&key);
        if (!is_derived(item) && add_key(p, item, &key))
            json_object_set(items, key.ptr, item);
    }
    return items;
}

bool gh_live_key_has_identity(const json_t *user, const char *connection) {
    size_t i;
    json_t *identity;
    json_array_foreach(json_object_get(user, "identities"), i, identity) {
        const char *its = text(identity, "connection");
        if (its && strcmp(its, connection) == 0)
            return true;
    }
    return false;
}

/* A user's connection is inside its identities. */
static bool key_matches(const struct gh_provider *p, const char *name, const char *want, const json_t *item) {
    const struct gh_resource_type *type = gh_schema_resource(gh_str_from(p->token));
    const struct gh_property *property =
        gh_schema_property(type->inputs, type->input_count, gh_str_from(name));
    if (strcmp(name, "connectionName") == 0)
        return gh_live_key_has_identity(item, want);
    const char *have = text(item, property->api);
    bool nocase =
        strcmp(name, "email") == 0 || strstr(p->token, ":Connection") || strstr(p->token, ":Organization");
    return have && (nocase ? strcasecmp(have, want) : strcmp(have, want)) == 0;
}

bool gh_live_key_is_known(const struct gh_provider *p, const json_t *inputs) {
    for (size_t i = 0; i < GH_COUNT(p->keys) && p->keys[i]; i++) {
        const char *value = input(inputs, p->keys[i]);
        bool optional = i > 0 && strcmp(p->keys[i], "subjectType") == 0;
        if ((!value && !optional) || (value && strcmp(value, GH_UNKNOWN) == 0))
            return false;
    }
    return p->keys[0] != NULL;
}

bool gh_live_key_matches(const struct gh_provider *p, const json_t *inputs, const json_t *item) {
    for (size_t i = 0; i < GH_COUNT(p->keys) && p->keys[i]; i++) {
        const char *want = input(inputs, p->keys[i]);
        /* a grant without subject_type is one for clients, as all were before there was that field */
        if (!want && strcmp(p->keys[i], "subjectType") == 0 && !json_object_get(item, "subject_type"))
            continue;
        if (!key_matches(p, p->keys[i], want ? want : "client", item))
            return false;
    }
    return true;
}
