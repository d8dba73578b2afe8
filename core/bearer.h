/* core/bearer.h - the Authorization header (RFC 6750 2.1): exactly one line, Bearer in any case, one blank,
 * one token. */
#pragma once
#include "core/err.h"
#include "core/str.h"

/* `value` is the header's value. NO_TOKEN when it is empty or of another scheme, MALFORMED when it is a bad
 * Bearer, TOO_LARGE above GH_LIMIT_TOKEN. *ret is a view into value. */
enum gh_err gh_bearer_parse(struct gh_str value, struct gh_str *ret);

/* "Basic base64(id:secret)" (RFC 7617, with the form encoding of RFC 6749 2.3.1 undone by the caller).
 * NO_TOKEN or MALFORMED. */
struct gh_arena;
enum gh_err gh_basic_parse(struct gh_arena *a, struct gh_str value, struct gh_str *user,
                           struct gh_str *password);
