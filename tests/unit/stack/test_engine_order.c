#include "stack/engine/order.h"
#include "stack/schema.h"
#include "tests/check.h"

static bool after(const char *type, const char *other) {
    const struct gh_resource_type *a = gh_schema_resource(gh_str_from(type)),
                                  *b = gh_schema_resource(gh_str_from(other));
    return a && b && gh_domain_after(a->token, b->token);
}

TEST(what_the_domain_needs_first_comes_first) {
    CHECK(after("auth0:RolePermissions", "auth0:ResourceServerScopes"));
    CHECK(after("auth0:ClientGrant", "auth0:ResourceServerScopes"));
    CHECK(after("auth0:User", "auth0:ConnectionClients"));
    CHECK(after("auth0:OrganizationMemberRoles", "auth0:OrganizationMember"));
    CHECK(!after("auth0:Role", "auth0:ResourceServer"));
}

TEST(no_two_types_wait_for_each_other) {
    for (size_t i = 0; i < gh_schema_resource_count(); i++)
        for (size_t k = 0; k < gh_schema_resource_count(); k++) {
            const char *a = gh_schema_resource_at(i)->token, *b = gh_schema_resource_at(k)->token;
            CHECK_ROW(a, !(gh_domain_after(a, b) && gh_domain_after(b, a)));
        }
}

GH_TESTS(what_the_domain_needs_first_comes_first, no_two_types_wait_for_each_other)
