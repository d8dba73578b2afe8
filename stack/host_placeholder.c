/* Placeholders such as <USER_ID> in hosted programs: what they stand for is told from outside, so that a
 * program runs as it was written down. In YAML they stay an error of the check. */
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "stack/host_private.h"
#include "stack/language/remedy.h"

/* The next line from the request's own that holds the placeholder; its text is cut of what is around it. */
static unsigned find_line(const struct host_session *s, const char *name, struct gh_str *ret) {
    const char *text = s->at.file ? json_string_value(json_object_get(s->sources, s->at.file)) : NULL;
    struct gh_str rest = gh_str_from(text ? text : ""), line;
    for (unsigned n = 1; rest.len; n++) {
        if (!gh_str_cut(&rest, '\n', &line)) {
            line = rest;
            rest.len = 0;
        }
        if (n < s->at.line || !memmem(line.ptr, line.len, name, strlen(name)))
            continue;
        while (line.len && (line.ptr[0] == ' ' || line.ptr[0] == '\t'))
            line = gh_str_skip(line, 1);
        *ret = line;
        return n;
    }
    return 0;
}

/* At the plan and at the update, and for each property of a call: once is enough. */
static bool was_said(const struct host_session *s, const char *summary, unsigned line) {
    const struct gh_diagnostic *one;
    for (size_t i = 0; (one = gh_diagnostics_at(s->d, i)); i++)
        if (one->position.line == line && gh_str_is(one->summary, summary))
            return true;
    return false;
}

static void tell(struct host_session *s, enum gh_severity severity, const char *name, const json_t *value) {
    struct gh_str line = { 0 };
    struct gh_position at = s->at;
    unsigned found = find_line(s, name, &line);
    at.line = found ? found : at.line;
    gh_auto(gh_buf_release) struct gh_buf summary = gh_buf_make(4096), right = gh_buf_make(4096);
    gh_buf_addf(&summary, "%.200s is a placeholder%s", name, value ? ", which a tenant refuses" : "");
    if (was_said(s, summary.ptr ? summary.ptr : "", at.line))
        return;
    gh_diagnose(s->d, severity, at, "%s", summary.ptr ? summary.ptr : "out of memory");
    const char *cut = line.len ? memmem(line.ptr, line.len, name, strlen(name)) : NULL,
               *text = json_string_value(value);
    if (!value)
        gh_diagnose_detail(s->d,
                           "say what it stands for with --placeholder '%.200s=…', or under "
                           "gatehouse:placeholders in Pulumi.%s.yaml",
                           name, gh_config_stack(s->host->config));
    else if (!text)
        gh_diagnose_detail(s->d, "here it stands for a secret of the stack");
    else if (!cut)
        gh_diagnose_detail(s->d, "write %s", text);
    else {
        gh_buf_add(&right, (struct gh_str){ line.ptr, (size_t)(cut - line.ptr) });
        gh_buf_add(&right, gh_str_from(text));
        gh_buf_add(&right, gh_str_skip(line, (size_t)(cut - line.ptr) + strlen(name)));
        gh_diagnose_detail(s->d, "write\n    %s", right.ptr ? right.ptr : text);
    }
}

/* What stands in place of a text: a new reference, or NULL where it stays. */
static json_t *stand_in(struct host_session *s, const json_t *text, bool *good) {
    const char *name = json_string_value(text);
    if (!name || !remedy_is_placeholder(gh_str_from(name)))
        return NULL;
    json_t *value = json_object_get(s->host->placeholders, name);
    tell(s, value ? GH_SEVERITY_WARNING : GH_SEVERITY_ERROR, name, value);
    *good &= value != NULL;
    return json_incref(value);
}

bool host_fill_placeholders(struct host_session *s, json_t *value) {
    json_t *child, *instead;
    const char *key;
    size_t i;
    bool good = true;
    json_array_foreach(value, i, child) {
        if ((instead = stand_in(s, child, &good)))
            json_array_set_new(value, i, instead);
        else
            good &= host_fill_placeholders(s, child);
    }
    json_object_foreach(value, key, child) {
        if ((instead = stand_in(s, child, &good)))
            json_object_set_new(value, key, instead);
        else
            good &= host_fill_placeholders(s, child);
    }
    return good;
}

json_t *gh_host_placeholders(const struct gh_config *config, const char *const *given, size_t count,
                             const char **bad) {
    json_t *ret = json_object(), *value;
    const char *key;
    for (size_t i = 0; i < count; i++) {
        struct gh_str rest = gh_str_from(given[i]), name;
        if (!gh_str_cut(&rest, '=', &name) || !remedy_is_placeholder(name) || !rest.len) {
            *bad = given[i];
            json_decref(ret);
            return NULL;
        }
        json_object_setn_new(ret, name.ptr, name.len, json_stringn(rest.ptr, rest.len));
    }
    json_object_foreach(json_object_get(gh_config_values(config), "gatehouse:placeholders"), key, value) {
        if (json_is_string(gh_value_reveal(value)) && !json_object_get(ret, key))
            json_object_set(ret, key, value);
    }
    return ret;
}
