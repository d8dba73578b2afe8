#include "stack/schema.h"
#include "tests/check.h"

TEST(a_type_has_the_three_spellings_of_pulumi_and_no_other) {
    static const struct {
        const char *token;
        bool found;
    } rows[] = {
        { "auth0:index/role:Role", true },
        { "auth0:index:Role", true },
        { "auth0:Role", true },
        { "auth0:role", true }, /* case does not count */
        { "auth0:index/organizationMemberRoles:OrganizationMemberRoles", true },
        { "auth0:index/user:Role", false },
        { "auth0:other/role:Role", false },
        { "auth0:index/role/x:Role", false },
        { "auth0::Role", false },
        { "auth0:index:Role:", false },
        { "aws:Role", false },
        { "Role", false },
        { "auth0:Roles", false },
        { "auth0:", false },
        { "", false },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        const struct gh_resource_type *t = gh_schema_resource(gh_str_from(rows[i].token));
        CHECK_ROW(rows[i].token, (t != NULL) == rows[i].found);
    }
    CHECK(strcmp(gh_schema_resource(GH_STR("auth0:Role"))->token, "auth0:index/role:Role") == 0);
}

TEST(what_the_provider_says_of_a_property_is_in_its_row) {
    const struct gh_resource_type *user = gh_schema_resource(GH_STR("auth0:User"));
    CHECK(gh_schema_member(user, GH_STR("connectionName"))->required);
    CHECK(strcmp(gh_schema_member(user, GH_STR("connectionName"))->api, "connection") == 0);
    CHECK(strcmp(gh_schema_member(user, GH_STR("emailVerified"))->api, "email_verified") == 0);
    CHECK(gh_schema_member(user, GH_STR("password"))->secret);
    CHECK(!gh_schema_member(user, GH_STR("roles")));

    const struct gh_resource_type *member = gh_schema_resource(GH_STR("auth0:OrganizationMember"));
    CHECK(member->input_count == 2 && gh_schema_member(member, GH_STR("userId"))->replace_on_changes);
    const struct gh_resource_type *role = gh_schema_resource(GH_STR("auth0:Role"));
    CHECK(strcmp(gh_schema_member(role, GH_STR("description"))->default_value, "\"Managed by Pulumi\"") == 0);
    const struct gh_resource_type *client = gh_schema_resource(GH_STR("auth0:Client"));
    CHECK(gh_schema_property(client->outputs, client->output_count, GH_STR("clientId")));

    const struct gh_object_type *branding = gh_schema_object("OrganizationBranding");
    CHECK(branding && branding->property_count == 2 && !gh_schema_object("organizationBranding"));
    CHECK(strcmp(gh_schema_property(branding->properties, 2, GH_STR("colors"))->type, "map<string>") == 0);
}

TEST(every_object_type_that_is_named_exists) {
    CHECK(gh_schema_resource_count() == 76 && !gh_schema_resource_at(76));
    for (size_t i = 0; i < gh_schema_resource_count(); i++) {
        const struct gh_resource_type *t = gh_schema_resource_at(i);
        for (size_t k = 0; k < t->input_count; k++) {
            char name[128];
            const char *type = t->inputs[k].type;
            while (strncmp(type, "map<", 4) == 0)
                type += 4;
            if (*type != '@')
                continue;
            snprintf(name, sizeof name, "%.*s", (int)strcspn(type + 1, "[>"), type + 1);
            CHECK_ROW(name, gh_schema_object(name) != NULL);
        }
    }
}

GH_TESTS(a_type_has_the_three_spellings_of_pulumi_and_no_other,
         what_the_provider_says_of_a_property_is_in_its_row, every_object_type_that_is_named_exists)
