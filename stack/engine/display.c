#include "stack/engine/display.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"
#include "sys/clock.h"

/* clang-format off */
static const struct {
    const char *glyph, *colour, *present, *running, *past;
} ops[GH_OP_COUNT] = {
    [GH_OP_SAME]    = { " ",  "",           "same",    "checking",  "same"     },
    [GH_OP_CREATE]  = { "+",  "\033[32m",   "create",  "creating",  "created"  },
    [GH_OP_UPDATE]  = { "~",  "\033[33m",   "update",  "updating",  "updated"  },
    [GH_OP_REPLACE] = { "+-", "\033[35m",   "replace", "replacing", "replaced" },
    [GH_OP_ADOPT]   = { "=",  "\033[36m",   "adopt",   "adopting",  "adopted"  },
    [GH_OP_DELETE]  = { "-",  "\033[31m",   "delete",  "deleting",  "deleted"  },
    [GH_OP_RELEASE] = { "<",  "\033[36m",   "release", "releasing", "released" },
};
/* The order of a summary. */
static const enum gh_op listed[] = { GH_OP_CREATE, GH_OP_UPDATE, GH_OP_DELETE, GH_OP_REPLACE, GH_OP_ADOPT, GH_OP_RELEASE };
/* clang-format on */

static const char *on(const struct gh_display *d, const char *colour) {
    return d->colour ? colour : "";
}

static const char *off(const struct gh_display *d) {
    return d->colour ? "\033[0m" : "";
}

/* "auth0:index:Role" of "auth0:index/role:Role". */
static void print_type(FILE *out, const char *token) {
    const char *slash = strchr(token, '/'), *colon = slash ? strchr(slash, ':') : NULL;
    if (colon)
        fprintf(out, "%.*s%s", (int)(slash - token), token, colon);
    else
        fputs(token, out);
}

static const struct gh_property *by_api(const struct gh_property *properties, size_t count, const char *api) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(properties[i].api, api) == 0)
            return &properties[i];
    return NULL;
}

void gh_display_path(const struct gh_step *step, const json_t *path, struct gh_buf *ret) {
    const struct gh_property *properties = step->type->inputs;
    size_t count = step->type->input_count, i;
    json_t *segment;
    json_array_foreach(path, i, segment) {
        const char *name = json_string_value(segment);
        const struct gh_property *p = properties ? by_api(properties, count, name) : NULL;
        const struct gh_object_type *inner = p && p->type[0] == '@' ? gh_schema_object(p->type + 1) : NULL;
        gh_buf_addf(ret, "%s%s", i ? "." : "", p ? p->name : name);
        properties = inner ? inner->properties : NULL;
        count = inner ? inner->property_count : 0;
    }
}

static bool is_secret_path(const struct gh_step *step, const json_t *path) {
    const char *top = json_string_value(json_array_get(path, 0));
    const struct gh_property *p = by_api(step->type->inputs, step->type->input_count, top ? top : "");
    return p && gh_mapping_is_secret(p);
}

/* One line of JSON; secrets masked, unknowns said, no control character of anybody's data. */
static void print_value(const struct gh_display *d, json_t *value, bool secret) {
    json_t *shown = d->secrets ? gh_value_plain(value) : gh_value_masked(value);
    if (secret && !d->secrets)
        fputs("[secret]", d->out);
    else if (gh_value_is_unknown(shown))
        fputs("[unknown]", d->out);
    else if (!d->secrets && gh_value_is_secret(value))
        fputs("[secret]", d->out);
    else {
        char *text = json_dumps(shown, JSON_ENCODE_ANY | JSON_COMPACT);
        fputs(text ? text : "?", d->out);
        free(text);
    }
    json_decref(shown);
}

static const char *kind_of(const json_t *change) {
    if (json_object_get(change, "add") || (json_object_get(change, "to") && !json_object_get(change, "from")))
        return "+";
    return json_object_get(change, "remove") || json_object_get(change, "reset") ? "-" : "~";
}

/* " [diff: ~description,+metadata.plan]", as on Pulumi's lines. */
static void print_brief(const struct gh_display *d, const struct gh_step *s) {
    json_t *change, *seen = json_object();
    size_t i, shown = 0;
    json_array_foreach(s->changes, i, change) {
        gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(4096);
        gh_buf_addf(&path, "%s", kind_of(change));
        gh_display_path(s, json_object_get(change, "path"), &path);
        if (path.failed || json_object_get(seen, path.ptr))
            continue;
        json_object_set_new(seen, path.ptr, json_true());
        fprintf(d->out, "%s%s", shown++ ? "," : " [diff: ", path.ptr);
    }
    if (shown)
        fputs("]", d->out);
    json_decref(seen);
}

static void print_change(const struct gh_display *d, const struct gh_step *s, const json_t *change) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(4096);
    const json_t *segments = json_object_get(change, "path");
    json_t *from = json_object_get(change, "from"), *to = json_object_get(change, "to");
    json_t *element =
        json_object_get(change, "add") ? json_object_get(change, "add") : json_object_get(change, "remove");
    bool secret = is_secret_path(s, segments);
    gh_display_path(s, segments, &path);
    fprintf(d->out, "      %s %s: ", kind_of(change), path.failed ? "?" : path.ptr);
    if (element)
        print_value(d, element, secret);
    if (from)
        print_value(d, from, secret);
    if (from && (to || json_object_get(change, "reset")))
        fputs(" => ", d->out);
    if (to)
        print_value(d, to, secret);
    else if (json_object_get(change, "reset"))
        fputs("(default)", d->out);
    if (json_object_get(change, "drift"))
        fputs("  (changed outside the stack)", d->out);
    if (json_object_get(change, "foreign"))
        fputs("  (not put there by the stack)", d->out);
    fputc('\n', d->out);
}

static void print_changes(const struct gh_display *d, const struct gh_step *s) {
    json_t *change, *value;
    const char *key;
    size_t i;
    if (d->diff && s->op == GH_OP_CREATE && json_array_size(s->changes) == 0) {
        json_object_foreach(s->inputs, key, value) {
            fprintf(d->out, "      + %s: ", key);
            print_value(d, value, false);
            fputc('\n', d->out);
        }
    }
    /* What somebody else put there and we would take away is named, asked for or not. */
    json_array_foreach(s->changes, i, change) {
        if (d->diff || (!d->applying && json_object_get(change, "foreign")))
            print_change(d, s, change);
    }
}

static void print_line(const struct gh_display *d, const struct gh_step *s, const char *word) {
    fprintf(d->out, " %s%-2s%s ", on(d, ops[s->op].colour), ops[s->op].glyph, off(d));
    print_type(d->out, s->type->token);
    fprintf(d->out, " %s %s%s%s", s->name, on(d, ops[s->op].colour), word, off(d));
    if (s->dies_with_parent)
        fputs(" (with its parent)", d->out);
}

void gh_display_step(void *context, const struct gh_step *s, enum gh_event event) {
    struct gh_display *d = context;
    bool quiet = s->op == GH_OP_SAME && !d->same;
    if (event == GH_EVENT_STARTED) {
        d->started = gh_clock_monotonic_ns();
        if (d->terminal && !quiet) {
            print_line(d, s, ops[s->op].running);
            fflush(d->out);
        }
        return;
    }
    if (d->terminal && event != GH_EVENT_PLANNED && !quiet)
        fputs("\r\033[K", d->out);
    if (quiet && event != GH_EVENT_FAILED)
        return;
    print_line(d, s,
               event == GH_EVENT_FAILED ? "failed"
               : event == GH_EVENT_DONE ? ops[s->op].past
                                        : ops[s->op].present);
    if (event == GH_EVENT_DONE)
        fprintf(d->out, " (%.2fs)", (double)(gh_clock_monotonic_ns() - d->started) / 1e9);
    if (s->op != GH_OP_CREATE || s->provider->kind == GH_KIND_FACET)
        print_brief(d, s);
    if (s->drift)
        fprintf(d->out, " (drift%s%s)", s->note ? ": " : "", s->note ? s->note : "");
    else if (s->note)
        fprintf(d->out, " (%s)", s->note);
    fputc('\n', d->out);
    if (event == GH_EVENT_PLANNED)
        print_changes(d, s);
    fflush(d->out);
}

size_t gh_display_summary(const struct gh_display *d, const struct gh_engine *e) {
    size_t counts[GH_OP_COUNT] = { 0 }, changes = 0, kinds = 0;
    for (size_t i = 0; i < gh_engine_step_count(e); i++) {
        const struct gh_step *s = gh_engine_step_at(e, i);
        if (!d->applying || s->done)
            counts[s->op]++;
    }
    fprintf(d->out, "Resources:\n");
    for (size_t i = 0; i < GH_COUNT(listed); i++) {
        size_t n = counts[listed[i]];
        if (!n)
            continue;
        changes += n;
        kinds++;
        fprintf(d->out, "    %s%s %zu %s%s%s\n", on(d, ops[listed[i]].colour), ops[listed[i]].glyph, n,
                d->applying ? "" : "to ", d->applying ? ops[listed[i]].past : ops[listed[i]].present, off(d));
    }
    if (kinds > 1)
        fprintf(d->out, "    %zu changes%s", changes, counts[GH_OP_SAME] ? ". " : "\n");
    else if (counts[GH_OP_SAME])
        fputs("    ", d->out);
    if (counts[GH_OP_SAME])
        fprintf(d->out, "%zu unchanged\n", counts[GH_OP_SAME]);
    return changes;
}

void gh_display_outputs(const struct gh_display *d, json_t *outputs) {
    const char *key;
    json_t *value;
    size_t widest = 0;
    if (json_object_size(outputs) == 0)
        return;
    json_object_foreach(outputs, key, value) widest = strlen(key) > widest ? strlen(key) : widest;
    fprintf(d->out, "Outputs:\n");
    json_object_foreach(outputs, key, value) {
        fprintf(d->out, "    %-*s: ", (int)widest, key);
        print_value(d, value, false);
        fputc('\n', d->out);
    }
    fputc('\n', d->out);
}

void gh_display_duration(const struct gh_display *d, long long nanoseconds) {
    long long seconds = (nanoseconds + 999999999) / 1000000000;
    if (seconds >= 60)
        fprintf(d->out, "\nDuration: %lldm%llds\n", seconds / 60, seconds % 60);
    else
        fprintf(d->out, "\nDuration: %llds\n", seconds);
}

static json_t *masked_changes(const struct gh_step *s) {
    json_t *list = json_array(), *change;
    size_t i;
    json_array_foreach(s->changes, i, change) {
        json_t *copy = gh_value_masked(change);
        if (is_secret_path(s, json_object_get(change, "path")) && json_object_get(copy, "from"))
            json_object_set_new(copy, "from", json_string("[secret]"));
        json_array_append_new(list, copy);
    }
    return list;
}

json_t *gh_display_digest(const struct gh_engine *e, const char *project, const char *stack) {
    json_t *steps = json_array(), *summary = json_object();
    for (size_t i = 0; i < gh_engine_step_count(e); i++) {
        const struct gh_step *s = gh_engine_step_at(e, i);
        json_t *step =
            json_pack("{s:s, s:o, s:s, s:s}", "op", ops[s->op].present, "urn",
                      json_sprintf("urn:pulumi:%s::%s::%s::%s", stack, project, s->type->token, s->name),
                      "type", s->type->token, "name", s->name);
        if (s->id)
            json_object_set_new(step, "id", json_string(s->id));
        if (s->drift)
            json_object_set_new(step, "drift", json_true());
        json_object_set_new(step, "changes", masked_changes(s));
        json_array_append_new(steps, step);
        json_int_t n = json_integer_value(json_object_get(summary, ops[s->op].present));
        json_object_set_new(summary, ops[s->op].present, json_integer(n + 1));
    }
    return json_pack("{s:o, s:o}", "steps", steps, "changeSummary", summary);
}
