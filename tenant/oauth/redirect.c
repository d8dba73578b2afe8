#include "tenant/oauth/redirect.h"

#include "core/buf.h"
#include "core/target.h"

/* Schemes that run or show what stands behind the colon. */
static const char *const script_schemes[] = { "javascript", "data",  "vbscript",   "blob",
                                              "file",       "about", "view-source" };

static bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* RFC 3986 3.1. Empty when there is none. */
static struct gh_str scheme_of(struct gh_str uri) {
    if (uri.len == 0 || !is_alpha(uri.ptr[0]))
        return (struct gh_str){ 0 };
    for (size_t i = 1; i < uri.len; i++) {
        char c = uri.ptr[i];
        if (c == ':')
            return (struct gh_str){ uri.ptr, i };
        if (!is_alpha(c) && !is_digit(c) && c != '+' && c != '-' && c != '.')
            break;
    }
    return (struct gh_str){ 0 };
}

static bool is_web(struct gh_str scheme) {
    return gh_str_eq_nocase(scheme, GH_STR("https")) || gh_str_eq_nocase(scheme, GH_STR("http"));
}

/* Host and port of a web URI, without user information: that is refused, it only ever misleads. */
static struct gh_str authority_of(struct gh_str uri, struct gh_str scheme) {
    struct gh_str rest = gh_str_skip(uri, scheme.len + 1);
    if (!gh_str_starts(rest, GH_STR("//")))
        return (struct gh_str){ 0 };
    rest = gh_str_skip(rest, 2);
    size_t len = 0;
    while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?')
        len++;
    return (struct gh_str){ rest.ptr, len };
}

static bool is_authority(struct gh_str s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!is_alpha(c) && !is_digit(c) && c != '.' && c != '-' && c != ':' && c != '[' && c != ']' &&
            c != '_')
            return false;
    }
    return s.len > 0 && s.ptr[0] != ':';
}

bool gh_redirect_sane(struct gh_str uri) {
    for (size_t i = 0; i < uri.len; i++)
        if (uri.ptr[i] <= 0x20 || uri.ptr[i] >= 0x7f || uri.ptr[i] == '#' || uri.ptr[i] == '\\')
            return false;

    struct gh_str scheme = scheme_of(uri);
    if (scheme.len == 0)
        return false;
    for (size_t i = 0; i < GH_COUNT(script_schemes); i++)
        if (gh_str_eq_nocase(scheme, gh_str_from(script_schemes[i])))
            return false;
    return !is_web(scheme) || is_authority(authority_of(uri, scheme));
}

bool gh_redirect_allowed(const json_t *list, struct gh_str uri) {
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        struct gh_str entry = { json_string_value(item), json_string_length(item) };
        if (entry.ptr && gh_str_eq(entry, uri))
            return gh_redirect_sane(uri);
    }
    return false;
}

struct gh_str gh_redirect_only(const json_t *list) {
    const json_t *item = json_array_size(list) == 1 ? json_array_get(list, 0) : NULL;
    struct gh_str uri = { json_string_value(item), json_string_length(item) };
    return uri.ptr && gh_redirect_sane(uri) ? uri : (struct gh_str){ 0 };
}

enum gh_err gh_redirect_build(struct gh_arena *a, struct gh_str uri, const struct gh_redirect_param *params,
                              size_t count, struct gh_str *ret) {
    gh_auto(gh_buf_release) struct gh_buf b = gh_buf_make(64 << 10);
    gh_buf_add(&b, uri);
    bool has_query = memchr(uri.ptr, '?', uri.len) != NULL;
    char glue = !has_query ? '?' : uri.ptr[uri.len - 1] == '?' || uri.ptr[uri.len - 1] == '&' ? 0 : '&';

    for (size_t i = 0; i < count; i++) {
        struct gh_str value;
        if (!params[i].value.ptr)
            continue;
        enum gh_err e = gh_percent_encode(a, params[i].value, &value);
        if (e)
            return e;
        if (glue)
            gh_buf_add_char(&b, glue);
        gh_buf_add(&b, gh_str_from(params[i].name));
        gh_buf_add_char(&b, '=');
        gh_buf_add(&b, value);
        glue = '&';
    }
    if (b.failed)
        return GH_ERR_NOMEM;
    *ret = gh_arena_dup(a, gh_buf_str(&b));
    return ret->ptr ? GH_OK : GH_ERR_NOMEM;
}

struct gh_str gh_redirect_source(struct gh_arena *a, struct gh_str uri) {
    if (!gh_redirect_sane(uri))
        return (struct gh_str){ 0 };
    struct gh_str scheme = scheme_of(uri);
    if (!is_web(scheme))
        return gh_arena_printf(a, "%.*s:", GH_STR_FMT(scheme));
    return gh_arena_printf(a, "%.*s://%.*s", GH_STR_FMT(scheme), GH_STR_FMT(authority_of(uri, scheme)));
}
