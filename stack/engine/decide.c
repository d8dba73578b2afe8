/* One registration against ledger and tenant: which step is it? The same code decides in the preview and in
 * `up`. */
#include <stdlib.h>
#include <string.h>

#include "stack/engine/internal.h"
#include "stack/engine/mapping.h"
#include "stack/engine/seal.h"
#include "stack/engine/unserved.h"
#include "stack/value.h"

struct gh_step *gh_step_new(struct gh_engine *e, const char *name, const char *token, struct gh_position at) {
    struct gh_step *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->name = gh_arena_cstr(e->arena, gh_str_from(name));
    s->type = gh_schema_resource(gh_str_from(token));
    s->provider = s->type ? gh_provider_find(s->type->token) : NULL;
    s->position = at;
    if (at.file)
        s->position.file = gh_arena_cstr(e->arena, gh_str_from(at.file));
    return s;
}

void gh_step_free(struct gh_step *s) {
    if (!s)
        return;
    json_decref(s->inputs);
    json_decref(s->changes);
    json_decref(s->entry);
    json_decref(s->live);
    json_decref(s->outputs);
    json_decref(s->parents);
    free(s->id);
    free(s);
}

struct gh_crypter *gh_engine_crypter(struct gh_engine *e) {
    if (!e->crypter_asked && e->options.config)
        e->crypter = gh_config_crypter(e->options.config, e->options.diagnostics);
    e->crypter_asked = true;
    return e->crypter;
}

static bool same_secret(void *context, const json_t *sealed, json_t *plain) {
    return gh_ledger_seal_matches(sealed, plain, gh_engine_crypter(context));
}

static const json_t *old_inputs(const struct gh_step *s) {
    return json_object_get(s->entry, "inputs");
}

void gh_step_diff(struct gh_engine *e, const struct gh_step *s, const char *const *ignore,
                  struct gh_diff *diff) {
    json_t *wanted = gh_inputs_without(s, s->inputs, ignore);
    json_t *before = s->entry ? gh_inputs_without(s, old_inputs(s), ignore) : NULL;
    *diff = (struct gh_diff){
        .provider = s->provider,
        .wanted = gh_mapping_encode(s->type, wanted),
        .before = before ? gh_mapping_encode(s->type, before) : NULL,
        .live = s->live,
        .same_secret = same_secret,
        .context = e,
    };
    json_decref(wanted);
    json_decref(before);
}

bool gh_step_set_id(struct gh_step *s, const char *id) {
    free(s->id);
    s->id = id ? strdup(id) : NULL;
    return !id || s->id;
}

/* Links, sets and facets are called after their parents. */
static void set_composite_id(struct gh_step *s) {
    gh_auto(gh_buf_release) struct gh_buf id = gh_buf_make(4096);
    bool alone = s->provider->kind == GH_KIND_FACET; /* perhaps the only one there is */
    if ((alone || strchr(s->provider->id, '{')) &&
        gh_provider_expand(s->provider->id, NULL, s->inputs, false, &id) == GH_OK)
        gh_step_set_id(s, id.ptr);
}

static bool differs(const json_t *before, json_t *now) {
    if (!before && !now)
        return false;
    return gh_value_has_unknown(now) || !json_equal(before, now);
}

/* The same of inputs that may hold secrets: sealed in the ledger, plain now. */
static bool has_changed(struct gh_engine *e, json_t *before, json_t *now) {
    if (gh_value_is_secret(before) && gh_value_is_secret(now) && gh_value_reveal(now))
        return !same_secret(e, before, gh_value_reveal(now));
    if (!json_is_object(before) || !json_is_object(now) || gh_value_is_secret(before) ||
        gh_value_is_secret(now))
        return differs(before, now);
    const char *key;
    json_t *value;
    json_object_foreach(now, key, value) {
        if (has_changed(e, json_object_get(before, key), value))
            return true;
    }
    return json_object_size(before) != json_object_size(now);
}

/* replaceOnChanges: "*", a property, or a path into one. A path into a list counts as the whole list. */
static bool asks_for_replacement(struct gh_engine *e, const struct gh_step *s, const char *path) {
    json_t *before = json_object_get(s->entry, "inputs");
    if (strcmp(path, "*") == 0)
        return has_changed(e, before, s->inputs);
    gh_auto(gh_buf_release) struct gh_buf plain = gh_buf_make(4096);
    gh_buf_add(&plain, (struct gh_str){ path, strcspn(path, "[") });
    return !plain.failed && plain.len &&
           has_changed(e, gh_path_get(before, plain.ptr), gh_path_get(s->inputs, plain.ptr));
}

/* ignoreChanges: what the program now says of these counts as what it said before. */
static void keep_ignored(struct gh_step *s, const char *const *ignore) {
    for (; ignore && *ignore && s->entry; ignore++)
        gh_path_set(s->inputs, *ignore, gh_path_get((json_t *)(uintptr_t)old_inputs(s), *ignore));
}

static bool must_replace(struct gh_engine *e, const struct gh_step *s, const struct gh_registration *r) {
    for (const char *const *path = r->replace_on_changes; path && *path; path++)
        if (asks_for_replacement(e, s, *path))
            return true;
    for (size_t i = 0; i < s->type->input_count; i++) {
        const struct gh_property *p = &s->type->inputs[i];
        json_t *before = json_object_get(old_inputs(s), p->name), *now = json_object_get(s->inputs, p->name);
        bool fixed = p->replace_on_changes || gh_provider_lists(s->provider->create_only, 4, p->name);
        if (fixed && (before || now) && differs(before, now))
            return true;
    }
    return false;
}

/* With the same natural key the old one has to go before the new one can come. */
static bool key_stays(const struct gh_step *s) {
    for (size_t i = 0; i < GH_COUNT(s->provider->keys) && s->provider->keys[i]; i++)
        if (differs(json_object_get(old_inputs(s), s->provider->keys[i]),
                    json_object_get(s->inputs, s->provider->keys[i])))
            return false;
    return s->provider->keys[0] && !s->provider->key_repeats;
}

static void compare(struct gh_engine *e, struct gh_step *s, const char *const *ignore);

/* What only an index says is enough to see that all is as declared, not to change anything. */
static bool looks_different(struct gh_engine *e, const struct gh_step *s, const char *const *ignore) {
    struct gh_step trial = *s;
    if (!s->live || !gh_live_is_hearsay(e->live, s->provider, s->id, s->inputs))
        return false;
    trial.changes = NULL;
    compare(e, &trial, ignore);
    bool ret = json_array_size(trial.changes) > 0;
    json_decref(trial.changes);
    return ret;
}

static enum gh_err find_owned(struct gh_engine *e, struct gh_step *s, const char *const *ignore) {
    struct gh_api_reply reply = { 0 };
    enum gh_err err = gh_live_get(e->live, s->provider, s->id, old_inputs(s), GH_AGE_ANY, &s->live, &reply);
    if (!err && looks_different(e, s, ignore)) {
        json_decref(s->live);
        err = gh_live_get(e->live, s->provider, s->id, old_inputs(s), GH_AGE_NOW, &s->live, &reply);
    }
    return err ? gh_complain(e, s, "read", err, &reply) : GH_OK;
}

static void compare(struct gh_engine *e, struct gh_step *s, const char *const *ignore) {
    struct gh_diff diff;
    size_t i;
    json_t *change;
    gh_step_diff(e, s, ignore, &diff);
    s->changes = gh_diff(&diff);
    json_decref(diff.wanted);
    json_decref(diff.before);
    json_array_foreach(s->changes, i, change) s->drift |= json_object_get(change, "drift") != NULL;
}

static enum gh_err decide_object(struct gh_engine *e, struct gh_step *s, const struct gh_registration *r) {
    bool ours = false;
    enum gh_err err = s->entry ? find_owned(e, s, r->ignore_changes) : GH_OK;
    if (!err && !s->live && !s->entry && r->import_id)
        err = gh_adopt_import(e, s, r->import_id);
    bool gone = s->entry && !s->live;
    if (!err && gone) {
        s->note = "was deleted outside the stack";
        s->drift = true;
        gh_step_set_id(s, NULL);
        set_composite_id(s);
    }
    if (!err && !s->live)
        err = gh_adopt_find(e, s, &ours);
    if (err)
        return err;
    if (!s->live) {
        s->op = GH_OP_CREATE;
        return GH_OK;
    }
    compare(e, s, r->ignore_changes);
    bool owned = (s->entry && !gone) || ours;
    if (ours)
        s->note = "was made by a run that was cut off";
    if (owned) {
        s->op = json_array_size(s->changes) ? GH_OP_UPDATE : GH_OP_SAME;
        return GH_OK;
    }
    return gh_adopt(e, s, r->import_id && !s->entry);
}

/* The object is another resource's; a part of its fields is ours. */
static enum gh_err decide_facet(struct gh_engine *e, struct gh_step *s, const struct gh_registration *r) {
    struct gh_api_reply reply = { 0 };
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    if (gh_provider_expand(s->provider->object, NULL, s->inputs, true, &path) == GH_OK) {
        enum gh_err err = gh_live_get(e->live, s->provider, NULL, s->inputs, GH_AGE_ANY, &s->live, &reply);
        if (err)
            return gh_complain(e, s, "read", err, &reply);
    }
    if (s->live)
        compare(e, s, r->ignore_changes);
    s->op = !s->entry || !s->live ? GH_OP_CREATE : json_array_size(s->changes) ? GH_OP_UPDATE : GH_OP_SAME;
    return gh_adopt_named(e, s, r);
}

static enum gh_err check_served(struct gh_engine *e, const struct gh_step *s,
                                const struct gh_registration *r) {
    struct gh_diagnostics *d = e->options.diagnostics;
    if (!s->provider) {
        const char *needs = gh_unserved_operation(r->type);
        gh_diagnose(d, GH_SEVERITY_ERROR, r->position, "resources of type %s cannot be applied", r->type);
        gh_diagnose_detail(d,
                           "they need %s, which Gatehouse's tenant does not serve; gatehouse check --types "
                           "lists what can be",
                           needs ? needs : "an operation");
        return GH_ERR_UNSUPPORTED;
    }
    for (size_t i = 0; i < GH_COUNT(s->provider->unserved) && s->provider->unserved[i]; i++)
        if (json_object_get(r->inputs, s->provider->unserved[i])) {
            gh_diagnose(d, GH_SEVERITY_ERROR, r->position, "property %s of %s cannot be applied yet",
                        s->provider->unserved[i], gh_schema_short_name(s->type));
            return GH_ERR_UNSUPPORTED;
        }
    return GH_OK;
}

/* An adopted one is given back when it need not make room for its successor. */
static bool is_released(const struct gh_step *s) {
    return json_is_true(json_object_get(s->entry, "adopted")) && !s->delete_first;
}

static enum gh_err decide_replace(struct gh_engine *e, struct gh_step *s, const struct gh_registration *r) {
    if (s->protect || json_is_true(json_object_get(s->entry, "protect"))) {
        gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, s->position,
                    "%s %s would have to be replaced, but it is protected", gh_schema_short_name(s->type),
                    s->name);
        gh_diagnose_detail(e->options.diagnostics, "take back the change, or set protect: false first");
        return GH_ERR_CONFLICT;
    }
    s->op = GH_OP_REPLACE;
    s->delete_first = r->delete_before_replace || key_stays(s);
    enum gh_err err = is_released(s) ? GH_OK : gh_people_guard(e, s);
    if (err)
        return err;
    if (s->provider->kind == GH_KIND_SET)
        gh_set_compare(s);
    return GH_OK;
}

enum gh_err gh_take_former_name(struct gh_engine *e, const struct gh_registration *r) {
    struct gh_ledger *l = e->ledger;
    if (gh_ledger_find(l, r->type, r->name) || gh_ledger_pending(l, r->type, r->name))
        return GH_OK;
    for (const char *const *alias = r->aliases; alias && *alias; alias++)
        if (gh_ledger_find(l, r->type, *alias) || gh_ledger_pending(l, r->type, *alias))
            return gh_ledger_rename(l, r->type, *alias, r->name);
    return GH_OK;
}

enum gh_err gh_step_decide(struct gh_engine *e, const struct gh_registration *r, struct gh_step **ret) {
    struct gh_step *s = gh_step_new(e, r->name, r->type, r->position);
    if (!s)
        return GH_ERR_NOMEM;
    s->protect = r->protect;
    s->parents = json_copy((json_t *)(uintptr_t)r->parents);
    enum gh_err err = check_served(e, s, r);
    err = err ? err : gh_take_former_name(e, r);
    if (!err) {
        s->entry = json_incref(gh_ledger_find(e->ledger, s->type->token, s->name));
        s->inputs = gh_inputs_complete(e, s, r->inputs);
        keep_ignored(s, r->ignore_changes);
        set_composite_id(s);
        if (s->entry)
            gh_step_set_id(s, json_string_value(json_object_get(s->entry, "id")));
        if (s->entry && must_replace(e, s, r))
            err = decide_replace(e, s, r);
        else if (s->provider->kind == GH_KIND_FACET)
            err = decide_facet(e, s, r);
        else if (s->provider->kind == GH_KIND_SET)
            err = gh_set_decide(e, s, r);
        else if (s->provider->kind == GH_KIND_ELEMENT)
            err = gh_element_decide(e, s, r);
        else
            err = decide_object(e, s, r);
        err = err ? err : gh_outputs_add_shown(e, s);
    }
    if (!err && (s->op == GH_OP_CREATE || s->op == GH_OP_REPLACE)) {
        json_decref(s->inputs); /* what is made anew takes everything from the program, ignored changes too */
        s->inputs = gh_inputs_complete(e, s, r->inputs);
    }
    if (err) {
        gh_step_free(s);
        return err;
    }
    *ret = s;
    return GH_OK;
}
