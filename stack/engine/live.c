#include "stack/engine/live.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "stack/engine/live_key.h"
#include "stack/engine/live_person.h"
#include "stack/engine/live_users.h"
#include "stack/value.h"

enum { FEW = 3 }; /* so many are read one by one before their whole collection is */

struct gh_live {
    struct gh_api *api;
    json_t *lists;            /* path of a collection → {key of an item: item} in the API's order */
    json_t *objects;          /* path of one object → it */
    json_t *indexed;          /* of objects: paths of those that a search found; as gh_live_is_hearsay says */
    json_t *passes;           /* path of a collection → the pass in which it was read */
    json_t *asked;            /* path of a collection → how many of its items were read alone */
    json_t *users;            /* ids that will be asked for */
    json_t *reading;          /* paths of collections and ids of users that some worker is asking for */
    struct gh_crew_gate read; /* opened when that has come */
    json_int_t pass;
};

struct gh_live *gh_live_new(struct gh_api *api) {
    struct gh_live *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    *l = (struct gh_live){ .api = api,
                           .lists = json_object(),
                           .objects = json_object(),
                           .indexed = json_object(),
                           .passes = json_object(),
                           .asked = json_object(),
                           .users = json_object(),
                           .reading = json_object() };
    return l;
}

void gh_live_free(struct gh_live *l) {
    if (!l)
        return;
    json_t *owned[] = { l->lists, l->objects, l->indexed, l->passes, l->asked, l->users, l->reading };
    for (size_t i = 0; i < GH_COUNT(owned); i++)
        json_decref(owned[i]);
    free(l);
}

void gh_live_begin_pass(struct gh_live *l) {
    l->pass++;
}

void gh_live_expect(struct gh_live *l, const struct gh_provider *p, const char *id) {
    if (p->paging == GH_PAGING_NONE && p->kind == GH_KIND_OBJECT && gh_live_users_may_search(id))
        json_object_set_new(l->users, id, json_true());
}

static enum gh_err list_path(const struct gh_provider *p, const json_t *inputs, struct gh_buf *ret) {
    return gh_provider_expand(p->list, NULL, inputs, true, ret);
}

static const char *text(const json_t *object, const char *member) {
    return json_string_value(json_object_get(object, member));
}

static const char *input(const json_t *inputs, const char *name) {
    return json_string_value(gh_value_reveal(json_object_get(inputs, name)));
}

/* --- collections --- */

/* Whoever waits here for another worker looks for what that one found. */
static bool is_being_read(struct gh_live *l, const char *key) {
    bool waited = false;
    while (json_object_get(l->reading, key) && gh_crew_wait(gh_api_crew(l->api), &l->read))
        waited = true;
    return waited;
}

static void was_read(struct gh_live *l, const char *key) {
    json_object_del(l->reading, key);
    gh_crew_open(gh_api_crew(l->api), &l->read, SIZE_MAX);
}

static enum gh_err ask_list(struct gh_live *l, const struct gh_provider *p, const char *path, json_t **ret,
                            struct gh_api_reply *reply) {
    gh_auto(gh_buf_release) struct gh_buf full = gh_buf_make(8192);
    json_t *array = NULL;
    gh_buf_addf(&full, "%s%s%s", path, p->query ? "?" : "", p->query ? p->query : "");
    enum gh_err e =
        full.failed ? GH_ERR_NOMEM : gh_api_list(l->api, full.ptr, p->items, p->paging, &array, reply);
    if (e == GH_ERR_NO_PERMISSION && p->query) { /* a part of what we ask for: the rest by itself, then */
        gh_api_reply_release(reply);
        e = gh_api_list(l->api, path, p->items, p->paging, &array, reply);
    }
    if (e)
        return e;
    *ret = gh_live_key_index(p, array);
    json_decref(array);
    json_object_set_new(l->passes, path, json_integer(l->pass));
    return json_object_set_new(l->lists, path, *ret) ? GH_ERR_NOMEM : GH_OK;
}

static enum gh_err read_list(struct gh_live *l, const struct gh_provider *p, const char *path, json_t **ret,
                             struct gh_api_reply *reply) {
    json_object_set_new(l->reading, path, json_true());
    enum gh_err e = ask_list(l, p, path, ret, reply);
    was_read(l, path);
    return e;
}

/* Borrowed. */
static enum gh_err list(struct gh_live *l, const struct gh_provider *p, const json_t *inputs, enum gh_age age,
                        json_t **ret, struct gh_api_reply *reply) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    enum gh_err e = list_path(p, inputs, &path);
    if (e)
        return e;
    bool just_now = is_being_read(l, path.ptr) && age != GH_AGE_NOW;
    *ret = json_object_get(l->lists, path.ptr);
    if (*ret && just_now)
        return GH_OK;
    bool old = age == GH_AGE_PASS && json_integer_value(json_object_get(l->passes, path.ptr)) != l->pass;
    return *ret && age != GH_AGE_NOW && !old ? GH_OK : read_list(l, p, path.ptr, ret, reply);
}

/* --- objects --- */

static enum gh_err keep_object(struct gh_live *l, const char *path, json_t *found, bool indexed) {
    if (indexed)
        json_object_set_new(l->indexed, path, json_true());
    else
        json_object_del(l->indexed, path);
    return json_object_set(l->objects, path, found) ? GH_ERR_NOMEM : GH_OK;
}

/* Takes along others that will be asked for. Those that the search does not know are asked for by themselves
 * later: it lags behind, and only the object's own path can say that it is gone. */
static enum gh_err search_users(struct gh_live *l, const struct gh_provider *p, const char *id,
                                struct gh_api_reply *reply) {
    json_t *asked = json_object(), *found = NULL, *user, *mark;
    const char *key;
    size_t i;
    gh_live_users_take(l->users, id, asked);
    json_object_update(l->reading, asked);
    enum gh_err e = gh_live_users_search(l->api, asked, &found, reply);
    if (e == GH_ERR_MALFORMED) { /* a tenant that does not take such a query */
        gh_api_reply_release(reply);
        json_object_clear(l->users);
        e = GH_OK;
    }
    json_array_foreach(found, i, user) {
        gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
        const char *own = text(user, p->id);
        if (!e && own && gh_provider_expand(p->object, own, NULL, true, &path) == GH_OK)
            e = keep_object(l, path.ptr, user, true);
    }
    json_object_foreach(asked, key, mark) json_object_del(l->reading, key);
    gh_crew_open(gh_api_crew(l->api), &l->read, SIZE_MAX);
    json_decref(found);
    json_decref(asked);
    return e;
}

/* One object by its own path. *ret is new, or NULL when there is none. */
static enum gh_err object(struct gh_live *l, const struct gh_provider *p, const char *id,
                          const json_t *inputs, enum gh_age age, json_t **ret, struct gh_api_reply *reply) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    enum gh_err e = gh_provider_expand(p->object, id, inputs, true, &path);
    if (!e && age == GH_AGE_ANY && id) {
        is_being_read(l, id);
        if (json_object_get(l->users, id))
            e = search_users(l, p, id, reply);
    }
    if (e)
        return e;
    json_t *kept = json_object_get(l->objects, path.ptr);
    if (!kept || age != GH_AGE_ANY) {
        e = gh_api_call(l->api, "GET", path.ptr, NULL, reply);
        kept = e ? NULL : json_incref(reply->body);
        if (e && e != GH_ERR_NOT_FOUND)
            return e;
        gh_api_reply_release(reply);
        json_object_del(l->objects, path.ptr);
        json_object_del(l->indexed, path.ptr);
        if (e) /* absence is not kept: we may make it ourselves, under another of its names */
            return GH_OK;
        e = kept ? keep_object(l, path.ptr, kept, false) : GH_ERR_MALFORMED;
        json_decref(kept);
    }
    if (!e)
        *ret = json_incref(json_object_get(l->objects, path.ptr));
    return e;
}

static enum gh_err element(struct gh_live *l, const struct gh_provider *p, const json_t *inputs,
                           enum gh_age age, json_t **ret, struct gh_api_reply *reply);

enum gh_err gh_live_get(struct gh_live *l, const struct gh_provider *p, const char *id, const json_t *inputs,
                        enum gh_age age, json_t **ret, struct gh_api_reply *reply) {
    json_t *items = NULL;
    *ret = NULL;
    if (p->kind == GH_KIND_ELEMENT)
        return element(l, p, inputs, age, ret, reply);
    if (p->kind == GH_KIND_FACET || (p->paging == GH_PAGING_NONE && id) ||
        (age != GH_AGE_ANY && p->object && !p->no_get))
        return object(l, p, id, inputs, age, ret, reply);
    enum gh_err e = list(l, p, inputs, age, &items, reply);
    if (e == GH_ERR_NOT_FOUND) { /* the parent is gone, and this with it */
        gh_api_reply_release(reply);
        return GH_OK;
    }
    const char *key = p->kind == GH_KIND_LINK ? input(inputs, p->child) : id;
    if (!e && key)
        *ret = json_incref(json_object_get(items, key));
    return e;
}

/* --- by natural key --- */

static enum gh_err ask_email(struct gh_live *l, const struct gh_provider *p, const char *path,
                             const char *email, enum gh_age age, json_t **ret, struct gh_api_reply *reply) {
    json_t *users = age == GH_AGE_ANY ? gh_live_person_by_email(l->api, email) : NULL;
    if (!users) {
        enum gh_err e = gh_api_call(l->api, "GET", path, NULL, reply);
        if (e)
            return e;
        users = json_incref(reply->body);
        gh_api_reply_release(reply);
    }
    *ret = json_is_array(users) ? gh_live_key_index(p, users) : NULL;
    json_decref(users);
    return *ret && json_object_set_new(l->lists, path, *ret) == 0 ? GH_OK : GH_ERR_MALFORMED;
}

static enum gh_err candidates(struct gh_live *l, const struct gh_provider *p, const json_t *inputs,
                              enum gh_age age, json_t **ret, struct gh_api_reply *reply) {
    if (p->paging != GH_PAGING_NONE)
        return list(l, p, inputs, age, ret, reply);
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    enum gh_err e = gh_provider_expand("/users-by-email?email={email}", NULL, inputs, true, &path);
    if (e)
        return e;
    *ret = json_object_get(l->lists, path.ptr);
    return *ret && age == GH_AGE_ANY ? GH_OK
                                     : ask_email(l, p, path.ptr, input(inputs, "email"), age, ret, reply);
}

enum gh_err gh_live_by_key(struct gh_live *l, const struct gh_provider *p, const json_t *inputs,
                           enum gh_age age, json_t **ret, struct gh_api_reply *reply) {
    json_t *items = NULL, *item;
    const char *key;
    *ret = json_array();
    bool person = p->paging == GH_PAGING_NONE;
    if (!gh_live_key_is_known(p, inputs))
        return person ? gh_live_person_by_name(l->api, inputs, *ret, reply) : GH_OK;
    if (p->kind == GH_KIND_LINK) {
        enum gh_err e = gh_live_get(l, p, NULL, inputs, age, &item, reply);
        if (!e && item)
            json_array_append_new(*ret, item);
        return e;
    }
    enum gh_err e = candidates(l, p, inputs, age, &items, reply);
    json_object_foreach(e ? NULL : items, key, item) {
        if (gh_live_key_matches(p, inputs, item))
            json_array_append(*ret, item);
    }
    return e || !person || json_array_size(*ret) ? e : gh_live_person_by_name(l->api, inputs, *ret, reply);
}

/* --- sets --- */

/* The listing that holds this set inside one of its items, when it was read or is worth reading; NULL: the
 * set is asked for by itself. Borrowed. */
static enum gh_err outer_list(struct gh_live *l, const struct gh_provider *p, const json_t *inputs,
                              json_t **ret, struct gh_api_reply *reply) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    const struct gh_provider *outer = p->inside[0] ? gh_provider_find(p->inside[0]) : NULL;
    enum gh_err e = outer ? list_path(outer, inputs, &path) : GH_OK;
    if (e || !outer)
        return e;
    is_being_read(l, path.ptr);
    *ret = json_object_get(l->lists, path.ptr);
    json_int_t asked = json_integer_value(json_object_get(l->asked, path.ptr));
    if (*ret)
        return GH_OK;
    if (asked < FEW)
        return json_object_set_new(l->asked, path.ptr, json_integer(asked + 1)) ? GH_ERR_NOMEM : GH_OK;
    return read_list(l, outer, path.ptr, ret, reply);
}

/* NULL in *ret: the item is there but does not say. Who is not in the listing has nothing yet. New. */
static void take_inner(const struct gh_provider *p, const json_t *outer, const json_t *inputs, json_t **ret) {
    const char *key = input(inputs, p->inside[1]);
    json_t *item = key ? json_object_get(outer, key) : NULL;
    json_t *inner = json_object_get(item, p->inside[2]);
    if (!item || json_is_array(inner))
        *ret = item ? gh_live_canonical(p, inner) : json_array();
}

static json_t *items_array(const json_t *items) {
    json_t *ret = json_array(), *item;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)items, key, item) json_array_append(ret, item);
    return ret;
}

enum gh_err gh_live_elements(struct gh_live *l, const struct gh_provider *p, const json_t *inputs,
                             enum gh_age age, json_t **ret, struct gh_api_reply *reply) {
    json_t *items = NULL;
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    enum gh_err e = list_path(p, inputs, &path);
    *ret = NULL;
    if (!e && age == GH_AGE_ANY && !json_object_get(l->lists, path.ptr) &&
        !(e = outer_list(l, p, inputs, &items, reply)) && items)
        take_inner(p, items, inputs, ret);
    if (e || *ret)
        return e;
    e = list(l, p, inputs, age, &items, reply);
    json_t *array = items_array(e ? NULL : items);
    if (!e)
        *ret = gh_live_canonical(p, array);
    json_decref(array);
    return e;
}

static json_t *kept_list(struct gh_live *l, const struct gh_provider *p, const json_t *inputs) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    return p->list && list_path(p, inputs, &path) == GH_OK ? json_object_get(l->lists, path.ptr) : NULL;
}

/* The item itself where a listing has it; of a set that is inside another listing what identifies it. */
static enum gh_err element(struct gh_live *l, const struct gh_provider *p, const json_t *inputs,
                           enum gh_age age, json_t **ret, struct gh_api_reply *reply) {
    json_t *wanted = gh_live_element(p, inputs), *found = NULL, *canonical = NULL, *one;
    size_t i;
    enum gh_err e = !wanted   ? GH_ERR_MALFORMED
                    : p->list ? gh_live_elements(l, p, inputs, age, &canonical, reply)
                              : object(l, p, NULL, inputs, age, &found, reply);
    if (e == GH_ERR_NOT_FOUND) { /* its parent is gone, and this with it */
        gh_api_reply_release(reply);
        e = GH_OK;
    }
    json_t *items = p->list ? items_array(e ? NULL : kept_list(l, p, inputs))
                            : json_incref(json_object_get(found, p->items));
    json_t *forms = gh_live_canonical(p, items);
    json_array_foreach(forms, i, one) {
        if (!*ret && json_equal(one, wanted))
            *ret = json_incref(json_array_get(items, i));
    }
    json_array_foreach(canonical, i, one) {
        if (!*ret && json_equal(one, wanted))
            *ret = json_pack("{s:O}", p->elements[0], one);
    }
    json_t *owned[] = { wanted, found, canonical, items, forms };
    for (i = 0; i < GH_COUNT(owned); i++)
        json_decref(owned[i]);
    return e;
}

bool gh_live_is_hearsay(struct gh_live *l, const struct gh_provider *p, const char *id,
                        const json_t *inputs) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192), own = gh_buf_make(8192);
    const struct gh_provider *outer = p->inside[0] ? gh_provider_find(p->inside[0]) : NULL;
    if (p->object && p->kind != GH_KIND_ELEMENT &&
        gh_provider_expand(p->object, id, inputs, true, &path) == GH_OK)
        return json_object_get(l->indexed, path.ptr) != NULL;
    if (!outer || list_path(p, inputs, &own) != GH_OK || json_object_get(l->lists, own.ptr))
        return false;
    gh_buf_reset(&path);
    const char *key = input(inputs, p->inside[1]);
    return key && list_path(outer, inputs, &path) == GH_OK &&
           json_object_get(json_object_get(l->lists, path.ptr), key) != NULL;
}

/* --- our own writes --- */

static void forget_object(struct gh_live *l, const struct gh_provider *p, const char *id,
                          const json_t *inputs) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    if (p->object && gh_provider_expand(p->object, id, inputs, true, &path) == GH_OK) {
        json_object_del(l->objects, path.ptr);
        json_object_del(l->indexed, path.ptr);
    }
}

/* Read again when somebody asks: alone, because the listing around it may be behind. */
static void forget_set(struct gh_live *l, const struct gh_provider *p, const json_t *inputs) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    const struct gh_provider *outer = p->inside[0] ? gh_provider_find(p->inside[0]) : NULL;
    const char *key = outer ? input(inputs, p->inside[1]) : NULL;
    if (p->list && list_path(p, inputs, &path) == GH_OK)
        json_object_del(l->lists, path.ptr);
    gh_buf_reset(&path);
    if (key && list_path(outer, inputs, &path) == GH_OK)
        json_object_del(json_object_get(json_object_get(l->lists, path.ptr), key), p->inside[2]);
}

void gh_live_note(struct gh_live *l, const struct gh_provider *p, const json_t *inputs, json_t *noted) {
    const char *id = p->kind == GH_KIND_LINK ? input(inputs, p->child) : text(noted, p->id);
    json_t *items = kept_list(l, p, inputs);
    forget_object(l, p, id, inputs);
    if (p->kind == GH_KIND_SET || p->kind == GH_KIND_FACET || p->kind == GH_KIND_ELEMENT || !id)
        forget_set(l, p, inputs);
    else if (items)
        json_object_set(items, id, noted);
}

/* As its collection will list it; it has nothing inside yet. */
void gh_live_note_new(struct gh_live *l, const struct gh_provider *p, const json_t *inputs) {
    json_t *items = kept_list(l, p, inputs);
    const char *key = input(inputs, p->child);
    if (!items || !key || json_object_get(items, key))
        return;
    json_t *item = json_pack("{s:s}", p->child_member, key);
    for (size_t i = 0; i < gh_provider_count(); i++) {
        const struct gh_provider *inner = gh_provider_at(i);
        if (inner->inside[0] && strcmp(inner->inside[0], p->token) == 0)
            json_object_set_new(item, inner->inside[2], json_array());
    }
    json_object_set_new(items, key, item);
}

void gh_live_note_gone(struct gh_live *l, const struct gh_provider *p, const char *id, const json_t *inputs) {
    const char *key = p->kind == GH_KIND_LINK ? input(inputs, p->child) : id;
    json_t *items = kept_list(l, p, inputs);
    forget_object(l, p, id, inputs);
    if (p->kind == GH_KIND_SET || p->kind == GH_KIND_ELEMENT)
        forget_set(l, p, inputs);
    else if (items && key)
        json_object_del(items, key);
}
