/* tenant/oauth/user_code.h - the code that a person reads off a device and types elsewhere (RFC 8628 6.1):
 * eight consonants, so no word, no digit and no letter that looks like another; 20^8 of them. Shown as
 * XXXX-XXXX. */
#pragma once
#include "core/arena.h"
#include "core/err.h"

enum gh_err gh_user_code_make(struct gh_arena *a, struct gh_str *ret); /* XXXX-XXXX. CRYPTO, NOMEM */

/* What was typed, as XXXX-XXXX: small letters, blanks and dashes are forgiven. MALFORMED for anything else,
 * NOMEM. */
enum gh_err gh_user_code_read(struct gh_arena *a, struct gh_str typed, struct gh_str *ret);
