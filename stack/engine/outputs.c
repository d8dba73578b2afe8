#include <string.h>

#include "stack/engine/internal.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"

/* Not made yet: what is declared is known, the rest of the schema is not. */
void gh_outputs_add_unknowns(const struct gh_resource_type *type, json_t *outputs) {
    for (size_t i = 0; i < type->input_count + type->output_count; i++) {
        const struct gh_property *p =
            i < type->input_count ? &type->inputs[i] : &type->outputs[i - type->input_count];
        if (!json_object_get(outputs, p->name))
            json_object_set_new(outputs, p->name, gh_value_unknown());
    }
}

enum gh_err gh_outputs_add_shown(struct gh_engine *e, struct gh_step *s) {
    struct gh_api_reply reply = { 0 };
    const struct gh_parent *shows = &s->provider->shows;
    const struct gh_provider *p = shows->token ? gh_provider_find(shows->token) : NULL;
    const char *id =
        p ? json_string_value(gh_value_reveal(json_object_get(s->inputs, shows->property))) : NULL;
    json_t *object = NULL;
    if (!id || strcmp(id, GH_UNKNOWN) == 0)
        return GH_OK;
    enum gh_err err = gh_live_get(e->live, p, id, NULL, GH_AGE_ANY, &object, &reply);
    if (err)
        return gh_complain(e, s, "read what belongs to", err, &reply);
    struct gh_resource_type outputs = { .inputs = s->type->outputs, .input_count = s->type->output_count };
    json_decref(s->outputs);
    s->outputs = object ? gh_mapping_decode(&outputs, object) : NULL;
    json_decref(object);
    return GH_OK;
}

static json_t *read_back(const struct gh_step *s) {
    if (s->provider->kind == GH_KIND_SET || !s->live)
        return json_object();
    json_t *outputs = gh_mapping_decode(s->type, s->live);
    for (size_t i = 0; i < GH_COUNT(s->provider->unserved) && s->provider->unserved[i]; i++)
        json_object_del(outputs, s->provider->unserved[i]);
    return outputs;
}

/* A secret that ignoreChanges took from the ledger is sealed: the program may see its own value of it. */
static void unseal(json_t *outputs, json_t *inputs) {
    const char *key;
    json_t *value;
    json_object_foreach(inputs, key, value) {
        json_t *sealed = json_object_get(outputs, key);
        if (gh_value_is_secret(sealed) && !gh_value_reveal(sealed))
            json_object_set(outputs, key, value);
    }
}

json_t *gh_outputs_of(const struct gh_step *s, const struct gh_registration *r) {
    bool made = s->live && (s->done || s->op != GH_OP_REPLACE);
    json_t *outputs = made ? read_back(s) : json_object();
    json_object_update(outputs, s->outputs);
    json_object_update(outputs, s->inputs);
    unseal(outputs, r->inputs);
    if (!made && !s->done)
        gh_outputs_add_unknowns(s->type, outputs);
    json_object_set_new(outputs, "id", s->id && (made || s->done) ? json_string(s->id) : gh_value_unknown());
    for (const char *const *name = r->additional_secret_outputs; name && *name; name++) {
        json_t *value = json_object_get(outputs, *name);
        if (value && !gh_value_is_secret(value))
            json_object_set_new(outputs, *name, gh_value_secret(json_incref(value)));
    }
    return outputs;
}
