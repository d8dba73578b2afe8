#include "core/decide.h"

#include "core/models.h"

#define LEEWAY_MAX 60

static bool contains(const struct gh_str *list, size_t count, struct gh_str item) {
    for (size_t i = 0; i < count; i++)
        if (gh_str_eq(list[i], item))
            return true;
    return false;
}

bool gh_claims_have_permission(const struct gh_claims *claims, struct gh_str permission) {
    return permission.len > 0 && contains(claims->permissions, claims->permission_count, permission);
}

static enum gh_err judge_times(const struct gh_claims *c, long long leeway, long long now) {
    if (leeway < 0 || leeway > LEEWAY_MAX)
        leeway = 0; /* a policy out of bounds must not widen anything */
    if (now - leeway >= c->expires_at)
        return GH_ERR_EXPIRED;
    if (c->not_before > now + leeway || (c->has_issued_at && c->issued_at > now + leeway))
        return GH_ERR_NOT_YET;
    return GH_OK;
}

/* A token without a time of issue is older than every epoch. */
static enum gh_err judge_revocation(const struct gh_claims *c, const struct gh_epochs *epochs) {
    if (!epochs)
        return GH_ERR_FEED;
    if (epochs->organization_suspended && c->organization.len)
        return GH_ERR_REVOKED;
    const long long all[] = { epochs->global, epochs->user,  epochs->organization, epochs->client,
                              epochs->member, epochs->grant, epochs->audience,     epochs->token };
    for (size_t i = 0; i < GH_COUNT(all); i++)
        if (all[i] != 0 && (!c->has_issued_at || c->issued_at <= all[i]))
            return GH_ERR_REVOKED;
    return GH_OK;
}

static enum gh_err judge_organization(const struct gh_policy *p, const struct gh_claims *c) {
    bool has = c->organization.len > 0;
    switch (p->organization_rule) {
    case GH_ORG_OPTIONAL:
        return GH_OK;
    case GH_ORG_NONE:
        return has ? GH_ERR_WRONG_ORGANIZATION : GH_OK;
    case GH_ORG_ANY:
        return has ? GH_OK : GH_ERR_NO_ORGANIZATION;
    case GH_ORG_EXACTLY:
        if (!has)
            return GH_ERR_NO_ORGANIZATION;
        return gh_str_eq(c->organization, p->organization) ? GH_OK : GH_ERR_WRONG_ORGANIZATION;
    case GH_ORG_UNSET:
        break;
    }
    return GH_ERR_NO_ROUTE; /* nobody said what is allowed here */
}

static enum gh_err judge_token(const struct gh_policy *p, const struct gh_claims *c,
                               const struct gh_epochs *epochs, long long now) {
    if (p->issuer.len == 0 || !gh_str_eq(c->issuer, p->issuer))
        return GH_ERR_WRONG_ISSUER;
    if (p->audience.len == 0 || !contains(c->audiences, c->audience_count, p->audience))
        return GH_ERR_WRONG_AUDIENCE;
    enum gh_err e = judge_times(c, p->leeway, now);
    return e ? e : judge_revocation(c, epochs);
}

static struct gh_decision judge_models(const struct gh_models *m, const struct gh_claims *c) {
    if (m->count == 0)
        return (struct gh_decision){ .err = GH_ERR_NO_MODEL };
    for (size_t i = 0; i < m->count; i++) {
        if (!gh_claims_allow_model(c, m->names[i]))
            return (struct gh_decision){ .err = GH_ERR_MODEL_NOT_ALLOWED, .missing = m->names[i] };
        if (m->has_list && !gh_model_list_allows(m->list, m->names[i]))
            return (struct gh_decision){ .err = GH_ERR_MODEL_NOT_LISTED, .missing = m->names[i] };
    }
    return (struct gh_decision){ .err = GH_OK };
}

struct gh_decision gh_decide(const struct gh_policy *policy, const struct gh_claims *claims,
                             const struct gh_epochs *epochs, long long now) {
    enum gh_err e = judge_token(policy, claims, epochs, now);
    if (!e)
        e = judge_organization(policy, claims);
    if (e)
        return (struct gh_decision){ .err = e };
    for (size_t i = 0; i < policy->permission_count; i++)
        if (!gh_claims_have_permission(claims, policy->permissions[i]))
            return (struct gh_decision){ .err = GH_ERR_NO_PERMISSION, .missing = policy->permissions[i] };
    return policy->models ? judge_models(policy->models, claims) : (struct gh_decision){ .err = GH_OK };
}
