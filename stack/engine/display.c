#include "stack/engine/display.h"

#include <string.h>

#include "core/cleanup.h"
#include "stack/engine/shown.h"
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

static const char *glyph_of(const json_t *change) {
    const char *kind = json_string_value(json_object_get(change, "kind"));
    return kind[0] == 'a' ? "+" : kind[0] == 'd' ? "-" : "~";
}

/* " [diff: ~description,+metadata.plan]", as on Pulumi's lines. */
static void print_brief(const struct gh_display *d, const json_t *changes) {
    json_t *change, *seen = json_object();
    size_t i, shown = 0;
    json_array_foreach(changes, i, change) {
        gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(4096);
        gh_buf_addf(&path, "%s", glyph_of(change));
        gh_shown_path(json_object_get(change, "path"), &path);
        if (path.failed || json_object_get(seen, path.ptr))
            continue;
        json_object_set_new(seen, path.ptr, json_true());
        fputs(shown++ ? "," : " [diff: ", d->out);
        gh_display_text(d->out, gh_buf_str(&path));
    }
    if (shown)
        fputs("]", d->out);
    json_decref(seen);
}

/* What somebody else put there and we would take away is named, asked for or not. */
static void print_foreign(const struct gh_display *d, const json_t *changes) {
    size_t i;
    json_t *change;
    json_array_foreach(changes, i, change) {
        if (!json_object_get(change, "foreign"))
            continue;
        json_t *path = json_object_get(change, "path");
        fprintf(d->out, "      - %s: ", json_string_value(json_array_get(path, 0)));
        gh_display_value(d->out, json_object_get(change, "from"));
        fputs("  (not put there by the stack)\n", d->out);
    }
}

static void print_line(const struct gh_display *d, const struct gh_step *s, const char *word) {
    fprintf(d->out, " %s%-2s%s ", on(d, ops[s->op].colour), ops[s->op].glyph, off(d));
    print_type(d->out, s->type->token);
    fprintf(d->out, " %s %s%s%s", s->name, on(d, ops[s->op].colour), word, off(d));
    if (s->dies_with_parent)
        fputs(" (with its parent)", d->out);
}

/* A new object's properties are what the program says: not said again on its line. */
static bool is_brief(const struct gh_step *s) {
    bool whole =
        s->op == GH_OP_CREATE && (s->provider->kind == GH_KIND_OBJECT || s->provider->kind == GH_KIND_LINK);
    return !whole && s->op != GH_OP_DELETE;
}

/* As `pulumi --diff` begins a resource; its properties follow. */
static void print_head(const struct gh_display *d, const struct gh_step *s) {
    fprintf(d->out, " %s%-2s%s %s: %s(%s)%s", on(d, ops[s->op].colour), ops[s->op].glyph, off(d),
            s->type->token, on(d, ops[s->op].colour), ops[s->op].present, off(d));
    if (s->dies_with_parent)
        fputs(" (with its parent)", d->out);
}

static void print_note(const struct gh_display *d, const struct gh_step *s) {
    if (s->drift)
        fprintf(d->out, " (drift%s%s)", s->note ? ": " : "", s->note ? s->note : "");
    else if (s->note)
        fprintf(d->out, " (%s)", s->note);
    fputc('\n', d->out);
}

static void print_planned(const struct gh_display *d, const struct gh_step *s) {
    json_t *changes = gh_shown_changes(s, d->secrets);
    if (d->diff) {
        print_head(d, s);
        print_note(d, s);
        if (s->id && s->op != GH_OP_CREATE)
            fprintf(d->out, "        [id=%s]\n", s->id);
        fprintf(d->out, "        [urn=urn:pulumi:%s::%s::%s::%s]\n", d->stack, d->project, s->type->token,
                s->name);
        gh_display_changes(d->out, changes);
    } else {
        print_line(d, s, ops[s->op].present);
        if (is_brief(s))
            print_brief(d, changes);
        print_note(d, s);
        print_foreign(d, changes);
    }
    json_decref(changes);
}

static void print_done(const struct gh_display *d, const struct gh_step *s, bool failed) {
    print_line(d, s, failed ? "failed" : ops[s->op].past);
    if (!failed)
        fprintf(d->out, " (%.2fs)", (double)(gh_clock_monotonic_ns() - d->started) / 1e9);
    json_t *changes = is_brief(s) ? gh_shown_changes(s, d->secrets) : NULL;
    print_brief(d, changes);
    json_decref(changes);
    print_note(d, s);
}

void gh_display_step(void *context, const struct gh_step *s, enum gh_event event) {
    struct gh_display *d = context;
    bool quiet = s->op == GH_OP_SAME && !d->same && event != GH_EVENT_FAILED;
    if (event == GH_EVENT_STARTED)
        d->started = gh_clock_monotonic_ns();
    if (quiet)
        return;
    if (event == GH_EVENT_STARTED) {
        if (d->terminal)
            print_line(d, s, ops[s->op].running);
    } else {
        if (d->terminal && event != GH_EVENT_PLANNED)
            fputs("\r\033[K", d->out);
        if (event == GH_EVENT_PLANNED)
            print_planned(d, s);
        else
            print_done(d, s, event == GH_EVENT_FAILED);
    }
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
        json_t *shown = d->secrets ? gh_value_plain(value) : gh_value_masked(value);
        gh_display_value(d->out, shown);
        json_decref(shown);
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
