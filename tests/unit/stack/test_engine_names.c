#include <jansson.h>
#include <string.h>

#include "core/cleanup.h"
#include "stack/engine/export.h"
#include "stack/engine/export_name.h"
#include "stack/engine/urn.h"
#include "tests/check.h"

TEST(a_urn_has_four_parts_and_the_type_is_the_last_of_its_chain) {
    static const struct {
        const char *text, *type, *name; /* NULL: refused */
    } rows[] = {
        { "urn:pulumi:dev::p::auth0:index/role:Role::r", "auth0:index/role:Role", "r" },
        { "urn:pulumi:dev::p::my:mod:Company$auth0:index/role:Role::a::b", "auth0:index/role:Role", "a::b" },
        { "r", NULL, NULL },
        { "", NULL, NULL },
        { "urn:pulumi:", NULL, NULL },
        { "urn:pulumi:dev::p::t::", NULL, NULL },
        { "urn:pulumi:dev::p::::r", NULL, NULL },
        { "urn:pulumi:dev::p::a$::r", NULL, NULL },
        { "urn:pulumi:::p::t::r", NULL, NULL },
        { "urn:pulumi:dev::p::t", NULL, NULL },
        { "urn:pulum:dev::p::t::r", NULL, NULL },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_urn u = { 0 };
        bool good = gh_urn_parse(gh_str_from(rows[i].text), &u);
        CHECK_ROW(rows[i].text, good == (rows[i].type != NULL));
        CHECK_ROW(rows[i].text,
                  !good || (gh_str_is(u.type, rows[i].type) && gh_str_is(u.name, rows[i].name)));
    }
}

TEST(a_name_means_its_resource_and_a_urn_only_the_one_of_its_stack) {
    static const struct {
        const char *text;
        bool means;
    } rows[] = {
        { "r", true },
        { "urn:pulumi:dev::p::t:t:T::r", true },
        { "urn:pulumi:dev::p::a:b:C$t:t:T::r", true },
        { "R", false },
        { "urn:pulumi:prod::p::t:t:T::r", false },
        { "urn:pulumi:dev::q::t:t:T::r", false },
        { "urn:pulumi:dev::p::t:t:U::r", false },
        { "urn:pulumi:dev::p::xt:t:T::r", false },
        { "urn:pulumi:dev::p::t:t:T::rr", false },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i].text, gh_urn_means(rows[i].text, "dev", "p", "t:t:T", "r") == rows[i].means);
}

TEST(logical_names_are_slugs_and_never_the_same) {
    static const struct {
        const char *base, *part, *kind, *want;
    } rows[] = {
        { "AI Console", NULL, "client", "ai-console" },
        { "AI  console!", NULL, "client", "ai-console-client" },
        { "AI console", NULL, "client", "ai-console-client-2" },
        { "AI console", "Credentials", "x", "ai-console-credentials" },
        { "Größe ${x}", NULL, "role", "gr-e-x" },
        { "日本", NULL, "role", "role" },
        { "--", NULL, "role", "role-2" },
        { "", NULL, "user", "user" },
        { "tenant", NULL, "api", "tenant-api" },
    };
    json_t *taken = json_pack("{s:b}", "tenant", 1);
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        char name[GH_EXPORT_NAME];
        gh_export_name(taken, rows[i].base, rows[i].part, rows[i].kind, name);
        CHECK_ROW(rows[i].base, gh_str_is(gh_str_from(name), rows[i].want));
    }
    json_decref(taken);
}

TEST(a_name_as_long_as_any_still_fits) {
    char long_text[1000], name[GH_EXPORT_NAME];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    json_t *taken = json_object();
    for (int i = 0; i < 3; i++) {
        gh_export_name(taken, long_text, long_text, long_text, name);
        CHECK(strlen(name) < GH_EXPORT_NAME);
    }
    CHECK(json_object_size(taken) == 3);
    gh_export_config_name(long_text, long_text, name);
    CHECK(strlen(name) < GH_EXPORT_NAME);
    json_decref(taken);
}

TEST(a_dollar_of_the_tenant_begins_no_reference) {
    static const char *const rows[][2] = { { "a$b", "a$b" },      { "${x}", "$${x}" }, { "$$", "$$$" },
                                           { "$$${", "$$$$$${" }, { "$", "$" },        { "", "" } };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        json_t *text = gh_program_text(rows[i][0]);
        CHECK_ROW(rows[i][0], gh_str_is(gh_str_from(json_string_value(text)), rows[i][1]));
        json_decref(text);
    }
}

TEST(a_program_is_written_for_people) {
    static const char want[] = "name: p\n"
                               "resources:\n"
                               "  a:\n"
                               "    type: t\n"
                               "    properties:\n"
                               "      list: [1, \"2\", \"yes\"]\n"
                               "      empty: []\n"
                               "      text: \"a: b\\n\"\n"
                               "      inner: { x: null }\n";
    gh_auto(gh_buf_release) struct gh_buf out = gh_buf_make(4096);
    json_t *program =
        json_loads("{\"name\":\"p\",\"resources\":{\"a\":{\"type\":\"t\",\"properties\":{\"list\":[1,"
                   "\"2\",\"yes\"],\"empty\":[],\"text\":\"a: b\\n\",\"inner\":{\"x\":null}}}}}",
                   0, NULL);
    gh_program_write(&out, program);
    CHECK(gh_str_is(gh_buf_str(&out), want));
    json_decref(program);
}

GH_TESTS(a_urn_has_four_parts_and_the_type_is_the_last_of_its_chain,
         a_name_means_its_resource_and_a_urn_only_the_one_of_its_stack,
         logical_names_are_slugs_and_never_the_same, a_name_as_long_as_any_still_fits,
         a_dollar_of_the_tenant_begins_no_reference, a_program_is_written_for_people)
