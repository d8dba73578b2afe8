/* One run of a program in another language: what the host is told first, its requests, its end. */
#include "stack/host.h"

#include <limits.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "stack/host_private.h"

#define LINGER_MS 5

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

/* What the program asks for together arrives together; a batch of the engine waits that long for more of it.
 */
static enum gh_err listen(struct host_session *s, struct gh_str *line) {
    struct gh_crew *crew = s->registrar->crew;
    if (!crew)
        return host_channel_line(&s->channel, line);
    gh_crew_leave(crew);
    bool more = host_channel_has_more(&s->channel, LINGER_MS);
    gh_crew_return(crew);
    (more ? gh_crew_leave : gh_crew_listen)(crew);
    enum gh_err e = host_channel_line(&s->channel, line);
    (more ? gh_crew_return : gh_crew_heard)(crew);
    return e;
}

/* One worker, of one or many: listens, lets the next one listen, and does what was asked. */
static void work(void *context) {
    struct host_session *s = context;
    struct gh_crew *crew = s->registrar->crew;
    while (!s->ended && !s->transport) {
        if (s->reading) {
            gh_crew_wait(crew, &s->idle);
            continue;
        }
        struct gh_str line;
        json_t *message = NULL;
        s->reading = true;
        enum gh_err e = listen(s, &line);
        e = e ? e : host_channel_parse(line, &message);
        s->transport = s->transport ? s->transport : e;
        s->reading = false;
        gh_crew_open(crew, &s->idle, 1);
        if (message) {
            e = host_handle(s, message);
            s->transport = s->transport ? s->transport : e;
        }
        json_decref(message);
    }
    gh_crew_open(crew, &s->idle, SIZE_MAX);
}

static enum gh_err serve(struct host_session *s, const json_t *job) {
    s->transport = host_channel_send(&s->channel, job);
    if (!s->transport)
        gh_crew_run(s->registrar->crew, work, s);
    return s->ended ? GH_OK : s->transport;
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
