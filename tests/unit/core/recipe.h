/* tests/unit/core/recipe.h - builds tokens from recipes in the language of tokens/hostile-tokens.json. */
#pragma once
#include <jansson.h>

#include "core/arena.h"
#include "core/keyset.h"
#include "core/str.h"

struct recipe_keys {
    const struct gh_key *issuer;      /* K1, RSA */
    const struct gh_key *attacker;    /* X1, RSA */
    const struct gh_key *attacker_ec; /* E1, P-256 */
};

/* The token, in the arena. The signature is right for the text as sent unless the recipe spoils it. Fails the
 * test on a word that it does not know. */
struct gh_str recipe_token(struct gh_arena *a, const json_t *base, const json_t *recipe, long long now,
                           const struct recipe_keys *keys);
