/* tenant/login/cookie.h - our two cookies. `__Host-` binds them to this host and to TLS: a sibling domain
 * cannot set them. SameSite=Lax: a foreign form never brings them along. */
#pragma once
#include "tenant/exchange.h"

#define GH_COOKIE_SESSION "__Host-gatehouse" /* who is signed in */
#define GH_COOKIE_BROWSER                                                                                    \
    "__Host-gatehouse-browser" /* which browser a sign-in was begun in; proves nothing else */

void gh_cookie_set(struct gh_exchange *x, const char *name, struct gh_str value,
                   long long max_age /* 0: the browser's session */);
void gh_cookie_clear(struct gh_exchange *x, const char *name);

/* The SHA-256 of the browser's cookie, which is made and set when absent (`make`) or else NOT_FOUND. CRYPTO,
 * NOMEM. */
enum gh_err gh_cookie_browser(struct gh_exchange *x, bool make, struct gh_str *ret_hash);

/* False when a browser says that the request was made by another site's page. Old browsers say nothing; the
 * state token then has to do (notes/threats, CSRF). */
bool gh_same_origin(struct gh_exchange *x);
