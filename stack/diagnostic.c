#include "stack/diagnostic.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/buf.h"

#define CEILING (32 << 20)
#define MOST 1000 /* printed; the rest is counted: nobody reads more */

struct source {
    struct source *next;
    const char *file;
    struct gh_str text;
};

struct gh_diagnostics {
    struct gh_arena *arena;
    struct gh_diagnostic *list;
    size_t count, room, per_severity[2];
    struct source *sources;
    bool dropped; /* the newest one was not kept: its detail is not either */
};

struct gh_diagnostics *gh_diagnostics_new(void) {
    struct gh_diagnostics *d = calloc(1, sizeof *d);
    if (d && !(d->arena = gh_arena_new(CEILING))) {
        free(d);
        return NULL;
    }
    return d;
}

void gh_diagnostics_free(struct gh_diagnostics *d) {
    if (!d)
        return;
    gh_arena_free(d->arena);
    free(d->list);
    free(d);
}

void gh_diagnostics_source(struct gh_diagnostics *d, const char *file, struct gh_str text) {
    struct source *s = GH_NEW(d->arena, struct source);
    if (!s)
        return;
    s->file = gh_arena_cstr(d->arena, gh_str_from(file));
    s->text = gh_arena_dup(d->arena, text);
    if (!s->file || !s->text.ptr)
        return;
    s->next = d->sources;
    d->sources = s;
}

__attribute__((format(printf, 2, 0))) static struct gh_str formatted(struct gh_diagnostics *d,
                                                                     const char *fmt, va_list args) {
    char *text = NULL;
    int len = vasprintf(&text, fmt, args);
    if (len < 0)
        return GH_STR("out of memory");
    struct gh_str kept = gh_arena_dup(d->arena, (struct gh_str){ text, (size_t)len });
    free(text);
    return kept.ptr ? kept : GH_STR("out of memory");
}

static struct gh_diagnostic *add(struct gh_diagnostics *d) {
    if (d->count >= MOST)
        return NULL;
    if (d->count == d->room) {
        size_t room = d->room ? d->room * 2 : 16;
        struct gh_diagnostic *list = reallocarray(d->list, room, sizeof *list);
        if (!list)
            return NULL;
        d->list = list;
        d->room = room;
    }
    return &d->list[d->count++];
}

void gh_diagnose(struct gh_diagnostics *d, enum gh_severity severity, struct gh_position at, const char *fmt,
                 ...) {
    d->per_severity[severity]++;
    struct gh_diagnostic *one = add(d);
    d->dropped = !one;
    if (!one)
        return;
    va_list args;
    va_start(args, fmt);
    *one = (struct gh_diagnostic){ .severity = severity, .position = at, .summary = formatted(d, fmt, args) };
    va_end(args);
    if (at.file)
        one->position.file = gh_arena_cstr(d->arena, gh_str_from(at.file));
}

void gh_diagnose_detail(struct gh_diagnostics *d, const char *fmt, ...) {
    if (d->dropped || d->count == 0)
        return;
    va_list args;
    va_start(args, fmt);
    d->list[d->count - 1].detail = formatted(d, fmt, args);
    va_end(args);
}

size_t gh_diagnostics_count(const struct gh_diagnostics *d, enum gh_severity severity) {
    return d->per_severity[severity];
}

const struct gh_diagnostic *gh_diagnostics_at(const struct gh_diagnostics *d, size_t i) {
    return i < d->count ? &d->list[i] : NULL;
}

static bool source_line(const struct gh_diagnostics *d, struct gh_position at, struct gh_str *ret) {
    const struct source *s = d->sources;
    while (s && strcmp(s->file, at.file) != 0)
        s = s->next;
    if (!s)
        return false;
    struct gh_str rest = s->text, line = rest;
    for (unsigned n = 0; n < at.line; n++)
        if (!gh_str_cut(&rest, '\n', &line)) {
            line = rest;
            rest = (struct gh_str){ 0 };
        }
    while (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    *ret = line;
    return line.len > 0;
}

/* What came from a file goes to a terminal: no control character of it may reach the screen. */
static void add_visible(struct gh_buf *out, struct gh_str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        gh_buf_add_char(out, c < 0x20 || c == 0x7f ? (c == '\n' ? '\n' : ' ') : (char)c);
    }
}

static void print_one(const struct gh_diagnostics *d, const struct gh_diagnostic *one, bool colour,
                      struct gh_buf *out) {
    static const struct {
        const char *word, *on;
    } severities[] = { { "warning", "\033[33m" }, { "error", "\033[31m" } };
    const char *off = colour ? "\033[0m" : "";
    gh_buf_addf(out, "%s%s:%s ", colour ? severities[one->severity].on : "", severities[one->severity].word,
                off);
    if (one->position.file) {
        add_visible(out, gh_str_from(one->position.file));
        if (one->position.line)
            gh_buf_addf(out, ":%u", one->position.line);
        if (one->position.column)
            gh_buf_addf(out, ",%u", one->position.column);
        gh_buf_add(out, GH_STR(": "));
    }
    add_visible(out, one->summary);
    if (one->detail.len) {
        gh_buf_add(out, GH_STR("; "));
        add_visible(out, one->detail);
    }
    gh_buf_add_char(out, '\n');
    struct gh_str line;
    if (!one->position.file || !one->position.line || !source_line(d, one->position, &line))
        return;
    gh_buf_addf(out, "  %5u | ", one->position.line);
    add_visible(out, line.len > 200 ? (struct gh_str){ line.ptr, 200 } : line);
    gh_buf_add_char(out, '\n');
    if (one->position.column && one->position.column <= 200)
        gh_buf_addf(out, "        | %*s^\n", (int)one->position.column - 1, "");
}

void gh_diagnostics_format(const struct gh_diagnostics *d, bool colour, struct gh_buf *ret) {
    for (size_t i = 0; i < d->count; i++)
        print_one(d, &d->list[i], colour, ret);
    size_t all = d->per_severity[0] + d->per_severity[1];
    if (all > d->count)
        gh_buf_addf(ret, "… and %zu more\n", all - d->count);
}

void gh_diagnostics_print(const struct gh_diagnostics *d, int fd, bool colour) {
    gh_auto(gh_buf_release) struct gh_buf out = gh_buf_make(8 << 20);
    gh_diagnostics_format(d, colour, &out);
    for (size_t at = 0; at < out.len;) {
        ssize_t n = write(fd, out.ptr + at, out.len - at);
        if (n <= 0)
            return;
        at += (size_t)n;
    }
}
