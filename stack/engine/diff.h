/* stack/engine/diff.h - one object, three views: what the program declared last time, what it declares now,
 * what is live. All in the API's names and shapes. Per field: declared is owned; owned before and no longer
 * declared goes back to its default; never declared is not our business. Memory: json only. An allocation
 * that fails inside jansson leaves a change out; the next comparison finds it. */
#pragma once
#include <jansson.h>

#include "stack/engine/provider.h"

/* Is the sealed secret of the ledger this plain value? */
typedef bool gh_same_secret(void *context, const json_t *sealed, json_t *plain);

struct gh_diff {
    const struct gh_provider *provider;
    json_t *before; /* what the ledger says was declared, secrets sealed; NULL: nothing is known */
    json_t *wanted; /* what is declared now: secrets and unknowns inside */
    json_t *live;   /* what the tenant has */
    gh_same_secret *same_secret;
    void *context;
};

/* New array of changes, empty when nothing is to be done. Each is
 *   {"path": ["options", "passwordPolicy"], "from": live value or absent, "to": wanted value, or "reset":
 * true, "drift": true when it was declared so before: somebody else changed it} */
json_t *gh_diff(const struct gh_diff *diff);

/* The PATCH body of these changes: whole top-level objects where the API replaces them, with what others put
 * in. New. */
json_t *gh_diff_patch(const struct gh_diff *diff, const json_t *changes);

/* Would the API's value satisfy the declared one? Lists are sets; members that are not declared do not count;
 * an empty value equals an absent one. */
bool gh_diff_satisfies(json_t *wanted, json_t *live);

/* The part of `live` that `owned` speaks of: what an adopted object is given back at the end. Fields that are
 * absent are null, secrets left out. New. */
json_t *gh_diff_found(const struct gh_provider *p, const json_t *owned, const json_t *live);
