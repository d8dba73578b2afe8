/* stack/engine/deployment.h - a ledger as the state of the real Pulumi, which `pulumi stack import` reads,
 * and the way back. Pure. */
#pragma once
#include <jansson.h>

#include "stack/diagnostic.h"

struct gh_deployment {
    const char *project, *stack;
    const char *salt;        /* "encryptionsalt" of the stack's file, or NULL: then no secret is sealed */
    const char *version;     /* of who writes it */
    const json_t *resources; /* the ledger's entries, in their order; secrets sealed or open */
    json_t *outputs;         /* the ledger's */
};

/* {"version": 3, "deployment": {…}} (sdk/go/common/apitype/core.go). UNSUPPORTED when a secret is known only
 * by its digest, NOMEM, CRYPTO. */
enum gh_err gh_deployment_make(const struct gh_deployment *d, json_t **ret);

/* Whose state it must be, unless `force`. */
struct gh_deployment_source {
    const char *project, *stack;
    bool force;
    struct gh_diagnostics *diagnostics;
};

/* *ret: new {"resources": [entry, ...], "outputs": {...}}, as in a ledger; secrets as they came: sealed by
 * the state of gh_deployment_salt, or open. Components, providers and what is only read are left out.
 * UNSUPPORTED (a version or a type that is not ours), CONFLICT (another stack's; a name twice), MALFORMED,
 * TOO_LARGE: diagnosed. */
enum gh_err gh_deployment_read(const struct gh_deployment_source *s, const json_t *deployment, json_t **ret);

/* The passphrase state ("encryptionsalt") of its secrets, borrowed; NULL when there is none. */
const char *gh_deployment_salt(const json_t *deployment);
