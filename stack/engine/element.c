/* One element of a parent's collection: a role of a user, a scope of an API. What stands beside it is none of
 * our business, so it is added and taken away by itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "stack/engine/internal.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"

static bool has_path(const struct gh_step *s) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    const struct gh_provider *p = s->provider;
    json_t *element = gh_live_element(p, s->inputs);
    json_decref(element);
    return element &&
           gh_provider_expand(p->list ? p->list : p->object, NULL, s->inputs, true, &path) == GH_OK;
}

static enum gh_err read_it(struct gh_engine *e, struct gh_step *s) {
    struct gh_api_reply reply = { 0 };
    enum gh_err err = gh_live_get(e->live, s->provider, s->id, s->inputs, GH_AGE_ANY, &s->live, &reply);
    bool surprises = (s->entry != NULL) != (s->live != NULL);
    if (!err && surprises && gh_live_is_hearsay(e->live, s->provider, s->id, s->inputs)) {
        json_decref(s->live);
        s->live = NULL;
        err = gh_live_get(e->live, s->provider, s->id, s->inputs, GH_AGE_NOW, &s->live, &reply);
    }
    return err ? gh_complain(e, s, "read", err, &reply) : GH_OK;
}

/* The one field that an element may have beside what it is: a scope's description. */
static void compare(struct gh_engine *e, struct gh_step *s, const struct gh_registration *r) {
    struct gh_diff diff;
    gh_step_diff(e, s, r->ignore_changes, &diff);
    s->changes = gh_diff(&diff);
    json_decref(diff.wanted);
    json_decref(diff.before);
    size_t i;
    json_t *change;
    json_array_foreach(s->changes, i, change) s->drift |= json_object_get(change, "drift") != NULL;
}

enum gh_err gh_element_decide(struct gh_engine *e, struct gh_step *s, const struct gh_registration *r) {
    enum gh_err err = has_path(s) ? read_it(e, s) : GH_OK;
    if (err)
        return err;
    bool ours = gh_ledger_pending(e->ledger, s->type->token, s->name) != NULL;
    if (!s->live) {
        s->op = GH_OP_CREATE;
        s->drift = s->entry != NULL;
        s->note = s->entry ? "was deleted outside the stack" : NULL;
        return GH_OK;
    }
    compare(e, s, r);
    if (ours)
        s->note = "was made by a run that was cut off";
    if (s->entry || ours)
        s->op = json_array_size(s->changes) ? GH_OP_UPDATE : GH_OP_SAME;
    else
        s->op = GH_OP_ADOPT;
    return GH_OK;
}

/* All of the object's items but this one, and then `with`, may be NULL, in its place. */
static json_t *others(const struct gh_provider *p, const json_t *items, const json_t *inputs, json_t *with) {
    json_t *ret = json_array(), *item, *own = gh_live_element(p, inputs);
    size_t i;
    bool placed = !with;
    json_array_foreach(items, i, item) {
        if (!json_equal(json_object_get(item, p->elements[0]), own))
            json_array_append(ret, item);
        else if (!placed) {
            json_array_append(ret, with);
            placed = true;
        }
    }
    if (!placed)
        json_array_append(ret, with);
    json_decref(own);
    return ret;
}

/* One after the other, where several workers have something for the same object: else one would be lost. */
static void take_turn(struct gh_engine *e, const char *path) {
    while (json_object_get(e->creating, path) && gh_crew_wait(e->crew, &e->created))
        ;
    json_object_set_new(e->creating, path, json_true());
}

static void give_turn(struct gh_engine *e, const char *path) {
    json_object_del(e->creating, path);
    gh_crew_open(e->crew, &e->created, SIZE_MAX);
}

/* Read, changed and written as a whole: there is no other way. */
static enum gh_err write_whole(struct gh_engine *e, struct gh_step *s, json_t *item) {
    struct gh_api_reply reply = { 0 };
    const struct gh_provider *p = s->provider;
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    enum gh_err err = gh_provider_expand(p->object, NULL, s->inputs, true, &path);
    if (err)
        return gh_complain(e, s, "find the object of", err, NULL);
    take_turn(e, path.ptr);
    err = gh_api_call(e->options.api, "GET", path.ptr, NULL, &reply);
    bool gone = err == GH_ERR_NOT_FOUND && !item; /* it went with its parent */
    if (!err) {
        json_t *body =
            json_pack("{s:o}", p->items, others(p, json_object_get(reply.body, p->items), s->inputs, item));
        gh_api_reply_release(&reply);
        err = gh_api_call(e->options.api, "PATCH", path.ptr, body, &reply);
        json_decref(body);
    }
    give_turn(e, path.ptr);
    gh_live_note(e->live, p, s->inputs, NULL);
    err = err && !gone ? gh_complain(e, s, item ? "add" : "remove", err, &reply) : GH_OK;
    gh_api_reply_release(&reply);
    return err;
}

enum gh_err gh_element_add(struct gh_engine *e, struct gh_step *s) {
    if (!s->provider->list) {
        json_t *plain = gh_value_plain(s->inputs);
        for (size_t i = 0; i < s->type->input_count; i++)
            if (gh_provider_in_path(s->provider->object, s->type->inputs[i].name))
                json_object_del(plain, s->type->inputs[i].name);
        json_t *item = gh_mapping_encode(s->type, plain);
        enum gh_err err = write_whole(e, s, item);
        json_decref(item);
        json_decref(plain);
        return err;
    }
    json_t *add = json_pack("[o]", gh_live_element(s->provider, s->inputs)), *none = json_array();
    enum gh_err err = add ? gh_write_elements(e, s, add, none, false) : GH_ERR_MALFORMED;
    json_decref(add);
    json_decref(none);
    return err;
}

enum gh_err gh_element_remove(struct gh_engine *e, struct gh_step *s) {
    struct gh_api_reply reply = { 0 };
    json_t *there = NULL;
    if (!has_path(s))
        return GH_ERR_MALFORMED;
    if (!s->provider->list)
        return write_whole(e, s, NULL);
    enum gh_err err = gh_live_get(e->live, s->provider, s->id, s->inputs, GH_AGE_NOW, &there, &reply);
    if (err)
        return gh_complain(e, s, "read", err, &reply);
    if (!there) /* somebody was faster, or its parent took it along */
        return GH_OK;
    json_decref(there);
    json_t *remove = json_pack("[o]", gh_live_element(s->provider, s->inputs)), *none = json_array();
    err = gh_write_elements(e, s, none, remove, false);
    json_decref(remove);
    json_decref(none);
    return err;
}
