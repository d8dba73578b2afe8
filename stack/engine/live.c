#include "stack/engine/live.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/cleanup.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"

struct gh_live {
    struct gh_api *api;
    json_t *lists;   /* path of a collection → its items */
    json_t *objects; /* path of one object → it */
};

struct gh_live *gh_live_new(struct gh_api *api) {
    struct gh_live *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    *l = (struct gh_live){ .api = api, .lists = json_object(), .objects = json_object() };
    return l;
}

void gh_live_free(struct gh_live *l) {
    if (!l)
        return;
    json_decref(l->lists);
    json_decref(l->objects);
    free(l);
}

static enum gh_err list_path(const struct gh_provider *p, const json_t *inputs, struct gh_buf *ret) {
    return gh_provider_expand(p->list, NULL, inputs, true, ret);
}

/* Borrowed. */
static enum gh_err list(struct gh_live *l, const struct gh_provider *p, const json_t *inputs, bool fresh,
                        json_t **ret, struct gh_api_reply *reply) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    enum gh_err e = list_path(p, inputs, &path);
    if (e)
        return e;
    json_t *items = json_object_get(l->lists, path.ptr);
    if (!items || fresh) {
        items = NULL;
        e = gh_api_list(l->api, path.ptr, p->items, p->paging, &items, reply);
        if (!e && json_object_set_new(l->lists, path.ptr, items) != 0)
            e = GH_ERR_NOMEM;
    }
    if (!e)
        *ret = items;
    return e;
}

/* One object by its own path. *ret is new, or NULL when there is none. */
static enum gh_err object(struct gh_live *l, const struct gh_provider *p, const char *id,
                          const json_t *inputs, bool fresh, json_t **ret, struct gh_api_reply *reply) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    enum gh_err e = gh_provider_expand(p->object, id, inputs, true, &path);
    if (e)
        return e;
    json_t *kept = json_object_get(l->objects, path.ptr);
    if (!kept || fresh) {
        e = gh_api_call(l->api, "GET", path.ptr, NULL, reply);
        kept = e ? NULL : json_incref(reply->body);
        if (e && e != GH_ERR_NOT_FOUND)
            return e;
        gh_api_reply_release(reply);
        json_object_del(l->objects, path.ptr);
        if (e) /* absence is not kept: we may make it ourselves, under another of its names */
            return GH_OK;
        if (!kept || json_object_set_new(l->objects, path.ptr, kept) != 0)
            return GH_ERR_MALFORMED;
    }
    *ret = json_incref(kept);
    return GH_OK;
}

static bool text_is(const json_t *object_, const char *member, const char *text) {
    const char *value = json_string_value(json_object_get(object_, member));
    return value && text && strcmp(value, text) == 0;
}

/* The item of a list whose `member` has this text; borrowed, or NULL. */
static json_t *item_with(const json_t *items, const char *member, const char *text, size_t *at) {
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item) {
        if (text_is(item, member, text)) {
            if (at)
                *at = i;
            return item;
        }
    }
    return NULL;
}

static const char *input(const json_t *inputs, const char *name) {
    return json_string_value(gh_value_reveal(json_object_get(inputs, name)));
}

enum gh_err gh_live_get(struct gh_live *l, const struct gh_provider *p, const char *id, const json_t *inputs,
                        bool fresh, json_t **ret, struct gh_api_reply *reply) {
    json_t *items = NULL;
    *ret = NULL;
    if (p->kind == GH_KIND_FACET || (p->paging == GH_PAGING_NONE && id) || (fresh && p->object && !p->no_get))
        return object(l, p, id, inputs, fresh, ret, reply);
    enum gh_err e = list(l, p, inputs, fresh, &items, reply);
    if (e == GH_ERR_NOT_FOUND) { /* the parent is gone, and this with it */
        gh_api_reply_release(reply);
        return GH_OK;
    }
    if (e)
        return e;
    *ret =
        json_incref(p->kind == GH_KIND_LINK ? item_with(items, p->child_member, input(inputs, p->child), NULL)
                                            : item_with(items, p->id, id, NULL));
    return GH_OK;
}

/* A user's connection is inside its identities. */
static bool key_matches(const struct gh_provider *p, const char *name, const char *want, const json_t *item) {
    const struct gh_resource_type *type = gh_schema_resource(gh_str_from(p->token));
    const struct gh_property *property =
        gh_schema_property(type->inputs, type->input_count, gh_str_from(name));
    if (strcmp(name, "connectionName") == 0)
        return item_with(json_object_get(item, "identities"), "connection", want, NULL) != NULL;
    const char *have = json_string_value(json_object_get(item, property->api));
    bool nocase =
        strcmp(name, "email") == 0 || strstr(p->token, ":Connection") || strstr(p->token, ":Organization");
    return have && (nocase ? strcasecmp(have, want) : strcmp(have, want)) == 0;
}

/* users-by-email answers an array. */
static enum gh_err candidates(struct gh_live *l, const struct gh_provider *p, const json_t *inputs,
                              bool fresh, json_t **ret, struct gh_api_reply *reply) {
    if (p->paging != GH_PAGING_NONE)
        return list(l, p, inputs, fresh, ret, reply);
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    enum gh_err e = gh_provider_expand("/users-by-email?email={email}", NULL, inputs, true, &path);
    if (e)
        return e;
    json_t *items = json_object_get(l->lists, path.ptr);
    if (!items || fresh) {
        e = gh_api_call(l->api, "GET", path.ptr, NULL, reply);
        if (e)
            return e;
        items = json_incref(reply->body);
        gh_api_reply_release(reply);
        if (!json_is_array(items) || json_object_set_new(l->lists, path.ptr, items) != 0)
            return GH_ERR_MALFORMED;
    }
    *ret = items;
    return GH_OK;
}

static bool has_key(const struct gh_provider *p, const json_t *inputs) {
    for (size_t i = 0; i < GH_COUNT(p->keys) && p->keys[i]; i++) {
        const char *value = input(inputs, p->keys[i]);
        bool optional = i > 0 && strcmp(p->keys[i], "subjectType") == 0;
        if ((!value && !optional) || (value && strcmp(value, GH_UNKNOWN) == 0))
            return false;
    }
    return p->keys[0] != NULL;
}

static bool all_keys_match(const struct gh_provider *p, const json_t *inputs, const json_t *item) {
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

enum gh_err gh_live_by_key(struct gh_live *l, const struct gh_provider *p, const json_t *inputs, bool fresh,
                           json_t **ret, struct gh_api_reply *reply) {
    json_t *items = NULL, *item;
    size_t i;
    *ret = json_array();
    if (!has_key(p, inputs))
        return GH_OK;
    if (p->kind == GH_KIND_LINK) {
        enum gh_err e = gh_live_get(l, p, NULL, inputs, fresh, &item, reply);
        if (!e && item)
            json_array_append_new(*ret, item);
        return e;
    }
    enum gh_err e = candidates(l, p, inputs, fresh, &items, reply);
    json_array_foreach(items, i, item) {
        if (all_keys_match(p, inputs, item))
            json_array_append(*ret, item);
    }
    return e;
}

json_t *gh_live_canonical(const struct gh_provider *p, const json_t *items) {
    json_t *ret = json_array(), *item;
    size_t i;
    json_array_foreach(items, i, item) {
        item = gh_value_reveal(item);
        if (!json_is_object(item)) {
            json_array_append(ret, item);
            continue;
        }
        if (!p->elements[1]) {
            json_array_append(ret, json_object_get(item, p->elements[0]));
            continue;
        }
        json_t *element = json_object();
        for (size_t k = 0; k < GH_COUNT(p->elements); k++)
            json_object_set(element, p->elements[k], json_object_get(item, p->elements[k]));
        json_array_append_new(ret, element);
    }
    return ret;
}

enum gh_err gh_live_elements(struct gh_live *l, const struct gh_provider *p, const json_t *inputs, bool fresh,
                             json_t **ret, struct gh_api_reply *reply) {
    json_t *items = NULL;
    enum gh_err e = list(l, p, inputs, fresh, &items, reply);
    if (!e)
        *ret = gh_live_canonical(p, items);
    return e;
}

static void forget_object(struct gh_live *l, const struct gh_provider *p, const char *id,
                          const json_t *inputs) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    if (p->object && gh_provider_expand(p->object, id, inputs, true, &path) == GH_OK)
        json_object_del(l->objects, path.ptr);
}

void gh_live_note(struct gh_live *l, const struct gh_provider *p, const json_t *inputs, json_t *noted) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    bool link = p->kind == GH_KIND_LINK;
    const char *member = link ? p->child_member : p->id;
    const char *id = link ? input(inputs, p->child) : json_string_value(json_object_get(noted, p->id));
    forget_object(l, p, id, inputs);
    if (p->kind == GH_KIND_FACET || p->kind == GH_KIND_SET || !id || list_path(p, inputs, &path) != GH_OK) {
        if (p->list && path.len)
            json_object_del(l->lists, path.ptr);
        return;
    }
    json_t *items = json_object_get(l->lists, path.ptr);
    size_t at;
    if (item_with(items, member, id, &at))
        json_array_set(items, at, noted);
    else if (items)
        json_array_append(items, noted);
}

void gh_live_note_gone(struct gh_live *l, const struct gh_provider *p, const char *id, const json_t *inputs) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    bool link = p->kind == GH_KIND_LINK;
    forget_object(l, p, id, inputs);
    if (!p->list || list_path(p, inputs, &path) != GH_OK)
        return;
    if (p->kind == GH_KIND_SET) {
        json_object_del(l->lists, path.ptr);
        return;
    }
    json_t *items = json_object_get(l->lists, path.ptr);
    size_t at;
    if (item_with(items, link ? p->child_member : p->id, link ? input(inputs, p->child) : id, &at))
        json_array_remove(items, at);
}
