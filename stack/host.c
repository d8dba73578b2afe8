/* One run of a program in another language: what the host is told first, its requests, its end. */
#include "stack/host.h"

#include <limits.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "stack/host_private.h"

/* The values as Pulumi passes them: texts, those that are none as JSON. */
static enum gh_err describe(struct host_session *s, json_t **ret) {
    const struct gh_host *h = s->host;
    json_t *values = NULL, *config = json_object(), *secrets = json_array(), *value;
    const char *key, *entry = gh_program_main(h->program);
    char full[PATH_MAX];
    enum gh_err e = gh_config_for_host(h->config, s->d, &values);
    json_object_foreach(values, key, value) {
        json_t *plain = gh_value_plain(value);
        char *text = json_is_string(plain) ? NULL : json_dumps(plain, JSON_ENCODE_ANY | JSON_COMPACT);
        json_object_set_new(config, key, text ? json_string(text) : json_incref(plain));
        if (gh_value_has_secret(value))
            json_array_append_new(secrets, json_string(key));
        free(text);
        json_decref(plain);
    }
    json_decref(values);
    *ret = json_pack("{s:s, s:s, s:s, s:s*, s:b, s:o, s:o, s:s}", "project", gh_program_name(h->program),
                     "stack", gh_config_stack(h->config), "dir", realpath(h->dir, full) ? full : h->dir,
                     "main", entry, "preview", h->preview, "config", config, "secretKeys", secrets, "unknown",
                     GH_UNKNOWN);
    return e ? e : *ret ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_err serve(struct host_session *s, const json_t *job) {
    enum gh_err e = host_channel_send(&s->channel, job);
    while (!e && !s->ended) {
        json_t *message = NULL;
        e = host_channel_read(&s->channel, &message);
        if (!e)
            e = host_handle(s, message);
        json_decref(message);
    }
    return s->ended ? GH_OK : e;
}

static void finish(struct host_session *s, enum gh_err e) {
    char how[64];
    host_channel_close(&s->channel, how, sizeof how);
    if (e == GH_ERR_MALFORMED || e == GH_ERR_TOO_LARGE)
        gh_diagnose(s->d, GH_SEVERITY_ERROR, (struct gh_position){ 0 },
                    "the language host does not keep to its protocol: %s",
                    e == GH_ERR_TOO_LARGE ? "a line of it is too long" : "it sent what is no request");
    else if (e)
        gh_diagnose(s->d, GH_SEVERITY_ERROR, (struct gh_position){ 0 }, "the language host ended early: %s",
                    how);
    s->error = s->error ? s->error : e;
}

enum gh_err gh_host_run(const struct gh_host *h, const struct gh_registrar *registrar,
                        struct gh_diagnostics *d, json_t **outputs) {
    struct host_session s = {
        .host = h, .registrar = registrar, .d = d, .sources = json_object(), .registered = json_object()
    };
    json_t *job = NULL;
    s.outputs = json_object();
    enum gh_err e = describe(&s, &job);
    if (!e && !(e = host_start(&s)))
        finish(&s, serve(&s, job));
    json_decref(job);
    json_decref(s.sources);
    json_decref(s.registered);
    *outputs = s.outputs;
    return e ? e : s.error;
}
