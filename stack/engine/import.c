/* Objects of the tenant that become the stack's own without a program: what it must say of them is told. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/engine/declare.h"
#include "stack/engine/internal.h"
#include "stack/engine/reference.h"
#include "stack/engine/seal.h"
#include "stack/value.h"

static const char *text(const json_t *object, const char *member) {
    const char *value = json_string_value(json_object_get(object, member));
    return value ? value : "";
}

__attribute__((format(printf, 3, 4))) static enum gh_err refuse(struct gh_engine *e, enum gh_err err,
                                                                const char *fmt, ...) {
    char said[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(said, sizeof said, fmt, args);
    va_end(args);
    gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, (struct gh_position){ 0 }, "%s", said);
    return err;
}

/* Two resources must not own one object, nor have one name. */
static enum gh_err check_unowned(struct gh_engine *e, const struct gh_step *s, const char *id) {
    size_t i;
    json_t *entry;
    json_array_foreach(gh_ledger_resources(e->ledger), i, entry) {
        bool same = strcmp(text(entry, "type"), s->type->token) == 0 && strcmp(text(entry, "id"), id) == 0;
        if (same)
            return refuse(e, GH_ERR_CONFLICT, "%s %s is in this stack already: %s",
                          gh_schema_short_name(s->type), id, text(entry, "name"));
        if (strcmp(text(entry, "name"), s->name) == 0 && !json_object_get(entry, "replaced"))
            return refuse(e, GH_ERR_CONFLICT, "there is a resource named '%s' already", s->name);
    }
    for (size_t k = 0; k < e->count; k++)
        if (strcmp(e->steps[k]->name, s->name) == 0)
            return refuse(e, GH_ERR_CONFLICT, "there is a resource named '%s' already", s->name);
    return GH_OK;
}

static enum gh_err read_it(struct gh_engine *e, struct gh_step *s, const char *id, json_t *parents) {
    const struct gh_provider *p = s->provider;
    struct gh_api_reply reply = { 0 };
    bool composite = strchr(p->id, '{') != NULL;
    if (composite && !gh_declare_parents(p, id, parents))
        return refuse(e, GH_ERR_MALFORMED, "'%s' is no id of a resource of type %s: it looks like %s", id,
                      gh_schema_short_name(s->type), p->id);
    enum gh_err err =
        p->kind == GH_KIND_SET
            ? gh_live_elements(e->live, p, parents, GH_AGE_ANY, &s->live, &reply)
            : gh_live_get(e->live, p, composite ? NULL : id, parents, GH_AGE_NOW, &s->live, &reply);
    if (err && err != GH_ERR_NOT_FOUND)
        err = gh_complain(e, s, "import", err, &reply);
    else if (!s->live)
        err = refuse(e, GH_ERR_NOT_FOUND, "there is no %s with the id %s to import",
                     gh_schema_short_name(s->type), id);
    gh_api_reply_release(&reply);
    return err;
}

enum gh_err gh_engine_plan_import(struct gh_engine *e, const char *type, const char *name, const char *id,
                                  bool protect) {
    const struct gh_resource_type *known = gh_schema_resource(gh_str_from(type));
    if (!known)
        return refuse(e, GH_ERR_UNSUPPORTED, "there is no resource type '%s'", type);
    if (!*name || !*id || strpbrk(name, ".[]{}\n\r") || strstr(name, "::"))
        return refuse(e, GH_ERR_MALFORMED, "'%s' is no name for a resource, or the id is empty", name);
    struct gh_step *s = gh_step_new(e, name, known->token, (struct gh_position){ 0 });
    if (!s)
        return GH_ERR_NOMEM;
    json_t *parents = json_object();
    enum gh_err err = s->provider
                          ? check_unowned(e, s, id)
                          : refuse(e, GH_ERR_UNSUPPORTED, "resources of type %s cannot be applied yet",
                                   gh_schema_short_name(known));
    err = err ? err : read_it(e, s, id, parents);
    if (err) {
        json_decref(parents);
        gh_step_free(s);
        return err;
    }
    s->op = GH_OP_ADOPT;
    s->note = "imported";
    s->id = strdup(id);
    s->protect = protect;
    s->inputs = gh_declare(s->provider, s->live, parents);
    s->changes = json_array();
    json_decref(parents);
    gh_engine_add_step(e, s);
    gh_engine_tell(e, s, GH_EVENT_PLANNED);
    return GH_OK;
}

/* The ledger's objects have names; those that are imported, too. */
static void note_names(const struct gh_engine *e, struct gh_references *known) {
    size_t i;
    json_t *entry;
    json_array_foreach(gh_ledger_resources(e->ledger), i, entry) {
        const struct gh_provider *p = gh_provider_find(text(entry, "type"));
        if (p && p->kind == GH_KIND_OBJECT && !json_object_get(entry, "replaced"))
            gh_references_note(known, p, text(entry, "name"), text(entry, "id"),
                               json_object_get(entry, "inputs"));
    }
    for (size_t k = 0; k < e->count; k++)
        if (e->steps[k]->provider->kind == GH_KIND_OBJECT)
            gh_references_note(known, e->steps[k]->provider, e->steps[k]->name, e->steps[k]->id,
                               e->steps[k]->inputs);
}

static enum gh_err put(struct gh_engine *e, struct gh_step *s, json_t *depends_on) {
    json_t *inputs = gh_inputs_complete(e, s, s->inputs), *sealed = NULL;
    enum gh_err err =
        gh_ledger_seal(inputs, NULL, gh_value_has_secret(inputs) ? gh_engine_crypter(e) : NULL, &sealed);
    json_t *entry = err ? NULL
                        : json_pack("{s:s, s:s, s:s, s:O, s:O}", "name", s->name, "type", s->type->token,
                                    "id", s->id, "inputs", sealed, "dependsOn", depends_on);
    if (entry)
        json_object_set_new(entry, "imported", json_true());
    if (entry && s->protect)
        json_object_set_new(entry, "protect", json_true());
    err = err ? err : entry ? gh_ledger_put(e->ledger, entry) : GH_ERR_NOMEM;
    json_decref(entry);
    json_decref(sealed);
    json_decref(inputs);
    s->done = !err;
    return err;
}

enum gh_err gh_engine_import(struct gh_engine *e, json_t **program) {
    struct gh_references known;
    json_t *resources = json_object(), *ret = json_object();
    enum gh_err err = gh_references_init(&known) && resources && ret ? GH_OK : GH_ERR_NOMEM;
    if (!err)
        note_names(e, &known);
    for (size_t i = 0; i < e->count && !err; i++) {
        struct gh_step *s = e->steps[i];
        json_t *used = json_array();
        json_t *resource = gh_references_resource(&known, s->provider, s->name, s->inputs, NULL, used);
        json_t *options = json_object_get(resource, "options");
        if (s->protect)
            json_object_set_new(options, "protect", json_true());
        if (json_object_size(options) == 0)
            json_object_del(resource, "options");
        json_object_set_new(resources, s->name, resource);
        err = put(e, s, used);
        json_decref(used);
    }
    if (json_object_size(known.config))
        json_object_set(ret, "config", known.config);
    if (json_object_size(known.variables))
        json_object_set(ret, "variables", known.variables);
    json_object_set_new(ret, "resources", resources);
    gh_references_release(&known);
    const struct gh_engine_options *o = &e->options;
    gh_ledger_set(e->ledger, "project", json_string(o->project));
    gh_ledger_set(e->ledger, "stack", json_string(o->stack));
    gh_ledger_set(e->ledger, "domain", json_string(o->domain));
    enum gh_err saved = gh_ledger_save(e->ledger, NULL);
    *program = ret;
    return err ? err : saved;
}
