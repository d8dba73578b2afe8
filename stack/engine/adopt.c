/* What exists already and is none of the stack's: found by natural key, or named by the option import; and
 * what must hold before it is taken over. */
#include <string.h>

#include "stack/engine/internal.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"

static bool contains_text(const json_t *list, const char *text) {
    size_t i;
    json_t *element;
    json_array_foreach(list, i, element) {
        if (text && json_is_string(element) && strcmp(json_string_value(element), text) == 0)
            return true;
    }
    return false;
}

/* Objects of this type that some resource of the stack owns are not there to be found. */
static bool is_owned(const struct gh_engine *e, const struct gh_step *s, const char *id) {
    size_t i;
    json_t *entry;
    json_array_foreach(id ? gh_ledger_resources(e->ledger) : NULL, i, entry) {
        const char *type = json_string_value(json_object_get(entry, "type"));
        const char *other = json_string_value(json_object_get(entry, "id"));
        if (type && other && strcmp(type, s->type->token) == 0 && id && strcmp(other, id) == 0 &&
            entry != s->entry)
            return true;
    }
    return false;
}

static const char *object_id(const struct gh_step *s, const json_t *object) {
    return s->provider->kind == GH_KIND_OBJECT ? json_string_value(json_object_get(object, s->provider->id))
                                               : NULL;
}

static enum gh_err several(struct gh_engine *e, const struct gh_step *s, size_t n) {
    gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, s->position,
                "there are %zu objects in %s that %s %s could mean", n, e->options.domain,
                gh_schema_short_name(s->type), s->name);
    gh_diagnose_detail(e->options.diagnostics,
                       "say which one with the option import: ID, or delete the others");
    return GH_ERR_CONFLICT;
}

json_t *gh_shared_name(const struct gh_step *s) {
    json_t *name = gh_value_reveal(json_object_get(s->inputs, s->provider->keys[0]));
    return s->provider->key_repeats && json_is_string(name) ? name : NULL;
}

/* Of several that share a name one may be on its way, or have been when a run was cut off. What is there and
 * was not before is that of the last that began without it. */
static bool is_anothers(struct gh_engine *e, const struct gh_step *s, const char *id) {
    json_t *intent, *name = gh_shared_name(s), *owner = NULL;
    size_t i;
    json_array_foreach(name ? gh_ledger_intents(e->ledger) : NULL, i, intent) {
        const char *type = json_string_value(json_object_get(intent, "type"));
        if (type && strcmp(type, s->type->token) == 0 && json_equal(json_object_get(intent, "key"), name) &&
            !contains_text(json_object_get(intent, "known"), id))
            owner = intent;
    }
    const char *who = json_string_value(json_object_get(owner, "name"));
    return who && strcmp(who, s->name) != 0;
}

/* Finds by natural key what we do not own yet: someone's (adopted), or that of a run that was cut off (ours).
 */
enum gh_err gh_adopt_find(struct gh_engine *e, struct gh_step *s, bool *ours) {
    struct gh_api_reply reply = { 0 };
    json_t *found = NULL, *object, *pending = gh_ledger_pending(e->ledger, s->type->token, s->name);
    size_t i;
    enum gh_err err = gh_live_by_key(e->live, s->provider, s->inputs,
                                     e->applying && pending ? GH_AGE_PASS : GH_AGE_ANY, &found, &reply);
    if (err) {
        json_decref(found);
        return gh_complain(e, s, "look up", err, &reply);
    }
    json_t *mine = json_array();
    json_array_foreach(found, i, object) {
        const char *id = object_id(s, object);
        if (!is_owned(e, s, id) && !is_anothers(e, s, id) &&
            !(pending && contains_text(json_object_get(pending, "known"), id)))
            json_array_append(mine, object);
    }
    json_decref(found);
    size_t n = json_array_size(mine);
    if (n > 1)
        err = several(e, s, n);
    else if (n == 1) {
        s->live = json_incref(json_array_get(mine, 0));
        const char *id = object_id(s, s->live);
        if (id)
            gh_step_set_id(s, id);
        *ours = pending != NULL;
    }
    json_decref(mine);
    return err;
}

/* The import option: this object becomes ours, wholly. */
enum gh_err gh_adopt_import(struct gh_engine *e, struct gh_step *s, const char *id) {
    struct gh_api_reply reply = { 0 };
    enum gh_err err = gh_live_get(e->live, s->provider, id, s->inputs, GH_AGE_ANY, &s->live, &reply);
    if (err)
        return gh_complain(e, s, "import", err, &reply);
    if (!s->live) {
        gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, s->position,
                    "there is no %s with the id %s to import", gh_schema_short_name(s->type), id);
        return GH_ERR_NOT_FOUND;
    }
    s->op = GH_OP_ADOPT;
    s->note = "imported";
    return gh_step_set_id(s, id) ? GH_OK : GH_ERR_NOMEM;
}

/* A set or facet that the option import names is taken over: it is no other by being declared. */
enum gh_err gh_adopt_named(struct gh_engine *e, struct gh_step *s, const struct gh_registration *r) {
    if (!r->import_id || s->entry || !s->live)
        return GH_OK;
    if (!s->id || strcmp(s->id, r->import_id) != 0) {
        gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, s->position,
                    "%s %s is declared for %s, but the option import names %s", gh_schema_short_name(s->type),
                    s->name, s->id ? s->id : "what is not there yet", r->import_id);
        return GH_ERR_CONFLICT;
    }
    s->op = GH_OP_ADOPT;
    s->note = "imported";
    return GH_OK;
}

static enum gh_err refuse_adoption(struct gh_engine *e, const struct gh_step *s) {
    gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, s->position, "%s %s exists already in %s",
                gh_schema_short_name(s->type), s->name, e->options.domain);
    gh_diagnose_detail(e->options.diagnostics,
                       "--adopt takes it over: only what the program declares is changed, and "
                       "destroy gives it back as it was");
    return GH_ERR_CONFLICT;
}

/* What cannot be changed must be as declared, or the object is another one. */
static enum gh_err check_adopted(struct gh_engine *e, const struct gh_step *s) {
    json_t *wanted = gh_mapping_encode(s->type, s->inputs);
    enum gh_err err = GH_OK;
    for (size_t i = 0; i < s->type->input_count && !err; i++) {
        const struct gh_property *p = &s->type->inputs[i];
        json_t *there = json_object_get(s->live, p->api), *want = json_object_get(wanted, p->api);
        if (!p->replace_on_changes || !there || !want || gh_diff_satisfies(want, there))
            continue;
        if (json_is_string(there) && json_is_string(want) &&
            gh_str_eq_nocase(gh_str_from(json_string_value(there)), gh_str_from(json_string_value(want))))
            continue;
        gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, s->position,
                    "%s %s exists already in %s, with another %s", gh_schema_short_name(s->type), s->name,
                    e->options.domain, p->name);
        gh_diagnose_detail(e->options.diagnostics,
                           "%s cannot be changed: take another name, or declare what is there", p->name);
        err = GH_ERR_CONFLICT;
    }
    json_decref(wanted);
    return err;
}

enum gh_err gh_adopt(struct gh_engine *e, struct gh_step *s, bool imported) {
    s->op = GH_OP_ADOPT;
    if (!imported && !e->options.adopt && !gh_api_is_loopback(e->options.domain))
        return refuse_adoption(e, s);
    return check_adopted(e, s);
}
