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

/* The characters of a compact JWS, which are fewer than RFC 6750 allows. Without a branch or a table, because
 * every guarded request looks at each character of its token: so the compiler looks at many at once. */
static bool is_compact(struct gh_str token) {
    unsigned char bad = 0;
    for (size_t i = 0; i < token.len; i++) {
        unsigned char c = gh_bytes(token)[i];
        unsigned char letter = (unsigned char)((c | 0x20) - 'a') < 26, digit = (unsigned char)(c - '0') < 10;
        bad |= !(letter | digit | (c == '-') | (c == '_') | (c == '.'));
    }
    return !bad;
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
