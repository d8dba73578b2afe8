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

static void add_diff(const json_t *changes, struct gh_buf *ret) {
    json_t *change, *seen = json_object();
    size_t i, shown = 0;
    json_array_foreach(changes, i, change) {
        gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(4096);
        gh_buf_addf(&path, "%s", glyph_of(change));
        gh_shown_path(json_object_get(change, "path"), &path);
        if (path.failed || json_object_get(seen, path.ptr))
            continue;
        json_object_set_new(seen, path.ptr, json_true());
        gh_buf_addf(ret, "%s%s", shown++ ? "," : "[diff: ", path.ptr);
    }
    if (shown)
        gh_buf_add_char(ret, ']');
    json_decref(seen);
}

/* A new object's properties are what the program says: not said again on its line. */
static bool has_brief(const struct gh_step *s) {
    bool whole =
        s->op == GH_OP_CREATE && s->provider->kind != GH_KIND_FACET && s->provider->kind != GH_KIND_SET;
    return !whole && s->op != GH_OP_DELETE && s->op != GH_OP_SAME;
}

void gh_display_brief(const struct gh_step *s, bool secrets, struct gh_buf *ret) {
    json_t *changes = has_brief(s) ? gh_shown_changes(s, secrets) : NULL;
    if (s->dies_with_parent)
        gh_buf_add(ret, GH_STR("(with its parent)"));
    add_diff(changes, ret);
    json_decref(changes);
    const char *blank = ret->len ? " " : "";
    if (s->drift)
        gh_buf_addf(ret, "%s(drift%s%s)", blank, s->note ? ": " : "", s->note ? s->note : "");
    else if (s->note)
        gh_buf_addf(ret, "%s(%s)", blank, s->note);
}

const char *gh_display_glyph(enum gh_op op) {
    return ops[op].glyph;
}

const char *gh_display_colour(enum gh_op op) {
    return ops[op].colour;
}

const char *gh_display_word(enum gh_op op, enum gh_event event) {
    return event == GH_EVENT_FAILED    ? "failed"
           : event == GH_EVENT_DONE    ? ops[op].past
           : event == GH_EVENT_STARTED ? ops[op].running
                                       : ops[op].present;
}

/* What somebody else put there and we would take away is named, asked for or not. */
void gh_display_foreign(const struct gh_display *d, const struct gh_step *s) {
    size_t i;
    json_t *change, *changes = s->provider->kind == GH_KIND_SET ? gh_shown_changes(s, d->secrets) : NULL;
    json_array_foreach(changes, i, change) {
        if (!json_object_get(change, "foreign"))
            continue;
        fprintf(d->out, "      - %s %s: ", s->name,
                json_string_value(json_array_get(json_object_get(change, "path"), 0)));
        gh_display_value(d->out, json_object_get(change, "from"));
        fputs("  (not put there by the stack)\n", d->out);
    }
    json_decref(changes);
}

/* As `pulumi --diff` begins a resource; its properties follow. */
static void print_head(const struct gh_display *d, const struct gh_step *s) {
    fprintf(d->out, " %s%-2s%s %s: %s(%s)%s", on(d, ops[s->op].colour), ops[s->op].glyph, off(d),
            s->type->token, on(d, ops[s->op].colour), ops[s->op].present, off(d));
    if (s->dies_with_parent)
        fputs(" (with its parent)", d->out);
    if (s->note)
        fprintf(d->out, " (%s)", s->note);
    if (s->id && s->op != GH_OP_CREATE)
        fprintf(d->out, "\n        [id=%s]", s->id);
    fprintf(d->out, "\n        [urn=urn:pulumi:%s::%s::%s::%s]\n", d->stack, d->project, s->type->token,
            s->name);
}

static void print_line(struct gh_display *d, const struct gh_step *s, enum gh_event event) {
    gh_auto(gh_buf_release) struct gh_buf brief = gh_buf_make(65536);
    fprintf(d->out, " %s%-2s%s ", on(d, ops[s->op].colour), ops[s->op].glyph, off(d));
    print_type(d->out, s->type->token);
    fprintf(d->out, " %s %s%s%s", s->name, on(d, ops[s->op].colour), gh_display_word(s->op, event), off(d));
    if (event == GH_EVENT_DONE)
        fprintf(d->out, " (%.2fs)", (double)s->took / 1e9);
    gh_display_brief(s, d->secrets, &brief);
    if (!brief.failed && brief.len) {
        fputc(' ', d->out);
        gh_display_text(d->out, gh_buf_str(&brief));
    }
    fputc('\n', d->out);
}

void gh_display_step(void *context, const struct gh_step *s, enum gh_event event) {
    struct gh_display *d = context;
    if (event == GH_EVENT_STARTED)
        return;
    if (s->op == GH_OP_SAME && !d->same && event != GH_EVENT_FAILED)
        return;
    if (event == GH_EVENT_PLANNED && d->diff) {
        json_t *changes = gh_shown_changes(s, d->secrets);
        print_head(d, s);
        gh_display_changes(d->out, changes);
        json_decref(changes);
    } else {
        print_line(d, s, event);
        if (event == GH_EVENT_PLANNED)
            gh_display_foreign(d, s);
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
