#include "stack/language/edit.h"

#include <stdio.h>
#include <stdlib.h>

struct gh_str gh_yaml_lines(struct gh_str text, unsigned from, unsigned to) {
    struct gh_str rest = text, line;
    unsigned at = 1;
    if (text.len == 0)
        return text;
    while (at < from && gh_str_cut(&rest, '\n', &line))
        at++;
    if (at < from)
        return (struct gh_str){ text.ptr, 0 };
    const char *start = rest.ptr;
    while (at < to && gh_str_cut(&rest, '\n', &line))
        at++;
    const char *end = at < to ? text.ptr + text.len : rest.ptr;
    return (struct gh_str){ start, (size_t)(end - start) };
}

/* Columns count characters, not bytes. */
static const char *place_in(struct gh_str line, unsigned column) {
    const char *at = line.ptr, *end = line.ptr + line.len;
    for (unsigned n = 1; n < column && at < end; n++) {
        at++;
        while (at < end && ((unsigned char)*at & 0xc0) == 0x80)
            at++;
    }
    return at;
}

struct gh_str gh_yaml_source(struct gh_str text, const struct gh_yaml *node) {
    if (!node->end_column)
        return (struct gh_str){ 0 };
    const char *start = place_in(gh_yaml_lines(text, node->line, node->line + 1), node->column),
               *end = place_in(gh_yaml_lines(text, node->last_line, node->last_line + 1), node->end_column);
    return start && end > start ? (struct gh_str){ start, (size_t)(end - start) } : (struct gh_str){ 0 };
}

static void add_whole(struct gh_buf *out, struct gh_str s) {
    gh_buf_add(out, s);
    if (s.len && s.ptr[s.len - 1] != '\n')
        gh_buf_add_char(out, '\n');
}

/* "key: value" at an indentation; the further lines of the value keep theirs below it. */
static void add_entry(struct gh_buf *out, unsigned indent, struct gh_str key, struct gh_str value) {
    gh_buf_addf(out, "%*s", (int)indent, "");
    gh_yaml_quote(out, key);
    gh_buf_add_char(out, ':');
    if (value.len && value.ptr[0] != '\n')
        gh_buf_add_char(out, ' ');
    for (size_t i = 0; i < value.len; i++) {
        gh_buf_add_char(out, value.ptr[i]);
        if (value.ptr[i] == '\n')
            gh_buf_addf(out, "%*s", (int)indent, "");
    }
    gh_buf_add_char(out, '\n');
}

static bool edit_map(struct gh_str text, const struct gh_yaml *map, struct gh_str key, struct gh_str value,
                     struct gh_buf *ret) {
    const struct gh_yaml *old = gh_yaml_get(map, key), *last = map->first;
    while (last->next)
        last = last->next;
    unsigned from = old ? old->key->line : last->last_line + 1, to = old ? old->last_line + 1 : from;
    add_whole(ret, gh_yaml_lines(text, 1, from));
    add_entry(ret, map->first->key->column - 1, key, value);
    gh_buf_add(ret, gh_yaml_lines(text, to, ~0u));
    return true;
}

/* A section that is not there yet, or has nothing in it. */
static bool edit_new(struct gh_str text, const struct gh_yaml *empty, const char *section, struct gh_str key,
                     struct gh_str value, struct gh_buf *ret) {
    unsigned after = empty ? empty->key->line + 1 : ~0u;
    if (empty && empty->text.len) /* "config: ~" */
        return false;
    add_whole(ret, gh_yaml_lines(text, 1, after));
    if (!empty)
        gh_buf_addf(ret, "%s:\n", section);
    add_entry(ret, 2, key, value);
    if (empty)
        gh_buf_add(ret, gh_yaml_lines(text, after, ~0u));
    return true;
}

bool gh_yaml_edit(struct gh_str text, const struct gh_yaml *root, const char *section, struct gh_str key,
                  struct gh_str value, struct gh_buf *ret) {
    bool empty = root->kind == GH_YAML_SCALAR;
    if (!empty && (root->kind != GH_YAML_MAPPING || root->flow || !root->count))
        return false;
    if (empty && root->text.len)
        return false;
    if (!section) {
        if (!empty)
            return edit_map(text, root, key, value, ret);
        add_whole(ret, text);
        add_entry(ret, 0, key, value);
        return true;
    }
    const struct gh_yaml *map = empty ? NULL : gh_yaml_get(root, gh_str_from(section));
    if (!map || gh_yaml_is_null(map))
        return edit_new(text, map, section, key, value, ret);
    if (map->kind != GH_YAML_MAPPING || map->flow || !map->count)
        return false;
    return edit_map(text, map, key, value, ret);
}

bool gh_yaml_cut(struct gh_str text, const struct gh_yaml *map, const struct gh_yaml *entry,
                 struct gh_buf *ret) {
    if (map->kind != GH_YAML_MAPPING || map->flow)
        return false;
    gh_buf_add(ret, gh_yaml_lines(text, 1, entry->key->line));
    gh_buf_add(ret, gh_yaml_lines(text, entry->last_line + 1, ~0u));
    return true;
}

/* ---- scalars ---- */

static bool is_plain(struct gh_str s) {
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz/_",
                      others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_.@+-:=";
    static const char *const words[] = { "true", "false", "null", "yes", "no", "on", "off", "y", "n" };
    if (s.len == 0 || s.len > 1000 || !strchr(first, s.ptr[0]) || s.ptr[s.len - 1] == ':')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!s.ptr[i] || !strchr(others, s.ptr[i]))
            return false;
    for (size_t i = 0; i < GH_COUNT(words); i++)
        if (gh_str_eq_nocase(s, gh_str_from(words[i])))
            return false;
    return true;
}

/* The code point at s, UTF-8 that was checked before; *len its bytes. */
static unsigned code_point(const unsigned char *s, size_t left, size_t *len) {
    *len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (*len > left)
        *len = 1;
    unsigned c = *len == 1 ? s[0] : s[0] & (0x7fu >> *len);
    for (size_t i = 1; i < *len; i++)
        c = c << 6 | (s[i] & 0x3f);
    return c;
}

/* Not printable in YAML, or a line break to some readers. */
static bool needs_escape(unsigned c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff || c >= 0xfffe;
}

void gh_yaml_quote(struct gh_buf *out, struct gh_str s) {
    if (is_plain(s)) {
        gh_buf_add(out, s);
        return;
    }
    gh_buf_add_char(out, '"');
    for (size_t i = 0, n; i < s.len; i += n) {
        unsigned c = code_point(gh_bytes(s) + i, s.len - i, &n);
        if (c == '"' || c == '\\')
            gh_buf_addf(out, "\\%c", (char)c);
        else if (c == '\n')
            gh_buf_add(out, GH_STR("\\n"));
        else if (needs_escape(c) && c < 0x10000)
            gh_buf_addf(out, "\\u%04X", c);
        else
            gh_buf_add(out, (struct gh_str){ s.ptr + i, n });
    }
    gh_buf_add_char(out, '"');
}

void gh_yaml_write(struct gh_buf *out, json_t *value) {
    const char *key, *lead = "";
    json_t *item;
    size_t i;
    if (json_is_string(value)) {
        gh_yaml_quote(out, (struct gh_str){ json_string_value(value), json_string_length(value) });
    } else if (json_is_object(value)) {
        gh_buf_add_char(out, '{');
        json_object_foreach(value, key, item) {
            gh_buf_add(out, gh_str_from(lead));
            gh_yaml_quote(out, gh_str_from(key));
            gh_buf_add(out, GH_STR(": "));
            gh_yaml_write(out, item);
            lead = ", ";
        }
        gh_buf_add_char(out, '}');
    } else if (json_is_array(value)) {
        gh_buf_add_char(out, '[');
        json_array_foreach(value, i, item) {
            gh_buf_add(out, gh_str_from(lead));
            gh_yaml_write(out, item);
            lead = ", ";
        }
        gh_buf_add_char(out, ']');
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        gh_buf_add(out, gh_str_from(text ? text : "null"));
        free(text);
    }
}
