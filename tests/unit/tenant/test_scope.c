#include "tenant/oauth/scope.h"

#include "core/cleanup.h"
#include "tests/check.h"

static struct gh_scopes scopes(struct gh_arena *a, const char *text) {
    struct gh_scopes s = { 0 };
    CHECK(gh_scopes_parse(a, gh_str_from(text), &s) == GH_OK);
    return s;
}

static bool joins(struct gh_arena *a, const struct gh_scopes *s, const char *want) {
    struct gh_str text;
    return gh_scopes_join(a, s, &text) == GH_OK && gh_str_is(text, want);
}

TEST(a_list_of_scopes_is_a_set_in_order) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    struct gh_scopes s = scopes(a, "  b a  b c ");
    CHECK(joins(a, &s, "b a c"));
    s = scopes(a, "");
    CHECK(joins(a, &s, ""));
    CHECK(gh_scopes_parse(a, GH_STR("a\"b"), &s) == GH_ERR_MALFORMED);
    CHECK(gh_scopes_parse(a, GH_STR("a\\b"), &s) == GH_ERR_MALFORMED);
    CHECK(gh_scopes_parse(a, GH_STR("a\nb"), &s) == GH_ERR_MALFORMED);
    CHECK(gh_scopes_parse(a, GH_STR("\xc3\xa9"), &s) == GH_ERR_MALFORMED);
}

TEST(a_person_gets_what_every_list_allows) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    struct gh_scopes wanted = scopes(a, "openid offline_access read write drop unknown"), got;
    struct gh_scopes defined = scopes(a, "read write drop"), permitted = scopes(a, "read drop unknown"),
                     granted = scopes(a, "read");
    CHECK(gh_scopes_decide(a, &wanted, &(struct gh_scope_rule){ 0 }, &got) == GH_OK &&
          joins(a, &got, "openid"));
    CHECK(gh_scopes_decide(a, &wanted, &(struct gh_scope_rule){ .defined = &defined, .offline = true },
                           &got) == GH_OK);
    CHECK(joins(a, &got, "openid offline_access read write drop"));
    struct gh_scope_rule policies = { .defined = &defined, .permitted = &permitted };
    CHECK(gh_scopes_decide(a, &wanted, &policies, &got) == GH_OK && joins(a, &got, "openid read drop"));
    policies.granted = &granted;
    CHECK(gh_scopes_decide(a, &wanted, &policies, &got) == GH_OK && joins(a, &got, "openid read"));
    struct gh_scopes none = scopes(a, "");
    policies.permitted = &none;
    CHECK(gh_scopes_decide(a, &wanted, &policies, &got) == GH_OK && joins(a, &got, "openid"));
}

TEST(a_machine_gets_all_it_may_when_it_asks_for_nothing) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    struct gh_scopes wanted = scopes(a, "b x"), none = scopes(a, ""), allowed = scopes(a, "a b"), got;
    CHECK(gh_scopes_intersect(a, &none, &allowed, &got) == GH_OK && joins(a, &got, "a b"));
    CHECK(gh_scopes_intersect(a, &wanted, &allowed, &got) == GH_OK && joins(a, &got, "b"));
    CHECK(gh_scopes_within(&got, &allowed) && !gh_scopes_within(&wanted, &allowed));
}

GH_TESTS(a_list_of_scopes_is_a_set_in_order, a_person_gets_what_every_list_allows,
         a_machine_gets_all_it_may_when_it_asks_for_nothing)
