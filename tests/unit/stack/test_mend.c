#include "core/cleanup.h"
#include "core/limits.h"
#include "stack/program.h"
#include "tests/check.h"

#define HEAD "name: p\nruntime: yaml\nresources:\n"
#define MEMBER HEAD "  m:\n    type: auth0:OrganizationMember\n    properties:\n"
#define TENANT "variables:\n  tenant:\n    fn::auth0:getTenant: {}\n"

/* What was written, and what it becomes; NULL: it stays. */
static const struct {
    const char *name, *before, *after;
} rows[] = {
    { "snake case becomes camel case, comments stay",
      HEAD
      "  o:\n    type: auth0:Organization\n    properties:\n      display_name: A # shown\n      name: a\n",
      HEAD
      "  o:\n    type: auth0:Organization\n    properties:\n      displayName: A # shown\n      name: a\n" },
    { "a quoted key, and characters of several bytes before it",
      HEAD
      "  o: { type: \"auth0:Organization\", properties: { \"name\": \"äöü\", \"display_name\": \"€\" } }\n",
      HEAD "  o: { type: \"auth0:Organization\", properties: { \"name\": \"äöü\", displayName: \"€\" } }\n" },
    { "not where both spellings are there",
      HEAD
      "  o:\n    type: auth0:Organization\n    properties:\n      display_name: A\n      displayName: B\n",
      NULL },
    { "colours in camel case",
      HEAD "  o:\n    type: auth0:Organization\n    properties:\n      branding: { colors: { Primary: "
           "'#000', pageBackground: '#FFF' } }\n",
      HEAD "  o:\n    type: auth0:Organization\n    properties:\n      branding: { colors: { primary: "
           "'#000', page_background: '#FFF' } }\n" },
    { "keys of other maps are the user's",
      HEAD "  o:\n    type: auth0:Organization\n    properties:\n      name: a\n      metadata: { "
           "page_background: x, pageBackground: y }\n",
      NULL },
    { "roles of a member, with their comment",
      MEMBER
      "      userId: auth0|1\n      organizationId: org_1 # which\n      # as what\n      roles: [rol_1]\n",
      MEMBER "      userId: auth0|1\n      organizationId: org_1 # which\n  m-roles:\n    type: "
             "auth0:OrganizationMemberRoles\n    "
             "properties:\n      organizationId: org_1\n      userId: auth0|1\n      # as what\n      roles: "
             "[rol_1]\n" },
    { "roles of a member, over lines, in the middle",
      MEMBER "      userId: auth0|1\n      roles:\n        - rol_1\n        - rol_2 # two\n      "
             "organizationId: org_1\noutputs: {}\n",
      MEMBER "      userId: auth0|1\n      organizationId: org_1\n  m-roles:\n    type: "
             "auth0:OrganizationMemberRoles\n    properties:\n     "
             " organizationId: org_1\n      userId: auth0|1\n      roles:\n        - rol_1\n        - rol_2 "
             "# two\noutputs: {}\n" },
    { "roles of a member, in braces, last",
      HEAD "  m:\n    type: auth0:OrganizationMember\n    properties: { userId: u, organizationId: o, roles: "
           "[r] }\n",
      HEAD "  m:\n    type: auth0:OrganizationMember\n    properties: { userId: u, organizationId: o }\n  "
           "m-roles:\n    type: "
           "auth0:OrganizationMemberRoles\n    properties:\n      organizationId: o\n      userId: u\n      "
           "roles: [r]\n" },
    { "roles of a member, in braces, first, without a line end",
      HEAD "  m:\n    type: auth0:OrganizationMember\n    properties: { roles: [r], userId: u, "
           "organizationId: o }",
      HEAD "  m:\n    type: auth0:OrganizationMember\n    properties: { userId: u, organizationId: o }\n  "
           "m-roles:\n    type: "
           "auth0:OrganizationMemberRoles\n    properties:\n      organizationId: o\n      userId: u\n      "
           "roles: [r]\n" },
    { "not roles of a member of nothing", MEMBER "      userId: auth0|1\n      roles: [rol_1]\n", NULL },
    { "not roles where the name is taken",
      MEMBER "      userId: u\n      organizationId: o\n      roles: [r]\n  m-roles:\n    type: auth0:Role\n",
      NULL },
    { "clients of a connection refer to it",
      HEAD "  c:\n    type: auth0:Connection\n    properties:\n      enabled_clients: [app]\n      name: a\n "
           "     strategy: auth0\n",
      HEAD "  c:\n    type: auth0:Connection\n    properties:\n      name: a\n      strategy: auth0\n  "
           "c-clients:\n    type: "
           "auth0:ConnectionClients\n    properties:\n      connectionId: ${c.id}\n      enabledClients: "
           "[app]\n" },
    { "the domain of an organization, where there is no variable for the tenant",
      HEAD "  o: { type: \"auth0:Organization\", properties: { name: a } }\noutputs: { d: "
           "\"https://${o.authDomain}/\" }\n",
      HEAD "  o: { type: \"auth0:Organization\", properties: { name: a } }\noutputs: { d: "
           "\"https://${tenant.domain}/\" }\n" TENANT },
    { "the domain of an organization, where there is one",
      HEAD "  o: { type: \"auth0:Organization\", properties: { name: a } }\noutputs:\n  d: "
           "${o.auth_domain}\nvariables:\n  t: { \"fn::auth0:getTenant\": {} }\n",
      HEAD "  o: { type: \"auth0:Organization\", properties: { name: a } }\noutputs:\n  d: "
           "${t.domain}\nvariables:\n  t: { \"fn::auth0:getTenant\": {} }\n" },
    { "not a dollar that is none",
      HEAD "  o: { type: \"auth0:Organization\", properties: { name: a, displayName: $${o.authDomain} } }\n",
      NULL },
    { "not the name of a resource that is no organization",
      HEAD "  r: { type: \"auth0:Role\", properties: { name: a } }\noutputs: { d: \"${r.authDomain}\" }\n",
      NULL },
    { "outputs in snake case",
      HEAD "  o: { type: \"auth0:Organization\", properties: { name: a } }\noutputs: { d: "
           "\"${o.display_name}\" }\n",
      HEAD "  o: { type: \"auth0:Organization\", properties: { name: a } }\noutputs: { d: "
           "\"${o.displayName}\" }\n" },
    { "a placeholder becomes a value of the stack, once",
      "name: p\nruntime: yaml\nconfig:\n  seats: 5\nresources:\n  m: { type: \"auth0:OrganizationMember\", "
      "properties: { userId: <USER_ID>, organizationId: <ORG> } }\noutputs: { u: <USER_ID> }\n",
      "name: p\nruntime: yaml\nconfig:\n  seats: 5\n  userId: { type: string }\n  org: { type: string "
      "}\nresources:\n  m: { type: \"auth0:OrganizationMember\", properties: { userId: \"${userId}\", "
      "organizationId: \"${org}\" } }\noutputs: { u: \"${userId}\" }\n" },
    { "not a placeholder whose name is taken",
      HEAD "  userId: { type: \"auth0:Role\", properties: { name: <USER_ID> } }\n", NULL },
    { "not what is no mistake", MEMBER "      userId: auth0|1\n      organizationId: org_1\n", NULL },
    { "not what has no remedy", MEMBER "      userId: auth0|1\n      nonsense: 1\n", NULL },
    { "not what is no YAML", "name: [\n", NULL },
    { "not what has no resources", "name: p\nruntime: nodejs\n", NULL },
};

TEST(mistakes_become_what_was_meant_and_nothing_else_changes) {
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_buf_release) struct gh_buf once = gh_buf_make(1 << 20), twice = gh_buf_make(1 << 20),
                                              notes = gh_buf_make(1 << 16), more = gh_buf_make(1 << 16);
        struct gh_str want = gh_str_from(rows[i].after ? rows[i].after : rows[i].before);
        CHECK(gh_program_mend("Pulumi.yaml", gh_str_from(rows[i].before), &once, &notes) == GH_OK);
        if (!gh_str_eq(gh_buf_str(&once), want))
            fprintf(stderr, "%s\n", once.ptr);
        CHECK_ROW(rows[i].name, gh_str_eq(gh_buf_str(&once), want));
        CHECK_ROW(rows[i].name, (notes.len > 0) == (rows[i].after != NULL));
        CHECK(gh_program_mend("Pulumi.yaml", gh_buf_str(&once), &twice, &more) == GH_OK);
        CHECK_ROW(rows[i].name, gh_str_eq(gh_buf_str(&once), gh_buf_str(&twice)) && more.len == 0);
    }
}

TEST(a_note_names_the_line_and_what_was_done) {
    gh_auto(gh_buf_release) struct gh_buf out = gh_buf_make(1 << 20), notes = gh_buf_make(1 << 16);
    CHECK(gh_program_mend(
              "Pulumi.yaml",
              GH_STR(HEAD "  o:\n    type: auth0:Organization\n    properties: { display_name: <NAME> }\n"),
              &out, &notes) == GH_OK);
    CHECK(gh_str_is(gh_buf_str(&notes),
                    "Pulumi.yaml:6: <NAME> is the config value name now: give it with -c name=…\n"
                    "Pulumi.yaml:6: display_name is written displayName\n"));
}

GH_TESTS(mistakes_become_what_was_meant_and_nothing_else_changes, a_note_names_the_line_and_what_was_done)
