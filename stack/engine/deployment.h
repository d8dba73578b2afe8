/* stack/engine/deployment.h - a ledger as the state of the real Pulumi: `pulumi stack import` reads it. Pure.
 */
#pragma once
#include <jansson.h>

#include "core/err.h"

struct gh_deployment {
    const char *project, *stack;
    const char *salt;        /* "encryptionsalt" of the stack's file, or NULL: then no secret is sealed */
    const char *version;     /* of who writes it */
    const json_t *resources; /* the ledger's entries, in their order; secrets sealed or open */
    const json_t *outputs;   /* the ledger's */
};

/* {"version": 3, "deployment": {…}} (sdk/go/common/apitype/core.go). UNSUPPORTED when a secret is known only
 * by its digest, NOMEM, CRYPTO. */
enum gh_err gh_deployment_make(const struct gh_deployment *d, json_t **ret);
