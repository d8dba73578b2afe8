/* gateway/token_record.h - the claims that a decision needs, as few bytes. */
#pragma once
#include "gateway/token_table.h"

#define GH_TOKEN_RECORD_MAX 2048 /* bytes; larger claims are opened each time */

/* The length, or 0 when there is none: it does not fit, the issuer is not of the scope, it expires before it
 * was issued. */
size_t gh_token_record_write(const struct gh_token_scope *scope, const struct gh_claims *claims,
                             unsigned char to[GH_TOKEN_RECORD_MAX]);

/* Texts and lists lie in the arena; nothing is a view of `record`. MALFORMED, NOMEM. */
enum gh_err gh_token_record_read(struct gh_arena *a, struct gh_str record, const struct gh_token_scope *scope,
                                 struct gh_claims *ret);
