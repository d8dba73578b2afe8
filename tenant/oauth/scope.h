/* tenant/oauth/scope.h - scopes: what was asked for, cut down to what may be given. */
#pragma once
#include <jansson.h>

#include "core/arena.h"
#include "core/err.h"

#define GH_SCOPES_MAX 1024 /* names in one request */

/* A set in the order of first mention. */
struct gh_scopes {
    struct gh_str *items;
    size_t count;
};

/* Blank-separated scope-tokens (RFC 6749 3.3), repeats dropped. MALFORMED on any other byte, TOO_LARGE,
 * NOMEM. */
enum gh_err gh_scopes_parse(struct gh_arena *a, struct gh_str text, struct gh_scopes *ret);
bool gh_scopes_have(const struct gh_scopes *s, struct gh_str name);
bool gh_scopes_within(const struct gh_scopes *s,
                      const struct gh_scopes *whole); /* every one of s is in whole */
enum gh_err gh_scopes_join(struct gh_arena *a, const struct gh_scopes *s, struct gh_str *ret);

bool gh_scope_is_oidc(
    struct gh_str name); /* openid, profile, email, … offline_access: no API defines these */

/* The names of an array of strings, or of the `value` members of an array of objects (an API's scopes). */
enum gh_err gh_scopes_from_array(struct gh_arena *a, const json_t *array, struct gh_scopes *ret);

/* What a person may get (notes, 3): the OIDC scopes asked for, and of the API's scopes those that it defines
 * and that every given list allows. A NULL list has no opinion. */
struct gh_scope_rule {
    const struct gh_scopes *defined;   /* the API's; NULL: there is no API, so only OIDC scopes remain */
    const struct gh_scopes *permitted; /* the user's permissions, when the API enforces policies */
    const struct gh_scopes *granted;   /* the client grant's, when the API requires one */
    bool offline;                      /* a refresh token may be issued */
};
enum gh_err gh_scopes_decide(struct gh_arena *a, const struct gh_scopes *wanted,
                             const struct gh_scope_rule *rule, struct gh_scopes *ret);

/* wanted ∩ allowed, or all of allowed when nothing was wanted: machines. */
enum gh_err gh_scopes_intersect(struct gh_arena *a, const struct gh_scopes *wanted,
                                const struct gh_scopes *allowed, struct gh_scopes *ret);
