#include "stack/engine/ledger_index.h"

#include <string.h>

#include "core/cleanup.h"

#define KEY_MAX 65536

void gh_ledger_index_release(struct gh_ledger_index *x) {
    json_decref(x->places);
    x->places = NULL;
}

static const char *text(const json_t *object, const char *member) {
    const char *value = json_string_value(json_object_get(object, member));
    return value ? value : "";
}

static void add_key(struct gh_buf *key, const char *type, const char *name) {
    gh_buf_reset(key);
    gh_buf_addf(key, "%s\n%s", type, name);
}

static json_t *places_of(struct gh_ledger_index *x, const json_t *entry) {
    gh_auto(gh_buf_release) struct gh_buf key = gh_buf_make(KEY_MAX);
    add_key(&key, text(entry, "type"), text(entry, "name"));
    if (key.failed)
        return NULL;
    json_t *places = json_object_get(x->places, key.ptr);
    if (!places && json_object_set_new(x->places, key.ptr, places = json_array()) != 0)
        places = NULL;
    return places;
}

static void build(struct gh_ledger_index *x, const json_t *resources) {
    size_t i;
    json_t *entry;
    x->places = json_object();
    json_array_foreach(resources, i, entry)
        json_array_append_new(places_of(x, entry), json_integer((json_int_t)i));
}

size_t gh_ledger_index_find(struct gh_ledger_index *x, const json_t *resources, const char *type,
                            const char *name, const char *id) {
    gh_auto(gh_buf_release) struct gh_buf key = gh_buf_make(KEY_MAX);
    size_t i, ret = json_array_size(resources);
    json_t *place;
    if (!x->places)
        build(x, resources);
    add_key(&key, type, name);
    json_array_foreach(key.failed ? NULL : json_object_get(x->places, key.ptr), i, place) {
        size_t at = (size_t)json_integer_value(place);
        const json_t *entry = json_array_get(resources, at);
        if (id && strcmp(text(entry, "id"), id) == 0)
            return at;
        if (!id && !json_object_get(entry, "replaced"))
            ret = at;
    }
    return ret;
}

void gh_ledger_index_append(struct gh_ledger_index *x, json_t *resources, json_t *entry) {
    if (json_array_append(resources, entry) == 0 && x->places)
        json_array_append_new(places_of(x, entry), json_integer((json_int_t)json_array_size(resources) - 1));
}

/* Those behind it move up. A removal goes from the end to the beginning, so they are few. */
void gh_ledger_index_remove(struct gh_ledger_index *x, json_t *resources, size_t at) {
    for (size_t i = at; x->places && i < json_array_size(resources); i++) {
        json_t *places = places_of(x, json_array_get(resources, i)), *place;
        size_t k;
        json_array_foreach(places, k, place) {
            if ((size_t)json_integer_value(place) != i)
                continue;
            if (i == at)
                json_array_remove(places, k);
            else
                json_integer_set(place, (json_int_t)i - 1);
            break;
        }
    }
    json_array_remove(resources, at);
}

void gh_ledger_index_rename(struct gh_ledger_index *x, json_t *resources, size_t at, json_t *name) {
    json_object_set(json_array_get(resources, at), "name", name);
    gh_ledger_index_release(x);
}
