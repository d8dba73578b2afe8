/* The properties of `--diff`. */
#include <stdlib.h>
#include <string.h>

#include "stack/engine/display.h"
#include "stack/value.h"

#define INDENT 6
#define STEP 4

void gh_display_text(FILE *out, struct gh_str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i],
                      next = i + 1 < text.len ? (unsigned char)text.ptr[i + 1] : 0;
        if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\u%04x", c);
        else if (c == 0xc2 && next >= 0x80 && next < 0xa0) { /* C1: terminals obey these as well */
            fprintf(out, "\\u%04x", next);
            i++;
        } else
            fputc(c, out);
    }
}

void gh_display_value(FILE *out, const json_t *value) {
    const char *text = json_string_value(value);
    if (gh_value_is_unknown(value))
        fputs("[unknown]", out);
    else if (text && strcmp(text, "[secret]") == 0)
        fputs(text, out);
    else {
        char *line = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        gh_display_text(out, gh_str_from(line ? line : "?"));
        free(line);
    }
}

static void begin(FILE *out, int indent, const char *glyph, const char *name) {
    fprintf(out, "%*s%s ", indent, "", glyph);
    if (name) {
        gh_display_text(out, gh_str_from(name));
        fputs(": ", out);
    }
}

/* A value that comes or goes as a whole. */
static void print_whole(FILE *out, int indent, const char *glyph, const char *name, const json_t *value,
                        const char *mark) {
    const char *key;
    json_t *member;
    size_t i;
    begin(out, indent, glyph, name);
    if (json_object_size(value)) {
        fprintf(out, "{%s\n", mark);
        json_object_foreach((json_t *)(uintptr_t)value, key, member)
            print_whole(out, indent + STEP, glyph, key, member, "");
        fprintf(out, "%*s}\n", indent + 2, "");
    } else if (json_array_size(value)) {
        fprintf(out, "[%s\n", mark);
        json_array_foreach(value, i, member) print_whole(out, indent + STEP, glyph, NULL, member, "");
        fprintf(out, "%*s]\n", indent + 2, "");
    } else {
        gh_display_value(out, value);
        fprintf(out, "%s\n", mark);
    }
}

static bool holds(const json_t *list, const json_t *element) {
    size_t i;
    json_t *other;
    json_array_foreach(list, i, other) {
        if (json_equal(other, element))
            return true;
    }
    return false;
}

/* Lists are sets: what comes and what goes. */
static void print_lists(FILE *out, int indent, const char *name, const json_t *from, const json_t *to,
                        const char *mark) {
    size_t i;
    json_t *element;
    begin(out, indent, "~", name);
    fprintf(out, "[%s\n", mark);
    json_array_foreach(from, i, element) {
        if (!holds(to, element))
            print_whole(out, indent + STEP, "-", NULL, element, "");
    }
    json_array_foreach(to, i, element) {
        if (!holds(from, element))
            print_whole(out, indent + STEP, "+", NULL, element, "");
    }
    fprintf(out, "%*s]\n", indent + 2, "");
}

static void print_values(FILE *out, const json_t *from, const json_t *to) {
    gh_display_value(out, from);
    fputs(" => ", out);
    gh_display_value(out, to);
}

/* An element with fields: those that stay tell which one it is. */
static void print_objects(FILE *out, int indent, const char *name, const json_t *from, const json_t *to,
                          const char *mark) {
    const char *key;
    json_t *now;
    begin(out, indent, "~", name);
    fprintf(out, "{%s\n", mark);
    json_object_foreach((json_t *)(uintptr_t)to, key, now) {
        const json_t *was = json_object_get(from, key);
        bool same = was && json_equal(was, now);
        if (!was) {
            print_whole(out, indent + STEP, "+", key, now, "");
            continue;
        }
        begin(out, indent + STEP, same ? " " : "~", key);
        if (same)
            gh_display_value(out, now);
        else
            print_values(out, was, now);
        fputc('\n', out);
    }
    json_object_foreach((json_t *)(uintptr_t)from, key, now) {
        if (!json_object_get(to, key))
            print_whole(out, indent + STEP, "-", key, now, "");
    }
    fprintf(out, "%*s}\n", indent + 2, "");
}

static const char *mark_of(const json_t *change) {
    return json_object_get(change, "foreign")   ? "  (not put there by the stack)"
           : json_object_get(change, "drift")   ? "  (changed outside the stack)"
           : json_object_get(change, "replace") ? "  (replaces)"
                                                : "";
}

static void print_leaf(FILE *out, int indent, const char *name, const json_t *change) {
    const json_t *from = json_object_get(change, "from"), *to = json_object_get(change, "to");
    const char *mark = mark_of(change);
    if (to && !from)
        print_whole(out, indent, "+", name, to, mark);
    else if (from && !to && !json_object_get(change, "default"))
        print_whole(out, indent, "-", name, from, mark);
    else if (json_is_array(from) && json_is_array(to))
        print_lists(out, indent, name, from, to, mark);
    else if (json_is_object(from) && json_is_object(to))
        print_objects(out, indent, name, from, to, mark);
    else {
        begin(out, indent, to ? "~" : "-", name);
        if (from)
            gh_display_value(out, from);
        fputs(" => ", out);
        if (to)
            gh_display_value(out, to);
        fprintf(out, "%s%s\n", to ? "" : "(default)", mark);
    }
}

/* How many segments of a path are opened around its leaf. */
static size_t containers(const json_t *change) {
    size_t n = json_array_size(json_object_get(change, "path"));
    return json_object_get(change, "element") ? n : n ? n - 1 : 0;
}

static size_t shared(const json_t *a, const json_t *b) {
    size_t n = 0, most = containers(a) < containers(b) ? containers(a) : containers(b);
    const json_t *pa = json_object_get(a, "path"), *pb = json_object_get(b, "path");
    while (n < most && json_equal(json_array_get(pa, n), json_array_get(pb, n)))
        n++;
    return n;
}

static void close_down_to(FILE *out, const json_t *change, size_t depth) {
    for (size_t n = change ? containers(change) : 0; n > depth; n--) {
        bool list = json_object_get(change, "element") && n == containers(change);
        fprintf(out, "%*s%c\n", INDENT + STEP * (int)(n - 1) + 2, "", list ? ']' : '}');
    }
}

void gh_display_changes(FILE *out, const json_t *changes) {
    const json_t *before = NULL;
    json_t *change;
    size_t i;
    json_array_foreach(changes, i, change) {
        const json_t *path = json_object_get(change, "path");
        size_t depth = before ? shared(before, change) : 0, n = containers(change);
        close_down_to(out, before, depth);
        for (; depth < n; depth++) {
            bool list = json_object_get(change, "element") && depth == n - 1;
            begin(out, INDENT + STEP * (int)depth, "~", json_string_value(json_array_get(path, depth)));
            fprintf(out, "%c\n", list ? '[' : '{');
        }
        print_leaf(out, INDENT + STEP * (int)n, json_string_value(json_array_get(path, n)), change);
        before = change;
    }
    close_down_to(out, before, 0);
}
