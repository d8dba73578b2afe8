#include "core/decide.h"
#include "tests/check.h"

#define NOW 1900000000LL

static const struct gh_str audiences[] = { { "https://tenant.example/userinfo", 31 },
                                           { "https://api.example/", 20 } };
static const struct gh_str permissions[] = { { "chat:invoke", 11 }, { "models:list", 11 } };

/* A token and a policy that agree; each row below spoils one thing. */
static struct gh_claims good_claims(void) {
    return (struct gh_claims){ .issuer = GH_STR("https://tenant.example/"),
                               .subject = GH_STR("auth0|u1"),
                               .organization = GH_STR("org_acme"),
                               .audiences = audiences,
                               .audience_count = 2,
                               .permissions = permissions,
                               .permission_count = 2,
                               .has_permissions = true,
                               .issued_at = NOW - 10,
                               .has_issued_at = true,
                               .expires_at = NOW + 600 };
}

static struct gh_policy good_policy(void) {
    return (struct gh_policy){ .issuer = GH_STR("https://tenant.example/"),
                               .audience = GH_STR("https://api.example/"),
                               .organization_rule = GH_ORG_EXACTLY,
                               .organization = GH_STR("org_acme"),
                               .permissions = permissions,
                               .permission_count = 1 };
}

struct question {
    struct gh_policy policy;
    struct gh_claims claims;
    struct gh_epochs epochs;
};

static enum gh_err answer(const struct question *q) {
    return gh_decide(&q->policy, &q->claims, &q->epochs, NOW).err;
}

static struct question good(void) {
    return (struct question){ good_policy(), good_claims(), { 0 } };
}

/* One row: what is spoilt, and the rule that must refuse. */
#define ROW(want, ...)                                                                                       \
    do {                                                                                                     \
        struct question q = good();                                                                          \
        __VA_ARGS__;                                                                                         \
        CHECK_ROW(#__VA_ARGS__, answer(&q) == (want));                                                       \
    } while (0)

TEST(issuer_and_audience_are_compared_byte_for_byte) {
    ROW(GH_OK, (void)q);
    ROW(GH_ERR_WRONG_ISSUER, q.claims.issuer = GH_STR("https://tenant.example"));
    ROW(GH_ERR_WRONG_ISSUER, q.claims.issuer = GH_STR("https://Tenant.example/"));
    ROW(GH_ERR_WRONG_ISSUER, q.claims.issuer = GH_STR("https://tenant.example/x"));
    ROW(GH_ERR_WRONG_ISSUER, q.claims.issuer = GH_STR(""));
    ROW(GH_ERR_WRONG_AUDIENCE, q.claims.audience_count = 1);
    ROW(GH_ERR_WRONG_AUDIENCE, q.claims.audience_count = 0);
    ROW(GH_ERR_WRONG_AUDIENCE, q.policy.audience = GH_STR("https://api.example"));
    ROW(GH_ERR_WRONG_AUDIENCE, q.policy.audience = GH_STR("https://api.example/v2"));
}

TEST(a_forgotten_field_of_a_policy_refuses) {
    ROW(GH_ERR_WRONG_ISSUER, q.policy.issuer = (struct gh_str){ 0 }; q.claims.issuer = (struct gh_str){ 0 });
    ROW(GH_ERR_WRONG_AUDIENCE, q.policy.audience = (struct gh_str){ 0 });
    ROW(GH_ERR_NO_ROUTE, q.policy.organization_rule = GH_ORG_UNSET);
    ROW(GH_ERR_NO_ROUTE, q.policy.organization_rule = (enum gh_org_rule)99);
    ROW(GH_ERR_WRONG_ORGANIZATION, q.policy.organization = (struct gh_str){ 0 });
    static const struct gh_str nameless = { "", 0 };
    ROW(GH_ERR_NO_PERMISSION, q.policy.permissions = &nameless);
    ROW(GH_ERR_NO_PERMISSION, q.policy.permissions = q.claims.permissions = &nameless;
        q.claims.permission_count = 1);
    struct question q = good();
    CHECK(gh_decide(&q.policy, &q.claims, NULL, NOW).err == GH_ERR_FEED);
    q.policy = (struct gh_policy){ 0 };
    CHECK(answer(&q) != GH_OK);
}

TEST(times_are_exact_and_leeway_is_bounded) {
    ROW(GH_ERR_EXPIRED, q.claims.expires_at = NOW);
    ROW(GH_OK, q.claims.expires_at = NOW + 1);
    ROW(GH_ERR_EXPIRED, q.claims.expires_at = 0);
    ROW(GH_OK, q.claims.expires_at = NOW - 59; q.policy.leeway = 60);
    ROW(GH_ERR_EXPIRED, q.claims.expires_at = NOW - 60; q.policy.leeway = 60);
    ROW(GH_ERR_EXPIRED, q.claims.expires_at = NOW - 30; q.policy.leeway = 61); /* out of bounds: no leeway */
    ROW(GH_ERR_EXPIRED, q.claims.expires_at = NOW; q.policy.leeway = -1);
    ROW(GH_OK, q.claims.not_before = NOW);
    ROW(GH_ERR_NOT_YET, q.claims.not_before = NOW + 1);
    ROW(GH_OK, q.claims.not_before = NOW + 60; q.policy.leeway = 60);
    ROW(GH_ERR_NOT_YET, q.claims.not_before = NOW + 61; q.policy.leeway = 60);
    ROW(GH_OK, q.claims.issued_at = NOW);
    ROW(GH_ERR_NOT_YET, q.claims.issued_at = NOW + 1);
    ROW(GH_ERR_NOT_YET, q.claims.issued_at = NOW + 61; q.policy.leeway = 60);
    ROW(GH_OK, q.claims.has_issued_at = false; q.claims.issued_at = NOW + 100);
}

TEST(what_was_issued_at_or_before_an_epoch_is_revoked) {
    ROW(GH_OK, q.epochs.global = NOW - 11);
    ROW(GH_ERR_REVOKED, q.epochs.global = NOW - 10);
    ROW(GH_ERR_REVOKED, q.epochs.user = NOW - 9);
    ROW(GH_ERR_REVOKED, q.epochs.organization = NOW - 10);
    ROW(GH_ERR_REVOKED, q.epochs.client = NOW - 10);
    ROW(GH_ERR_REVOKED, q.epochs.member = NOW - 10);
    ROW(GH_ERR_REVOKED, q.epochs.grant = NOW - 10);
    ROW(GH_OK, q.epochs.grant = NOW - 11);
    ROW(GH_ERR_REVOKED, q.epochs.audience = NOW - 10);
    ROW(GH_ERR_REVOKED, q.epochs.token = NOW + 1000);
    ROW(GH_ERR_REVOKED, q.claims.has_issued_at = false; q.epochs.user = 1); /* older than anything */
    ROW(GH_OK, q.claims.has_issued_at = false);
    ROW(GH_ERR_REVOKED, q.epochs.organization_suspended = true);
    ROW(GH_OK, q.epochs.organization_suspended = true; q.claims.organization = (struct gh_str){ 0 };
        q.policy.organization_rule = GH_ORG_NONE);
}

TEST(only_org_id_identifies) {
    ROW(GH_ERR_NO_ORGANIZATION, q.claims.organization = (struct gh_str){ 0 });
    ROW(GH_ERR_WRONG_ORGANIZATION, q.claims.organization = GH_STR("org_ACME"));
    ROW(GH_ERR_WRONG_ORGANIZATION, q.claims.organization = GH_STR("org_acme2"));
    ROW(GH_ERR_WRONG_ORGANIZATION, q.policy.organization_rule = GH_ORG_NONE);
    ROW(GH_OK, q.policy.organization_rule = GH_ORG_NONE; q.claims.organization = (struct gh_str){ 0 });
    ROW(GH_OK, q.policy.organization_rule = GH_ORG_ANY);
    ROW(GH_ERR_NO_ORGANIZATION, q.policy.organization_rule = GH_ORG_ANY;
        q.claims.organization = (struct gh_str){ 0 });
    ROW(GH_OK, q.policy.organization_rule = GH_ORG_OPTIONAL);
    ROW(GH_OK, q.policy.organization_rule = GH_ORG_OPTIONAL; q.claims.organization = (struct gh_str){ 0 });
}

TEST(all_permissions_are_needed_and_scope_is_none) {
    static const struct gh_str longer[] = { { "chat:invoke:x", 13 },
                                            { "xchat:invoke", 12 },
                                            { "chat:Invoke", 11 } };
    ROW(GH_OK, q.policy.permission_count = 2);
    ROW(GH_OK, q.policy.permission_count = 0; q.claims.permission_count = 0);
    ROW(GH_ERR_NO_PERMISSION, q.claims.permission_count = 0);
    ROW(GH_ERR_NO_PERMISSION, q.policy.permission_count = 2; q.claims.permission_count = 1);
    ROW(GH_ERR_NO_PERMISSION, q.claims.permissions = longer; q.claims.permission_count = 3);
    ROW(GH_ERR_NO_PERMISSION, q.claims.permission_count = 0; q.claims.scope = GH_STR("chat:invoke"));
    struct question q = good();
    q.policy.permission_count = 2;
    q.claims.permission_count = 1;
    CHECK(gh_str_is(gh_decide(&q.policy, &q.claims, &q.epochs, NOW).missing, "models:list"));
}

/* 401 comes before 403: who holds no valid token learns nothing about the route. */
TEST(the_token_is_judged_before_what_it_may) {
    ROW(GH_ERR_EXPIRED, q.claims.expires_at = NOW; q.claims.organization = GH_STR("x");
        q.claims.permission_count = 0);
    ROW(GH_ERR_REVOKED, q.epochs.user = NOW; q.claims.organization = GH_STR("x"));
    ROW(GH_ERR_WRONG_ISSUER, q.claims.issuer = GH_STR("x"); q.claims.audience_count = 0;
        q.claims.expires_at = 0);
    ROW(GH_ERR_WRONG_ORGANIZATION, q.claims.organization = GH_STR("x"); q.claims.permission_count = 0);
}

GH_TESTS(issuer_and_audience_are_compared_byte_for_byte, a_forgotten_field_of_a_policy_refuses,
         times_are_exact_and_leeway_is_bounded, what_was_issued_at_or_before_an_epoch_is_revoked,
         only_org_id_identifies, all_permissions_are_needed_and_scope_is_none,
         the_token_is_judged_before_what_it_may)
