/* Values brought to what the provider's schema says of them. */
#include "stack/language/fit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"

json_t *fit_wrap(json_t *value, bool secret) {
    return secret && value && !gh_value_is_secret(value) ? gh_value_secret(value) : value;
}

/* Variables that hold variables grow by powers, like the alias bomb of YAML: each value is measured before
 * anything walks through it. A shared part counts as often as it is there. */
static bool within(json_t *value, size_t *room, unsigned depth) {
    size_t size = 16 + json_string_length(value), i;
    json_t *child;
    const char *key;
    if (size > *room || depth > GH_LIMIT_STACK_DEPTH)
        return false;
    *room -= size;
    json_array_foreach(value, i, child) {
        if (!within(child, room, depth + 1))
            return false;
    }
    json_object_foreach(value, key, child) {
        if (!within(child, room, depth + 1))
            return false;
    }
    return true;
}

bool fit_is_within_limits(json_t *value) {
    size_t room = GH_LIMIT_STACK_VALUE;
    return within(value, &room, 1);
}

static bool add_number(struct gh_buf *out, double n) {
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, n);
        if (strtod(text, NULL) == n)
            break;
    }
    gh_buf_add(out, gh_str_from(text));
    return true;
}

bool fit_add_text(struct gh_buf *out, const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_STRING:
        gh_buf_add(out, (struct gh_str){ json_string_value(value), json_string_length(value) });
        return true;
    case JSON_INTEGER:
        gh_buf_addf(out, "%lld", (long long)json_integer_value(value));
        return true;
    case JSON_REAL:
        return add_number(out, json_real_value(value));
    case JSON_TRUE:
    case JSON_FALSE:
        gh_buf_add(out, json_is_true(value) ? GH_STR("true") : GH_STR("false"));
        return true;
    case JSON_NULL:
        return true;
    default:
        return false;
    }
}

/* ---- inputs by the schema: numbers and booleans become texts where a text is wanted, null is "not set",
 * what the provider calls secret is one ---- */

static json_t *fit(json_t *value, struct gh_str type); /* value stolen */

static json_t *fit_members(json_t *object, const struct gh_property *properties, size_t count) {
    json_t *ret = json_object(), *value;
    const char *key;
    json_object_foreach(object, key, value) {
        const struct gh_property *p = gh_schema_property(properties, count, gh_str_from(key));
        if (json_is_null(value))
            continue;
        json_t *fitted = fit(json_incref(value), p ? gh_str_from(p->type) : GH_STR("any"));
        json_object_set_new(ret, key, fit_wrap(fitted, p && p->secret));
    }
    json_decref(object);
    return ret;
}

static json_t *fit_text(json_t *value) {
    if (!json_is_number(value) && !json_is_boolean(value))
        return value;
    gh_auto(gh_buf_release) struct gh_buf out = gh_buf_make(64);
    (void)fit_add_text(&out, value);
    json_decref(value);
    return json_stringn(out.ptr, out.len);
}

static json_t *fit_items(json_t *value, struct gh_str item) {
    json_t *child;
    const char *key;
    size_t i;
    json_array_foreach(value, i, child) {
        json_array_set_new(value, i, fit(json_incref(child), item));
    }
    json_object_foreach(value, key, child) {
        json_object_set_new(value, key, fit(json_incref(child), item));
    }
    return value;
}

bool fit_is_whole(double n) {
    return n >= -9007199254740992.0 && n <= 9007199254740992.0 && n == (double)(long long)n;
}

static json_t *fit(json_t *value, struct gh_str type) {
    if (!value || gh_value_is_unknown(value))
        return value;
    if (gh_value_is_secret(value)) {
        json_t *plain = json_incref(gh_value_reveal(value));
        json_decref(value);
        return gh_value_secret(fit(plain, type));
    }
    if (gh_str_is(type, "string"))
        return fit_text(value);
    if (gh_str_is(type, "integer") && json_is_real(value) && fit_is_whole(json_real_value(value))) { /* 1e3 */
        json_int_t n = (json_int_t)json_real_value(value);
        json_decref(value);
        return json_integer(n);
    }
    if (type_is_list(type) && json_is_array(value))
        return fit_items(value, type_item(type));
    if (type_is_map(type) && json_is_object(value))
        return fit_items(value, type_value(type));
    const struct gh_object_type *object = json_is_object(value) ? type_object(type) : NULL;
    return object ? fit_members(value, object->properties, object->property_count) : value;
}

json_t *fit_inputs(const struct gh_resource_type *type, json_t *inputs) {
    return fit_members(inputs, type->inputs, type->input_count);
}

/* ---- outputs ---- */

json_t *fit_mark_secrets(json_t *object, const struct gh_property *properties, size_t count) {
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(object, properties[i].name);
        if (properties[i].secret && value && !json_is_null(value) && !gh_value_is_secret(value))
            json_object_set_new(object, properties[i].name, gh_value_secret(json_incref(value)));
    }
    return object;
}

static bool input_is_secret(const struct gh_registration *reg, const char *name) {
    const char *const *more = reg->additional_secret_outputs;
    for (; more && *more; more++)
        if (strcmp(*more, name) == 0)
            return true;
    return gh_value_has_secret(json_object_get(reg->inputs, name));
}

void fit_outputs(const struct gh_resource_type *t, const struct gh_registration *reg, json_t *outputs) {
    fit_mark_secrets(outputs, t->inputs, t->input_count);
    fit_mark_secrets(outputs, t->outputs, t->output_count);
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(outputs, next, key, value) {
        if (!json_is_null(value) && !gh_value_is_secret(value) && input_is_secret(reg, key))
            json_object_set_new(outputs, key, gh_value_secret(json_incref(value)));
    }
}
