#include "core/json.h"
#include "core/json_text.h"
#include "core/limits.h"

/* Everything here gets text that gh_json_parse accepted. The bounds are checked all the same: a slip of ours
 * must end in "absent", not behind the text. */

static bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static struct gh_str trim(struct gh_str s) {
    while (s.len && is_blank(s.ptr[0]))
        s = (struct gh_str){ s.ptr + 1, s.len - 1 };
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static enum gh_json_type type_of(char first) {
    switch (first) {
    case '{':
        return GH_JSON_OBJECT;
    case '[':
        return GH_JSON_ARRAY;
    case '"':
        return GH_JSON_STRING;
    case 't':
        return GH_JSON_TRUE;
    case 'f':
        return GH_JSON_FALSE;
    case 'n':
        return GH_JSON_NULL;
    default:
        return GH_JSON_NUMBER;
    }
}

struct gh_json gh_json_view(struct gh_str text) {
    text = trim(text);
    return (struct gh_json){ text.len ? type_of(text.ptr[0]) : GH_JSON_NULL, text };
}

/* From an opening quote to behind the closing one. */
static const char *skip_string(const char *p, const char *end) {
    for (p++; p < end; p++) {
        p = gh_json_plain_end(p, end);
        if (p == end || *p == '"')
            break;
        if (*p == '\\')
            p++;
    }
    return p < end ? p + 1 : end;
}

static const char *skip_container(const char *p, const char *end) {
    unsigned open = 0;
    while (p < end) {
        if (*p == '"') {
            p = skip_string(p, end);
            continue;
        }
        if (*p == '{' || *p == '[')
            open++;
        else if (*p == '}' || *p == ']')
            open--;
        p++;
        if (open == 0)
            break;
    }
    return p;
}

static const char *skip_value(const char *p, const char *end) {
    if (*p == '"')
        return skip_string(p, end);
    if (*p == '{' || *p == '[')
        return skip_container(p, end);
    while (p < end && *p != ',' && *p != '}' && *p != ']' && !is_blank(*p))
        p++;
    return p;
}

static const char *skip_to_token(const char *p, const char *end, char separator) {
    while (p < end && (is_blank(*p) || *p == separator))
        p++;
    return p;
}

bool gh_json_next(struct gh_json container, size_t *at, struct gh_str *key, struct gh_json *value) {
    if ((container.type != GH_JSON_OBJECT && container.type != GH_JSON_ARRAY) || *at >= container.text.len)
        return false;
    const char *start = container.text.ptr, *end = start + container.text.len - 1; /* its closing bracket */
    const char *p = skip_to_token(*at ? start + *at : start + 1, end, ',');
    if (p >= end)
        return false;

    *key = (struct gh_str){ 0 };
    if (container.type == GH_JSON_OBJECT) {
        const char *behind = skip_string(p, end);
        *key = (struct gh_str){ p + 1, (size_t)(behind - p) - 2 };
        p = skip_to_token(behind, end, ':');
        if (p >= end)
            return false;
    }
    const char *behind = skip_value(p, end);
    *value = (struct gh_json){ type_of(*p), { p, (size_t)(behind - p) } };
    *at = (size_t)(behind - start);
    return true;
}

bool gh_json_key_is(struct gh_str raw_key, struct gh_str name) {
    return gh_str_eq(raw_key, name) && !memchr(raw_key.ptr, '\\', raw_key.len);
}

bool gh_json_key_spells(struct gh_str raw_key, struct gh_str name) {
    struct gh_json_cursor c = gh_json_cursor_make(raw_key);
    for (size_t i = 0; i < name.len; i++)
        if (gh_json_cursor_next(&c) != (unsigned char)name.ptr[i])
            return false;
    return gh_json_cursor_next(&c) == -1;
}

bool gh_json_member(struct gh_json object, struct gh_str name, struct gh_json *ret) {
    struct gh_str key;
    struct gh_json value;
    for (size_t at = 0; object.type == GH_JSON_OBJECT && gh_json_next(object, &at, &key, &value);)
        if (gh_json_key_spells(key, name)) {
            *ret = value;
            return true;
        }
    return false;
}

enum gh_err gh_json_string(struct gh_arena *a, struct gh_json value, struct gh_str *ret) {
    if (value.type != GH_JSON_STRING || value.text.len < 2)
        return GH_ERR_BAD_CLAIM;
    struct gh_str raw = { value.text.ptr + 1, value.text.len - 2 };
    if (!memchr(raw.ptr, '\\', raw.len)) {
        *ret = raw;
        return GH_OK;
    }
    char *out = gh_arena_alloc(a, raw.len + 1); /* escapes only shrink */
    if (!out)
        return GH_ERR_NOMEM;
    struct gh_json_cursor c = gh_json_cursor_make(raw);
    size_t len = 0;
    for (int byte; (byte = gh_json_cursor_next(&c)) >= 0;)
        out[len++] = (char)byte;
    *ret = (struct gh_str){ out, len };
    return GH_OK;
}

enum gh_err gh_json_integer(struct gh_json value, long long *ret) {
    struct gh_str digits = value.text;
    if (value.type != GH_JSON_NUMBER)
        return GH_ERR_BAD_CLAIM;
    bool negative = gh_str_starts(digits, GH_STR("-"));
    if (negative)
        digits = gh_str_skip(digits, 1);
    unsigned long long n;
    if (!gh_str_to_u64(digits, GH_LIMIT_JSON_INTEGER, &n) || (negative && n == 0))
        return GH_ERR_BAD_CLAIM;
    *ret = negative ? -(long long)n : (long long)n;
    return GH_OK;
}

void gh_json_quote(struct gh_buf *ret, struct gh_str text) {
    gh_buf_add_char(ret, '"');
    for (size_t i = 0; i < text.len; i++) {
        size_t first = i;
        while (i < text.len && text.ptr[i] != '"' && text.ptr[i] != '\\' &&
               (unsigned char)text.ptr[i] >= 0x20)
            i++;
        gh_buf_add(ret, (struct gh_str){ text.ptr + first, i - first });
        if (i == text.len)
            break;
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            gh_buf_addf(ret, "\\%c", text.ptr[i]);
        else
            gh_buf_addf(ret, "\\u%04x", (unsigned)text.ptr[i]);
    }
    gh_buf_add_char(ret, '"');
}
