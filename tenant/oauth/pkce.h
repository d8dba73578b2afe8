/* tenant/oauth/pkce.h - proof that who redeems a code is who asked for it (RFC 7636). S256 only: "plain" has
 * no code path. */
#pragma once
#include "core/arena.h"
#include "core/err.h"

/* A challenge is the base64url of a SHA-256: 43 characters, and only one spelling of it. */
bool gh_pkce_challenge_ok(struct gh_arena *a, struct gh_str challenge);

/* GH_OK when SHA-256(verifier) is the challenge; MALFORMED for a verifier that is none (43..128 unreserved),
 * BAD_SIGNATURE when it is another's, NOMEM, CRYPTO. */
enum gh_err gh_pkce_verify(struct gh_arena *a, struct gh_str verifier, struct gh_str challenge);
