/* Values of a hosted program against the provider's schema. */
#include "core/cleanup.h"
#include "stack/host_private.h"
#include "stack/language/type.h"

static bool check_value(struct host_session *s, const char *on, json_t *value, const struct gh_property *p,
                        struct gh_str type);

static bool check_members(struct host_session *s, const char *on, json_t *object,
                          const struct gh_property *properties, size_t count) {
    const char *key;
    json_t *value;
    bool good = true;
    json_object_foreach(object, key, value) {
        const struct gh_property *p = gh_schema_property(properties, count, gh_str_from(key));
        if (p)
            good &= check_value(s, on, value, p, gh_str_from(p->type));
        else {
            refuse_property(s->d, s->at, on, gh_str_from(key), properties, count, NULL, 0);
            good = false;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (properties[i].required && !json_object_get(object, properties[i].name)) {
            gh_diagnose(s->d, GH_SEVERITY_ERROR, s->at, "Missing required property '%s' of %s",
                        properties[i].name, on);
            good = false;
        }
    return good;
}

/* Texts were made of numbers and booleans before. */
static bool is_of_type(const json_t *value, struct gh_str type) {
    if (gh_str_is(type, "string"))
        return json_is_string(value);
    if (gh_str_is(type, "boolean"))
        return json_is_boolean(value);
    if (gh_str_is(type, "integer"))
        return json_is_integer(value);
    if (gh_str_is(type, "number"))
        return json_is_number(value);
    if (type_is_list(type))
        return json_is_array(value);
    return type_is_map(type) || type_object(type) ? json_is_object(value) : true;
}

static bool refuse_type(struct host_session *s, const char *on, const struct gh_property *p,
                        struct gh_str type) {
    gh_auto(gh_buf_release) struct gh_buf shown = gh_buf_make(1024);
    type_show(&shown, type_named(type));
    gh_diagnose(s->d, GH_SEVERITY_ERROR, s->at, "property %s of %s must be %s", p->name, on, shown.ptr);
    return false;
}

static bool check_value(struct host_session *s, const char *on, json_t *value, const struct gh_property *p,
                        struct gh_str type) {
    while (gh_value_is_secret(value))
        value = gh_value_reveal(value);
    if (!value || json_is_null(value) || gh_value_is_unknown(value))
        return true;
    if (!is_of_type(value, type))
        return refuse_type(s, on, p, type);
    bool good = true;
    json_t *child;
    const char *key;
    size_t i;
    json_array_foreach(value, i, child) {
        good &= !type_is_list(type) || check_value(s, on, child, p, type_item(type));
    }
    if (type_is_map(type))
        json_object_foreach(value, key, child) {
            good &= check_value(s, on, child, p, type_value(type));
        }
    const struct gh_object_type *object = type_object(type);
    return good &&
           (!object || check_members(s, object->name, value, object->properties, object->property_count));
}

bool host_check_inputs(struct host_session *s, const struct gh_resource_type *type, json_t *inputs) {
    return check_members(s, gh_schema_short_name(type), inputs, type->inputs, type->input_count);
}
