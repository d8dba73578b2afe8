/* The ledger takes what is live: of what the stack declared, as it is now. What others put beside it is not
 * taken over, or destroy would remove it as ours. */
#include <string.h>

#include "stack/engine/internal.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"

static const char *text(const json_t *object, const char *member) {
    const char *value = json_string_value(json_object_get(object, member));
    return value ? value : "";
}

/* Sealed ones cannot be compared with what no reply shows. */
static json_t *without_secrets(const json_t *value) {
    if (json_is_array(value)) {
        json_t *list = json_array(), *element;
        size_t i;
        json_array_foreach(value, i, element) json_array_append_new(list, without_secrets(element));
        return list;
    }
    if (!json_is_object(value))
        return json_incref((json_t *)(uintptr_t)value);
    json_t *copy = json_object(), *member;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        if (!gh_value_has_secret(member) || (json_is_object(member) && !gh_value_is_secret(member)))
            json_object_set_new(copy, key, without_secrets(member));
    }
    return copy;
}

/* What a comparison with the tenant can speak of. */
static json_t *comparable(const struct gh_step *s) {
    const struct gh_provider *p = s->provider;
    json_t *open = without_secrets(s->inputs), *ret = gh_inputs_without(s, open, NULL);
    for (size_t i = 0; i < GH_COUNT(p->write_only) && p->write_only[i]; i++)
        json_object_del(ret, p->write_only[i]);
    json_decref(open);
    return ret;
}

/* `declared` as it is now in `live`, both in the program's names; members that are gone go. */
static json_t *taken(json_t *declared, json_t *live) {
    if (gh_value_has_secret(declared) || gh_diff_satisfies(declared, live))
        return json_incref(declared);
    if (!json_is_object(declared) || !json_is_object(live))
        return json_incref(live);
    json_t *ret = json_object(), *member;
    const char *key;
    json_object_foreach(declared, key, member) {
        json_t *now = json_object_get(live, key);
        if (now || gh_value_has_secret(member))
            json_object_set_new(ret, key, taken(member, now));
    }
    return ret;
}

/* "from" is what the ledger says, "to" what is there: the other way round than in an update of the tenant. */
static void turn(json_t *changes) {
    size_t i;
    json_t *change;
    json_array_foreach(changes, i, change) {
        json_t *is = json_incref(json_object_get(change, "from")),
               *was = json_incref(json_object_get(change, "to"));
        json_object_del(change, "to");
        json_object_set_new(change, "from", was);
        if (is)
            json_object_set_new(change, "to", is);
        else
            json_object_set_new(change, "reset", json_true());
    }
}

static bool names(const json_t *changes, const char *api) {
    size_t i, len = strcspn(api, ".");
    json_t *change;
    json_array_foreach(changes, i, change) {
        const char *top = json_string_value(json_array_get(json_object_get(change, "path"), 0));
        if (strlen(top) == len && strncmp(top, api, len) == 0)
            return true;
    }
    return false;
}

static void compare_fields(struct gh_step *s) {
    json_t *known = comparable(s), *live = gh_mapping_decode(s->type, s->live);
    struct gh_diff diff = { .provider = s->provider,
                            .wanted = gh_mapping_encode(s->type, known),
                            .live = s->live };
    s->changes = gh_diff(&diff);
    json_t *inputs = json_copy(s->inputs);
    for (size_t i = 0; i < s->type->input_count; i++) {
        const struct gh_property *p = &s->type->inputs[i];
        json_t *was = json_object_get(known, p->name), *is = json_object_get(live, p->name);
        if (!was || !names(s->changes, p->api))
            continue;
        if (is)
            json_object_set_new(inputs, p->name, taken(json_object_get(inputs, p->name), is));
        else
            json_object_del(inputs, p->name);
    }
    turn(s->changes);
    json_decref(s->inputs);
    s->inputs = inputs;
    json_decref(diff.wanted);
    json_decref(known);
    json_decref(live);
}

/* Elements of ours that are no longer there. */
static void compare_elements(struct gh_step *s) {
    const char *set = s->provider->set;
    const struct gh_property *p = gh_schema_property(s->type->inputs, s->type->input_count, gh_str_from(set));
    json_t *declared = json_object_get(s->inputs, set), *kept = json_array(), *element;
    size_t i;
    s->changes = json_array();
    json_array_foreach(declared, i, element) {
        json_t *list = json_pack("[O]", element), *encoded = gh_mapping_encode_value(p, list);
        json_t *canonical = gh_live_canonical(s->provider, encoded), *one = json_array_get(canonical, 0);
        if (gh_find_element(s->provider, s->live, one))
            json_array_append(kept, element);
        else
            json_array_append_new(s->changes, json_pack("{s:[s], s:O}", "path", set, "remove", one));
        json_decref(canonical);
        json_decref(encoded);
        json_decref(list);
    }
    json_t *inputs = json_copy(s->inputs);
    json_object_set_new(inputs, set, kept);
    json_decref(s->inputs);
    s->inputs = inputs;
}

static enum gh_err read_live(struct gh_engine *e, struct gh_step *s, enum gh_age age) {
    struct gh_api_reply reply = { 0 };
    bool object = s->provider->kind == GH_KIND_OBJECT;
    enum gh_err err =
        s->provider->kind == GH_KIND_SET
            ? gh_live_elements(e->live, s->provider, s->inputs, age, &s->live, &reply)
            : gh_live_get(e->live, s->provider, object ? s->id : NULL, s->inputs, age, &s->live, &reply);
    if (err && err != GH_ERR_NOT_FOUND)
        err = gh_complain(e, s, "read", err, &reply);
    else
        err = GH_OK;
    gh_api_reply_release(&reply);
    return err;
}

static void compare(struct gh_step *s) {
    if (!s->live) {
        s->op = GH_OP_DELETE;
        s->note = "is gone from the tenant";
        return;
    }
    s->provider->kind == GH_KIND_SET ? compare_elements(s) : compare_fields(s);
    s->op = json_array_size(s->changes) ? GH_OP_UPDATE : GH_OP_SAME;
}

/* What an index said may be old: the tenant is asked again before it counts. */
static void forget_comparison(struct gh_step *s) {
    json_decref(s->live);
    json_decref(s->changes);
    json_decref(s->inputs);
    s->live = s->changes = NULL;
    s->inputs = json_incref(json_object_get(s->entry, "inputs"));
    s->note = NULL;
}

static enum gh_err plan_one(struct gh_engine *e, json_t *entry) {
    struct gh_step *s = gh_step_new(e, text(entry, "name"), text(entry, "type"), (struct gh_position){ 0 });
    if (!s)
        return GH_ERR_NOMEM;
    if (!s->provider) { /* of a later version: it stays as it is written */
        gh_step_free(s);
        return GH_OK;
    }
    s->entry = json_incref(entry);
    s->inputs = json_incref(json_object_get(entry, "inputs"));
    s->id = strdup(text(entry, "id"));
    s->protect = json_is_true(json_object_get(entry, "protect"));
    enum gh_err err = s->id ? read_live(e, s, GH_AGE_ANY) : GH_ERR_NOMEM;
    if (!err)
        compare(s);
    if (!err && s->op != GH_OP_SAME && gh_live_is_hearsay(e->live, s->provider, s->id, s->inputs)) {
        forget_comparison(s);
        err = read_live(e, s, GH_AGE_NOW);
        if (!err)
            compare(s);
    }
    if (err) {
        gh_step_free(s);
        return err;
    }
    gh_engine_add_step(e, s);
    gh_engine_tell(e, s, GH_EVENT_PLANNED);
    return GH_OK;
}

static enum gh_err plan_all(struct gh_engine *e) {
    enum gh_err err = GH_OK;
    size_t i;
    json_t *entry;
    json_array_foreach(gh_ledger_resources(e->ledger), i, entry) {
        enum gh_err one = gh_target_takes_entry(e, entry) ? plan_one(e, entry) : GH_OK;
        err = err ? err : one;
    }
    return err;
}

enum gh_err gh_engine_plan_refresh(struct gh_engine *e) {
    enum gh_err err = plan_all(e);
    return err ? err : gh_target_check_names(e);
}

static void take(struct gh_engine *e, struct gh_step *s) {
    if (s->op == GH_OP_DELETE)
        gh_ledger_lose(e->ledger, s->entry);
    else if (s->op == GH_OP_UPDATE)
        json_object_set(s->entry, "inputs", s->inputs); /* the ledger's own object */
    s->done = true;
}

enum gh_err gh_engine_refresh(struct gh_engine *e) {
    for (size_t i = 0; i < e->count; i++) {
        gh_engine_tell(e, e->steps[i], GH_EVENT_STARTED);
        take(e, e->steps[i]);
        gh_engine_tell(e, e->steps[i], GH_EVENT_DONE);
    }
    return gh_ledger_save(e->ledger, NULL);
}

/* Targets that nothing here is named by are not complained of: the plan that follows may make them. */
enum gh_err gh_engine_refresh_first(struct gh_engine *e) {
    gh_step_event *event = e->options.event;
    e->options.event = NULL;
    enum gh_err err = plan_all(e);
    for (size_t i = 0; i < e->count; i++) {
        if (!err)
            take(e, e->steps[i]);
        gh_step_free(e->steps[i]);
    }
    e->count = 0;
    json_object_clear(e->targeted);
    gh_telling_restart(e->telling);
    json_object_clear(e->by_key);
    json_array_clear(e->order);
    e->options.event = event;
    return err;
}
