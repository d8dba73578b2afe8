/* The requests of a language host: a resource, a lookup, a provider, outputs, a log line, the end. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "stack/engine/order.h"
#include "stack/host_private.h"
#include "stack/language/fit.h"
#include "sys/file.h"

#define STRINGS 256 /* of one list in a request: dependencies, ignored properties */

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

/* ---- requests: each gives the answer's member, or an error that was diagnosed ---- */

static enum gh_err host_complain(struct host_session *s, const char *type, const char *name,
                                 const char *what) {
    gh_diagnose(s->d, GH_SEVERITY_ERROR, s->at, "%s %s: %s", type, name, what);
    return GH_ERR_MALFORMED;
}

/* By the schema: fitted, and with `check` checked. */
static enum gh_err read_inputs(struct host_session *s, json_t *message, const struct gh_resource_type *type,
                               bool check, json_t **ret) {
    json_t *inputs = json_object_get(message, "inputs");
    const char *on = gh_schema_short_name(type), *name = text_of(message, "name");
    if (!json_is_object(inputs) || !fit_is_within_limits(inputs))
        return host_complain(s, on, name, "its properties are too large or nested too deeply");
    if (!host_fill_placeholders(s, inputs))
        return GH_ERR_MALFORMED;
    inputs = fit_inputs(type, json_incref(inputs));
    if (check && !host_check_inputs(s, type, inputs)) {
        gh_diagnose(s->d, GH_SEVERITY_ERROR, s->at, "%s %s is not as the provider wants it", on, name);
        json_decref(inputs);
        return GH_ERR_MALFORMED;
    }
    *ret = inputs;
    return GH_OK;
}

/* The lists of texts that an option holds, and who is meant. */
struct lists {
    const char *depends[STRINGS + 1], *ignore[STRINGS + 1], *replace[STRINGS + 1], *secret[STRINGS + 1],
        *aliases[STRINGS + 1];
    size_t depends_count;
};

static bool read_options(const json_t *message, struct lists *o) {
    size_t n;
    return read_names(message, "dependencies", o->depends, &o->depends_count) &&
           read_names(message, "ignoreChanges", o->ignore, &n) &&
           read_names(message, "replaceOnChanges", o->replace, &n) &&
           read_names(message, "additionalSecretOutputs", o->secret, &n) &&
           read_names(message, "aliases", o->aliases, &n);
}

static bool is_true(const json_t *message, const char *key) {
    return json_is_true(json_object_get(message, key));
}

/* Under Pulumi two components may each have a child of one type and name. */
static bool is_new(struct host_session *s, const struct gh_resource_type *type, const char *name) {
    gh_auto(gh_buf_release) struct gh_buf key = gh_buf_make(LINE_MAX_BYTES);
    gh_buf_addf(&key, "%s %s", type->token, name);
    return !key.failed && !json_object_get(s->registered, key.ptr) &&
           json_object_set_new(s->registered, key.ptr, json_true()) == 0;
}

/* A member comes before its roles, though the program may say nothing of it: who arrived later waits for who
 * is of a type that the API wants first. */
static void wait_for_turn(struct host_session *s, const struct host_request *own) {
    const struct host_request *r = s->under_way;
    while (r) {
        if (r == own || r->rank > own->rank || !gh_domain_after(own->type, r->type))
            r = r->next;
        else if (gh_crew_wait(s->registrar->crew, &s->later))
            r = s->under_way;
        else
            return;
    }
}

static void leave(struct host_session *s, const struct host_request *own) {
    struct host_request **at = &s->under_way;
    while (*at != own)
        at = &(*at)->next;
    *at = own->next;
    gh_crew_open(s->registrar->crew, &s->later, SIZE_MAX);
}

static const char *why_not(const char *token) {
    static const struct {
        const char *starts, *why;
    } known[] = {
        { "pulumi:pulumi:StackReference",
          "stack references are not in Gatehouse: take the value from the config of "
          "this stack" },
        { "pulumi-python:dynamic", "dynamic providers are not in Gatehouse" },
        { "pulumi-nodejs:dynamic", "dynamic providers are not in Gatehouse" },
    };
    for (size_t i = 0; i < GH_COUNT(known); i++)
        if (gh_str_starts(gh_str_from(token), gh_str_from(known[i].starts)))
            return known[i].why;
    return "there is no such resource type in Gatehouse: it knows the provider auth0 only";
}

/* What the two ways to a resource have in common: managed, or with an id only read. */
static enum gh_err register_as(struct host_session *s, json_t *message, const char *get_id, json_t *answer) {
    const char *token = text_of(message, "type"), *name = text_of(message, "name"),
               *import = text_of(message, "importId");
    struct lists o;
    const struct gh_resource_type *type = gh_schema_resource(gh_str_from(token));
    if (!type)
        return host_complain(s, token, name, why_not(token));
    if (!*name || !read_options(message, &o))
        return host_complain(s, token, name, "it has no name, or an option holds too many names");
    if (!get_id && !is_new(s, type, name))
        return host_complain(s, gh_schema_short_name(type), name,
                             "there are two of this type and name, in two components perhaps: rename one");
    json_t *inputs = NULL, *outputs = NULL;
    enum gh_err e = read_inputs(s, message, type, !get_id, &inputs);
    if (e)
        return e;
    const struct gh_registration r = {
        .name = name,
        .rank = ++s->arrived,
        .type = type->token,
        .inputs = inputs,
        .parents = json_object_get(message, "parents"),
        .depends_on = o.depends,
        .depends_on_count = o.depends_count,
        .position = s->at,
        .protect = is_true(message, "protect"),
        .retain_on_delete = is_true(message, "retainOnDelete"),
        .delete_before_replace = is_true(message, "deleteBeforeReplace"),
        .import_id = *import ? import : NULL,
        .get_id = get_id,
        .ignore_changes = o.ignore,
        .replace_on_changes = o.replace,
        .additional_secret_outputs = o.secret,
        .aliases = o.aliases,
    };
    struct host_request own = { .type = type->token, .rank = r.rank, .next = s->under_way };
    s->under_way = &own;
    wait_for_turn(s, &own);
    e = s->registrar->register_resource(s->registrar->context, &r, s->d, &outputs);
    leave(s, &own);
    if (!e && outputs) {
        fit_outputs(type, &r, outputs);
        json_object_set_new(answer, "outputs", outputs);
    }
    json_decref(inputs);
    return e;
}

static enum gh_err on_register(struct host_session *s, json_t *message, json_t *answer) {
    return register_as(s, message, NULL, answer);
}

static enum gh_err on_read(struct host_session *s, json_t *message, json_t *answer) {
    const char *id = text_of(message, "readId");
    if (!*id)
        return host_complain(s, text_of(message, "type"), text_of(message, "name"),
                             "the id to read is empty");
    return register_as(s, message, id, answer);
}

static enum gh_err on_invoke(struct host_session *s, json_t *message, json_t *answer) {
    const char *token = text_of(message, "function");
    const struct gh_resource_type *function = gh_schema_function(gh_str_from(token));
    json_t *inputs = NULL, *result = NULL;
    if (!function)
        return host_complain(s, "the function", token,
                             "is not in Gatehouse: it knows those of the provider auth0 only");
    enum gh_err e = read_inputs(s, message, function, true, &inputs);
    e = e ? e : s->registrar->invoke(s->registrar->context, function->token, inputs, s->at, s->d, &result);
    if (!e && json_is_object(result))
        fit_mark_secrets(result, function->outputs, function->output_count);
    if (!e)
        json_object_set_new(answer, "result", result);
    json_decref(inputs);
    return e;
}

/* One tenant per run: a provider of the program's own is fine while it says what the environment says. */
static enum gh_err on_provider(struct host_session *s, json_t *message, json_t *answer) {
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
            return host_complain(
                s, "the provider", text_of(message, "name"),
                "Gatehouse works on the tenant of AUTH0_DOMAIN and its friends; a provider with other "
                "settings is not in Gatehouse");
    }
    return GH_OK;
}

static enum gh_err on_outputs(struct host_session *s, json_t *message, json_t *answer) {
    json_t *outputs = json_object_get(message, "outputs");
    if (!json_is_object(outputs) || !fit_is_within_limits(outputs))
        return host_complain(s, "the program", "outputs", "too large or nested too deeply");
    json_decref(s->outputs);
    s->outputs = json_incref(outputs);
    return GH_OK;
}

/* The program runs twice, at the plan and at the update: what it says is told once. */
static bool was_said(const struct host_session *s, const char *text) {
    const struct gh_diagnostic *one;
    for (size_t i = 0; (one = gh_diagnostics_at(s->d, i)); i++)
        if (gh_str_is(one->summary, text))
            return true;
    return false;
}

static enum gh_err on_log(struct host_session *s, json_t *message, json_t *answer) {
    bool error = json_is_true(json_object_get(message, "error"));
    const char *text = text_of(message, "message");
    if (!was_said(s, text))
        gh_diagnose(s->d, error ? GH_SEVERITY_ERROR : GH_SEVERITY_WARNING, s->at, "%s", text);
    return error ? GH_ERR_MALFORMED : GH_OK;
}

static enum gh_err on_end(struct host_session *s, json_t *message, json_t *answer) {
    const char *why = text_of(message, "error");
    long long code = json_integer_value(json_object_get(message, "code"));
    s->ended = true;
    if (*why)
        gh_diagnose(s->d, GH_SEVERITY_ERROR, s->at, "%s", why);
    else if (code && !s->error)
        gh_diagnose(s->d, GH_SEVERITY_ERROR, s->at, "the program ended with status %lld", code);
    return *why || code ? GH_ERR_MALFORMED : GH_OK;
}

static const struct {
    const char *op;
    bool answered;
    enum gh_err (*run)(struct host_session *s, json_t *message, json_t *answer);
} operations[] = {
    { "register", true, on_register }, { "read", true, on_read },        { "invoke", true, on_invoke },
    { "provider", true, on_provider }, { "outputs", false, on_outputs }, { "log", false, on_log },
    { "end", false, on_end },
};

/* The file of a position is shown as the user knows it, below the program's folder, with its line. */
static void locate(struct host_session *s, const json_t *message) {
    const json_t *position = json_object_get(message, "position");
    const char *file = json_string_value(json_object_get(position, "file")), *dir = s->host->dir;
    json_int_t line = json_integer_value(json_object_get(position, "line"));
    char full[PATH_MAX], shown[PATH_MAX + 64];
    s->at = (struct gh_position){ 0 };
    if (!file || line < 1 || line > INT_MAX || !realpath(dir, full))
        return;
    size_t len = strlen(full);
    if (strncmp(file, full, len) != 0 || file[len] != '/' || strlen(file) > PATH_MAX)
        return;
    bool here = strcmp(dir, ".") == 0;
    snprintf(shown, sizeof shown, "%s%s%s", here ? "" : dir, here ? "" : "/", file + len + 1);
    if (!json_object_get(s->sources, shown)) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(2 * GH_LIMIT_STACK_FILE);
        struct gh_str text = { 0 };
        if (a && gh_file_read(a, file, GH_LIMIT_STACK_FILE, &text) == GH_OK)
            gh_diagnostics_source(s->d, shown, text);
        json_t *kept = json_stringn(text.ptr ? text.ptr : "", text.len); /* NULL where it is no UTF-8 */
        json_object_set_new(s->sources, shown, kept ? kept : json_string(""));
    }
    s->at = (struct gh_position){ .file = json_object_iter_key(json_object_iter_at(s->sources, shown)),
                                  .line = (unsigned)line };
}

enum gh_err host_handle(struct host_session *s, json_t *message) {
    for (size_t i = 0; i < GH_COUNT(operations); i++) {
        if (strcmp(text_of(message, "op"), operations[i].op) != 0)
            continue;
        json_int_t id = json_integer_value(json_object_get(message, "id"));
        if (operations[i].answered && id <= s->last_id)
            return GH_ERR_MALFORMED;
        s->last_id = operations[i].answered ? id : s->last_id;
        json_t *answer = json_pack("{s:I}", "id", id);
        locate(s, message);
        enum gh_err e = operations[i].run(s, message, answer), sent = GH_OK;
        s->error = s->error ? s->error : e;
        if (e)
            json_object_set_new(answer, "error", json_true());
        if (operations[i].answered)
            sent = host_channel_send(&s->channel, answer);
        json_decref(answer);
        return sent;
    }
    return GH_ERR_MALFORMED;
}
