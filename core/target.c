#include "core/target.h"

#include "core/arena.h"
#include "core/limits.h"
#include "core/utf8.h"

/* How often escapes may be nested (%252525…) before we stop looking and refuse. */
#define LAYERS_MAX 3

static int hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The byte that an escape at `at` stands for, or -1. */
static int escaped(struct gh_str s, size_t at) {
    if (s.len - at < 3 || s.ptr[at] != '%' || hex(s.ptr[at + 1]) < 0 || hex(s.ptr[at + 2]) < 0)
        return -1;
    return hex(s.ptr[at + 1]) << 4 | hex(s.ptr[at + 2]);
}

/* Undoes one layer of escapes from `s` to `out`, which may be the same memory; what is no escape stays.
 * Counts the escapes and those '%' that are none. */
struct undone {
    size_t len, escapes, bad;
};

static struct undone undo(struct gh_str s, char *out) {
    struct undone u = { 0 };
    for (size_t i = 0; i < s.len; i++) {
        int byte = escaped(s, i);
        u.bad += byte < 0 && s.ptr[i] == '%';
        out[u.len++] = byte < 0 ? s.ptr[i] : (char)byte;
        if (byte >= 0) {
            u.escapes++;
            i += 2;
        }
    }
    return u;
}

static bool is_utf8(struct gh_str s) {
    const char *end = s.ptr + s.len;
    for (const char *p = s.ptr; p < end;) {
        size_t len = gh_utf8_length(p, end);
        if (len == 0)
            return false;
        p += len;
    }
    return true;
}

/* What one reader takes as a plain segment and another as a step elsewhere. Some servers cut parameters
 * behind ';' off a segment before they look at its dots (RFC 3986 3.3). */
static bool segment_is_plain(struct gh_str s, bool last) {
    struct gh_str name = s, head;
    if (memchr(s.ptr, '/', s.len) || memchr(s.ptr, '\\', s.len))
        return false;
    if (gh_str_cut(&name, ';', &head)) {
        if (!last || head.len == 0)
            return false;
        s = head;
    }
    return !gh_str_is(s, ".") && !gh_str_is(s, "..");
}

/* NUL ends a path for some, CR and LF end a request line that is written anew from a decoded path. */
static bool has_control(struct gh_str s) {
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
            return true;
    return false;
}

/* One segment as it came, and as each further undoing of escapes would have it. */
static bool segment_is_clear(struct gh_str s, bool last) {
    if (s.len == 0)
        return last; /* "/a/" is a path, "//" is two */
    if (!memchr(s.ptr, '%', s.len))
        return segment_is_plain(s, last);

    __attribute__((uninitialized)) char text[GH_LIMIT_TARGET]; /* no clearing: paths have many segments */
    struct undone u = undo(s, text);
    if (u.bad)
        return false;
    for (int layer = 0; layer < LAYERS_MAX; layer++) {
        struct gh_str now = { text, u.len };
        if (!segment_is_plain(now, last) || has_control(now) || !is_utf8(now))
            return false;
        u = undo(now, text);
        if (u.escapes == 0)
            return true;
    }
    return false;
}

static bool path_is_clear(struct gh_str path) {
    struct gh_str rest = gh_str_skip(path, 1), segment;
    while (gh_str_cut(&rest, '/', &segment))
        if (!segment_is_clear(segment, false))
            return false;
    return segment_is_clear(rest, true);
}

/* Printable ASCII that means itself in every server. */
static bool bytes_are_clear(struct gh_str s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f || s.ptr[i] == '\\' || s.ptr[i] == '#')
            return false;
    return true;
}

enum gh_err gh_target_check(struct gh_str target, struct gh_str *path, struct gh_str *query) {
    struct gh_str head = target, rest = target;
    if (target.len > GH_LIMIT_TARGET)
        return GH_ERR_TOO_LARGE;
    if (!gh_str_starts(target, GH_STR("/")) || !bytes_are_clear(target))
        return GH_ERR_AMBIGUOUS_TARGET;
    if (!gh_str_cut(&rest, '?', &head))
        rest = (struct gh_str){ 0 };
    if (!path_is_clear(head))
        return GH_ERR_AMBIGUOUS_TARGET;
    *path = head;
    *query = rest;
    return GH_OK;
}

enum gh_err gh_percent_decode(struct gh_arena *a, struct gh_str text, bool plus_is_blank,
                              struct gh_str *ret) {
    char *out = gh_arena_cstr(a, text);
    if (!out)
        return GH_ERR_NOMEM;
    for (size_t i = 0; plus_is_blank && i < text.len; i++)
        if (out[i] == '+')
            out[i] = ' ';
    struct undone u = undo((struct gh_str){ out, text.len }, out);
    if (u.bad || memchr(out, 0, u.len))
        return GH_ERR_MALFORMED;
    out[u.len] = '\0';
    *ret = (struct gh_str){ out, u.len };
    return GH_OK;
}

static bool is_unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

enum gh_err gh_percent_encode(struct gh_arena *a, struct gh_str text, struct gh_str *ret) {
    static const char digits[] = "0123456789ABCDEF";
    size_t len;
    if (__builtin_mul_overflow(text.len, 3, &len))
        return GH_ERR_NOMEM;
    char *start = gh_arena_alloc(a, len + 1), *out = start;
    if (!start)
        return GH_ERR_NOMEM;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_unreserved(c)) {
            *out++ = c;
            continue;
        }
        *out++ = '%';
        *out++ = digits[(unsigned char)c >> 4];
        *out++ = digits[c & 15];
    }
    *ret = (struct gh_str){ start, (size_t)(out - start) };
    return GH_OK;
}
