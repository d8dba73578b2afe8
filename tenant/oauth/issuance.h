/* tenant/oauth/issuance.h - the common end of every grant: store what has to be stored, sign, answer. The
 * grants decide and fill it in; nothing is decided here. */
#pragma once
#include "tenant/audit.h"
#include "tenant/keys.h"
#include "tenant/oauth/claims.h"
#include "tenant/oauth/client_auth.h"
#include "tenant/oauth/endpoints.h"

/* x->state of a /oauth/token exchange, made by its first step. All texts live in the exchange's arena. */
struct gh_issuance {
    unsigned waits;             /* seconds waited for an epoch to pass */
    long long now;              /* iat; taken before anything was read */
    struct gh_sign_job jobs[2]; /* access token, then ID token */
    size_t job_count;
    long long expires_in;
    struct gh_str scope;         /* shown in the answer when ptr is not NULL */
    struct gh_str refresh_token; /* new one for the answer; ptr NULL: none */
    struct gh_audit audit;
    const char *refusal; /* what `refuse` says, when it is not the usual */
    bool replayed;       /* `write` found that what it was to spend is spent, and revoked what came of it */
    void *grant;         /* the grant's own */
};

/* True when tokens may be issued in this second. Otherwise the exchange waits for the next one and then runs
 * `again`, the grant's first step, from the start: what it has read is stale by then. A revocation holds for
 * every token of its second or before, so a token of the same second would be born revoked (tenant/change.h).
 */
bool gh_issuance_may_start(struct gh_exchange *x, struct gh_str user, struct gh_str organization,
                           struct gh_str client, struct gh_str audience, gh_step *again);

/* Fills the jobs: the access token, and the ID token when `issue` has a user and openid. */
enum gh_err gh_issuance_prepare(struct gh_exchange *x, const struct gh_issue *issue);

/* Runs `write` in a transaction with the audit row, signs, answers 200. `write` may be NULL; when it fails,
 * `refuse` (or gh_oauth_fail) answers. */
void gh_issuance_finish(struct gh_exchange *x, enum gh_err (*write)(struct gh_db *db, struct gh_exchange *x),
                        void (*refuse)(struct gh_exchange *x, enum gh_err e));

/* Writes the audit row of a refusal, then `refuse` answers REVOKED. For what is known to be somebody's:
 * guesses write no rows. */
void gh_issuance_decline(struct gh_exchange *x, const char *type, const char *description,
                         void (*refuse)(struct gh_exchange *x, enum gh_err e));

/* The API that a token is for, by audience. NOT_FOUND; UNSUPPORTED when its tokens would need another
 * algorithm. */
enum gh_err gh_issuance_api(struct gh_exchange *x, struct gh_str audience, json_t **ret);

/* "audience" before "resource" (notes, 1.0); empty when there is neither. */
struct gh_str gh_audience_of(const struct gh_param *params, size_t count);

/* The grants behind /oauth/token. Each is called with an authenticated caller and answers. */
void gh_grant_machine(struct gh_exchange *x, const struct gh_caller *c);
void gh_grant_code(struct gh_exchange *x, const struct gh_caller *c);
void gh_grant_device(struct gh_exchange *x, const struct gh_caller *c);
void gh_grant_refresh(struct gh_exchange *x, const struct gh_caller *c);
