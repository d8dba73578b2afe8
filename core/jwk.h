/* core/jwk.h - one key as JSON (RFC 7517, 7518 6, 8037 2), and which keys we are willing to believe at all.
 */
#pragma once
#include "core/alg.h"
#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/json.h"

struct gh_key;

/* Does the key fit the algorithm, and is it strong: RSA of 2048 bits and more with e = 65537 and no ROCA
 * modulus, EC on the right curve, Ed25519. UNSUPPORTED or CRYPTO. */
enum gh_err gh_jwk_check(enum gh_alg alg, EVP_PKEY *pkey);

/* Reads a public JWK. A key without `alg` takes `fallback`. NOT_FOUND for a key that is not for us and does
 * no harm: without kid, for another use, of a type or algorithm that we do not know. MALFORMED, UNSUPPORTED
 * (a weak, symmetric or private key, or neither alg nor fallback), NOMEM, CRYPTO. *kid is a view or lives in
 * the arena; *pkey is the caller's. */
enum gh_err gh_jwk_parse(struct gh_arena *a, struct gh_json jwk, enum gh_alg fallback, struct gh_str *kid,
                         enum gh_alg *alg, EVP_PKEY **pkey);

/* Does it show what only its owner may know: a private or symmetric key (RFC 7518 6.2.2, 6.3.2, 6.4)? */
bool gh_jwk_is_secret(struct gh_json jwk);

/* The public JWK of a key, one JSON object with kid, use, alg, kty and its parameters, appended to `ret`. */
enum gh_err gh_jwk_format(const struct gh_key *key, struct gh_buf *ret);

/* RFC 7638 thumbprint (SHA-256, base64url, 43 characters) in the arena: the kid of keys that we make. */
enum gh_err gh_jwk_thumbprint(struct gh_arena *a, EVP_PKEY *pkey, struct gh_str *ret);
