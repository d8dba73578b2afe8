/* The calls that change the tenant. */
#include <stdint.h>
#include <string.h>

#include "stack/engine/internal.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"

enum gh_err gh_complain(struct gh_engine *e, const struct gh_step *s, const char *verb, enum gh_err err,
                        const struct gh_api_reply *reply) {
    static const struct {
        enum gh_err e;
        const char *remedy;
    } remedies[] = {
        { GH_ERR_NO_TOKEN, "check AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET, or AUTH0_API_TOKEN" },
        { GH_ERR_NO_PERMISSION, "give the client that scope on the Management API" },
        { GH_ERR_CONFLICT, "it was made since the preview; run the command again" },
        { GH_ERR_NOT_FOUND, "something that it needs was deleted meanwhile; run the command again" },
        { GH_ERR_IO, "nothing is lost: run the command again, it goes on from here" },
        { GH_ERR_TIMEOUT, "nothing is lost: run the command again, it goes on from here" },
    };
    struct gh_diagnostics *d = e->options.diagnostics;
    const char *said = reply && reply->error[0] ? reply->error : gh_err_text(err);
    if (err == GH_ERR_NO_TOKEN)
        e->denied = true;
    gh_diagnose(d, GH_SEVERITY_ERROR, s->position, "could not %s %s %s: %s%s", verb,
                gh_schema_short_name(s->type), s->name, reply && reply->status ? "the tenant answered " : "",
                said);
    for (size_t i = 0; i < GH_COUNT(remedies); i++)
        if (remedies[i].e == err)
            gh_diagnose_detail(d, "%s", remedies[i].remedy);
    return err;
}

static enum gh_err patch(struct gh_engine *e, struct gh_step *s, json_t *body) {
    struct gh_api_reply reply = { 0 };
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    enum gh_err err = gh_provider_expand(s->provider->object, s->id, s->inputs, true, &path);
    err = err ? err : gh_api_call(e->options.api, "PATCH", path.ptr, body, &reply);
    if (err)
        err = gh_complain(e, s, "update", err, &reply);
    else if (json_is_object(reply.body)) {
        json_decref(s->live);
        s->live = json_incref(reply.body);
        gh_live_note(e->live, s->provider, s->inputs, reply.body);
    }
    gh_api_reply_release(&reply);
    return err;
}

enum gh_err gh_write_object(struct gh_engine *e, struct gh_step *s, const struct gh_diff *diff,
                            const json_t *changes) {
    if (json_array_size(changes) == 0 || !s->provider->object)
        return GH_OK;
    json_t *body = gh_diff_patch(diff, changes);
    enum gh_err err = json_object_size(body) ? patch(e, s, body) : GH_OK;
    json_decref(body);
    return err;
}

/* The body of one batch. A connection's clients are switched on and off in a bare array; elsewhere the
 * elements are posted and deleted. */
static json_t *batch_body(const struct gh_provider *p, json_t *elements, bool add) {
    if (p->set_member)
        return json_pack("{s:O}", p->set_member, elements);
    json_t *body = json_array(), *element;
    size_t i;
    json_array_foreach(elements, i, element)
        json_array_append_new(body, json_pack("{s:O, s:b}", p->elements[0], element, "status", add));
    return body;
}

/* An element with fields of its own has a path of its own. */
static enum gh_err expand_each(const struct gh_step *s, const json_t *element, struct gh_buf *path) {
    const struct gh_provider *p = s->provider;
    json_t *inputs = json_copy(s->inputs), *decoded = NULL, *value;
    const struct gh_property *set =
        gh_schema_property(s->type->inputs, s->type->input_count, gh_str_from(p->set));
    const char *key;
    decoded = gh_mapping_decode_element(set, (json_t *)(uintptr_t)element);
    json_object_foreach(decoded, key, value) json_object_set(inputs, key, value);
    enum gh_err err = gh_provider_expand(p->each, s->id, inputs, true, path);
    json_decref(decoded);
    json_decref(inputs);
    return err;
}

static enum gh_err write_each(struct gh_engine *e, struct gh_step *s, json_t *element, bool add,
                              bool lenient) {
    struct gh_api_reply reply = { 0 };
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    bool there = gh_find_element(s->provider, s->live, element) != NULL, post = add && !there;
    json_t *body = add ? json_copy(element) : NULL;
    if (add && there)
        json_object_del(body, s->provider->elements[0]);
    enum gh_err err = post ? gh_provider_expand(s->provider->list, s->id, s->inputs, true, &path)
                           : expand_each(s, element, &path);
    for (int tries = 0; !err && tries < 3; tries++) {
        gh_api_reply_release(&reply);
        err = gh_api_call(e->options.api, post ? "POST" : add ? "PATCH" : "DELETE", path.ptr, body, &reply);
        if (tries && post && err == GH_ERR_CONFLICT) /* the first one came through, its answer did not */
            err = GH_OK;
        if (!reply.uncertain)
            break;
        if (tries < 2)
            err = GH_OK;
    }
    json_decref(body);
    if (err == GH_ERR_NOT_FOUND && !add)
        err = GH_OK;
    if (err && !(lenient && reply.status >= 400 && reply.status < 500))
        err = gh_complain(e, s, add ? "add to" : "remove from", err, &reply);
    else
        err = GH_OK;
    gh_api_reply_release(&reply);
    return err;
}

static enum gh_err write_batch(struct gh_engine *e, struct gh_step *s, json_t *elements, bool add,
                               bool lenient) {
    if (s->provider->each)
        return write_each(e, s, json_array_get(elements, 0), add, lenient);
    struct gh_api_reply reply = { 0 };
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    const char *method = s->provider->set_member ? (add ? "POST" : "DELETE") : "PATCH";
    json_t *body = batch_body(s->provider, elements, add);
    enum gh_err err = gh_provider_expand(s->provider->list, s->id, s->inputs, true, &path);
    /* Adding an element twice is adding it once: this POST may be repeated. */
    for (int tries = 0; !err && tries < 3; tries++) {
        gh_api_reply_release(&reply);
        err = gh_api_call(e->options.api, method, path.ptr, body, &reply);
        if (!reply.uncertain)
            break;
        if (tries < 2)
            err = GH_OK;
    }
    json_decref(body);
    if (err && !(lenient && reply.status >= 400 && reply.status < 500))
        err = gh_complain(e, s, add ? "add to" : "remove from", err, &reply);
    else
        err = GH_OK;
    gh_api_reply_release(&reply);
    return err;
}

static enum gh_err write_all(struct gh_engine *e, struct gh_step *s, json_t *elements, bool add,
                             bool lenient) {
    size_t n = json_array_size(elements), batch = s->provider->batch ? s->provider->batch : n;
    enum gh_err err = GH_OK;
    for (size_t at = 0; at < n && !err; at += batch) {
        json_t *part = json_array();
        for (size_t i = at; i < n && i < at + batch; i++)
            json_array_append(part, json_array_get(elements, i));
        err = write_batch(e, s, part, add, lenient);
        json_decref(part);
    }
    return err;
}

/* First those to go, so that a limit on the number of elements is not met on the way. */
enum gh_err gh_write_elements(struct gh_engine *e, struct gh_step *s, json_t *add, json_t *remove,
                              bool lenient) {
    enum gh_err err = write_all(e, s, remove, false, lenient);
    err = err ? err : write_all(e, s, add, true, lenient);
    gh_live_note_gone(e->live, s->provider, s->id, s->inputs); /* read again when somebody asks */
    return err;
}
