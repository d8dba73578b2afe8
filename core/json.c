#include "core/json.h"

#include <stdint.h>

#include "core/json_text.h"
#include "core/limits.h"

/* A member name of an object that is still open. */
struct name {
    uint32_t at, raw; /* where it stands in the text and how long it is there */
    uint32_t len;     /* ... after unescaping: smaller than `raw` exactly when it has escapes */
};

/* The names of all open objects, innermost last and each object's sorted: a new name is looked up by halving,
 * so that no text makes the duplicate check quadratic, and without a hash function there is none to
 * attack. */
struct scan {
    const char *start, *at, *end;
    unsigned depth;    /* levels that may still be opened */
    size_t name_count; /* of `names`, which need no clearing */
    struct name names[GH_LIMIT_JSON_MEMBERS];
};

static enum gh_err scan_value(struct scan *s);

static void skip_blanks(struct scan *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

static bool next_is(struct scan *s, char c) {
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* From behind the opening quote to behind the closing one. *meaning is the length after unescaping. */
static enum gh_err scan_string(struct scan *s, size_t *meaning) {
    size_t saved = 0; /* bytes by which escapes are longer than what they mean */
    const char *first = s->at;
    for (;;) {
        const char *p = s->at = gh_json_plain_end(s->at, s->end);
        if (p == s->end)
            return GH_ERR_MALFORMED;
        if (*p == '"')
            break;
        size_t len;
        if (*p == '\\') {
            char utf8[4];
            uint32_t code;
            len = gh_json_escape(p, s->end, &code);
            saved += len ? len - gh_utf8_put(code, utf8) : 0;
        } else
            len = (unsigned char)*p < 0x20 ? 0 : gh_utf8_length(p, s->end);
        if (len == 0)
            return GH_ERR_MALFORMED;
        s->at += len;
    }
    *meaning = (size_t)(s->at - first) - saved;
    s->at++;
    return GH_OK;
}

static size_t scan_digits(struct scan *s) {
    const char *first = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return (size_t)(s->at - first);
}

/* Reading "+12", a bound instead of the exact value for what is absurd anyway. */
static bool scan_exponent(struct scan *s, long *ret) {
    bool negative = next_is(s, '-');
    if (!negative)
        next_is(s, '+');
    const char *first = s->at;
    if (scan_digits(s) == 0)
        return false;
    long value = 0;
    for (const char *p = first; p < s->at && value < 100000; p++)
        value = value * 10 + (*p - '0');
    *ret = negative ? -value : value;
    return true;
}

/* A number that may reach 1e308 is refused: some readers make it infinity and others an error. */
static enum gh_err scan_number(struct scan *s) {
    next_is(s, '-');
    size_t whole = 1;
    if (!next_is(s, '0') && (whole = scan_digits(s)) == 0)
        return GH_ERR_MALFORMED;
    if (next_is(s, '.') && scan_digits(s) == 0)
        return GH_ERR_MALFORMED;
    long exponent = 0;
    if ((next_is(s, 'e') || next_is(s, 'E')) && !scan_exponent(s, &exponent))
        return GH_ERR_MALFORMED;
    return (long)whole + exponent > 308 ? GH_ERR_MALFORMED : GH_OK;
}

static enum gh_err scan_literal(struct scan *s, struct gh_str word) {
    if (!gh_str_starts((struct gh_str){ s->at, (size_t)(s->end - s->at) }, word))
        return GH_ERR_MALFORMED;
    s->at += word.len;
    return GH_OK;
}

/* By length, then by bytes. */
static int name_compare(const struct scan *s, const struct name *a, const struct name *b) {
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    if (a->len == a->raw && b->len == b->raw)
        return memcmp(s->start + a->at, s->start + b->at, a->len);
    struct gh_json_cursor x = gh_json_cursor_make((struct gh_str){ s->start + a->at, a->raw });
    struct gh_json_cursor y = gh_json_cursor_make((struct gh_str){ s->start + b->at, b->raw });
    int cx, cy;
    do {
        cx = gh_json_cursor_next(&x);
        cy = gh_json_cursor_next(&y);
    } while (cx == cy && cx >= 0);
    return cx - cy;
}

/* `first` is where the names of the object begin. */
static enum gh_err name_add(struct scan *s, size_t first, struct name name) {
    if (s->name_count == GH_LIMIT_JSON_MEMBERS)
        return GH_ERR_TOO_LARGE;
    size_t low = first, high = s->name_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = name_compare(s, &s->names[middle], &name);
        if (order == 0)
            return GH_ERR_MALFORMED;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(&s->names[low + 1], &s->names[low], (s->name_count - low) * sizeof name);
    s->names[low] = name;
    s->name_count++;
    return GH_OK;
}

static enum gh_err scan_name(struct scan *s, size_t first) {
    if (!next_is(s, '"'))
        return GH_ERR_MALFORMED;
    const char *begin = s->at;
    size_t meaning = 0;
    enum gh_err e = scan_string(s, &meaning);
    if (e)
        return e;
    struct name name = { (uint32_t)(begin - s->start), (uint32_t)(s->at - 1 - begin), (uint32_t)meaning };
    return name_add(s, first, name);
}

static enum gh_err scan_object(struct scan *s) {
    size_t first = s->name_count;
    skip_blanks(s);
    if (next_is(s, '}'))
        return GH_OK;
    do {
        skip_blanks(s);
        enum gh_err e = scan_name(s, first);
        if (e)
            return e;
        skip_blanks(s);
        if (!next_is(s, ':'))
            return GH_ERR_MALFORMED;
        if ((e = scan_value(s)))
            return e;
    } while (next_is(s, ','));
    s->name_count = first;
    return next_is(s, '}') ? GH_OK : GH_ERR_MALFORMED;
}

static enum gh_err scan_array(struct scan *s) {
    skip_blanks(s);
    if (next_is(s, ']'))
        return GH_OK;
    do {
        enum gh_err e = scan_value(s);
        if (e)
            return e;
    } while (next_is(s, ','));
    return next_is(s, ']') ? GH_OK : GH_ERR_MALFORMED;
}

static enum gh_err scan_container(struct scan *s, char open) {
    if (s->depth == 0)
        return GH_ERR_TOO_LARGE;
    s->depth--;
    s->at++;
    enum gh_err e = open == '{' ? scan_object(s) : scan_array(s);
    s->depth++;
    return e;
}

static enum gh_err scan_scalar(struct scan *s) {
    size_t meaning;
    switch (*s->at) {
    case '"':
        s->at++;
        return scan_string(s, &meaning);
    case 'n':
        return scan_literal(s, GH_STR("null"));
    case 't':
        return scan_literal(s, GH_STR("true"));
    case 'f':
        return scan_literal(s, GH_STR("false"));
    default:
        return scan_number(s);
    }
}

/* One value with the blanks around it. */
static enum gh_err scan_value(struct scan *s) {
    skip_blanks(s);
    if (s->at == s->end)
        return GH_ERR_MALFORMED;
    enum gh_err e = *s->at == '{' || *s->at == '[' ? scan_container(s, *s->at) : scan_scalar(s);
    skip_blanks(s);
    return e;
}

enum gh_err gh_json_parse(struct gh_str text, unsigned max_depth, struct gh_json *ret) {
    if (text.len == 0)
        return GH_ERR_MALFORMED;
    if (text.len > UINT32_MAX)
        return GH_ERR_TOO_LARGE;
    /* 12 KiB that are written before they are read: clearing them would cost more than a small token. */
    __attribute__((uninitialized)) struct scan s;
    s.start = s.at = text.ptr;
    s.end = text.ptr + text.len;
    s.depth = max_depth < GH_LIMIT_JSON_NESTING ? max_depth : GH_LIMIT_JSON_NESTING;
    s.name_count = 0;

    enum gh_err e = scan_value(&s);
    if (e)
        return e;
    if (s.at != s.end)
        return GH_ERR_MALFORMED;
    *ret = gh_json_view(text);
    return GH_OK;
}
