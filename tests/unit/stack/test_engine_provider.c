#include "core/cleanup.h"
#include "stack/engine/lookup.h"
#include "stack/engine/mapping.h"
#include "stack/engine/provider.h"
#include "stack/engine/unserved.h"
#include "stack/value.h"
#include "tests/check.h"

static bool knows(const struct gh_resource_type *type, const char *name) {
    return gh_schema_property(type->inputs, type->input_count, gh_str_from(name)) != NULL;
}

/* Every name that a row uses is an input of its type: a misspelt one would silently never match. */
TEST(the_rows_speak_of_what_the_schema_knows) {
    for (size_t i = 0; i < gh_provider_count(); i++) {
        const struct gh_provider *p = gh_provider_at(i);
        const struct gh_resource_type *type = gh_schema_resource(gh_str_from(p->token));
        CHECK_ROW(p->token, type && strcmp(type->token, p->token) == 0 && p->id);
        const char *const *lists[] = { p->keys, p->create_only, p->write_only, p->unserved };
        const size_t sizes[] = { GH_COUNT(p->keys), GH_COUNT(p->create_only), GH_COUNT(p->write_only),
                                 GH_COUNT(p->unserved) };
        for (size_t k = 0; k < GH_COUNT(lists); k++)
            for (size_t n = 0; n < sizes[k] && lists[k][n]; n++)
                CHECK_ROW(lists[k][n], knows(type, lists[k][n]));
        CHECK_ROW(p->token, (p->kind == GH_KIND_SET) == (p->set && knows(type, p->set)));
        CHECK_ROW(p->token, (p->kind == GH_KIND_LINK) == (p->child && knows(type, p->child)));
        CHECK_ROW(p->token, !p->dies_with.property || knows(type, p->dies_with.property));
        CHECK_ROW(p->token, (p->kind == GH_KIND_ELEMENT) == (p->part[0] && knows(type, p->part[0])));
        CHECK_ROW(p->token, !p->part[1] || (p->elements[1] && knows(type, p->part[1])));
        CHECK_ROW(p->token,
                  !p->shows.property || (knows(type, p->shows.property) && gh_provider_find(p->shows.token)));
        CHECK_ROW(p->token, p->kind == GH_KIND_FACET || p->list || (p->kind == GH_KIND_ELEMENT && p->object));
    }
}

/* A type is applied, or there is a reason why not. */
TEST(every_type_and_lookup_is_served_or_says_what_it_needs) {
    for (size_t i = 0; i < gh_schema_resource_count(); i++) {
        const char *token = gh_schema_resource_at(i)->token;
        CHECK_ROW(token, (gh_provider_find(token) != NULL) == (gh_unserved_operation(token) == NULL));
    }
    for (size_t i = 0; i < gh_schema_function_count(); i++) {
        const char *token = gh_schema_function_at(i)->token;
        if (strncmp(token, "auth0:", 6) == 0)
            CHECK_ROW(token, gh_lookup_is_served(token) == (gh_unserved_operation(token) == NULL));
    }
    CHECK(!gh_unserved_operation("nothing"));
}

TEST(paths_are_encoded_and_never_guessed) {
    static const struct {
        const char *template, *id, *inputs, *want; /* NULL: refused */
    } rows[] = {
        { "/users/{id}", "auth0|a/b c", "{}", "/users/auth0%7Ca%2Fb%20c" },
        { "/resource-servers/{r}", NULL, "{\"r\":\"https://a/\"}", "/resource-servers/https%3A%2F%2Fa%2F" },
        { "/a/{x}/b/{y}", NULL, "{\"x\":\"1\",\"y\":\"2\"}", "/a/1/b/2" },
        { "/a/{x}", NULL, "{}", NULL },
        { "/a/{x}", NULL, "{\"x\":\"\"}", NULL },
        { "/a/{x}", NULL, "{\"x\":7}", NULL },
        { "/a/{x}", NULL, "{\"x\":\"..\"}", NULL },
        { "/a/{x}", NULL, "{\"x\":\"" GH_UNKNOWN "\"}", NULL },
        { "/a/{id}", NULL, "{\"id\":\"not this\"}", NULL },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(1024);
        json_t *inputs = json_loads(rows[i].inputs, 0, NULL);
        enum gh_err e = gh_provider_expand(rows[i].template, rows[i].id, inputs, true, &path);
        CHECK_ROW(rows[i].inputs,
                  rows[i].want ? !e && gh_str_is(gh_buf_str(&path), rows[i].want) : e == GH_ERR_MALFORMED);
        json_decref(inputs);
    }
}

TEST(names_and_shapes_go_over_and_come_back) {
    static const struct {
        const char *type, *inputs, *api;
    } rows[] = {
        { "auth0:Organization",
          "{\"displayName\":\"A\",\"branding\":{\"logoUrl\":\"l\",\"colors\":{\"page_background\":\"#fff\"}},"
          "\"metadata\":{\"camelCase\":\"kept\"}}",
          "{\"display_name\":\"A\",\"branding\":{\"logo_url\":\"l\",\"colors\":{\"page_background\":\"#fff\"}"
          "},"
          "\"metadata\":{\"camelCase\":\"kept\"}}" },
        { "auth0:Connection",
          "{\"options\":{\"passwordPolicy\":\"good\",\"bruteForceProtection\":true,"
          "\"passwordHistories\":[{\"enable\":true,\"size\":5}]}}",
          "{\"options\":{\"passwordPolicy\":\"good\",\"brute_force_protection\":true,"
          "\"password_history\":{\"enable\":true,\"size\":5}}}" },
        { "auth0:User", "{\"userMetadata\":\"{\\\"a\\\":[1]}\",\"connectionName\":\"c\"}",
          "{\"user_metadata\":{\"a\":[1]},\"connection\":\"c\"}" },
        { "auth0:ResourceServerScopes", "{\"scopes\":[{\"name\":\"a:b\",\"description\":\"d\"}]}",
          "{\"scopes\":[{\"value\":\"a:b\",\"description\":\"d\"}]}" },
        { "auth0:ClientGrant", "{\"scopes\":[\"a\"],\"audience\":\"x\"}",
          "{\"scope\":[\"a\"],\"audience\":\"x\"}" },
        { "auth0:Client", "{\"oidcBackchannelLogoutUrls\":[\"u\"]}",
          "{\"oidc_backchannel_logout\":{\"backchannel_logout_urls\":[\"u\"]}}" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        const struct gh_resource_type *type = gh_schema_resource(gh_str_from(rows[i].type));
        json_t *inputs = json_loads(rows[i].inputs, 0, NULL), *want = json_loads(rows[i].api, 0, NULL);
        json_t *api = gh_mapping_encode(type, inputs), *back = gh_mapping_decode(type, api);
        CHECK_ROW(rows[i].type, json_equal(api, want));
        CHECK_ROW(rows[i].type, json_equal(back, inputs));
        json_decref(inputs), json_decref(want), json_decref(api), json_decref(back);
    }
}

TEST(a_member_is_posted_as_a_list_of_one) {
    json_t *inputs = json_pack("{s:s}", "userId", "auth0|1"),
           *want = json_pack("{s:[s]}", "members", "auth0|1");
    json_t *api = gh_mapping_encode(gh_schema_resource(GH_STR("auth0:OrganizationMember")), inputs);
    CHECK(json_equal(api, want));
    json_decref(inputs), json_decref(want), json_decref(api);
}

TEST(secrets_and_unknowns_pass_through) {
    const struct gh_resource_type *user = gh_schema_resource(GH_STR("auth0:User"));
    json_t *inputs =
        json_pack("{s:o, s:o}", "password", gh_value_secret(json_string("p")), "email", gh_value_unknown());
    json_t *api = gh_mapping_encode(user, inputs);
    CHECK(gh_value_is_secret(json_object_get(api, "password")) &&
          gh_value_is_unknown(json_object_get(api, "email")));
    json_decref(inputs), json_decref(api);
    json_t *object = json_pack("{s:s}", "client_secret", "s");
    json_t *outputs = gh_mapping_decode(gh_schema_resource(GH_STR("auth0:ClientCredentials")), object);
    CHECK(gh_value_is_secret(json_object_get(outputs, "clientSecret")));
    json_decref(object), json_decref(outputs);
}

GH_TESTS(the_rows_speak_of_what_the_schema_knows, every_type_and_lookup_is_served_or_says_what_it_needs,
         paths_are_encoded_and_never_guessed, names_and_shapes_go_over_and_come_back,
         a_member_is_posted_as_a_list_of_one, secrets_and_unknowns_pass_through)
