#include "stack/engine/shown.h"

#include <string.h>

#include "core/cleanup.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"

/* clang-format off */
static const char *const names[GH_OP_COUNT] = {
    [GH_OP_SAME] = "same", [GH_OP_CREATE] = "create", [GH_OP_UPDATE] = "update", [GH_OP_REPLACE] = "replace",
    [GH_OP_ADOPT] = "adopt", [GH_OP_DELETE] = "delete", [GH_OP_RELEASE] = "release",
};
/* clang-format on */

const char *gh_shown_op(const struct gh_step *s) {
    bool replaced = s->op == GH_OP_DELETE && json_object_get(s->entry, "replaced");
    return replaced ? "delete-replaced" : names[s->op];
}

static json_t *hide(const struct gh_property *p, json_t *value, bool secrets);

static json_t *hide_members(const struct gh_property *properties, size_t count, json_t *value, bool secrets) {
    json_t *ret = json_object(), *member;
    const char *key;
    json_object_foreach(value, key, member) json_object_set_new(
        ret, key, hide(gh_schema_property(properties, count, gh_str_from(key)), member, secrets));
    return ret;
}

/* The value of a property whose type is `type`; p may be NULL for what the schema does not know. */
static json_t *hide(const struct gh_property *p, json_t *value, bool secrets) {
    json_t *open = secrets ? gh_value_plain(value) : NULL; /* NULL also where one is sealed */
    if (open)
        return open;
    if (gh_value_is_secret(value) || (p && gh_mapping_is_secret(p) && !gh_value_is_unknown(value)))
        return json_string("[secret]");
    char type[128];
    struct gh_str rest = gh_str_from(p ? p->type : "");
    bool list = gh_str_ends(rest, GH_STR("[]"));
    rest.len -= list ? 2 : 0;
    const struct gh_object_type *object = NULL;
    if (rest.len > 1 && rest.len < sizeof type && rest.ptr[0] == '@') {
        memcpy(type, rest.ptr + 1, rest.len - 1);
        type[rest.len - 1] = '\0';
        object = gh_schema_object(type);
    }
    if (!object)
        return gh_value_masked(value);
    if (json_is_object(value))
        return hide_members(object->properties, object->property_count, value, secrets);
    if (!list || !json_is_array(value))
        return gh_value_masked(value);
    json_t *ret = json_array(), *element;
    size_t i;
    json_array_foreach(value, i, element) json_array_append_new(
        ret, json_is_object(element) && !gh_value_is_secret(element)
                 ? hide_members(object->properties, object->property_count, element, secrets)
                 : gh_value_masked(element));
    return ret;
}

json_t *gh_shown_members(const struct gh_resource_type *type, const json_t *members, bool secrets) {
    json_t *ret = json_object(), *member;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)members, key, member)
        json_object_set_new(ret, key, hide(gh_schema_member(type, gh_str_from(key)), member, secrets));
    return ret;
}

json_t *gh_shown_outputs(const struct gh_step *s, bool secrets) {
    if (!json_is_object(s->live) || s->provider->kind == GH_KIND_SET || s->provider->kind == GH_KIND_ELEMENT)
        return json_object();
    json_t *outputs = gh_mapping_decode(s->type, s->live);
    json_t *ret = gh_shown_members(s->type, outputs, secrets);
    json_decref(outputs);
    return ret;
}

void gh_shown_path(const json_t *path, struct gh_buf *ret) {
    json_t *segment;
    size_t i;
    json_array_foreach(path, i, segment) {
        const char *name = json_string_value(segment);
        if (!name[0] || strpbrk(name, ".[]\" ")) {
            gh_buf_add(ret, GH_STR("[\""));
            for (; *name; name++)
                gh_buf_addf(ret, "%s%c", *name == '"' ? "\\" : "", *name);
            gh_buf_add(ret, GH_STR("\"]"));
        } else
            gh_buf_addf(ret, "%s%s", i ? "." : "", name);
    }
}

/* A property of these by its name in the API, which may be of several segments. *taken: how many. */
static const struct gh_property *by_api(const struct gh_property *properties, size_t count,
                                        const json_t *path, size_t at, size_t *taken) {
    gh_auto(gh_buf_release) struct gh_buf name = gh_buf_make(4096);
    for (size_t n = 1; at + n <= json_array_size(path); n++) {
        gh_buf_addf(&name, "%s%s", n > 1 ? "." : "", json_string_value(json_array_get(path, at + n - 1)));
        for (size_t i = 0; i < count && !name.failed; i++)
            if (strcmp(properties[i].api, name.ptr) == 0) {
                *taken = n;
                return &properties[i];
            }
    }
    return NULL;
}

/* The program's path of one in the API's names (new), and the property at its end, or NULL. */
static json_t *program_path(const struct gh_step *s, const json_t *path, const struct gh_property **leaf,
                            bool *secret) {
    const struct gh_property *properties = s->type->inputs;
    size_t count = s->type->input_count, taken = 1;
    json_t *ret = json_array();
    for (size_t i = 0; i < json_array_size(path); i += taken) {
        taken = 1;
        const struct gh_property *p = by_api(properties, count, path, i, &taken);
        json_array_append_new(ret, p ? json_string(p->name) : json_incref(json_array_get(path, i)));
        const struct gh_object_type *inner = p && p->type[0] == '@' ? gh_schema_object(p->type + 1) : NULL;
        *secret |= p && gh_mapping_is_secret(p);
        *leaf = p;
        properties = inner ? inner->properties : NULL;
        count = inner ? inner->property_count : 0;
    }
    return ret;
}

static json_t *shape(const struct gh_property *leaf, json_t *value, bool element, bool hidden, bool secrets) {
    if (gh_value_is_unknown(value))
        return json_incref(value);
    if ((hidden || gh_value_is_secret(value)) && !secrets)
        return json_string("[secret]");
    json_t *decoded = !leaf     ? json_incref(value)
                      : element ? gh_mapping_decode_element(leaf, value)
                                : gh_mapping_decode_value(leaf, value);
    json_t *ret = hide(element ? NULL : leaf, decoded, secrets);
    json_decref(decoded);
    return ret;
}

static void copy_marks(const json_t *from, json_t *to) {
    static const char *const marks[] = { "drift", "foreign" };
    for (size_t i = 0; i < GH_COUNT(marks); i++)
        if (json_object_get(from, marks[i]))
            json_object_set_new(to, marks[i], json_true());
}

/* One of stack/engine/diff.h. */
static json_t *of_comparison(const struct gh_step *s, const json_t *change, bool secrets) {
    const struct gh_property *leaf = NULL;
    bool hidden = false;
    json_t *path = json_object_get(change, "path"), *ret = json_object();
    json_t *add = json_object_get(change, "add"), *remove = json_object_get(change, "remove");
    json_t *from = json_object_get(change, "from"), *to = json_object_get(change, "to");
    bool element = add || remove;
    if (element) { /* the path of a set is in the program's names */
        leaf = gh_schema_property(s->type->inputs, s->type->input_count, gh_str_from(s->provider->set));
        json_object_set(ret, "path", path);
        from = remove ? remove : from;
        to = add;
    } else
        json_object_set_new(ret, "path", program_path(s, path, &leaf, &hidden));
    json_object_set_new(ret, "kind",
                        json_string(from && !to && (element || json_object_get(change, "reset")) ? "delete"
                                    : from                                                       ? "update"
                                                                                                 : "add"));
    if (from)
        json_object_set_new(ret, "from", shape(leaf, from, element, hidden, secrets));
    if (to)
        json_object_set_new(ret, "to", shape(leaf, to, element, hidden, secrets));
    if (element)
        json_object_set_new(ret, "element", json_true());
    if (json_object_get(change, "reset"))
        json_object_set_new(ret, "default", json_true());
    copy_marks(change, ret);
    return ret;
}

static void add_input(json_t *list, const struct gh_step *s, const char *key, json_t *from, json_t *to,
                      bool secrets) {
    const struct gh_property *p = gh_schema_property(s->type->inputs, s->type->input_count, gh_str_from(key));
    json_t *change = json_pack("{s:[s], s:s}", "path", key, "kind",
                               from && to ? "update"
                               : to       ? "add"
                                          : "delete");
    if (from)
        json_object_set_new(change, "from", hide(p, from, secrets));
    if (to)
        json_object_set_new(change, "to", hide(p, to, secrets));
    json_array_append_new(list, change);
}

static bool is_fixed(const struct gh_step *s, const char *key) {
    const struct gh_property *p = gh_schema_property(s->type->inputs, s->type->input_count, gh_str_from(key));
    return (p && p->replace_on_changes) ||
           gh_provider_lists(s->provider->create_only, GH_COUNT(s->provider->create_only), key);
}

/* What the program says now against what it said before: whether a secret is another one is not seen here. */
static json_t *of_replacement(const struct gh_step *s, bool secrets) {
    json_t *list = json_array(), *before = json_object_get(s->entry, "inputs"), *value, *change;
    const char *key;
    size_t i, fixed = 0;
    json_object_foreach(s->inputs, key, value) {
        json_t *old = json_object_get(before, key);
        bool both_secret = gh_value_is_secret(old) && gh_value_is_secret(value);
        if (!both_secret && (!old || gh_value_has_unknown(value) || !json_equal(old, value)))
            add_input(list, s, key, old, value, secrets);
    }
    json_object_foreach(before, key, value) {
        if (!json_object_get(s->inputs, key))
            add_input(list, s, key, value, NULL, secrets);
    }
    json_array_foreach(list, i, change) {
        bool is = is_fixed(s, json_string_value(json_array_get(json_object_get(change, "path"), 0)));
        fixed += is;
        if (is)
            json_object_set_new(change, "replace", json_true());
    }
    if (!fixed) /* replaceOnChanges asked for it */
        json_array_foreach(list, i, change) json_object_set_new(change, "replace", json_true());
    return list;
}

json_t *gh_shown_changes(const struct gh_step *s, bool secrets) {
    if (s->op == GH_OP_REPLACE)
        return of_replacement(s, secrets);
    json_t *list = json_array(), *value;
    const char *key;
    size_t i;
    bool whole = s->op == GH_OP_CREATE && json_array_size(s->changes) == 0;
    if (whole || s->op == GH_OP_DELETE)
        json_object_foreach(s->inputs, key, value)
            add_input(list, s, key, whole ? NULL : value, whole ? value : NULL, secrets);
    json_array_foreach(s->changes, i, value) json_array_append_new(list, of_comparison(s, value, secrets));
    return list;
}
