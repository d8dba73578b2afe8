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
