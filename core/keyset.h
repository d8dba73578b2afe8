/* core/keyset.h - the public keys of one issuer, by kid. A key is bound to one algorithm (RFC 8725 3.1). */
#pragma once
#include <openssl/types.h>

#include "core/alg.h"
#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/jwk.h"

struct gh_key {
    struct gh_str kid;
    enum gh_alg alg;
    EVP_PKEY *pkey;       /* never NULL */
    EVP_MD_CTX *verifier; /* ready to be copied by gh_jws_verify, in keys of a set; NULL in others */
};

struct gh_keyset;
struct gh_keyset *gh_keyset_new(void); /* NULL when out of memory */
void gh_keyset_free(struct gh_keyset *ks);

/* Reads a JWK Set (RFC 7517). A key without `alg` takes `fallback`; with GH_ALG_UNKNOWN it is refused.
 * Refuses the whole set on: duplicate kid, symmetric keys, private members, RSA < 2048 bits, e != 65537,
 * ROCA, points off the curve, more than GH_LIMIT_JWKS_KEYS keys. Keys that are not for us are
 * skipped: without kid, with use "enc", of unknown type or algorithm, and those without `alg` that `fallback`
 * does not fit. MALFORMED, TOO_LARGE, UNSUPPORTED, NOMEM, CRYPTO. */
enum gh_err gh_keyset_parse_jwks(struct gh_str json, enum gh_alg fallback, struct gh_keyset **ret);

/* Takes a reference on pkey. CONFLICT when the kid is there; UNSUPPORTED when the key does not fit the
 * algorithm. */
enum gh_err gh_keyset_add(struct gh_keyset *ks, struct gh_str kid, enum gh_alg alg, EVP_PKEY *pkey);
enum gh_err gh_keyset_add_pem(struct gh_keyset *ks, struct gh_str kid, enum gh_alg alg, struct gh_str pem);

const struct gh_key *gh_keyset_find(const struct gh_keyset *ks, struct gh_str kid); /* borrowed, or NULL */
size_t gh_keyset_count(const struct gh_keyset *ks);

static inline void gh_keyset_freep(struct gh_keyset **ks) {
    gh_keyset_free(*ks);
}
