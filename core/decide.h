/* core/decide.h - may this token do this here? The one decision, asked by tenant and gateway alike; pure:
 * time and epochs are arguments. Every non-decision is a refusal (rule 1); only org_id identifies and only
 * permissions permits (rule 5). */
#pragma once
#include "core/claims.h"
#include "core/err.h"

enum gh_org_rule {
    GH_ORG_UNSET = 0, /* never valid in a policy: a forgotten field must not mean "any" */
    GH_ORG_NONE,      /* the token must have no organization */
    GH_ORG_ANY,       /* the token must have one, whichever */
    GH_ORG_EXACTLY,   /* ... this one */
    GH_ORG_OPTIONAL,  /* the route has no opinion (the Management API's own tokens) */
};

/* What the model rule asks: each name must be allowed by a permission of the token and, where the
 * organization has one, by its list. No name at all is a refusal. */
struct gh_models {
    const struct gh_str *names;
    size_t count;
    bool has_list;
    struct gh_str list; /* as core/models.h reads it */
};

struct gh_policy {
    struct gh_str issuer, audience; /* both required: an empty one refuses everything */
    enum gh_org_rule organization_rule;
    struct gh_str organization;       /* with GH_ORG_EXACTLY */
    const struct gh_str *permissions; /* all of them are needed */
    size_t permission_count;
    long long leeway;               /* seconds, 0..60 */
    const struct gh_models *models; /* NULL: the rule does not bind, or nobody knows the names yet */
};

/* The newest revocation that concerns this token, in unix seconds; 0 = never. A token issued at or before an
 * epoch is refused. */
struct gh_epochs {
    long long global, user, organization, client, audience, token;
    long long member, grant; /* of the pairs (organization, user) and (client, user) */
    bool organization_suspended;
};

struct gh_decision {
    enum gh_err err;       /* GH_OK or the first rule that refuses */
    struct gh_str missing; /* the permission or the model that was refused */
};

/* Order: issuer, audience, times, revocation (401), then organization, permissions, models (403). */
struct gh_decision gh_decide(const struct gh_policy *policy, const struct gh_claims *claims,
                             const struct gh_epochs *epochs, long long now);

bool gh_claims_have_permission(const struct gh_claims *claims, struct gh_str permission);
