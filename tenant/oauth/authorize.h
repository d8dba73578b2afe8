/* tenant/oauth/authorize.h - the checks of an authorization request, apart from what is done with it. */
#pragma once
#include "tenant/exchange.h"
#include "tenant/oauth/authorization.h"

/* An authorization request as it is being checked. */
struct gh_authorize {
    const struct gh_param *params;
    size_t count;
    struct gh_authorization auth;
    bool silent;       /* prompt=none */
    bool fresh;        /* prompt=login (or select_account): an old session does not count */
    long long max_age; /* seconds; -1: any */

    json_t *client, *settings, *organization; /* owned; organization may be NULL */
    const char *error;                        /* set by the check that refused */
    struct gh_str description;
};
void gh_authorize_release(struct gh_authorize *r); /* also the gh_auto function */

/* Who asks, and where would the answer go? GH_OK, or the reason for a page: NOT_FOUND (`description` says it,
 * status 400), NO_PERMISSION (callback mismatch, 403), our own trouble. Nothing is redirected before this is
 * GH_OK. */
enum gh_err gh_authorize_identify(struct gh_exchange *x, struct gh_authorize *r);

/* All the rest. GH_OK and then r->error is NULL or the refusal to be redirected; else our own trouble. */
enum gh_err gh_authorize_check(struct gh_exchange *x, struct gh_authorize *r);

/* The same for a device, which has no redirect URI: r->client, r->params and auth.client_id are filled in. */
enum gh_err gh_authorize_check_device(struct gh_exchange *x, struct gh_authorize *r);

struct gh_str gh_authorize_param(const struct gh_authorize *r,
                                 const char *name); /* empty when absent or "" */

/* The same request again, with an organization in it: where the organization pages send the browser. Once
 * somebody has signed in, without what would ask for a password once more. */
enum gh_err gh_authorize_url(struct gh_exchange *x, const struct gh_authorization *auth,
                             struct gh_str organization, struct gh_str *ret);
