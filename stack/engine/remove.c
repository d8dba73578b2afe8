/* Deletions and releases: what is in the ledger and no longer declared, or everything at destroy. */
#include <stdlib.h>
#include <string.h>

#include "stack/engine/internal.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"

static const char *text(const json_t *object, const char *member) {
    const char *value = json_string_value(json_object_get(object, member));
    return value ? value : "";
}

static bool is_adopted(const json_t *entry) {
    return json_is_true(json_object_get(entry, "adopted"));
}

static enum gh_err refuse_protected(struct gh_engine *e, const struct gh_step *s) {
    gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, s->position,
                "%s %s is protected and cannot be deleted", gh_schema_short_name(s->type), s->name);
    gh_diagnose_detail(e->options.diagnostics,
                       "set protect: false and run `gatehouse up`, or destroy with --ignore-protect");
    return GH_ERR_CONFLICT;
}

static void add_key(json_t *set, const char *type, const char *id) {
    gh_auto(gh_buf_release) struct gh_buf key = gh_buf_make(65536);
    gh_buf_addf(&key, "%s\n%s", type, id);
    if (!key.failed)
        json_object_set_new(set, key.ptr, json_true());
}

/* What is deleted, under its id and, an API, under its identifier. New. */
static json_t *that_go(const struct gh_engine *e) {
    json_t *set = json_object();
    for (size_t i = 0; i < e->count; i++) {
        const json_t *entry = e->steps[i]->entry;
        if (e->steps[i]->op != GH_OP_DELETE)
            continue;
        add_key(set, text(entry, "type"), text(entry, "id"));
        add_key(set, text(entry, "type"), text(json_object_get(entry, "inputs"), "identifier"));
    }
    return set;
}

/* The object whose end is also the end of this one. */
static bool parent_goes(const json_t *going, const struct gh_step *s) {
    const struct gh_parent *p = &s->provider->dies_with;
    gh_auto(gh_buf_release) struct gh_buf key = gh_buf_make(65536);
    const char *named = p->property ? text(s->inputs, p->property) : "";
    gh_buf_addf(&key, "%s\n%s", p->property ? p->token : "", named);
    return *named && !key.failed && json_object_get(going, key.ptr);
}

static bool is_released(const json_t *entry) {
    return is_adopted(entry) || json_is_true(json_object_get(entry, "retainOnDelete"));
}

static enum gh_err plan_one(struct gh_engine *e, json_t *entry) {
    struct gh_step *s = gh_step_new(e, text(entry, "name"), text(entry, "type"), (struct gh_position){ 0 });
    if (!s)
        return GH_ERR_NOMEM;
    if (!s->provider) {
        gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, s->position,
                    "the ledger names %s of type %s, which this version cannot delete", text(entry, "name"),
                    text(entry, "type"));
        gh_step_free(s);
        return GH_ERR_UNSUPPORTED;
    }
    s->entry = json_incref(entry);
    s->inputs = json_incref(json_object_get(entry, "inputs"));
    s->id = strdup(text(entry, "id"));
    s->protect = json_is_true(json_object_get(entry, "protect"));
    s->op = is_released(entry) ? GH_OP_RELEASE : GH_OP_DELETE;
    if (json_is_true(json_object_get(entry, "retainOnDelete")))
        s->note = "retained";
    if (json_object_get(entry, "replaced"))
        s->note = "was replaced";
    enum gh_err err =
        s->protect && !e->options.ignore_protect && s->op == GH_OP_DELETE ? refuse_protected(e, s) : GH_OK;
    err = err ? err : gh_target_check_removal(e, s);
    if (!err && s->op == GH_OP_DELETE)
        err = gh_people_guard(e, s);
    gh_engine_add_step(e, s);
    return err;
}

static bool is_wanted(const struct gh_engine *e, const json_t *entry) {
    return !json_object_get(entry, "replaced") &&
           gh_engine_find_step(e, text(entry, "type"), text(entry, "name")) != NULL;
}

static bool goes(struct gh_engine *e, const json_t *entry, bool all) {
    return (all || !is_wanted(e, entry)) && gh_target_takes_entry(e, entry);
}

static void expect_users(struct gh_engine *e, bool all) {
    json_t *resources = gh_ledger_resources(e->ledger), *users = json_object();
    for (size_t i = json_array_size(resources); i-- > 0;) {
        const json_t *entry = json_array_get(resources, i);
        if (gh_people_is_user(text(entry, "type")) && goes(e, entry, all) && !is_released(entry))
            json_object_set_new(users, text(entry, "id"), json_true());
    }
    gh_people_expect(e, users);
    json_decref(users);
}

/* Later things first: the ledger is in the order of their making. */
enum gh_err gh_plan_removals(struct gh_engine *e, bool all) {
    json_t *resources = gh_ledger_resources(e->ledger);
    enum gh_err err = GH_OK;
    size_t registered = e->count;
    for (size_t i = 0; i < json_array_size(resources); i++) /* dependents of dependents come later */
        gh_target_takes_entry(e, json_array_get(resources, i));
    expect_users(e, all);
    for (size_t i = json_array_size(resources); i-- > 0;) {
        json_t *entry = json_array_get(resources, i);
        enum gh_err one = goes(e, entry, all) ? plan_one(e, entry) : GH_OK;
        err = err ? err : one;
    }
    json_t *going = that_go(e);
    for (size_t i = registered; i < e->count; i++) {
        struct gh_step *s = e->steps[i];
        s->dies_with_parent = s->op == GH_OP_DELETE && parent_goes(going, s);
    }
    json_decref(going);
    for (size_t i = 0; i < e->count; i++)
        gh_engine_tell(e, e->steps[i], i < registered ? GH_EVENT_COUNT : GH_EVENT_PLANNED);
    return err;
}

static enum gh_err delete_it(struct gh_engine *e, struct gh_step *s) {
    struct gh_api_reply reply = { 0 };
    const struct gh_provider *p = s->provider;
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    json_t *body = NULL;
    if (!p->object) { /* a link that only its collection can take away */
        json_t *child = json_object();
        json_object_set(child, p->child, json_object_get(s->inputs, p->child));
        body = gh_mapping_encode(s->type, child);
        json_decref(child);
    }
    enum gh_err err = gh_provider_expand(p->object ? p->object : p->list, s->id, s->inputs, true, &path);
    err = err ? err : gh_api_call(e->options.api, "DELETE", path.ptr, body, &reply);
    json_decref(body);
    if (err == GH_ERR_NOT_FOUND) /* somebody was faster, or its parent took it along */
        err = GH_OK;
    if (err)
        err = gh_complain(e, s, "delete", err, &reply);
    else
        gh_live_note_gone(e->live, p, s->id, s->inputs);
    gh_api_reply_release(&reply);
    return err;
}

/* The fields that we changed go back to what they were; of an object that is gone there is nothing to give
 * back. */
static enum gh_err give_back_fields(struct gh_engine *e, struct gh_step *s) {
    struct gh_api_reply reply = { 0 };
    json_t *found = json_object_get(s->entry, "found");
    if (!found || !s->provider->object)
        return GH_OK;
    enum gh_err err = gh_live_get(e->live, s->provider, s->id, s->inputs, GH_AGE_NOW, &s->live, &reply);
    if (err)
        return gh_complain(e, s, "read", err, &reply);
    if (!s->live)
        return GH_OK;
    json_t *ours = gh_inputs_without(s, s->inputs, NULL);
    struct gh_diff diff = {
        .provider = s->provider, .wanted = found, .live = s->live, .before = gh_mapping_encode(s->type, ours)
    };
    json_t *changes = gh_diff(&diff);
    err = gh_write_object(e, s, &diff, changes);
    json_decref(changes);
    json_decref(diff.before);
    json_decref(ours);
    return err;
}

static json_t *minus(const struct gh_provider *p, const json_t *a, const json_t *b) {
    json_t *ret = json_array(), *x;
    size_t i;
    json_array_foreach(a, i, x) {
        if (!gh_find_element(p, b, x))
            json_array_append(ret, x);
    }
    return ret;
}

/* Elements with fields that were there before us, are there still, and are another way now. */
static void add_changed(const struct gh_provider *p, const json_t *found, const json_t *ours,
                        const json_t *live, json_t *ret) {
    json_t *x;
    size_t i;
    json_array_foreach(p->each ? found : NULL, i, x) {
        json_t *now = gh_find_element(p, live, x);
        if (now && gh_find_element(p, ours, x) && !gh_diff_satisfies(x, now))
            json_array_append(ret, x);
    }
}

/* Elements that we added go; those that we removed come back where that is still possible. What others did
 * since stays. */
static enum gh_err give_back_elements(struct gh_engine *e, struct gh_step *s) {
    struct gh_api_reply reply = { 0 };
    enum gh_err err = gh_live_elements(e->live, s->provider, s->inputs, GH_AGE_NOW, &s->live, &reply);
    if (err == GH_ERR_NOT_FOUND) {
        gh_api_reply_release(&reply);
        return GH_OK;
    }
    if (err)
        return gh_complain(e, s, "read", err, &reply);
    const struct gh_property *p =
        gh_schema_property(s->type->inputs, s->type->input_count, gh_str_from(s->provider->set));
    json_t *declared = json_object_get(s->inputs, s->provider->set);
    json_t *encoded = declared ? gh_mapping_encode_value(p, declared) : json_array();
    json_t *ours = gh_live_canonical(s->provider, encoded);
    json_t *found = json_object_get(json_object_get(s->entry, "found"), s->provider->set);
    const struct gh_provider *row = s->provider;
    json_t *added = minus(row, ours, found), *taken = minus(row, found, ours),
           *missing = minus(row, taken, s->live);
    json_t *gone = minus(row, added, s->live), *remove = minus(row, added, gone);
    add_changed(row, found, ours, s->live, missing);
    err = gh_write_elements(e, s, missing, remove, true);
    json_t *owned[] = { encoded, ours, added, taken, missing, gone, remove };
    for (size_t i = 0; i < GH_COUNT(owned); i++)
        json_decref(owned[i]);
    return err;
}

enum gh_err gh_remove(struct gh_engine *e, struct gh_step *s) {
    enum gh_err err = GH_OK;
    bool retained = json_is_true(json_object_get(s->entry, "retainOnDelete"));
    if (s->dies_with_parent || retained)
        err = GH_OK;
    else if (s->provider->kind == GH_KIND_SET)
        err = give_back_elements(e, s);
    else if (s->provider->kind == GH_KIND_ELEMENT)
        err = s->op == GH_OP_RELEASE ? GH_OK : gh_element_remove(e, s);
    else if (s->provider->kind == GH_KIND_FACET || s->op == GH_OP_RELEASE)
        err = give_back_fields(e, s);
    else if (!(err = gh_people_guard(e, s)) && !(err = delete_it(e, s)))
        json_array_append(e->removed, s->entry);
    if (!err)
        err = gh_ledger_drop(e->ledger, s->type->token, s->name, s->id);
    s->done = !err;
    s->failed = err != GH_OK;
    return err;
}

/* What this run replaced goes at its end, when everything that named it names the new one. */
enum gh_err gh_remove_replaced(struct gh_engine *e) {
    json_t *resources = json_copy(gh_ledger_resources(e->ledger));
    enum gh_err err = GH_OK;
    for (size_t i = json_array_size(resources); i-- > 0;) {
        json_t *entry = json_array_get(resources, i);
        if (!json_object_get(entry, "replaced"))
            continue;
        struct gh_step *s =
            gh_step_new(e, text(entry, "name"), text(entry, "type"), (struct gh_position){ 0 });
        if (!s || !s->provider) {
            gh_step_free(s);
            continue;
        }
        s->op = is_adopted(entry) ? GH_OP_RELEASE : GH_OP_DELETE;
        s->entry = json_incref(entry);
        s->inputs = json_incref(json_object_get(entry, "inputs"));
        s->id = strdup(text(entry, "id"));
        s->note = "was replaced";
        gh_engine_tell(e, s, GH_EVENT_STARTED);
        enum gh_err one = gh_remove(e, s);
        gh_engine_tell(e, s, one ? GH_EVENT_FAILED : GH_EVENT_DONE);
        err = err ? err : one;
        gh_step_free(s);
    }
    json_decref(resources);
    return err;
}
