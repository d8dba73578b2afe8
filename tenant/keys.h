/* tenant/keys.h - the signing keys: current and next. Callers do not see a private key; where it lives can
 * become another process. */
#pragma once
#include "core/jws.h"
#include "tenant/exchange.h"

struct gh_keys;

/* Loads the sealed keys of the store; makes what is missing: the current one at once, the next one on a
 * thread after start (RSA-2048 costs 0.25 s median). */
enum gh_err gh_keys_open(struct gh_tenant *t, struct gh_keys **ret);
void gh_keys_start_next(struct gh_keys *k); /* once requests are served; does nothing when there is one */
void gh_keys_close(struct gh_keys *k);

/* Signs a claims object and continues; x->err, and the compact token in *ret (arena). `typ` is "JWT" or
 * "at+jwt". RS256. Several may be asked in one wait: `jobs` stay valid until `then`. */
struct gh_sign_job {
    const char *typ;
    struct gh_str payload; /* JSON text */
    struct gh_str ret;     /* the token */
};
void gh_await_sign(struct gh_exchange *x, struct gh_sign_job *jobs, size_t count, gh_step *then);

/* The public keys: a JWKS document with kid, use, alg, n, e, x5c, x5t; and a finder for gh_token_open
 * (context = struct gh_tenant *). */
enum gh_err gh_keys_jwks(struct gh_keys *k, struct gh_buf *ret);
const struct gh_key *gh_keys_find(void *tenant, struct gh_str issuer, struct gh_str kid);
