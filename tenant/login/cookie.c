#include "tenant/login/cookie.h"

#include "sys/random.h"
#include "tenant/seal.h"

void gh_cookie_set(struct gh_exchange *x, const char *name, struct gh_str value, long long max_age) {
    struct gh_str age = max_age > 0 ? gh_arena_printf(x->arena, "; Max-Age=%lld", max_age) : GH_STR("");
    struct gh_str line = gh_arena_printf(x->arena, "%s=%.*s; Path=/; Secure; HttpOnly; SameSite=Lax%.*s",
                                         name, GH_STR_FMT(value), GH_STR_FMT(age));
    if (line.ptr)
        gh_response_header(x, "Set-Cookie", line);
}

void gh_cookie_clear(struct gh_exchange *x, const char *name) {
    struct gh_str line =
        gh_arena_printf(x->arena, "%s=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0", name);
    if (line.ptr)
        gh_response_header(x, "Set-Cookie", line);
}

enum gh_err gh_cookie_browser(struct gh_exchange *x, bool make, struct gh_str *ret_hash) {
    struct gh_str value;
    bool there = gh_request_cookie(x, GH_COOKIE_BROWSER, &value) && value.len == 43;
    if (!there && !make)
        return GH_ERR_NOT_FOUND;
    if (!there) {
        enum gh_err e = gh_random_urlsafe(x->arena, 43, &value);
        if (e)
            return e;
        gh_cookie_set(x, GH_COOKIE_BROWSER, value, 0);
    }
    return gh_token_hash(x->arena, value, ret_hash);
}

bool gh_same_origin(struct gh_exchange *x) {
    struct gh_str origin, site, own = x->tenant->issuer;
    own.len--; /* without the final slash */
    if (gh_request_header(x, "Origin", &origin))
        return gh_str_eq(origin, own);
    if (gh_request_header(x, "Sec-Fetch-Site", &site))
        return gh_str_is(site, "same-origin") || gh_str_is(site, "none");
    return true;
}
