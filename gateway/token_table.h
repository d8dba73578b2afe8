/* gateway/token_table.h - what opening a token found out, by the hash of the token, in memory that processes
 * share. It replaces gh_token_open and nothing else: a hit is judged by gh_decide like a token just opened.
 *
 * No lock: a record is written once, behind the others, and published by one word; the ring comes round over
 * the oldest. A reader copies and believes only what carries its own check, so that a torn, overwritten or
 * damaged record is a miss. Only offsets are stored. docs/internals/token-cache.md tells more. */
#pragma once
#include <stdint.h>

#include "core/arena.h"
#include "core/claims.h"

#define GH_TOKEN_KEY 32          /* SHA-256 */
#define GH_TOKEN_TABLE_MIN 65536 /* bytes */

/* One process's view of the memory. */
struct gh_token_table {
    uint64_t *head, *index, *ring;
    uint64_t sets, words; /* of index and ring */
};

/* What is the same for all tokens under a key, and so not stored: the key must be made with it. */
struct gh_token_scope {
    const struct gh_str *issuers;   /* one of them is the token's */
    size_t issuer_count;
    const struct gh_str *audiences; /* all that a policy may ask for */
    size_t audience_count;
};

/* Zeroed memory is an empty table. False below GH_TOKEN_TABLE_MIN. */
bool gh_token_table_view(struct gh_token_table *ret, void *memory, size_t size);

/* NOT_FOUND, NOMEM. The claims lie in the arena; scope and type stay empty, and of the audiences there are
 * those of the scope. */
enum gh_err gh_token_table_find(const struct gh_token_table *t, const unsigned char *key, struct gh_arena *a,
                                const struct gh_token_scope *scope, struct gh_claims *ret);
/* Claims too large for a record are not kept. */
void gh_token_table_put(const struct gh_token_table *t, const unsigned char *key,
                        const struct gh_token_scope *scope, const struct gh_claims *claims);

/* For a table of refusals: GH_OK when there is none. */
enum gh_err gh_token_table_refusal(const struct gh_token_table *t, const unsigned char *key);
void gh_token_table_put_refusal(const struct gh_token_table *t, const unsigned char *key, enum gh_err e);
