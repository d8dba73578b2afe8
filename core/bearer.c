#include "core/bearer.h"

#include "core/b64url.h"
#include "core/limits.h"

/* "Scheme rest": true when the value is of that scheme, in any letter case. *rest is what follows the one
 * blank; its ptr is NULL when there was no blank. */
static bool of_scheme(struct gh_str value, struct gh_str scheme, struct gh_str *rest) {
    struct gh_str head = { 0 };
    *rest = value;
    if (!gh_str_cut(rest, ' ', &head)) {
        head = value;
        *rest = (struct gh_str){ 0 };
    }
    return gh_str_eq_nocase(head, scheme);
}

/* The characters of a compact JWS, which are fewer than RFC 6750 allows. */
static const bool compact_chars[256] = {
    ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true,
    ['-'] = true,         ['_'] = true,         ['.'] = true,
};

/* 16 at a time (a vector of GNU C, not of one machine): every guarded request looks at each character of its
 * token. gcc makes no good vectors of the plain loop. */
typedef unsigned char many __attribute__((vector_size(16)));

static many is_no_compact(many c) {
    many letter = (c | 0x20) - 'a', digit = c - '0';
    return (many) ~((letter < 26) | (digit < 10) | (c == '-') | (c == '_') | (c == '.'));
}

static bool is_compact(struct gh_str token) {
    many bad = { 0 }, none = { 0 };
    for (; token.len >= sizeof bad; token = gh_str_skip(token, sizeof bad)) {
        many c;
        memcpy(&c, token.ptr, sizeof c);
        bad |= is_no_compact(c);
    }
    for (size_t i = 0; i < token.len; i++)
        if (!compact_chars[gh_bytes(token)[i]])
            return false;
    return memcmp(&bad, &none, sizeof bad) == 0;
}

enum gh_err gh_bearer_parse(struct gh_str value, struct gh_str *ret) {
    struct gh_str token;
    if (!of_scheme(value, GH_STR("Bearer"), &token))
        return GH_ERR_NO_TOKEN;
    if (token.len == 0)
        return GH_ERR_MALFORMED;
    if (token.len > GH_LIMIT_TOKEN)
        return GH_ERR_TOO_LARGE;
    if (!is_compact(token))
        return GH_ERR_MALFORMED;
    *ret = token;
    return GH_OK;
}

/* RFC 7617 2: no control characters in either. */
static bool has_control(struct gh_str s) {
    for (size_t i = 0; i < s.len; i++)
        if (gh_bytes(s)[i] < 0x20 || gh_bytes(s)[i] == 0x7f)
            return true;
    return false;
}

enum gh_err gh_basic_parse(struct gh_arena *a, struct gh_str value, struct gh_str *user,
                           struct gh_str *password) {
    struct gh_str text, both, name;
    if (!of_scheme(value, GH_STR("Basic"), &text))
        return GH_ERR_NO_TOKEN;
    if (text.len > GH_LIMIT_TOKEN)
        return GH_ERR_TOO_LARGE;
    enum gh_err e = gh_b64_decode(a, text, &both);
    if (e)
        return e;
    if (has_control(both) || !gh_str_cut(&both, ':', &name))
        return GH_ERR_MALFORMED;
    *user = name;
    *password = both;
    return GH_OK;
}
