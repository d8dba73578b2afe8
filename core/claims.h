/* core/claims.h - what an access token says, in both of Auth0's dialects and RFC 9068. Only the shape is
 * proven here; decide.h judges. */
#pragma once
#include "core/arena.h"
#include "core/err.h"
#include "core/jws.h"
#include "core/keyset.h"

struct gh_claims {
    struct gh_str issuer, subject;
    struct gh_str client;       /* azp, else client_id; empty when absent */
    struct gh_str organization; /* org_id; empty when absent */
    struct gh_str token_id;     /* jti; empty when absent */
    struct gh_str scope;        /* blank-separated, as the caller was granted; empty when absent */
    struct gh_str type;         /* typ of the header; empty when absent */
    const struct gh_str *audiences;
    size_t audience_count;
    const struct gh_str *permissions;
    size_t permission_count;
    bool has_permissions; /* an empty array is not an absent one */
    long long issued_at, expires_at;
    long long not_before; /* 0 when absent */
    bool has_issued_at;
};

/* The claims object as JSON text. Types as in shared/vectors: exp is required, dates are plain integers <=
 * 2^53, duplicates refused. MALFORMED, BAD_CLAIM, TOO_LARGE, NOMEM. Strings are unescaped: views of `json`,
 * or copies in the arena where they had escapes. Only exp is required here; absent names are empty, present
 * ones are not. */
enum gh_err gh_claims_parse(struct gh_arena *a, struct gh_str json, struct gh_claims *ret);

/* Gives the key of (issuer, kid), borrowed until the caller is done, or NULL. */
typedef const struct gh_key *gh_key_finder(void *context, struct gh_str issuer, struct gh_str kid);

/* The whole way from bytes to believed claims: split, header, claims, key, type, signature. Whoever gets
 * GH_OK holds an authentic token that still has to be judged by gh_decide. UNKNOWN_KEY, WRONG_ALG,
 * WRONG_TYPE, BAD_SIGNATURE, MALFORMED, BAD_CLAIM, TOO_LARGE, NOMEM, CRYPTO. */
enum gh_err gh_token_open(struct gh_arena *a, struct gh_str token, gh_key_finder *find, void *context,
                          struct gh_claims *ret);
