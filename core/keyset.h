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

/* The same for a set that came over the network from an issuer whose habits we do not know: a key that cannot
 * be believed (weak, ROCA, off the curve, malformed, without `alg` where `fallback` does not fit) is left out
 * and counted, because tokens of the others are as good as before. The whole set is still refused when it is
 * no JWK Set, is too large, has a kid twice, or shows a symmetric or private key (UNSUPPORTED): then a secret
 * is out, and nothing it signed proves anything. An empty set is the issuer's word that it has no key. */
enum gh_err gh_keyset_parse_foreign(struct gh_str json, enum gh_alg fallback, size_t *ret_left_out,
                                    struct gh_keyset **ret);

/* Appends the set as JSON: what gh_keyset_parse_jwks reads as the same keys. */
enum gh_err gh_keyset_format(const struct gh_keyset *ks, struct gh_buf *ret);

/* Takes a reference on pkey. CONFLICT when the kid is there; UNSUPPORTED when the key does not fit the
 * algorithm. */
enum gh_err gh_keyset_add(struct gh_keyset *ks, struct gh_str kid, enum gh_alg alg, EVP_PKEY *pkey);
enum gh_err gh_keyset_add_pem(struct gh_keyset *ks, struct gh_str kid, enum gh_alg alg, struct gh_str pem);

const struct gh_key *gh_keyset_find(const struct gh_keyset *ks, struct gh_str kid); /* borrowed, or NULL */
size_t gh_keyset_count(const struct gh_keyset *ks);

static inline void gh_keyset_freep(struct gh_keyset **ks) {
    gh_keyset_free(*ks);
}
