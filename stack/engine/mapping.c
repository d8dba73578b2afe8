#include "stack/engine/mapping.h"

#include <stdlib.h>
#include <string.h>

#include "stack/value.h"

static json_t *encode_typed(const char *type, const char *name, json_t *value);
static json_t *decode_typed(const char *type, const char *name, json_t *value);

/* Text in the program, a value in the API. */
static bool is_json_text(const char *name) {
    static const char *const names[] = { "userMetadata", "appMetadata", "upstreamParams",
                                         "skipNonVerifiableCallbackUriConfirmationPrompt" };
    for (size_t i = 0; i < GH_COUNT(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Terraform's schema language knows nested blocks only as lists: where the API has one object, the program
 * has a list of one. */
static bool is_single(const char *item) {
    static const char *const types[] = {
        "@ConnectionOptionsAttribute",
        "@ConnectionOptionsAttributeEmail",
        "@ConnectionOptionsAttributeEmailIdentifier",
        "@ConnectionOptionsAttributeEmailSignup",
        "@ConnectionOptionsAttributeEmailSignupVerification",
        "@ConnectionOptionsAttributePhoneNumber",
        "@ConnectionOptionsAttributePhoneNumberIdentifier",
        "@ConnectionOptionsAttributePhoneNumberSignup",
        "@ConnectionOptionsAttributePhoneNumberSignupVerification",
        "@ConnectionOptionsAttributeUsername",
        "@ConnectionOptionsAttributeUsernameIdentifier",
        "@ConnectionOptionsAttributeUsernameSignup",
        "@ConnectionOptionsAttributeUsernameValidation",
        "@ConnectionOptionsAttributeUsernameValidationAllowedType",
        "@ConnectionOptionsAuthenticationMethod",
        "@ConnectionOptionsPasswordHistory",
    };
    for (size_t i = 0; i < GH_COUNT(types); i++)
        if (strcmp(types[i], item) == 0)
            return true;
    return false;
}

bool gh_mapping_is_secret(const struct gh_property *property) {
    return property->secret || strcmp(property->name, "signingSecret") == 0;
}

/* "T[]" → "T" in `item`; false when it is no list (or a name longer than any of ours). */
static bool list_of(const char *type, char item[128]) {
    size_t len = strlen(type);
    if (len < 3 || len - 2 >= 128 || strcmp(type + len - 2, "[]") != 0)
        return false;
    memcpy(item, type, len - 2);
    item[len - 2] = '\0';
    return true;
}

/* Puts the value where the API wants it: "a", "a.b", "a[]" (a list of one). Headers have no place in a body.
 * Steals the value. */
static void place(json_t *object, const char *api, json_t *value) {
    struct gh_str rest = gh_str_from(api), head;
    if (strncmp(api, "header:", 7) == 0) {
        json_decref(value);
        return;
    }
    while (gh_str_cut(&rest, '.', &head)) {
        json_t *inner = json_object_getn(object, head.ptr, head.len);
        if (!inner && json_object_setn_new(object, head.ptr, head.len, inner = json_object()) != 0)
            inner = NULL;
        object = inner;
    }
    if (gh_str_ends(rest, GH_STR("[]"))) {
        rest.len -= 2;
        value = json_pack("[o]", value);
    }
    if (json_object_setn_new(object, rest.ptr, rest.len, value) != 0)
        return; /* out of memory: jansson gave the value back to nobody */
}

static json_t *find(const json_t *object, const char *api) {
    struct gh_str rest = gh_str_from(api), head;
    if (strncmp(api, "header:", 7) == 0 || strchr(api, '['))
        return NULL;
    while (gh_str_cut(&rest, '.', &head))
        object = json_object_getn(object, head.ptr, head.len);
    return json_object_getn(object, rest.ptr, rest.len);
}

static json_t *encode_members(const struct gh_property *properties, size_t count, const json_t *value) {
    json_t *object = json_object(), *member;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        const struct gh_property *p = gh_schema_property(properties, count, gh_str_from(key));
        if (p && !json_is_null(member))
            place(object, p->api, encode_typed(p->type, p->name, member));
    }
    return object;
}

static json_t *encode_list(const char *item, const char *name, json_t *value) {
    if (is_single(item))
        return json_array_size(value) ? encode_typed(item, name, json_array_get(value, 0)) : json_object();
    json_t *list = json_array(), *element;
    size_t i;
    json_array_foreach(value, i, element) json_array_append_new(list, encode_typed(item, name, element));
    return list;
}

static json_t *encode_typed(const char *type, const char *name, json_t *value) {
    char item[128];
    if (gh_value_is_secret(value)) {
        json_t *content = json_object_get(value, "value");
        return content ? gh_value_secret(encode_typed(type, name, content)) : json_incref(value); /* sealed */
    }
    if (gh_value_is_unknown(value))
        return json_incref(value);
    if (list_of(type, item) && json_is_array(value))
        return encode_list(item, name, value);
    if (type[0] == '@' && json_is_object(value)) {
        const struct gh_object_type *object = gh_schema_object(type + 1);
        return object ? encode_members(object->properties, object->property_count, value)
                      : json_incref(value);
    }
    if (json_is_string(value) && is_json_text(name)) {
        json_t *parsed = json_loadb(json_string_value(value), json_string_length(value),
                                    JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
        return parsed ? parsed : json_incref(value);
    }
    return json_incref(value);
}

json_t *gh_mapping_encode(const struct gh_resource_type *type, const json_t *inputs) {
    return encode_members(type->inputs, type->input_count, inputs);
}

json_t *gh_mapping_encode_value(const struct gh_property *property, json_t *value) {
    return encode_typed(property->type, property->name, value);
}

/* What lookups show of one object is a list of one, under a plural name: "brandings",
 * "authorization_policies". */
static json_t *find_singular(const struct gh_property *p, const json_t *object) {
    static const struct { const char *plural, *singular; } ends[] = { { "s", "" }, { "ies", "y" } };
    size_t len = strlen(p->api);
    json_t *found = NULL;
    if (!strstr(p->type, "[]") || p->type[0] != '@')
        return NULL;
    for (size_t i = 0; i < GH_COUNT(ends) && !json_is_object(found); i++) {
        size_t cut = strlen(ends[i].plural);
        if (len <= cut || strcmp(p->api + len - cut, ends[i].plural) != 0)
            continue;
        json_t *name = json_sprintf("%.*s%s", (int)(len - cut), p->api, ends[i].singular);
        found = json_object_get(object, json_string_value(name));
        json_decref(name);
    }
    return json_is_object(found) ? found : NULL;
}

static void decode_members(const struct gh_property *properties, size_t count, const json_t *value,
                           json_t *ret) {
    for (size_t i = 0; i < count; i++) {
        json_t *member = find(value, properties[i].api);
        member = member ? member : find_singular(&properties[i], value);
        if (!member || json_is_null(member))
            continue;
        json_t *decoded = decode_typed(properties[i].type, properties[i].name, member);
        if (gh_mapping_is_secret(&properties[i]))
            decoded = gh_value_secret(decoded);
        json_object_set_new(ret, properties[i].name, decoded);
    }
}

static json_t *decode_typed(const char *type, const char *name, json_t *value) {
    char item[128];
    if (gh_value_is_secret(value) || gh_value_is_unknown(value))
        return json_incref(value);
    if (list_of(type, item)) {
        if (item[0] == '@' && json_is_object(value))
            return json_pack("[o]", decode_typed(item, name, value));
        json_t *list = json_array(), *element;
        size_t i;
        json_array_foreach(value, i, element) json_array_append_new(list, decode_typed(item, name, element));
        return list;
    }
    if (type[0] == '@' && json_is_object(value)) {
        const struct gh_object_type *object = gh_schema_object(type + 1);
        json_t *ret = json_object();
        if (object)
            decode_members(object->properties, object->property_count, value, ret);
        return ret;
    }
    if (is_json_text(name)) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
        json_t *ret = json_string(text);
        free(text);
        return ret;
    }
    return json_incref(value);
}

json_t *gh_mapping_decode(const struct gh_resource_type *type, const json_t *object) {
    json_t *ret = json_object();
    decode_members(type->inputs, type->input_count, object, ret);
    decode_members(type->outputs, type->output_count, object, ret);
    return ret;
}

json_t *gh_mapping_decode_value(const struct gh_property *property, json_t *value) {
    return decode_typed(property->type, property->name, value);
}

json_t *gh_mapping_decode_element(const struct gh_property *property, json_t *value) {
    char item[128];
    return list_of(property->type, item) ? decode_typed(item, property->name, value) : json_incref(value);
}
