/* What the ledger says of a resource once it was applied. */
#include "stack/engine/internal.h"
#include "stack/engine/seal.h"
#include "stack/value.h"

enum gh_err gh_entry_complain(struct gh_engine *e, const struct gh_step *s, enum gh_err err) {
    if (err) {
        gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, s->position,
                    "the ledger could not be written for %s %s: it %s", gh_schema_short_name(s->type),
                    s->name, gh_err_text(err));
        gh_diagnose_detail(e->options.diagnostics,
                           "nothing was sent to the tenant without being written down first");
    }
    return err;
}

static json_t *dependencies(const struct gh_registration *r) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->depends_on_count; i++)
        json_array_append_new(list, json_string(r->depends_on[i]));
    return list;
}

enum gh_err gh_entry_of(struct gh_engine *e, const struct gh_registration *r, const struct gh_step *s,
                        json_t *found, json_t **ret) {
    json_t *former = json_object_get(s->entry, "inputs"), *sealed = NULL;
    bool secrets = gh_value_has_secret(s->inputs);
    enum gh_err err = gh_ledger_seal(s->inputs, former, secrets ? gh_engine_crypter(e) : NULL, &sealed);
    if (err)
        return gh_entry_complain(e, s, err);
    json_t *entry = json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", s->name, "type", s->type->token, "id",
                              s->id, "inputs", sealed, "dependsOn", dependencies(r));
    if (!entry)
        return gh_entry_complain(e, s, GH_ERR_NOMEM);
    if (r->protect)
        json_object_set_new(entry, "protect", json_true());
    if (r->retain_on_delete)
        json_object_set_new(entry, "retainOnDelete", json_true());
    if (found)
        json_object_set(entry, "found", found);
    if (json_object_get(s->entry, "origin"))
        json_object_set(entry, "origin", json_object_get(s->entry, "origin"));
    if (s->op == GH_OP_ADOPT ? !r->import_id : json_is_true(json_object_get(s->entry, "adopted")))
        json_object_set_new(entry, "adopted", json_true());
    bool imported = s->op == GH_OP_ADOPT ? r->import_id != NULL
                                         : s->op != GH_OP_CREATE && json_object_get(s->entry, "imported");
    if (imported)
        json_object_set_new(entry, "imported", json_true());
    *ret = entry;
    return GH_OK;
}

enum gh_err gh_entry_put(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s,
                         json_t *found) {
    json_t *entry = NULL;
    enum gh_err err = gh_entry_of(e, r, s, found, &entry);
    /* An unchanged entry needs no line: a second `up` writes nothing. */
    if (!err && !json_equal(entry, s->entry))
        err = gh_entry_complain(e, s, gh_ledger_put(e->ledger, entry));
    if (!err) {
        json_decref(s->entry);
        s->entry = json_incref(entry);
    }
    json_decref(entry);
    return err;
}
