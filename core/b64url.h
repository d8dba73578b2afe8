/* core/b64url.h - base64url without padding (RFC 4648 5), one spelling only: re-encoding gives the input. */
#pragma once
#include "core/arena.h"
#include "core/err.h"

enum gh_err gh_b64url_decode(struct gh_arena *a, struct gh_str text,
                             struct gh_str *ret); /* MALFORMED, NOMEM */
enum gh_err gh_b64url_encode(struct gh_arena *a, struct gh_str bytes, struct gh_str *ret); /* NOMEM */

/* The ordinary alphabet with padding (RFC 4648 4): Basic credentials, Pulumi's ciphertexts, checkpoint
 * cursors. */
enum gh_err gh_b64_decode(struct gh_arena *a, struct gh_str text, struct gh_str *ret);
enum gh_err gh_b64_encode(struct gh_arena *a, struct gh_str bytes, struct gh_str *ret);
