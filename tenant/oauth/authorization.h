/* tenant/oauth/authorization.h - one authorization, from the question of an application to the last refresh
 * token: what was asked for, then who signed in. It is stored as JSON in the sign-in transaction, then with
 * the code, then with each refresh token, so that no step can forget what an earlier one was bound to. */
#pragma once
#include <jansson.h>

#include "core/arena.h"
#include "core/err.h"
#include "store/store.h"

struct gh_authorization {
    /* what was asked for, checked by authorize.c */
    struct gh_str client_id, redirect_uri, response_mode, state, nonce, scope, audience, code_challenge,
        login_hint, prompt, max_age;
    struct gh_str device; /* hash of the device code that waits (RFC 8628); then nothing is redirected */
    struct gh_str organization_id; /* empty: none */
    struct gh_str connection_id;   /* asked for; once somebody signed in: theirs */
    bool redirect_given;    /* redirect_uri was a parameter: /oauth/token must repeat it (RFC 6749 4.1.3) */
    bool ask_organization;  /* /u/organization comes before the sign-in page */
    bool pick_organization; /* the organization is chosen after the sign-in */

    /* who signed in */
    struct gh_str user_id, sid;
    long long auth_time; /* seconds */

    /* a refresh token's last access token, to be revoked with it */
    struct gh_str jti;
    long long access_expires; /* seconds */
};

enum gh_err gh_authorization_format(struct gh_arena *a, const struct gh_authorization *auth,
                                    struct gh_str *ret);
enum gh_err gh_authorization_parse(struct gh_arena *a, struct gh_str json, struct gh_authorization *ret);

/* Inside a write closure: a new code for it, good for GH_LIMIT_CODE_SECONDS; also sweeps a few expired ones.
 * *ret: what the application gets. */
enum gh_err gh_code_make(struct gh_db *db, struct gh_arena *a, const struct gh_authorization *auth,
                         struct gh_str *ret);
