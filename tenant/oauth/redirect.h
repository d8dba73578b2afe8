/* tenant/oauth/redirect.h - where a browser may be sent. A Location is a string of an allow-list, byte for
 * byte, plus parameters that we encode: nothing else ever leaves (notes/threats, open redirect). */
#pragma once
#include <jansson.h>

#include "core/arena.h"
#include "core/err.h"

/* `uri` is in the list, and is one that a browser reads as we do: absolute, printable ASCII, no fragment, no
 * backslash, no script scheme. So even a list that was filled carelessly cannot hold an executable entry. */
bool gh_redirect_allowed(const json_t *list, struct gh_str uri);
bool gh_redirect_sane(struct gh_str uri);

/* The list's only entry, when there is exactly one; else empty. */
struct gh_str gh_redirect_only(const json_t *list);

struct gh_redirect_param {
    const char *name;
    struct gh_str value; /* left out when ptr is NULL */
};

/* uri?name=value&…, or with & when it has a query already. NOMEM. */
enum gh_err gh_redirect_build(struct gh_arena *a, struct gh_str uri, const struct gh_redirect_param *params,
                              size_t count, struct gh_str *ret);

/* What a Content-Security-Policy source list may hold for this URI: scheme://host[:port] for http and https,
 * "scheme:" for others; empty when it cannot be written there safely. */
struct gh_str gh_redirect_source(struct gh_arena *a, struct gh_str uri);
