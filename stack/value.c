#include "stack/value.h"

#include <string.h>

json_t *gh_value_secret(json_t *plain) {
    return json_pack("{s:s, s:o}", GH_SECRET_KEY, GH_SECRET_MARK, "value", plain);
}

json_t *gh_value_unknown(void) {
    return json_string(GH_UNKNOWN);
}

bool gh_value_is_secret(const json_t *value) {
    const char *mark = json_string_value(json_object_get(value, GH_SECRET_KEY));
    return mark && strcmp(mark, GH_SECRET_MARK) == 0;
}

bool gh_value_is_unknown(const json_t *value) {
    const char *text = json_string_value(value);
    return text && strcmp(text, GH_UNKNOWN) == 0;
}

static bool any_inside(json_t *value, bool (*is)(const json_t *)) {
    if (is(value))
        return true;
    const char *key;
    json_t *member;
    json_object_foreach(value, key, member) {
        if (any_inside(member, is))
            return true;
    }
    size_t i;
    json_array_foreach(value, i, member) {
        if (any_inside(member, is))
            return true;
    }
    return false;
}

/* jansson's iterators want a mutable value; they change nothing. */
bool gh_value_has_unknown(const json_t *value) {
    return any_inside((json_t *)(uintptr_t)value, gh_value_is_unknown);
}

bool gh_value_has_secret(const json_t *value) {
    return any_inside((json_t *)(uintptr_t)value, gh_value_is_secret);
}

json_t *gh_value_reveal(json_t *value) {
    return gh_value_is_secret(value) ? json_object_get(value, "value") : value;
}

/* A copy in which every secret was replaced by what `open` says of its content. */
static json_t *copy(json_t *value, json_t *(*open)(json_t *content)) {
    if (gh_value_is_secret(value))
        return open(json_object_get(value, "value"));
    if (json_is_object(value)) {
        json_t *object = json_object(), *member;
        const char *key;
        json_object_foreach(value, key, member) {
            if (json_object_set_new_nocheck(object, key, copy(member, open)) != 0) {
                json_decref(object);
                return NULL;
            }
        }
        return object;
    }
    if (json_is_array(value)) {
        json_t *array = json_array(), *member;
        size_t i;
        json_array_foreach(value, i, member) {
            if (json_array_append_new(array, copy(member, open)) != 0) {
                json_decref(array);
                return NULL;
            }
        }
        return array;
    }
    return json_incref(value);
}

static json_t *plain(json_t *content) {
    return copy(content, plain);
}

static json_t *masked(json_t *content) {
    return json_string("[secret]");
}

json_t *gh_value_plain(json_t *value) {
    return copy(value, plain);
}

json_t *gh_value_masked(json_t *value) {
    return copy(value, masked);
}

enum gh_err gh_value_each(json_t *value, gh_value_maker *one, void *context, json_t **ret) {
    if (!json_is_object(value) && !json_is_array(value)) {
        *ret = json_incref(value);
        return GH_OK;
    }
    json_t *copy = json_is_object(value) ? json_object() : json_array(), *member;
    enum gh_err e = copy ? GH_OK : GH_ERR_NOMEM;
    const char *key;
    size_t i;
    json_object_foreach(value, key, member) {
        json_t *made = NULL;
        e = e ? e : one(context, key, member, &made);
        if (!e && made)
            json_object_set_new(copy, key, made);
    }
    json_array_foreach(value, i, member) {
        json_t *made = NULL;
        e = e ? e : one(context, NULL, member, &made);
        if (!e && made)
            json_array_append_new(copy, made);
    }
    if (e)
        json_decref(copy);
    else
        *ret = copy;
    return e;
}
