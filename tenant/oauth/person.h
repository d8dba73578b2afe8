/* tenant/oauth/person.h - may this person have tokens, and which? Asked anew at every issuance: when a code
 * is redeemed and at each refresh. */
#pragma once
#include "tenant/exchange.h"
#include "tenant/oauth/authorization.h"
#include "tenant/oauth/claims.h"

struct gh_person {
    json_t *settings, *user, *organization, *api; /* owned */
    struct gh_issue issue;                        /* ready for gh_issuance_prepare, but for gty and jti */
    bool offline;                                 /* a refresh token goes with it */
    bool scope_differs;                           /* from what was asked for */
};
void gh_person_release(struct gh_person *p); /* also the gh_auto function */

/* NO_PERMISSION when the user is gone or blocked, no member any more, or the connection no longer counts;
 * NOT_FOUND or UNSUPPORTED for the API; STORAGE, NOMEM. `wanted` is the scope to decide on, `client` is
 * borrowed for as long as the result is used. */
enum gh_err gh_person_evaluate(struct gh_exchange *x, const struct gh_authorization *auth,
                               const json_t *client, struct gh_str wanted, long long now,
                               struct gh_person *ret);

/* May this user act in this authorization: not blocked, connection usable, member. With `db` of a reader or a
 * writer. NO_PERMISSION. *user is owned by the caller. */
enum gh_err gh_person_check(struct gh_db *db, struct gh_arena *a, const struct gh_authorization *auth,
                            json_t **user);

/* Which API scopes may a user ask of this client? Refuses APIs that people cannot have: NO_PERMISSION. *grant
 * may stay NULL: the API needs none. */
enum gh_err gh_person_api_grant(struct gh_exchange *x, const json_t *api, struct gh_str client_id,
                                json_t **grant);
