/* The engine's end of a language host: one request, one answer, until the program ends. */
#include "stack/host.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/limits.h"
#include "stack/language/fit.h"
#include "sys/file.h"
#include "sys/process.h"

#define LINE_MAX_BYTES (2 * GH_LIMIT_STACK_VALUE) /* a value in its longest spelling */
#define STRINGS 256 /* of one list in a request: dependencies, ignored properties */

struct session {
    const struct gh_host *host;
    const struct gh_registrar *registrar;
    struct gh_diagnostics *d;
    int fd;
    pid_t pid;
    struct gh_buf in;
    size_t used; /* of `in`: lines that were handled */
    json_t *outputs;
    enum gh_err error; /* the first */
    bool ended;
};

static struct gh_position whole_program(const struct session *s) {
    return (struct gh_position){ 0 };
}

static void keep(struct session *s, enum gh_err e) {
    s->error = s->error ? s->error : e;
}

static enum gh_err complain(struct session *s, const char *type, const char *name, const char *what) {
    gh_diagnose(s->d, GH_SEVERITY_ERROR, whole_program(s), "%s %s: %s", type, name, what);
    return GH_ERR_MALFORMED;
}

/* ---- lines ---- */

static enum gh_err send_line(struct session *s, const json_t *message) {
    char *text = json_dumps(message, JSON_COMPACT);
    if (!text)
        return GH_ERR_NOMEM;
    size_t len = strlen(text);
    text[len++] = '\n'; /* in place of the NUL: only the length counts from here */
    enum gh_err e = GH_OK;
    for (size_t at = 0; at < len && !e;) {
        ssize_t n = send(s->fd, text + at, len - at, MSG_NOSIGNAL);
        if (n > 0)
            at += (size_t)n;
        else if (errno != EINTR)
            e = GH_ERR_IO;
    }
    free(text);
    return e;
}

/* NOT_FOUND at the end of the stream. The line is valid until the next call. */
static enum gh_err read_line(struct session *s, struct gh_str *ret) {
    for (;;) {
        struct gh_str rest = gh_str_skip(gh_buf_str(&s->in), s->used);
        if (gh_str_cut(&rest, '\n', ret)) {
            s->used += ret->len + 1;
            return GH_OK;
        }
        if (s->used) {
            memmove(s->in.ptr, s->in.ptr + s->used, s->in.len - s->used);
            s->in.len -= s->used;
            s->used = 0;
        }
        char block[16384];
        ssize_t n = read(s->fd, block, sizeof block);
        if (n == 0)
            return GH_ERR_NOT_FOUND;
        if (n < 0 && errno != EINTR)
            return GH_ERR_IO;
        if (n > 0)
            gh_buf_add(&s->in, (struct gh_str){ block, (size_t)n });
        if (s->in.failed)
            return GH_ERR_TOO_LARGE;
    }
}

static const char *text_of(const json_t *message, const char *key) {
    const char *text = json_string_value(json_object_get(message, key));
    return text ? text : "";
}

/* A list of texts, NULL-terminated; the texts stay the message's. */
static bool read_names(const json_t *message, const char *key, const char *ret[STRINGS + 1], size_t *count) {
    json_t *list = json_object_get(message, key), *item;
    size_t i;
    *count = 0;
    if (json_array_size(list) > STRINGS)
        return false;
    json_array_foreach(list, i, item) {
        if (!json_is_string(item))
            return false;
        ret[(*count)++] = json_string_value(item);
    }
    ret[*count] = NULL;
    return true;
}

/* ---- what the check of a YAML program does before the run ---- */

static bool check_value(struct session *s, const char *on, json_t *value, const struct gh_property *p,
                        struct gh_str type);

static bool check_members(struct session *s, const char *on, json_t *object,
                          const struct gh_property *properties, size_t count) {
    const char *key;
    json_t *value;
    bool good = true;
    json_object_foreach(object, key, value) {
        const struct gh_property *p = gh_schema_property(properties, count, gh_str_from(key));
        if (p)
            good &= check_value(s, on, value, p, gh_str_from(p->type));
        else {
            refuse_property(s->d, whole_program(s), on, gh_str_from(key), properties, count, NULL, 0);
            good = false;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (properties[i].required && !json_object_get(object, properties[i].name)) {
            gh_diagnose(s->d, GH_SEVERITY_ERROR, whole_program(s), "Missing required property '%s' of %s",
                        properties[i].name, on);
            good = false;
        }
    return good;
}

/* Texts were made of numbers and booleans before. */
static bool is_of_type(const json_t *value, struct gh_str type) {
    if (gh_str_is(type, "string"))
        return json_is_string(value);
    if (gh_str_is(type, "boolean"))
        return json_is_boolean(value);
    if (gh_str_is(type, "integer"))
        return json_is_integer(value);
    if (gh_str_is(type, "number"))
        return json_is_number(value);
    if (type_is_list(type))
        return json_is_array(value);
    return type_is_map(type) || type_object(type) ? json_is_object(value) : true;
}

static bool check_value(struct session *s, const char *on, json_t *value, const struct gh_property *p,
                        struct gh_str type) {
    while (gh_value_is_secret(value))
        value = gh_value_reveal(value);
    if (!value || json_is_null(value) || gh_value_is_unknown(value))
        return true;
    if (!is_of_type(value, type)) {
        gh_auto(gh_buf_release) struct gh_buf shown = gh_buf_make(1024);
        type_show(&shown, type_named(type));
        gh_diagnose(s->d, GH_SEVERITY_ERROR, whole_program(s), "property %s of %s must be %s", p->name, on,
                    shown.ptr);
        return false;
    }
    bool good = true;
    json_t *child;
    const char *key;
    size_t i;
    json_array_foreach(value, i, child) {
        good &= !type_is_list(type) || check_value(s, on, child, p, type_item(type));
    }
    if (type_is_map(type))
        json_object_foreach(value, key, child) {
            good &= check_value(s, on, child, p, type_value(type));
        }
    const struct gh_object_type *object = type_object(type);
    return good &&
           (!object || check_members(s, object->name, value, object->properties, object->property_count));
}

/* ---- requests: each gives the answer's member, or an error that was diagnosed ---- */

static enum gh_err read_inputs(struct session *s, json_t *message, const struct gh_resource_type *type,
                               json_t **ret) {
    json_t *inputs = json_object_get(message, "inputs");
    const char *on = gh_schema_short_name(type);
    if (!json_is_object(inputs) || !fit_is_within_limits(inputs))
        return complain(s, on, text_of(message, "name"), "its properties are too large or nested too deeply");
    inputs = fit_inputs(type, json_incref(inputs));
    if (!check_members(s, on, inputs, type->inputs, type->input_count)) {
        const char *name = text_of(message, "name");
        gh_diagnose(s->d, GH_SEVERITY_ERROR, whole_program(s), "%s %s is not as the provider wants it", on,
                    name);
        json_decref(inputs);
        return GH_ERR_MALFORMED;
    }
    *ret = inputs;
    return GH_OK;
}

/* An alias of another name would have to move an entry of the ledger; one of another parent or type changes
 * nothing here, because the ledger knows no parents. */
static bool has_other_name(const json_t *message) {
    json_t *alias;
    size_t i;
    json_array_foreach(json_object_get(message, "aliases"), i, alias) {
        if (json_is_string(alias) && strcmp(json_string_value(alias), text_of(message, "name")) != 0)
            return true;
    }
    return false;
}

static enum gh_err on_register(struct session *s, json_t *message, json_t *answer) {
    const char *token = text_of(message, "type"), *name = text_of(message, "name"),
               *import = text_of(message, "importId");
    const char *depends[STRINGS + 1], *ignore[STRINGS + 1], *replace[STRINGS + 1], *secret[STRINGS + 1];
    size_t depends_count, n;
    const struct gh_resource_type *type = gh_schema_resource(gh_str_from(token));
    if (!type)
        return complain(s, token, name,
                        "there is no such resource type in Gatehouse: it knows the provider auth0 only");
    if (has_other_name(message))
        return complain(s, token, name, "the option 'aliases' with another name is not in Gatehouse");
    if (!*name || !read_names(message, "dependencies", depends, &depends_count) ||
        !read_names(message, "ignoreChanges", ignore, &n) ||
        !read_names(message, "replaceOnChanges", replace, &n) ||
        !read_names(message, "additionalSecretOutputs", secret, &n))
        return complain(s, token, name, "it has no name, or an option holds too many names");
    json_t *inputs = NULL, *outputs = NULL;
    enum gh_err e = read_inputs(s, message, type, &inputs);
    if (e)
        return e;
    const struct gh_registration r = {
        .name = name,
        .type = type->token,
        .inputs = inputs,
        .depends_on = depends,
        .depends_on_count = depends_count,
        .position = whole_program(s),
        .protect = json_is_true(json_object_get(message, "protect")),
        .retain_on_delete = json_is_true(json_object_get(message, "retainOnDelete")),
        .delete_before_replace = json_is_true(json_object_get(message, "deleteBeforeReplace")),
        .import_id = *import ? import : NULL,
        .ignore_changes = ignore,
        .replace_on_changes = replace,
        .additional_secret_outputs = secret,
    };
    e = s->registrar->register_resource(s->registrar->context, &r, s->d, &outputs);
    if (!e && outputs) {
        fit_outputs(type, &r, outputs);
        json_object_set_new(answer, "outputs", outputs);
    }
    json_decref(inputs);
    return e;
}

static enum gh_err on_invoke(struct session *s, json_t *message, json_t *answer) {
    const char *token = text_of(message, "function");
    const struct gh_resource_type *function = gh_schema_function(gh_str_from(token));
    json_t *inputs = NULL, *result = NULL;
    if (!function)
        return complain(s, "the function", token,
                        "is not in Gatehouse: it knows those of the provider auth0 only");
    enum gh_err e = read_inputs(s, message, function, &inputs);
    e = e ? e
          : s->registrar->invoke(s->registrar->context, function->token, inputs, whole_program(s), s->d,
                                 &result);
    if (!e && json_is_object(result))
        fit_mark_secrets(result, function->outputs, function->output_count);
    if (!e)
        json_object_set_new(answer, "result", result);
    json_decref(inputs);
    return e;
}

/* One tenant per run: a provider of the program's own is fine while it says what the environment says. */
static enum gh_err on_provider(struct session *s, json_t *message, json_t *answer) {
    static const struct {
        const char *input, *variable;
    } same[] = { { "domain", "AUTH0_DOMAIN" },
                 { "clientId", "AUTH0_CLIENT_ID" },
                 { "clientSecret", "AUTH0_CLIENT_SECRET" },
                 { "apiToken", "AUTH0_API_TOKEN" } };
    json_t *value;
    const char *key;
    json_object_foreach(json_object_get(message, "inputs"), key, value) {
        const char *want = strcmp(key, "version") == 0 ? json_string_value(value) : NULL;
        for (size_t i = 0; i < GH_COUNT(same); i++)
            if (strcmp(key, same[i].input) == 0)
                want = getenv(same[i].variable);
        const char *given = json_string_value(gh_value_reveal(value));
        if (!want || !given || !gh_str_eq_secret(gh_str_from(want), gh_str_from(given)))
            return complain(
                s, "the provider", text_of(message, "name"),
                "Gatehouse works on the tenant of AUTH0_DOMAIN and its friends; a provider with other "
                "settings is not in Gatehouse");
    }
    return GH_OK;
}

static enum gh_err on_outputs(struct session *s, json_t *message, json_t *answer) {
    json_t *outputs = json_object_get(message, "outputs");
    if (!json_is_object(outputs) || !fit_is_within_limits(outputs))
        return complain(s, "the program", "outputs", "too large or nested too deeply");
    json_decref(s->outputs);
    s->outputs = json_incref(outputs);
    return GH_OK;
}

/* The program runs twice, at the plan and at the update: what it says is told once. */
static bool was_said(const struct session *s, const char *text) {
    const struct gh_diagnostic *one;
    for (size_t i = 0; (one = gh_diagnostics_at(s->d, i)); i++)
        if (gh_str_is(one->summary, text))
            return true;
    return false;
}

static enum gh_err on_log(struct session *s, json_t *message, json_t *answer) {
    bool error = json_is_true(json_object_get(message, "error"));
    const char *text = text_of(message, "message");
    if (!was_said(s, text))
        gh_diagnose(s->d, error ? GH_SEVERITY_ERROR : GH_SEVERITY_WARNING, whole_program(s), "%s", text);
    return error ? GH_ERR_MALFORMED : GH_OK;
}

static enum gh_err on_end(struct session *s, json_t *message, json_t *answer) {
    const char *why = text_of(message, "error");
    long long code = json_integer_value(json_object_get(message, "code"));
    s->ended = true;
    if (*why)
        gh_diagnose(s->d, GH_SEVERITY_ERROR, whole_program(s), "%s", why);
    else if (code && !s->error)
        gh_diagnose(s->d, GH_SEVERITY_ERROR, whole_program(s), "the program ended with status %lld", code);
    return *why || code ? GH_ERR_MALFORMED : GH_OK;
}

static const struct {
    const char *op;
    bool answered;
    enum gh_err (*run)(struct session *s, json_t *message, json_t *answer);
} operations[] = {
    { "register", true, on_register }, { "invoke", true, on_invoke }, { "provider", true, on_provider },
    { "outputs", false, on_outputs },  { "log", false, on_log },      { "end", false, on_end },
};

static enum gh_err handle(struct session *s, json_t *message) {
    for (size_t i = 0; i < GH_COUNT(operations); i++) {
        if (strcmp(text_of(message, "op"), operations[i].op) != 0)
            continue;
        json_t *answer = json_pack("{s:O}", "id", json_object_get(message, "id") ?: json_null());
        enum gh_err e = operations[i].run(s, message, answer), sent = GH_OK;
        keep(s, e);
        if (e)
            json_object_set_new(answer, "error", json_true());
        if (operations[i].answered)
            sent = send_line(s, answer);
        json_decref(answer);
        return sent;
    }
    return GH_ERR_MALFORMED;
}

static enum gh_err serve(struct session *s) {
    struct gh_str line;
    enum gh_err e = GH_OK;
    while (!s->ended && !(e = read_line(s, &line))) {
        json_t *message = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, NULL);
        e = message ? handle(s, message) : GH_ERR_MALFORMED;
        json_decref(message);
        if (e)
            break;
    }
    return s->ended ? GH_OK : e;
}

/* ---- the child ---- */

static const struct runtime {
    const char *name, *interpreter, *script;
} runtimes[] = { { "nodejs", "node", "node/host.cjs" } };

/* Beside the binary in a build, under share/ where it is installed. */
static bool find_script(const char *name, char *ret, size_t size) {
    static const char *const places[] = { "host", "../share/gatehouse/host" };
    char self[PATH_MAX];
    if (gh_process_self(self, sizeof self))
        return false;
    char *slash = strrchr(self, '/');
    *slash = 0;
    for (size_t i = 0; i < GH_COUNT(places); i++)
        if ((size_t)snprintf(ret, size, "%s/%s/%s", self, places[i], name) < size && gh_file_exists(ret))
            return true;
    return false;
}

static enum gh_err start(struct session *s, const struct runtime *r) {
    char script[PATH_MAX], number[16];
    int ends[2];
    if (!find_script(r->script, script, sizeof script)) {
        gh_diagnose(s->d, GH_SEVERITY_ERROR, whole_program(s),
                    "the language host %s is not beside the gatehouse binary: is the installation complete?",
                    r->script);
        return GH_ERR_NOT_FOUND;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return GH_ERR_IO;
    snprintf(number, sizeof number, "%d", ends[1]);
    const struct gh_spawn spawn = { .argv = (const char *const[]){ r->interpreter, script, number, NULL },
                                    .cwd = s->host->dir,
                                    .keep_fds = &ends[1],
                                    .keep_fd_count = 1,
                                    .new_session = true };
    enum gh_err e = gh_spawn(&spawn, &s->pid);
    close(ends[1]);
    s->fd = ends[0];
    if (e)
        gh_diagnose(s->d, GH_SEVERITY_ERROR, whole_program(s), "%s cannot be started: %s", r->interpreter,
                    e == GH_ERR_NOT_FOUND ? "there is no such program" : gh_err_text(e));
    return e;
}

/* The values as Pulumi passes them: texts, those that are none as JSON. */
static enum gh_err describe(struct session *s, json_t **ret) {
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

static void finish(struct session *s, enum gh_err e) {
    int status = 0;
    siginfo_t gone;
    if (s->fd >= 0)
        close(s->fd); /* a host that still runs ends itself and its program */
    if (s->pid > 0) {
        while (waitid(P_PID, (id_t)s->pid, &gone, WEXITED | WNOWAIT) < 0 && errno == EINTR)
            ;
        kill(-s->pid,
             SIGKILL); /* a program whose host was killed; unreaped, the group is still ours by that number */
        while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    if (e && s->pid > 0)
        gh_diagnose(s->d, GH_SEVERITY_ERROR, whole_program(s), "the language host ended early: it %s",
                    e == GH_ERR_NOT_FOUND ? "said nothing more" : gh_err_text(e));
    keep(s, e);
    gh_buf_release(&s->in);
}

enum gh_err gh_host_run(const struct gh_host *h, const struct gh_registrar *registrar,
                        struct gh_diagnostics *d, json_t **outputs) {
    struct session s = {
        .host = h, .registrar = registrar, .d = d, .fd = -1, .in = gh_buf_make(LINE_MAX_BYTES)
    };
    const struct runtime *r = NULL;
    json_t *job = NULL;
    for (size_t i = 0; i < GH_COUNT(runtimes); i++)
        if (strcmp(gh_program_runtime(h->program), runtimes[i].name) == 0)
            r = &runtimes[i];
    s.outputs = json_object();
    enum gh_err e = r ? describe(&s, &job) : GH_ERR_UNSUPPORTED;
    if (!e && !(e = start(&s, r))) {
        e = send_line(&s, job);
        finish(&s, e ? e : serve(&s));
    }
    json_decref(job);
    *outputs = s.outputs;
    return e ? e : s.error;
}
