/* core/jws.h - read, check and make JSON Web Signatures in compact form (RFC 7515).
 * The one place where bytes from a stranger become a statement we believe. */
#pragma once
#include "core/arena.h"
#include "core/err.h"
#include "core/keyset.h"

/* One token, taken apart: views into the caller's text, but `signature` lives in the arena. */
struct gh_jws {
    struct gh_str header, payload; /* still base64url */
    struct gh_str signing_input;   /* what the signature covers */
    struct gh_str signature;       /* raw bytes, never empty */
};

/* Proves the shape only. MALFORMED, TOO_LARGE or NOMEM, and then *ret stays as it was. */
enum gh_err gh_jws_split(struct gh_arena *a, struct gh_str text, struct gh_jws *ret);

/* The protected header: alg and kid are there, crit, b64 and zip are not; jku, x5u, jwk, x5c are never read.
 * MALFORMED, WRONG_ALG for an alg that we do not know, TOO_LARGE, NOMEM. */
struct gh_jws_header {
    enum gh_alg alg;
    struct gh_str kid, typ; /* typ is empty when absent */
};
enum gh_err gh_jws_header_parse(struct gh_arena *a, struct gh_str base64url, struct gh_jws_header *ret);

/* Checks the signature. `alg` is what the token claims; the key decides: WRONG_ALG when they differ
 * (RFC 8725 3.1), else BAD_SIGNATURE or CRYPTO. */
enum gh_err gh_jws_verify(const struct gh_jws *jws, enum gh_alg alg, const struct gh_key *key);

/* What a verification starts from: preparing it once a key saves a sixth of the cost of RS256. Only ever
 * copied, so threads may share it. The caller's; NOMEM or CRYPTO. */
enum gh_err gh_jws_verifier_new(const struct gh_key *key, EVP_MD_CTX **ret);

/* Makes a compact token. `payload` is JSON; the header is {"alg","typ","kid"}. `key->pkey` must hold the
 * private key. */
enum gh_err gh_jws_sign(struct gh_arena *a, const struct gh_key *key, struct gh_str typ,
                        struct gh_str payload, struct gh_str *ret);
