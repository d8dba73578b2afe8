/* --target: only the named resources are planned and done, with --target-dependents also what depends on
 * them. The others stay as the ledger has them; what of them was never made is not made now either. */
#include <string.h>

#include "stack/engine/internal.h"
#include "stack/engine/urn.h"
#include "stack/value.h"

static const char *text(const json_t *object, const char *member) {
    const char *value = json_string_value(json_object_get(object, member));
    return value ? value : "";
}

static bool is_named(struct gh_engine *e, const char *type, const char *name) {
    bool named = false;
    for (size_t i = 0; i < e->options.target_count; i++)
        if (gh_urn_means(e->options.targets[i], e->options.stack, e->options.project, type, name)) {
            json_object_set_new(e->targets_met, e->options.targets[i], json_true());
            named = true;
        }
    return named;
}

static bool take(struct gh_engine *e, const char *name) {
    json_object_set_new(e->targeted, name, json_true());
    return true;
}

bool gh_target_takes(struct gh_engine *e, const struct gh_registration *r) {
    if (!e->options.target_count)
        return true;
    if (is_named(e, r->type, r->name))
        return take(e, r->name);
    for (size_t i = 0; i < r->depends_on_count && e->options.target_dependents; i++)
        if (json_object_get(e->targeted, r->depends_on[i]))
            return take(e, r->name);
    return false;
}

bool gh_target_takes_entry(struct gh_engine *e, const json_t *entry) {
    size_t i;
    json_t *name;
    if (!e->options.target_count)
        return true;
    if (is_named(e, text(entry, "type"), text(entry, "name")))
        return take(e, text(entry, "name"));
    json_array_foreach(json_object_get(entry, "dependsOn"), i, name) {
        if (e->options.target_dependents && json_object_get(e->targeted, json_string_value(name)))
            return take(e, text(entry, "name"));
    }
    return false;
}

static bool depends_on(const json_t *entry, const char *name) {
    size_t i;
    json_t *other;
    json_array_foreach(json_object_get(entry, "dependsOn"), i, other) {
        if (strcmp(json_string_value(other) ? json_string_value(other) : "", name) == 0)
            return true;
    }
    return false;
}

enum gh_err gh_target_check_removal(struct gh_engine *e, const struct gh_step *s) {
    size_t i;
    json_t *entry;
    if (!e->options.target_count || json_object_get(s->entry, "replaced"))
        return GH_OK;
    json_array_foreach(gh_ledger_resources(e->ledger), i, entry) {
        if (!depends_on(entry, s->name) || gh_target_takes_entry(e, entry))
            continue;
        gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, s->position,
                    "%s %s cannot be deleted alone: %s depends on it", gh_schema_short_name(s->type), s->name,
                    text(entry, "name"));
        gh_diagnose_detail(e->options.diagnostics, "--target %s too, or --target-dependents",
                           text(entry, "name"));
        return GH_ERR_CONFLICT;
    }
    return GH_OK;
}

enum gh_err gh_target_check_names(struct gh_engine *e) {
    enum gh_err err = GH_OK;
    for (size_t i = 0; i < e->options.target_count; i++)
        if (!json_object_get(e->targets_met, e->options.targets[i])) {
            gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, (struct gh_position){ 0 },
                        "no resource named '%s' found", e->options.targets[i]);
            gh_diagnose_detail(e->options.diagnostics, "--target takes the name in the program, or the URN");
            err = GH_ERR_NOT_FOUND;
        }
    return err;
}

enum gh_err gh_target_check_needs(struct gh_engine *e, const struct gh_registration *r) {
    for (size_t i = 0; i < r->depends_on_count; i++) {
        if (!json_object_get(e->skipped, r->depends_on[i]))
            continue;
        gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, r->position,
                    "%s depends on %s, which does not exist yet and is not named by --target", r->name,
                    r->depends_on[i]);
        gh_diagnose_detail(e->options.diagnostics, "--target %s makes it too", r->depends_on[i]);
        return GH_ERR_NOT_FOUND;
    }
    return GH_OK;
}

static enum gh_err pass_by_new(struct gh_engine *e, const struct gh_registration *r, json_t **outputs) {
    const struct gh_resource_type *type = gh_schema_resource(gh_str_from(r->type));
    json_object_set_new(e->skipped, r->name, json_true());
    *outputs = json_copy(r->inputs);
    if (!*outputs)
        return GH_ERR_NOMEM;
    if (type)
        gh_outputs_add_unknowns(type, *outputs);
    json_object_set_new(*outputs, "id", gh_value_unknown());
    return GH_OK;
}

static enum gh_err read_passed(struct gh_engine *e, struct gh_step *s) {
    struct gh_api_reply reply = { 0 };
    if (!s->provider || s->provider->kind == GH_KIND_SET)
        return GH_OK;
    enum gh_err err = gh_live_get(e->live, s->provider, s->provider->kind == GH_KIND_OBJECT ? s->id : NULL,
                                  s->inputs, GH_AGE_ANY, &s->live, &reply);
    if (err)
        err = gh_complain(e, s, "read", err, &reply);
    gh_api_reply_release(&reply);
    return err;
}

enum gh_err gh_target_pass_by(struct gh_engine *e, const struct gh_registration *r, json_t **outputs) {
    if (gh_take_former_name(e, r) != GH_OK)
        return GH_ERR_NOMEM;
    json_t *entry = gh_ledger_find(e->ledger, r->type, r->name);
    struct gh_step *s = gh_engine_find_step(e, r->type, r->name);
    if (!entry)
        return pass_by_new(e, r, outputs);
    if (!s) {
        s = gh_step_new(e, r->name, r->type, r->position);
        if (!s)
            return GH_ERR_NOMEM;
        s->op = GH_OP_SAME;
        s->done = true;
        s->entry = json_incref(entry);
        s->inputs = json_incref(json_object_get(entry, "inputs"));
        s->changes = json_array();
        s->id = strdup(text(entry, "id"));
        gh_engine_add_step(e, s);
        enum gh_err err = read_passed(e, s);
        if (err)
            return err;
        gh_engine_tell(e, s, GH_EVENT_PLANNED);
    }
    *outputs = gh_outputs_of(s, r);
    return *outputs ? GH_OK : GH_ERR_NOMEM;
}

json_t *gh_target_outputs(const struct gh_engine *e, json_t *outputs) {
    json_t *ret = json_copy(outputs), *value;
    const char *key;
    if (!e->options.target_count)
        return ret;
    json_object_foreach(outputs, key, value) {
        json_t *former = json_object_get(gh_ledger_outputs(e->ledger), key);
        if (!gh_value_has_unknown(value))
            continue;
        if (former)
            json_object_set(ret, key, former);
        else
            json_object_del(ret, key);
    }
    return ret;
}
