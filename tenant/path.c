#include "tenant/path.h"

#include "core/limits.h"
#include "core/target.h"
#include "tenant/form.h"

#define MANAGEMENT GH_STR("/api/v2/")

/* The length of an encoded slash at the start of s, "%2F" or "%252F" in any case; 0 when there is none. */
static size_t encoded_slash(struct gh_str s) {
    size_t n = 1;
    if (s.len < 3 || s.ptr[0] != '%')
        return 0;
    if (s.len >= 5 && s.ptr[1] == '2' && s.ptr[2] == '5')
        n = 3;
    return s.ptr[n] == '2' && (s.ptr[n + 1] | 0x20) == 'f' ? n + 2 : 0;
}

/* Appends a border between two parts of a segment, or nothing where a border stands already. */
static void add_border(char *out, size_t *len) {
    if (out[*len - 1] != '/')
        out[(*len)++] = '/';
}

/* The path as the strictest reader would see it, who takes an encoded slash for a border: what
 * gh_target_check says about this text covers both readings. Encoded slashes at the ends of a segment and
 * runs of them make no empty segments: they are characters of an identifier ("https://…/"). */
static struct gh_str strictest_reading(struct gh_arena *a, struct gh_str target) {
    char *out = gh_arena_alloc(a, target.len + 1);
    size_t len = 0;
    struct gh_str in_path = target, rest = target;
    if (!out)
        return (struct gh_str){ 0 };
    if (!gh_str_cut(&rest, '?', &in_path))
        in_path = target;

    for (size_t i = 0; i < in_path.len;) {
        struct gh_str here = gh_str_skip(in_path, i);
        size_t slash = encoded_slash(here);
        if (slash) {
            /* ahead of a real border or the end there is nothing to separate */
            struct gh_str next = gh_str_skip(here, slash);
            if (next.len > 0 && next.ptr[0] != '/' && !encoded_slash(next))
                add_border(out, &len);
            i += slash;
        } else {
            out[len++] = in_path.ptr[i++];
        }
    }
    memcpy(out + len, target.ptr + in_path.len, target.len - in_path.len);
    return (struct gh_str){ out, len + target.len - in_path.len };
}

enum gh_err gh_tenant_target_check(struct gh_arena *a, struct gh_str target, struct gh_str *path,
                                   struct gh_str *query) {
    if (target.len > GH_LIMIT_TARGET)
        return GH_ERR_TOO_LARGE;
    if (!gh_str_starts(target, MANAGEMENT))
        return gh_target_check(target, path, query);

    struct gh_str strict = strictest_reading(a, target), strict_path;
    if (!strict.ptr)
        return GH_ERR_NOMEM;
    enum gh_err e = gh_target_check(strict, &strict_path, query);
    if (e)
        return e;
    struct gh_str rest = target, head;
    bool has_query = gh_str_cut(&rest, '?', &head);
    *path = has_query ? head : target;
    *query = has_query ? rest : (struct gh_str){ 0 };
    return GH_OK;
}

static struct gh_str next_segment(struct gh_str *rest) {
    struct gh_str segment;
    if (!gh_str_cut(rest, '/', &segment)) {
        segment = *rest;
        *rest = (struct gh_str){ 0 };
    }
    return segment;
}

enum gh_err gh_path_match(struct gh_arena *a, const char *pattern, struct gh_str path,
                          struct gh_str args[GH_PATH_ARGS]) {
    struct gh_str raw[GH_PATH_ARGS], want = gh_str_from(pattern);
    size_t count = 0;
    if (gh_str_ends(path, GH_STR("/")) != gh_str_ends(want, GH_STR("/")))
        return GH_ERR_NOT_FOUND;
    while (want.len > 0 && path.len > 0) {
        struct gh_str w = next_segment(&want), p = next_segment(&path);
        bool braced = w.len > 2 && w.ptr[0] == '{';
        if (braced ? p.len == 0 || count == GH_PATH_ARGS : !gh_str_eq(w, p))
            return GH_ERR_NOT_FOUND;
        if (braced)
            raw[count++] = p;
    }
    if (want.len > 0 || path.len > 0)
        return GH_ERR_NOT_FOUND;

    for (size_t i = 0; i < count; i++) {
        enum gh_err e = gh_percent_decode(a, raw[i], false, &args[i]);
        if (e)
            return e;
        if (!gh_utf8_is_text(args[i]))
            return GH_ERR_MALFORMED;
    }
    return GH_OK;
}
