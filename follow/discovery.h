/* follow/discovery.h - where an issuer has its keys, by its own word (OpenID Connect Discovery 1.0, RFC
 * 8414). */
#pragma once
#include "core/arena.h"
#include "core/err.h"

enum gh_discovery { GH_DISCOVERY_OPENID, GH_DISCOVERY_OAUTH }; /* asked in this order */

/* The address of the document. An issuer is https://HOST[:PORT][/PATH], without query and fragment, in
 * visible ASCII; MALFORMED for any other, NOMEM. */
enum gh_err gh_discovery_url(struct gh_arena *a, enum gh_discovery kind, struct gh_str issuer,
                             struct gh_str *ret);

/* Takes the address of the keys out of the document. WRONG_ISSUER when it does not name exactly the issuer
 * that was asked (RFC 8414 3.3): who answers under somebody's address must not speak for another. MALFORMED,
 * TOO_LARGE above GH_LIMIT_DISCOVERY, UNSUPPORTED for an address that is not https, NOMEM. */
enum gh_err gh_discovery_parse(struct gh_arena *a, struct gh_str json, struct gh_str issuer,
                               struct gh_str *ret_jwks_uri);

/* https://HOST[:PORT] of both is the same. */
bool gh_url_same_origin(struct gh_str url, struct gh_str other);

/* max-age of a Cache-Control header (RFC 9111 5.2.2) in seconds; 0 with no-store or no-cache, -1 when it does
 * not say. */
long long gh_max_age(struct gh_str cache_control);
