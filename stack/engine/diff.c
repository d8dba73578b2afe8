#include "stack/engine/diff.h"

#include <string.h>

#include "stack/value.h"

#define DEEPEST 16

struct walk {
    const struct gh_diff *diff;
    json_t *changes;
    const char *path[DEEPEST];
    size_t depth;
};

static bool is_empty(const json_t *v) {
    return !v || json_is_null(v) || json_is_false(v) || (json_is_string(v) && json_string_length(v) == 0) ||
           (json_is_array(v) && json_array_size(v) == 0) || (json_is_object(v) && json_object_size(v) == 0);
}

/* Each wanted element has a live one of its own, and none is left over. Lists are short. */
static bool lists_match(json_t *wanted, json_t *live) {
    size_t n = json_array_size(wanted), i, k;
    if (n != json_array_size(live))
        return false;
    json_t *rest = json_copy(live), *element, *candidate;
    bool all = rest != NULL;
    json_array_foreach(wanted, i, element) {
        bool found = false;
        json_array_foreach(rest, k, candidate) {
            if (gh_diff_satisfies(element, candidate)) {
                json_array_remove(rest, k);
                found = true;
                break;
            }
        }
        if (!(all = all && found))
            break;
    }
    json_decref(rest);
    return all;
}

bool gh_diff_satisfies(json_t *wanted, json_t *live) {
    wanted = gh_value_reveal(wanted);
    if (is_empty(wanted) && is_empty(live))
        return true;
    if (json_is_number(wanted) && json_is_number(live))
        return json_number_value(wanted) == json_number_value(live);
    if (json_is_array(wanted) && json_is_array(live))
        return lists_match(wanted, live);
    if (json_is_object(wanted) && json_is_object(live)) {
        const char *key;
        json_t *member;
        json_object_foreach(wanted, key, member) {
            if (!gh_diff_satisfies(member, json_object_get(live, key)))
                return false;
        }
        return true;
    }
    return json_equal(wanted, live);
}

/* Was the same declared before? Then a difference to what is live is somebody else's doing. */
static bool same_as_before(const struct gh_diff *diff, json_t *before, json_t *wanted) {
    if (!before)
        return false;
    if (gh_value_is_secret(before) && !json_object_get(before, "value"))
        return diff->same_secret && diff->same_secret(diff->context, before, gh_value_reveal(wanted));
    return gh_diff_satisfies(gh_value_reveal(before), gh_value_reveal(wanted)) &&
           gh_diff_satisfies(gh_value_reveal(wanted), gh_value_reveal(before));
}

static void add_change(struct walk *w, json_t *from, json_t *to, bool drift) {
    json_t *change = json_object(), *path = json_array();
    for (size_t i = 0; i < w->depth; i++)
        json_array_append_new(path, json_string(w->path[i]));
    json_object_set_new(change, "path", path);
    if (from && !json_is_null(from))
        json_object_set(change, "from", from);
    if (to)
        json_object_set(change, "to", to);
    else
        json_object_set_new(change, "reset", json_true());
    if (drift)
        json_object_set_new(change, "drift", json_true());
    json_array_append_new(w->changes, change);
}

static bool is_write_only(const struct gh_diff *diff, const char *api) {
    const struct gh_resource_type *type = gh_schema_resource(gh_str_from(diff->provider->token));
    for (size_t i = 0; type && i < type->input_count; i++)
        if (strcmp(type->inputs[i].api, api) == 0)
            return gh_provider_lists(diff->provider->write_only, GH_COUNT(diff->provider->write_only),
                                     type->inputs[i].name);
    return false;
}

static void compare(struct walk *w, json_t *before, json_t *wanted, json_t *live);

/* An element of a list that said more before, and it is still there: the description of a scope, say. */
static bool gives_up_inside(json_t *before, json_t *wanted, json_t *live) {
    return json_is_array(before) && json_is_array(wanted) && !gh_diff_satisfies(before, wanted) &&
           gh_diff_satisfies(before, live);
}

static void compare_member(struct walk *w, json_t *before, json_t *wanted, json_t *live) {
    if (w->depth == 1 && is_write_only(w->diff, w->path[0])) {
        if (!same_as_before(w->diff, before, wanted))
            add_change(w, NULL, wanted, false);
        return;
    }
    if (gh_value_is_unknown(wanted)) {
        add_change(w, live, wanted, false);
        return;
    }
    bool open = json_is_object(wanted) && !gh_value_is_secret(wanted) && w->depth < DEEPEST - 1;
    if (open && (json_is_object(live) || !live || json_is_null(live))) {
        compare(w, gh_value_is_secret(before) ? NULL : before, wanted, json_is_object(live) ? live : NULL);
        return;
    }
    if (!gh_diff_satisfies(wanted, live))
        add_change(w, live, wanted, same_as_before(w->diff, before, wanted));
    else if (gives_up_inside(before, wanted, live))
        add_change(w, live, wanted, false);
}

/* Owned before and not declared now, leaf by leaf: what others put into the same object stays. */
static void release_member(struct walk *w, json_t *before, json_t *live) {
    if (!live || json_is_null(live))
        return;
    if (json_is_object(before) && !gh_value_is_secret(before) && json_is_object(live) &&
        w->depth < DEEPEST - 1) {
        compare(w, before, NULL, live);
        return;
    }
    json_t *reset = NULL;
    bool known = gh_provider_reset(w->diff->provider, w->path[0], &reset);
    if (!known && (w->depth == 1 || gh_provider_merges(w->diff->provider, w->path[0])))
        return; /* it stays as it is */
    if (w->depth > 1 || !gh_diff_satisfies(reset, live))
        add_change(w, live, NULL, false);
    json_decref(reset);
}

static void compare(struct walk *w, json_t *before, json_t *wanted, json_t *live) {
    const char *key;
    json_t *member;
    w->depth++;
    json_object_foreach(wanted, key, member) {
        w->path[w->depth - 1] = key;
        if (!json_is_null(member))
            compare_member(w, json_object_get(before, key), member, json_object_get(live, key));
    }
    json_object_foreach(before, key, member) {
        w->path[w->depth - 1] = key;
        json_t *now = json_object_get(wanted, key);
        if ((!now || json_is_null(now)) && !json_is_null(member))
            release_member(w, member, json_object_get(live, key));
    }
    w->depth--;
}

json_t *gh_diff(const struct gh_diff *diff) {
    struct walk w = { .diff = diff, .changes = json_array() };
    compare(&w, diff->before, diff->wanted, diff->live);
    return w.changes;
}

/* An object in which nothing is left goes as well: that it had members is why it was there. */
static void drop_inside(json_t *object, const json_t *path, size_t at) {
    const char *key = json_string_value(json_array_get(path, at));
    json_t *inner = json_object_get(object, key);
    if (at + 1 < json_array_size(path)) {
        drop_inside(inner, path, at + 1);
        if (!json_is_object(inner) || json_object_size(inner))
            return;
    }
    json_object_del(object, key);
}

static void set_inside(json_t *object, const json_t *path, json_t *value, bool merges) {
    size_t last = json_array_size(path) - 1;
    if (!value && !merges) {
        drop_inside(object, path, 1);
        return;
    }
    for (size_t i = 1; i < last; i++) {
        const char *key = json_string_value(json_array_get(path, i));
        json_t *inner = json_object_get(object, key);
        if (!json_is_object(inner)) {
            inner = json_object();
            json_object_set_new(object, key, inner);
        }
        object = inner;
    }
    const char *key = json_string_value(json_array_get(path, last));
    if (value)
        json_object_set_new(object, key, gh_value_plain(value));
    else
        json_object_set_new(object, key, json_null());
}

json_t *gh_diff_patch(const struct gh_diff *diff, const json_t *changes) {
    json_t *body = json_object(), *change, *member;
    const char *key;
    size_t i;
    json_array_foreach(changes, i, change) {
        const json_t *path = json_object_get(change, "path");
        json_t *to = json_object_get(change, "to"), *reset = NULL;
        const char *top = json_string_value(json_array_get(path, 0));
        if (json_array_size(path) == 1) {
            if (to)
                json_object_set_new(body, top, gh_value_plain(to));
            else if (gh_provider_reset(diff->provider, top, &reset))
                json_object_set_new(body, top, reset);
            continue;
        }
        bool merges = gh_provider_merges(diff->provider, top);
        json_t *object = json_object_get(body, top);
        if (!object) {
            json_t *live = json_object_get(diff->live, top);
            /* Below the first level of a merging object everything is replaced: send the live values along.
             */
            object = merges && json_array_size(path) == 2 ? json_object() : json_deep_copy(live);
            if (!json_is_object(object)) {
                json_decref(object);
                object = json_object();
            }
            json_object_set_new(body, top, object);
        }
        set_inside(object, path, to, merges && json_array_size(path) == 2);
    }
    /* Nothing of ours is left in it, nor anybody's: the object itself goes. */
    json_object_foreach(body, key, member) {
        json_t *reset = NULL;
        if (json_is_object(member) && json_object_size(member) == 0 &&
            gh_provider_reset(diff->provider, key, &reset))
            json_object_set_new(body, key, reset);
    }
    return body;
}

json_t *gh_diff_found(const struct gh_provider *p, const json_t *owned, const json_t *live) {
    json_t *found = json_object(), *member;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)owned, key, member) {
        json_t *there = json_object_get(live, key);
        if (gh_value_is_secret(member))
            continue;
        if (json_is_object(member) && json_is_object(there))
            json_object_set_new(found, key, gh_diff_found(p, member, there));
        else if (there)
            json_object_set(found, key, there);
        else
            json_object_set_new(found, key, json_null());
    }
    return found;
}
