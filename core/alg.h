/* core/alg.h - the signature algorithms we know (RFC 7518 3.1, RFC 8037). A closed list: "none" and HMAC have
 * no row. */
#pragma once
#include <openssl/types.h>

#include "core/str.h"

enum gh_alg {
    GH_ALG_UNKNOWN,
    GH_RS256,
    GH_RS384,
    GH_RS512,
    GH_PS256,
    GH_PS384,
    GH_PS512,
    GH_ES256,
    GH_ES384,
    GH_EDDSA,
};

enum gh_alg gh_alg_from_name(struct gh_str name); /* exact, case-sensitive; GH_ALG_UNKNOWN otherwise */
const char *gh_alg_name(enum gh_alg alg);         /* "RS256"; NULL for GH_ALG_UNKNOWN */

/* What an algorithm asks of its key and of the library. */
struct gh_alg_traits {
    const char *name;
    const char *digest;   /* NULL where the scheme hashes by itself (EdDSA) */
    const char *key_type; /* as the library names it, which is also what EVP_PKEY_is_a takes */
    const char *group;    /* the curve of an ECDSA key in the library's words, else NULL */
    const char *curve;    /* ... in JOSE's words: "P-256"; also "Ed25519" */
    size_t coordinate;    /* bytes of a coordinate and of r and s, 0 where there is none */
    bool pss;
};

const struct gh_alg_traits *gh_alg_traits(enum gh_alg alg); /* NULL for GH_ALG_UNKNOWN */
