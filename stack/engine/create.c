/* Makes one object, once: an intent in the journal, the POST, and what became of it when the answer was
 * lost. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "stack/engine/internal.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"

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
    enum gh_err err = intent ? gh_entry_complain(e, s, gh_ledger_intent(e->ledger, intent)) : GH_ERR_NOMEM;
    err = err ? err : post(e, s, body, known);
    err = err ? err : gh_entry_put(e, r, s, NULL);
    json_decref(intent);
    json_decref(body);
    json_decref(known);
    return err;
}

enum gh_err gh_create_object(struct gh_engine *e, const struct gh_registration *r, struct gh_step *s) {
    char *name = take_name(e, s);
    enum gh_err err = make_object(e, r, s);
    give_name(e, name);
    return err;
}
