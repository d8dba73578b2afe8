#include <stdio.h>

#include "stack/engine/internal.h"

struct wish {
    struct gh_engine *engine;
    const char *path;
    json_t *body;
    struct gh_api_reply reply;
    enum gh_err err;
};

/* {"members": [a]} and {"members": [b]} are {"members": [a, b]}. */
static json_t *join(void **wishes, size_t count) {
    json_t *body = json_object(), *list, *all;
    const char *key;
    for (size_t i = 0; i < count; i++)
        json_object_foreach(((struct wish *)wishes[i])->body, key, list) {
            all = json_object_get(body, key);
            if (!all && json_object_set_new(body, key, all = json_array()) != 0)
                all = NULL;
            if (!all || json_array_extend(all, list) != 0) {
                json_decref(body);
                return NULL;
            }
        }
    return body;
}

static enum gh_err send(struct gh_engine *e, const char *path, json_t *body, struct gh_api_reply *reply) {
    enum gh_err err = GH_OK;
    for (int tries = 0; tries < 3; tries++) {
        gh_api_reply_release(reply);
        err = gh_api_call(e->options.api, "POST", path, body, reply);
        if (!reply->uncertain)
            break;
    }
    return err;
}

static void send_alone(struct wish *w) {
    w->err = send(w->engine, w->path, w->body, &w->reply);
}

/* When they are refused together, each hears for itself what is wrong with it. */
static void send_all(void *context, void **wishes, size_t count) {
    struct wish *first = wishes[0];
    if (count == 1) {
        send_alone(first);
        return;
    }
    struct gh_api_reply reply = { 0 };
    json_t *body = join(wishes, count);
    enum gh_err err = body ? send(first->engine, first->path, body, &reply) : GH_ERR_NOMEM;
    json_decref(body);
    bool refused = reply.status >= 400 && reply.status < 500;
    for (size_t i = 0; i < count; i++) {
        struct wish *w = wishes[i];
        if (refused) {
            send_alone(w);
            continue;
        }
        w->err = err;
        w->reply = reply;
        json_incref(reply.body);
    }
    gh_api_reply_release(&reply);
}

enum gh_err gh_post_together(struct gh_engine *e, const struct gh_step *s, const char *path, json_t *body,
                             struct gh_api_reply *reply) {
    struct wish wish = { .engine = e, .path = path, .body = body };
    gh_crew_gather(e->crew, path, s->provider->batch, &wish, send_all, NULL);
    *reply = wish.reply;
    return wish.err;
}
