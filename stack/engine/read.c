/* `get`: what a program reads and does not manage. It leaves no step and no entry in the ledger. */
#include <string.h>

#include "stack/engine/declare.h"
#include "stack/engine/internal.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"

static enum gh_err refuse(struct gh_engine *e, const struct gh_registration *r, enum gh_err err,
                          const char *why) {
    const struct gh_resource_type *type = gh_schema_resource(gh_str_from(r->type));
    gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, r->position, "get of %s %s: %s",
                type ? gh_schema_short_name(type) : r->type, r->name, why);
    return err;
}

static const char *reason(struct gh_engine *e, const struct gh_registration *r, const struct gh_provider *p) {
    if (!p)
        return "resources of this type cannot be read yet";
    if (p->kind == GH_KIND_SET || p->kind == GH_KIND_ELEMENT)
        return "a set has no object of its own: look its parent up with a function";
    /* Nobody may lose what the stack made because the program only reads it now. */
    if (gh_ledger_find(e->ledger, r->type, r->name))
        return "this stack manages it; it can be read only after up has let it go: declare it once more with "
               "retainOnDelete, then take it out";
    return NULL;
}

/* In a preview, before that which is asked for exists. */
static json_t *unknown_outputs(const struct gh_resource_type *type, const json_t *state) {
    json_t *outputs = json_copy((json_t *)(uintptr_t)state);
    gh_outputs_add_unknowns(type, outputs);
    json_object_set_new(outputs, "id", gh_value_unknown());
    return outputs;
}

static json_t *known_outputs(const struct gh_provider *p, const struct gh_resource_type *type,
                             const json_t *object, const char *id) {
    json_t *outputs = gh_mapping_decode(type, object);
    for (size_t i = 0; i < GH_COUNT(p->unserved) && p->unserved[i]; i++)
        json_object_del(outputs, p->unserved[i]);
    json_object_set_new(outputs, "id", json_string(id));
    return outputs;
}

enum gh_err gh_read(struct gh_engine *e, const struct gh_registration *r, json_t **outputs) {
    const struct gh_resource_type *type = gh_schema_resource(gh_str_from(r->type));
    const struct gh_provider *p = gh_provider_find(r->type);
    const char *why = reason(e, r, p);
    struct gh_api_reply reply = { 0 };
    if (why)
        return refuse(e, r, GH_ERR_UNSUPPORTED, why);
    if (strcmp(r->get_id, GH_UNKNOWN) == 0) {
        *outputs = unknown_outputs(type, r->inputs);
        return *outputs ? GH_OK : GH_ERR_NOMEM;
    }
    json_t *inputs = json_copy(r->inputs), *object = NULL;
    bool composite = strchr(p->id, '{') != NULL;
    enum gh_err err = GH_OK;
    if (composite && !gh_declare_parents(p, r->get_id, inputs))
        err = refuse(e, r, GH_ERR_MALFORMED, "the id has another form: two ids with '::' between them");
    if (!err &&
        (err = gh_live_get(e->live, p, composite ? NULL : r->get_id, inputs, GH_AGE_ANY, &object, &reply)))
        err = refuse(e, r, err, reply.error[0] ? reply.error : gh_err_text(err));
    else if (!err && !object)
        err = refuse(e, r, GH_ERR_NOT_FOUND, "there is no object with this id in the tenant");
    e->denied |= err == GH_ERR_NO_TOKEN;
    if (!err) {
        *outputs = known_outputs(p, type, object, r->get_id);
        json_object_update_missing(*outputs, inputs); /* what a link's reply leaves out is in its id */
    }
    gh_api_reply_release(&reply);
    json_decref(object);
    json_decref(inputs);
    return err;
}
