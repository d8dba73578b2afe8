#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "stack/engine/internal.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"

/* "logical-1a2b3c4": as Pulumi names things that have no name, but the same in every run of this stack, so
 * that a run that was cut off finds what it made; and the same after a change of the logical name. */
static json_t *auto_name(const struct gh_engine *e, const struct gh_step *s) {
    char text[2048];
    unsigned char hash[EVP_MAX_MD_SIZE];
    const char *origin = json_string_value(json_object_get(s->entry, "origin"));
    const char *name = origin ? origin : s->name;
    int len = snprintf(text, sizeof text, "%s\n%s\n%s\n%s", e->options.project, e->options.stack,
                       s->type->token, name);
    if (len < 0 || (size_t)len >= sizeof text ||
        EVP_Digest(text, (size_t)len, hash, NULL, EVP_sha256(), NULL) != 1)
        return json_string(name);
    return json_sprintf("%s-%02x%02x%02x%x", name, hash[0], hash[1], hash[2], hash[3] >> 4);
}

json_t *gh_inputs_complete(struct gh_engine *e, const struct gh_step *s, const json_t *inputs) {
    json_t *ret = json_object();
    for (size_t i = 0; i < s->type->input_count; i++) {
        const struct gh_property *p = &s->type->inputs[i];
        json_t *value = json_object_get(inputs, p->name);
        if (value && !json_is_null(value))
            value = json_incref(value);
        else if (p->default_value)
            value = json_loads(p->default_value, JSON_DECODE_ANY, NULL);
        else if (s->provider->autonamed && strcmp(p->name, "name") == 0)
            value = auto_name(e, s);
        else
            continue;
        if (gh_mapping_is_secret(p) && !gh_value_is_secret(value))
            value = gh_value_secret(value);
        json_object_set_new(ret, p->name, value);
    }
    return ret;
}

json_t *gh_path_get(json_t *object, const char *path) {
    struct gh_str rest = gh_str_from(path), head;
    while (gh_str_cut(&rest, '.', &head))
        object = json_object_getn(object, head.ptr, head.len);
    return json_object_getn(object, rest.ptr, rest.len);
}

void gh_path_set(json_t *object, const char *path, json_t *value) {
    struct gh_str rest = gh_str_from(path), head;
    while (gh_str_cut(&rest, '.', &head))
        object = json_object_getn(object, head.ptr, head.len);
    if (value)
        json_object_setn(object, rest.ptr, rest.len, value);
    else if (json_object_getn(object, rest.ptr, rest.len)) {
        json_t *key = json_stringn(rest.ptr, rest.len);
        json_object_del(object, json_string_value(key));
        json_decref(key);
    }
}

/* The fields that a PATCH may speak of and a comparison must. */
json_t *gh_inputs_without(const struct gh_step *s, const json_t *inputs, const char *const *ignore) {
    const struct gh_provider *p = s->provider;
    json_t *ret = json_deep_copy(inputs);
    for (size_t i = 0; i < s->type->input_count; i++) {
        const struct gh_property *property = &s->type->inputs[i];
        if (property->replace_on_changes ||
            gh_provider_lists(p->create_only, GH_COUNT(p->create_only), property->name) ||
            (p->object && gh_provider_in_path(p->object, property->name)))
            json_object_del(ret, property->name);
    }
    for (; ignore && *ignore; ignore++)
        gh_path_set(ret, *ignore, NULL);
    return ret;
}
