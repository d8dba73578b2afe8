/* Does what was decided: journal, call, journal. */
#include <stdlib.h>
#include <string.h>

#include "stack/engine/internal.h"

/* Before an update: is it still what the step was decided on? Only the fields that are ours count. */
static enum gh_err check_unmoved(struct gh_engine *e, struct gh_step *s, struct gh_diff *diff) {
    struct gh_api_reply reply = { 0 };
    json_t *now = NULL;
    enum gh_err err = gh_live_get(e->live, s->provider, s->id, s->inputs, GH_AGE_NOW, &now, &reply);
    if (err)
        return gh_complain(e, s, "read", err, &reply);
    json_t *was = gh_diff_found(s->provider, diff->wanted, s->live),
           *is = gh_diff_found(s->provider, diff->wanted, now);
    if (!now || !json_equal(was, is)) {
        gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, s->position,
                    "%s %s was changed since the preview", gh_schema_short_name(s->type), s->name);
        gh_diagnose_detail(e->options.diagnostics,
                           "nothing was done to it; run the command again to see what is new");
        err = GH_ERR_CONFLICT;
    } else {
        json_decref(s->live); /* what others changed beside our fields goes back with the PATCH */
        s->live = json_incref(now);
        diff->live = s->live;
    }
    json_decref(was);
    json_decref(is);
    json_decref(now);
    return err;
}

/* What was there before us, for fields that we did not own so far; those of earlier runs stay as recorded. */
static json_t *found_before_us(const struct gh_step *s, const struct gh_diff *diff) {
    json_t *earlier = json_object_get(s->entry, "found");
    if (s->op == GH_OP_UPDATE && !earlier)
        return NULL;
    json_t *found = gh_diff_found(s->provider, diff->wanted, s->live);
    if (earlier)
        json_object_update_recursive(found, earlier);
    return found;
}

/* The entry as it was, and what else was found: of a field that an adopted object is given from now on. */
static enum gh_err put_found(struct gh_engine *e, struct gh_step *s, json_t *found) {
    if (json_equal(found, json_object_get(s->entry, "found")))
        return GH_OK;
    json_t *entry = json_deep_copy(s->entry);
    json_object_set(entry, "found", found);
    enum gh_err err = gh_entry_complain(e, s, gh_ledger_put(e->ledger, entry));
    json_decref(s->entry);
    s->entry = entry;
    return err;
}

static enum gh_err update_object(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s) {
    struct gh_diff diff;
    enum gh_err err = GH_OK;
    if (!s->live)
        return gh_complain(e, s, "find the object of", GH_ERR_NOT_FOUND, NULL);
    gh_step_diff(e, s, r->ignore_changes, &diff);
    if (json_array_size(s->changes) && s->provider->object)
        err = check_unmoved(e, s, &diff);
    bool keeps = s->provider->kind == GH_KIND_FACET || (s->op == GH_OP_ADOPT && !r->import_id);
    json_t *found = !err && (keeps || json_object_get(s->entry, "found")) ? found_before_us(s, &diff) : NULL;
    /* Before the call: what it overwrites is known from nowhere else afterwards. An update of what is ours is
     * written down after it, so that a field that is no longer declared is reset by the next run if this one
     * is cut off. */
    if (!err && (s->op == GH_OP_ADOPT || (found && s->op == GH_OP_CREATE)))
        err = gh_entry_put(e, r, s, found);
    else if (!err && found && s->op == GH_OP_UPDATE)
        err = put_found(e, s, found);
    err = err ? err : gh_write_object(e, s, &diff, s->changes);
    err = err ? err : gh_entry_put(e, r, s, found);
    json_decref(found);
    json_decref(diff.wanted);
    json_decref(diff.before);
    return err;
}

static json_t *elements(const json_t *changes, const char *kind) {
    json_t *list = json_array(), *change;
    size_t i;
    json_array_foreach(changes, i, change) {
        json_t *element = json_object_get(change, kind);
        if (element)
            json_array_append(list, element);
    }
    return list;
}

/* Elements that somebody added since the preview are not removed unseen. */
static enum gh_err check_set_unmoved(struct gh_engine *e, struct gh_step *s) {
    struct gh_api_reply reply = { 0 };
    json_t *now = NULL;
    enum gh_err err = gh_live_elements(e->live, s->provider, s->inputs, GH_AGE_NOW, &now, &reply);
    if (err)
        return gh_complain(e, s, "read", err, &reply);
    if (!gh_diff_satisfies(s->live, now)) {
        gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, s->position,
                    "%s %s was changed since the preview", gh_schema_short_name(s->type), s->name);
        gh_diagnose_detail(e->options.diagnostics,
                           "nothing was done to it; run the command again to see what is new");
        err = GH_ERR_CONFLICT;
    }
    json_decref(now);
    return err;
}

static enum gh_err write_set(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s) {
    if (!s->live)
        return gh_complain(e, s, "find the parent of", GH_ERR_NOT_FOUND, NULL);
    json_t *add = elements(s->changes, "add"), *remove = elements(s->changes, "remove");
    /* Elements that are only added take nothing from anybody; ten thousand new members are not asked about.
     */
    bool careful = json_array_size(remove) || (json_array_size(add) && s->op != GH_OP_CREATE);
    enum gh_err err = careful ? check_set_unmoved(e, s) : GH_OK;
    json_t *earlier = json_object_get(s->entry, "found");
    bool first = s->op == GH_OP_CREATE || s->op == GH_OP_REPLACE || s->op == GH_OP_ADOPT;
    json_t *found = first ? json_pack("{s:O}", s->provider->set, s->live) : json_incref(earlier);
    if (!err && first)
        err = gh_entry_put(e, r, s, found);
    err = err ? err : gh_write_elements(e, s, add, remove, false);
    err = err ? err : gh_entry_put(e, r, s, found);
    json_decref(found);
    json_decref(add);
    json_decref(remove);
    return err;
}

/* Adding is idempotent; whether it was us who added is what the intent is for. */
static enum gh_err create_element(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s) {
    json_t *intent = json_pack("{s:s, s:s, s:[]}", "name", s->name, "type", s->type->token, "known");
    enum gh_err err = intent ? gh_entry_complain(e, s, gh_ledger_intent(e->ledger, intent)) : GH_ERR_NOMEM;
    json_decref(intent);
    err = err ? err : gh_element_add(e, s);
    bool refused = err && err != GH_ERR_IO && err != GH_ERR_TIMEOUT;
    if (refused && gh_ledger_forget(e->ledger, s->type->token, s->name) != GH_OK)
        err = GH_ERR_IO;
    return err ? err : gh_entry_put(e, r, s, NULL);
}

/* One that was there, or whose own field changes. */
static enum gh_err take_element(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s) {
    enum gh_err err = s->op == GH_OP_ADOPT ? gh_entry_put(e, r, s, NULL) : GH_OK;
    if (!err && json_array_size(s->changes))
        err = gh_element_add(e, s);
    return err ? err : gh_entry_put(e, r, s, NULL);
}

static enum gh_err create(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s) {
    switch (s->provider->kind) {
    case GH_KIND_FACET:
        return update_object(e, r, s);
    case GH_KIND_SET:
        return write_set(e, r, s);
    case GH_KIND_ELEMENT:
        return create_element(e, r, s);
    case GH_KIND_OBJECT:
    case GH_KIND_LINK:
        return gh_create_object(e, r, s);
    }
    return GH_ERR_UNSUPPORTED;
}

/* The old one is marked first: whatever happens then, the next run knows that it has to go. */
static enum gh_err replace(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s) {
    json_t *old = json_deep_copy(s->entry);
    json_object_set_new(old, "replaced", json_true());
    enum gh_err err = gh_entry_complain(e, s, gh_ledger_put(e->ledger, old));
    struct gh_step *gone =
        err || !s->delete_first ? NULL : gh_step_new(e, s->name, s->type->token, s->position);
    if (gone) {
        gone->op = GH_OP_DELETE;
        gone->entry = json_incref(old);
        gone->inputs = json_incref(json_object_get(old, "inputs"));
        gone->id = strdup(json_string_value(json_object_get(old, "id")));
        gone->note = "was replaced";
        err = gh_remove(e, gone);
        gh_engine_tell(e, gone, err ? GH_EVENT_FAILED : GH_EVENT_DONE);
        gh_step_free(gone);
    }
    if (err == GH_ERR_CONFLICT) { /* it stays, and so it is not replaced */
        json_object_del(old, "replaced");
        err = gh_ledger_put(e->ledger, old) ? GH_ERR_IO : err;
    }
    json_decref(old);
    json_decref(s->entry);
    s->entry = NULL;
    free(s->id);
    s->id = NULL;
    json_decref(s->live);
    s->live = NULL;
    if (err)
        return err;
    /* From here on it is a creation like any other: what is there already is decided again. */
    struct gh_step *fresh = NULL;
    err = gh_step_decide(e, r, &fresh);
    if (err)
        return err;
    err = gh_apply(e, r, fresh);
    s->id = fresh->id ? strdup(fresh->id) : NULL;
    s->live = json_incref(fresh->live);
    s->entry = json_incref(fresh->entry);
    gh_step_free(fresh);
    return err;
}

enum gh_err gh_apply(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s) {
    enum gh_err err = GH_OK;
    switch (s->op) {
    case GH_OP_SAME:
        err = gh_entry_put(e, r, s, json_object_get(s->entry, "found"));
        break;
    case GH_OP_CREATE:
        err = create(e, r, s);
        break;
    case GH_OP_UPDATE:
    case GH_OP_ADOPT:
        err = s->provider->kind == GH_KIND_SET       ? write_set(e, r, s)
              : s->provider->kind == GH_KIND_ELEMENT ? take_element(e, r, s)
                                                     : update_object(e, r, s);
        break;
    case GH_OP_REPLACE:
        err = replace(e, r, s);
        break;
    case GH_OP_DELETE:
    case GH_OP_RELEASE:
    case GH_OP_COUNT:
        err = GH_ERR_UNSUPPORTED;
        break;
    }
    s->done = !err;
    s->failed = err != GH_OK;
    return err;
}
