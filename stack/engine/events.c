#include "stack/engine/events.h"

#include <stdlib.h>

#include "core/cleanup.h"
#include "stack/engine/shown.h"
#include "stack/value.h"
#include "sys/clock.h"

/* Steals the body. */
static void tell(struct gh_events *ev, const char *kind, json_t *body) {
    json_t *event = json_pack("{s:I, s:I, s:o}", "sequence", ev->number++, "timestamp",
                              (json_int_t)gh_clock_seconds(), kind, body);
    char *text = event ? json_dumps(event, JSON_COMPACT) : NULL;
    fprintf(ev->out, "%s\n", text ? text : "{\"errorEvent\":{\"error\":\"out of memory\"}}");
    fflush(ev->out);
    free(text);
    json_decref(event);
}

static json_t *urn(const struct gh_events *ev, const char *type, const char *name) {
    return json_sprintf("urn:pulumi:%s::%s::%s::%s", ev->stack, ev->project, type, name);
}

static json_t *stack_urn(const struct gh_events *ev) {
    return json_sprintf("urn:pulumi:%s::%s::pulumi:pulumi:Stack::%s-%s", ev->stack, ev->project, ev->project,
                        ev->stack);
}

static json_t *state(const struct gh_events *ev, const struct gh_step *s, const char *id, json_t *inputs,
                     json_t *outputs) {
    json_t *ret = json_pack("{s:s, s:o, s:b, s:s, s:o, s:o, s:o, s:s}", "type", s->type->token, "urn",
                            urn(ev, s->type->token, s->name), "custom", 1, "id", id ? id : "", "parent",
                            stack_urn(ev), "inputs", inputs, "outputs", outputs, "provider", "");
    if (s->protect || json_is_true(json_object_get(s->entry, "protect")))
        json_object_set_new(ret, "protect", json_true());
    return ret;
}

static json_t *old_state(const struct gh_events *ev, const struct gh_step *s) {
    if (!s->entry || s->op == GH_OP_CREATE)
        return json_null();
    json_t *inputs = gh_shown_members(s->type, json_object_get(s->entry, "inputs"), ev->secrets);
    const char *id = json_string_value(json_object_get(s->entry, "id"));
    return state(ev, s, id, inputs, s->done ? json_object() : gh_shown_outputs(s, ev->secrets));
}

static json_t *new_state(const struct gh_events *ev, const struct gh_step *s) {
    if (s->op == GH_OP_DELETE || s->op == GH_OP_RELEASE)
        return json_null();
    return state(ev, s, s->id, gh_shown_members(s->type, s->inputs, ev->secrets),
                 s->done ? gh_shown_outputs(s, ev->secrets) : json_object());
}

/* Two changes of one path (an element comes, another goes) are one update of it. */
static void add_detail(json_t *detailed, const char *path, const char *kind, bool replace) {
    bool known = json_object_get(detailed, path) != NULL;
    json_object_set_new(detailed, path,
                        json_pack("{s:o, s:b}", "diffKind",
                                  json_sprintf("%s%s", known ? "update" : kind, replace ? "-replace" : ""),
                                  "inputDiff", 0));
}

static void append_once(json_t *list, json_t *value) {
    size_t i;
    json_t *other;
    json_array_foreach(list, i, other) {
        if (json_equal(other, value))
            return;
    }
    json_array_append(list, value);
}

/* keys, diffs and detailedDiff of Pulumi, and the changes themselves. */
static void add_changes(const struct gh_events *ev, const struct gh_step *s, json_t *metadata, json_t *own) {
    json_t *changes = gh_shown_changes(s, ev->secrets), *change;
    json_t *detailed = json_object(), *diffs = json_array(), *keys = json_array();
    bool differs = s->op != GH_OP_CREATE && s->op != GH_OP_DELETE;
    size_t i;
    json_array_foreach(changes, i, change) {
        gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
        json_t *segments = json_object_get(change, "path");
        bool replace = json_object_get(change, "replace") != NULL;
        gh_shown_path(segments, &path);
        if (differs && !path.failed) {
            add_detail(detailed, path.ptr, json_string_value(json_object_get(change, "kind")), replace);
            append_once(diffs, json_array_get(segments, 0));
            if (replace)
                append_once(keys, json_array_get(segments, 0));
        }
        json_object_set_new(change, "path", json_string(path.failed ? "" : path.ptr));
    }
    json_object_set_new(metadata, "keys", keys);
    json_object_set_new(metadata, "diffs", diffs);
    json_object_set_new(metadata, "detailedDiff", detailed);
    json_object_set_new(own, "changes", changes);
}

static json_t *metadata_of(const struct gh_events *ev, const struct gh_step *s) {
    json_t *own = json_object();
    json_t *metadata = json_pack("{s:s, s:o, s:s, s:o, s:o, s:s}", "op", gh_shown_op(s), "urn",
                                 urn(ev, s->type->token, s->name), "type", s->type->token, "old",
                                 old_state(ev, s), "new", new_state(ev, s), "provider", "");
    add_changes(ev, s, metadata, own);
    if (s->drift)
        json_object_set_new(own, "drift", json_true());
    if (s->dies_with_parent)
        json_object_set_new(own, "withParent", json_true());
    if (s->note)
        json_object_set_new(own, "note", json_string(s->note));
    json_object_set_new(metadata, "gatehouse", own);
    return metadata;
}

static json_t *planning(const struct gh_events *ev, json_t *body) {
    if (!ev->applying)
        json_object_set_new(body, "planning", json_true());
    return body;
}

void gh_events_step(void *context, const struct gh_step *s, enum gh_event event) {
    struct gh_events *ev = context;
    gh_events_diagnostics(ev);
    json_t *body = json_pack("{s:o}", "metadata", metadata_of(ev, s));
    switch (event) {
    case GH_EVENT_PLANNED:
    case GH_EVENT_STARTED:
        tell(ev, "resourcePreEvent", planning(ev, body));
        return;
    case GH_EVENT_DONE:
        tell(ev, "resOutputsEvent", planning(ev, body));
        return;
    case GH_EVENT_FAILED:
        json_object_set_new(body, "status", json_integer(0));
        json_object_set_new(body, "steps", json_integer(0));
        tell(ev, "resOpFailedEvent", body);
        return;
    case GH_EVENT_COUNT:
        break;
    }
    json_decref(body);
}

void gh_events_prelude(struct gh_events *ev, json_t *config) {
    json_t *shown = json_object(), *value;
    const char *key;
    json_object_foreach(config, key, value) {
        json_t *plain =
            ev->secrets && gh_value_reveal(value) ? gh_value_plain(value) : gh_value_masked(value);
        char *text = json_is_string(plain) ? NULL : json_dumps(plain, JSON_ENCODE_ANY | JSON_COMPACT);
        json_object_set_new(shown, key, text ? json_string(text) : json_incref(plain));
        free(text);
        json_decref(plain);
    }
    tell(ev, "preludeEvent", json_pack("{s:o}", "config", shown));
}

void gh_events_diagnostics(struct gh_events *ev) {
    size_t i = ev->told;
    for (const struct gh_diagnostic *d; (d = gh_diagnostics_at(ev->diagnostics, i)); i++) {
        gh_auto(gh_buf_release) struct gh_buf text = gh_buf_make(1 << 16);
        if (d->position.file)
            gh_buf_addf(&text, "%s:%u,%u: ", d->position.file, d->position.line, d->position.column);
        gh_buf_add(&text, d->summary);
        if (d->detail.len) {
            gh_buf_add(&text, GH_STR("; "));
            gh_buf_add(&text, d->detail);
        }
        bool error = d->severity == GH_SEVERITY_ERROR;
        json_t *message = json_stringn(text.failed ? "" : text.ptr, text.failed ? 0 : text.len);
        tell(ev, "diagnosticEvent",
             json_pack("{s:s, s:o, s:s, s:s}", "prefix", error ? "error: " : "warning: ", "message",
                       message ? message : json_string("(this text is no UTF-8)"), "color", "never",
                       "severity", error ? "error" : "warning"));
    }
    ev->told = i;
}

void gh_events_outputs(struct gh_events *ev, const json_t *outputs) {
    json_t *plain = json_object(), *value;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)outputs, key, value)
        json_object_set_new(plain, key, ev->secrets ? gh_value_plain(value) : gh_value_masked(value));
    json_t *new =
        json_pack("{s:s, s:o, s:s, s:s, s:{}, s:o, s:s}", "type", "pulumi:pulumi:Stack", "urn", stack_urn(ev),
                  "id", "", "parent", "", "inputs", "outputs", plain, "provider", "");
    json_t *metadata =
        json_pack("{s:s, s:o, s:s, s:n, s:o, s:{}, s:s}", "op", "same", "urn", stack_urn(ev), "type",
                  "pulumi:pulumi:Stack", "old", "new", new, "detailedDiff", "provider", "");
    tell(ev, "resOutputsEvent", planning(ev, json_pack("{s:o}", "metadata", metadata)));
}

void gh_events_summary(struct gh_events *ev, const struct gh_engine *e, long long nanoseconds) {
    json_t *counts = json_object();
    gh_events_diagnostics(ev);
    for (size_t i = 0; i < gh_engine_step_count(e); i++) {
        const struct gh_step *s = gh_engine_step_at(e, i);
        if (ev->applying && !s->done)
            continue;
        json_int_t n = json_integer_value(json_object_get(counts, gh_shown_op(s)));
        json_object_set_new(counts, gh_shown_op(s), json_integer(n + 1));
    }
    tell(ev, "summaryEvent",
         json_pack("{s:b, s:I, s:o, s:{}, s:b}", "maybeCorrupt", 0, "durationSeconds",
                   (json_int_t)((nanoseconds + 999999999) / 1000000000), "resourceChanges", counts,
                   "PolicyPacks", "isPreview", !ev->applying));
}

void gh_events_end(struct gh_events *ev) {
    gh_events_diagnostics(ev);
    tell(ev, "cancelEvent", json_object());
}
