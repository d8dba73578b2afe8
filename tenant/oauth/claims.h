/* tenant/oauth/claims.h - what our tokens say (notes, 2.5 and 3). Pure: documents in, claims out. */
#pragma once
#include <jansson.h>

#include "core/arena.h"
#include "core/err.h"

enum gh_subject { GH_SUBJECT_USER, GH_SUBJECT_MACHINE };

/* One issuance, decided already. Documents are borrowed. */
struct gh_issue {
    struct gh_str issuer;       /* https://HOST/ */
    const json_t *client;       /* never NULL */
    const json_t *user;         /* NULL for machines */
    const json_t *organization; /* NULL without */
    const json_t *api;          /* NULL: the token is good for /userinfo only */
    bool names;                 /* the tenant allows organization names: org_name stands beside org_id */
    struct gh_str scope;        /* granted, blank-separated */
    bool openid;                /* "openid" is in scope */
    const struct gh_str *permissions; /* all effective ones, whatever was asked for */
    size_t permission_count;
    const char *gty;          /* NULL: none */
    struct gh_str jti;        /* used by the dialects that have one */
    struct gh_str nonce, sid; /* ID token; left out when empty */
    long long now, auth_time; /* seconds */
};

/* How an API wants its access tokens: derived from its token_dialect; unknown ones are "access_token". */
struct gh_dialect {
    const char *name, *typ, *client_claim;
    bool has_jti, has_gty, has_permissions;
};
const struct gh_dialect *gh_dialect_of(const json_t *api);

long long gh_access_lifetime(const json_t *api); /* seconds */

/* JSON text in the arena. NOMEM. */
enum gh_err gh_access_claims(struct gh_arena *a, const struct gh_issue *issue, struct gh_str *ret);
enum gh_err gh_id_claims(struct gh_arena *a, const struct gh_issue *issue, struct gh_str *ret);

/* What /userinfo says; also the part of an ID token that the scopes open. A new reference, NULL when out of
 * memory. */
json_t *gh_profile_claims(const json_t *user, struct gh_str scope);
