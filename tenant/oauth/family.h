/* tenant/oauth/family.h - all that came from one code: its refresh tokens, each of which can be used once,
 * and their access tokens. Whoever presents a spent token has stolen it or was robbed of it: the whole family
 * ends (RFC 9700 4.14). */
#pragma once
#include "tenant/exchange.h"
#include "tenant/oauth/authorization.h"
#include "tenant/oauth/claims.h"

/* A name that tells how the family's access tokens can be revoked: one by one where they have a jti, else
 * with all of the user's tokens of that client. Also the jti of the first access
 * token. */
enum gh_err gh_family_name(struct gh_arena *a, const json_t *api, struct gh_str *ret);

/* A refresh token to be stored, or to replace another. */
struct gh_refresh {
    struct gh_str family;
    struct gh_authorization
        auth; /* its jti and access_expires are those of the access token that goes with it */
    long long expires_at, idle_expires_at; /* unix ms; 0: never */
};

/* Inside a write closure. *ret: what the client gets. */
enum gh_err gh_refresh_make(struct gh_db *db, struct gh_arena *a, const struct gh_refresh *refresh,
                            struct gh_str *ret);

/* Inside a write closure: revokes the refresh tokens and every access token that may still be alive. */
enum gh_err gh_family_revoke(struct gh_db *db, struct gh_exchange *x, struct gh_str family,
                             struct gh_str client_id, struct gh_str user_id);

/* The client's settings for its refresh tokens. */
struct gh_refresh_rule {
    bool rotates;             /* each is good for one use; public clients always (RFC 9700 2.2.2) */
    long long leeway;         /* ms in which the last one is taken once more */
    long long lifetime, idle; /* ms; 0: without end */
};
struct gh_refresh_rule gh_refresh_rule_of(const json_t *client);
