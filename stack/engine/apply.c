/* Does what was decided: journal, call, journal. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/engine/internal.h"
#include "stack/engine/mapping.h"
#include "stack/engine/seal.h"
#include "stack/value.h"

static enum gh_err ledger_trouble(struct gh_engine *e, const struct gh_step *s, enum gh_err err) {
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
        return ledger_trouble(e, s, err);
    json_t *entry = json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", s->name, "type", s->type->token, "id",
                              s->id, "inputs", sealed, "dependsOn", dependencies(r));
    if (!entry)
        return ledger_trouble(e, s, GH_ERR_NOMEM);
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

static enum gh_err put(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s,
                       json_t *found) {
    json_t *entry = NULL;
    enum gh_err err = gh_entry_of(e, r, s, found, &entry);
    /* An unchanged entry needs no line: a second `up` writes nothing. */
    if (!err && !json_equal(entry, s->entry))
        err = ledger_trouble(e, s, gh_ledger_put(e->ledger, entry));
    if (!err) {
        json_decref(s->entry);
        s->entry = json_incref(entry);
    }
    json_decref(entry);
    return err;
}

static json_t *known_ids(struct gh_engine *e, const struct gh_step *s) {
    struct gh_api_reply reply = { 0 };
    json_t *same_key = NULL, *ids = json_array(), *object;
    size_t i;
    if (s->provider->kind != GH_KIND_OBJECT)
        return ids;
    if (gh_live_by_key(e->live, s->provider, s->inputs, GH_AGE_ANY, &same_key, &reply) != GH_OK)
        gh_api_reply_release(&reply);
    json_array_foreach(same_key, i, object) {
        json_t *id = json_object_get(object, s->provider->id);
        if (id)
            json_array_append(ids, id);
    }
    json_decref(same_key);
    return ids;
}

/* The body of the POST: what is declared, but for what stands in the path. */
static json_t *create_body(const struct gh_step *s) {
    json_t *inputs = gh_value_plain(s->inputs);
    for (size_t i = 0; i < s->type->input_count; i++)
        if (gh_provider_in_path(s->provider->list, s->type->inputs[i].name))
            json_object_del(inputs, s->type->inputs[i].name);
    json_t *body = gh_mapping_encode(s->type, inputs);
    json_decref(inputs);
    return body;
}

static enum gh_err take_created(struct gh_engine *e, struct gh_step *s, json_t *object) {
    if (s->provider->kind == GH_KIND_OBJECT) {
        const char *id = json_string_value(json_object_get(object, s->provider->id));
        free(s->id);
        s->id = id ? strdup(id) : NULL;
    }
    if (!s->id)
        return GH_ERR_MALFORMED;
    json_decref(s->live);
    s->live = json_is_object(object) ? json_incref(object) : NULL;
    if (s->live)
        gh_live_note(e->live, s->provider, s->inputs, s->live);
    else if (s->provider->kind == GH_KIND_LINK)
        gh_live_note_new(e->live, s->provider, s->inputs);
    return GH_OK;
}

/* The answer was lost, or it was a 5xx: did it happen? Ask by natural key before sending again. */
static enum gh_err find_created(struct gh_engine *e, struct gh_step *s, const json_t *known, bool *found) {
    struct gh_api_reply reply = { 0 };
    json_t *same_key = NULL, *object, *id;
    size_t i, k;
    enum gh_err err = gh_live_by_key(e->live, s->provider, s->inputs, GH_AGE_NOW, &same_key, &reply);
    if (err)
        err = gh_complain(e, s, "find out what became of", err, &reply);
    json_array_foreach(same_key, i, object) {
        bool new = true;
        json_array_foreach(known, k, id) new =
            new && !json_equal(id, json_object_get(object, s->provider->id));
        if (!err && new && !*found) {
            *found = true;
            err = take_created(e, s, object);
        }
    }
    json_decref(same_key);
    return err;
}

static enum gh_err post(struct gh_engine *e, struct gh_step *s, json_t *body, const json_t *known) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    enum gh_err err = gh_provider_expand(s->provider->list, NULL, s->inputs, true, &path);
    for (int tries = 0; !err; tries++) {
        struct gh_api_reply reply = { 0 };
        bool found = false;
        bool joins = s->provider->kind == GH_KIND_LINK && s->provider->batch;
        err = joins ? gh_post_together(e, s, path.ptr, body, &reply)
                    : gh_api_call(e->options.api, "POST", path.ptr, body, &reply);
        if (reply.uncertain) {
            enum gh_err asked = find_created(e, s, known, &found);
            if (asked ||
                (!found && tries >= 2)) /* what came of it stays open: the intent stays in the journal */
                err = asked ? asked : gh_complain(e, s, "create", err, &reply);
            else
                err = GH_OK;
            gh_api_reply_release(&reply);
            if (err || found)
                return err;
            continue;
        }
        if (err) {
            bool refused = reply.status >= 400;
            err = gh_complain(e, s, "create", err, &reply);
            if (refused && gh_ledger_forget(e->ledger, s->type->token, s->name) != GH_OK)
                err = GH_ERR_IO;
        } else {
            err = take_created(e, s, reply.body);
            if (err)
                err = gh_complain(e, s, "read the answer about", err, NULL);
        }
        gh_api_reply_release(&reply);
        return err;
    }
    return err;
}

/* Of objects that may share a name one is made after the other: what a lost answer made is told by being new.
 */
static char *take_name(struct gh_engine *e, const struct gh_step *s) {
    char *name = NULL;
    const char *text = json_string_value(gh_shared_name(s));
    if (!text || asprintf(&name, "%s %s", s->type->token, text) < 0)
        return NULL;
    while (json_object_get(e->creating, name) && gh_crew_wait(e->crew, &e->created))
        ;
    json_object_set_new(e->creating, name, json_true());
    return name;
}

static void give_name(struct gh_engine *e, char *name) {
    if (name) {
        json_object_del(e->creating, name);
        gh_crew_open(e->crew, &e->created, SIZE_MAX);
    }
    free(name);
}

static enum gh_err make_object(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s) {
    json_t *known = known_ids(e, s), *body = create_body(s);
    json_t *intent = json_pack("{s:s, s:s, s:O}", "name", s->name, "type", s->type->token, "known", known);
    json_t *shared = gh_shared_name(s);
    if (shared)
        json_object_set(intent, "key", shared);
    enum gh_err err = intent ? ledger_trouble(e, s, gh_ledger_intent(e->ledger, intent)) : GH_ERR_NOMEM;
    err = err ? err : post(e, s, body, known);
    err = err ? err : put(e, r, s, NULL);
    json_decref(intent);
    json_decref(body);
    json_decref(known);
    return err;
}

static enum gh_err create_object(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s) {
    char *name = take_name(e, s);
    enum gh_err err = make_object(e, r, s);
    give_name(e, name);
    return err;
}

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
    enum gh_err err = ledger_trouble(e, s, gh_ledger_put(e->ledger, entry));
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
        err = put(e, r, s, found);
    else if (!err && found && s->op == GH_OP_UPDATE)
        err = put_found(e, s, found);
    err = err ? err : gh_write_object(e, s, &diff, s->changes);
    err = err ? err : put(e, r, s, found);
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
        err = put(e, r, s, found);
    err = err ? err : gh_write_elements(e, s, add, remove, false);
    err = err ? err : put(e, r, s, found);
    json_decref(found);
    json_decref(add);
    json_decref(remove);
    return err;
}

/* Adding is idempotent; whether it was us who added is what the intent is for. */
static enum gh_err create_element(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s) {
    json_t *intent = json_pack("{s:s, s:s, s:[]}", "name", s->name, "type", s->type->token, "known");
    enum gh_err err = intent ? ledger_trouble(e, s, gh_ledger_intent(e->ledger, intent)) : GH_ERR_NOMEM;
    json_decref(intent);
    err = err ? err : gh_element_add(e, s);
    bool refused = err && err != GH_ERR_IO && err != GH_ERR_TIMEOUT;
    if (refused && gh_ledger_forget(e->ledger, s->type->token, s->name) != GH_OK)
        err = GH_ERR_IO;
    return err ? err : put(e, r, s, NULL);
}

/* One that was there, or whose own field changes. */
static enum gh_err take_element(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s) {
    enum gh_err err = s->op == GH_OP_ADOPT ? put(e, r, s, NULL) : GH_OK;
    if (!err && json_array_size(s->changes))
        err = gh_element_add(e, s);
    return err ? err : put(e, r, s, NULL);
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
        return create_object(e, r, s);
    }
    return GH_ERR_UNSUPPORTED;
}

/* The old one is marked first: whatever happens then, the next run knows that it has to go. */
static enum gh_err replace(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s) {
    json_t *old = json_deep_copy(s->entry);
    json_object_set_new(old, "replaced", json_true());
    enum gh_err err = ledger_trouble(e, s, gh_ledger_put(e->ledger, old));
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
        err = put(e, r, s, json_object_get(s->entry, "found"));
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
