/* Elements of sets in the one form in which they are compared. */
#include <string.h>

#include "stack/engine/live.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"

/* An element with fields of its own: those that the program can declare. */
static json_t *whole_element(const struct gh_provider *p, json_t *item) {
    const struct gh_resource_type *type = gh_schema_resource(gh_str_from(p->token));
    const struct gh_property *set = gh_schema_property(type->inputs, type->input_count, gh_str_from(p->set));
    json_t *decoded = gh_mapping_decode_element(set, item), *list = json_pack("[O]", decoded);
    json_t *encoded = gh_mapping_encode_value(set, list), *ret = json_incref(json_array_get(encoded, 0));
    json_decref(decoded);
    json_decref(list);
    json_decref(encoded);
    return ret;
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
        if (p->each) {
            json_array_append_new(ret, whole_element(p, item));
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

static const char *input(const json_t *inputs, const char *name) {
    return json_string_value(gh_value_reveal(json_object_get(inputs, name)));
}

json_t *gh_live_element(const struct gh_provider *p, const json_t *inputs) {
    const char *one = input(inputs, p->part[0]), *two = p->part[1] ? input(inputs, p->part[1]) : NULL;
    if (!one || strcmp(one, GH_UNKNOWN) == 0 || (p->part[1] && (!two || strcmp(two, GH_UNKNOWN) == 0)))
        return NULL;
    return two ? json_pack("{s:s, s:s}", p->elements[0], one, p->elements[1], two) : json_string(one);
}
