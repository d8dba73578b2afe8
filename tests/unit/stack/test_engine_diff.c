#include "stack/engine/diff.h"
#include "stack/value.h"
#include "tests/check.h"

#define ROLE "auth0:index/role:Role"
#define CONNECTION "auth0:index/connection:Connection"
#define CLIENT "auth0:index/client:Client"
#define ORGANIZATION "auth0:index/organization:Organization"
#define USER "auth0:index/user:User"
#define GRANT "auth0:index/clientGrant:ClientGrant"

static json_t *parse(const char *text) {
    return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}

/* Three-way, then the PATCH: `want` is its body, "{}" when nothing is to be done. */
static bool patches(const char *token, const char *before, const char *wanted, const char *live,
                    const char *want) {
    struct gh_diff diff = { .provider = gh_provider_find(token),
                            .before = parse(before),
                            .wanted = parse(wanted),
                            .live = parse(live) };
    json_t *changes = gh_diff(&diff), *body = gh_diff_patch(&diff, changes), *expected = parse(want);
    bool same = json_equal(body, expected);
    if (!same)
        print_error("%s\n", json_dumps(body, 0));
    json_t *owned[] = { diff.before, diff.wanted, diff.live, changes, body, expected };
    for (size_t i = 0; i < GH_COUNT(owned); i++)
        json_decref(owned[i]);
    return same;
}

TEST(declared_is_owned_undeclared_is_reset_never_declared_is_not_ours) {
    static const struct {
        const char *name, *token, *before, *wanted, *live, *patch;
    } rows[] = {
        { "the same", ROLE, "{\"name\":\"a\"}", "{\"name\":\"a\"}",
          "{\"name\":\"a\",\"description\":\"theirs\"}", "{}" },
        { "changed by us", ROLE, "{\"name\":\"a\"}", "{\"name\":\"b\"}", "{\"name\":\"a\"}",
          "{\"name\":\"b\"}" },
        { "changed by others", ROLE, "{\"name\":\"a\"}", "{\"name\":\"a\"}", "{\"name\":\"x\"}",
          "{\"name\":\"a\"}" },
        { "first declared now", ROLE, NULL, "{\"description\":\"d\"}", "{\"name\":\"a\"}",
          "{\"description\":\"d\"}" },
        { "declared no more", CLIENT, "{\"sso\":true,\"name\":\"a\"}", "{\"name\":\"a\"}",
          "{\"name\":\"a\",\"sso\":true}", "{\"sso\":false}" },
        { "declared no more, and back already", CLIENT, "{\"sso\":true}", "{}", "{\"sso\":false}", "{}" },
        { "a reset that is no empty value", CLIENT, "{\"is_first_party\":false}", "{}",
          "{\"is_first_party\":false}", "{\"is_first_party\":true}" },
        { "what cannot be taken back stays", CLIENT, "{\"app_type\":\"spa\"}", "{}", "{\"app_type\":\"spa\"}",
          "{}" },
        { "order is nothing in a list", CLIENT, NULL, "{\"callbacks\":[\"a\",\"b\"]}",
          "{\"callbacks\":[\"b\",\"a\"]}", "{}" },
        { "a list with one more", CLIENT, NULL, "{\"callbacks\":[\"a\"]}", "{\"callbacks\":[\"b\",\"a\"]}",
          "{\"callbacks\":[\"a\"]}" },
        { "twice is not two", CLIENT, NULL, "{\"callbacks\":[\"a\",\"a\"]}", "{\"callbacks\":[\"b\",\"a\"]}",
          "{\"callbacks\":[\"a\",\"a\"]}" },
        { "empty equals absent", CLIENT, NULL, "{\"callbacks\":[],\"sso\":false,\"logo_uri\":\"\"}", "{}",
          "{}" },
        { "5 equals 5.0", CLIENT, NULL, "{\"par_request_expiry\":5}", "{\"par_request_expiry\":5.0}", "{}" },
        { "true is not \"true\"", CLIENT, NULL, "{\"sso\":true}", "{\"sso\":\"true\"}", "{\"sso\":true}" },
        /* options are replaced as a whole: what others put there goes along */
        { "inside an object that is replaced", CONNECTION, NULL,
          "{\"options\":{\"passwordPolicy\":\"good\"}}",
          "{\"options\":{\"passwordPolicy\":\"low\",\"mfa\":{\"active\":true}}}",
          "{\"options\":{\"passwordPolicy\":\"good\",\"mfa\":{\"active\":true}}}" },
        { "a leaf declared no more", CONNECTION, "{\"options\":{\"disable_signup\":true}}",
          "{\"options\":{}}", "{\"options\":{\"disable_signup\":true,\"x\":1}}", "{\"options\":{\"x\":1}}" },
        { "its object declared no more", CONNECTION, "{\"options\":{\"disable_signup\":true}}", "{}",
          "{\"options\":{\"disable_signup\":true,\"x\":1}}", "{\"options\":{\"x\":1}}" },
        { "what an element of a list said more", "auth0:index/resourceServerScopes:ResourceServerScopes",
          "{\"scopes\":[{\"value\":\"a\",\"description\":\"d\"},{\"value\":\"b\"}]}",
          "{\"scopes\":[{\"value\":\"a\"},{\"value\":\"b\"}]}",
          "{\"scopes\":[{\"value\":\"b\"},{\"value\":\"a\",\"description\":\"d\"}]}",
          "{\"scopes\":[{\"value\":\"a\"},{\"value\":\"b\"}]}" },
        { "what others say of an element of a list", "auth0:index/resourceServerScopes:ResourceServerScopes",
          "{\"scopes\":[{\"value\":\"a\"}]}", "{\"scopes\":[{\"value\":\"a\"}]}",
          "{\"scopes\":[{\"value\":\"a\",\"description\":\"theirs\"}]}", "{}" },
        /* colors without its two members would be refused */
        { "an object in which nothing is left", ORGANIZATION,
          "{\"branding\":{\"colors\":{\"primary\":\"#1\",\"page_background\":\"#2\"}}}", "{}",
          "{\"branding\":{\"logo_url\":\"x\",\"colors\":{\"primary\":\"#1\",\"page_background\":\"#2\"}}}",
          "{\"branding\":{\"logo_url\":\"x\"}}" },
        { "the last key of a map", ORGANIZATION, "{\"metadata\":{\"plan\":\"team\"}}", "{}",
          "{\"metadata\":{\"plan\":\"team\"}}", "{\"metadata\":{}}" },
        { "another's key in a map", ORGANIZATION, "{\"metadata\":{\"a\":\"1\"}}",
          "{\"metadata\":{\"a\":\"2\"}}", "{\"metadata\":{\"a\":\"1\",\"b\":\"3\"}}",
          "{\"metadata\":{\"a\":\"2\",\"b\":\"3\"}}" },
        { "a map that merges deletes by null", USER, "{\"user_metadata\":{\"a\":1,\"b\":2}}",
          "{\"user_metadata\":{\"b\":3}}", "{\"user_metadata\":{\"a\":1,\"b\":2,\"c\":4}}",
          "{\"user_metadata\":{\"a\":null,\"b\":3}}" },
        { "null is not declared", ROLE, NULL, "{\"description\":null}", "{\"description\":\"theirs\"}",
          "{}" },
        { "grants lose their scopes", GRANT, "{\"scope\":[\"a\"]}", "{}", "{\"scope\":[\"a\"]}",
          "{\"scope\":[]}" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i].name,
                  patches(rows[i].token, rows[i].before, rows[i].wanted, rows[i].live, rows[i].patch));
}

TEST(a_change_by_others_is_called_drift_and_one_by_us_is_not) {
    struct gh_diff diff = { .provider = gh_provider_find(ROLE),
                            .before = parse("{\"name\":\"a\",\"description\":\"old\"}"),
                            .wanted = parse("{\"name\":\"a\",\"description\":\"new\"}"),
                            .live = parse("{\"name\":\"x\",\"description\":\"old\"}") };
    json_t *changes = gh_diff(&diff), *change;
    size_t i;
    CHECK(json_array_size(changes) == 2);
    json_array_foreach(changes, i, change) {
        bool name =
            strcmp(json_string_value(json_array_get(json_object_get(change, "path"), 0)), "name") == 0;
        CHECK(name == (json_object_get(change, "drift") != NULL));
    }
    json_decref(diff.before), json_decref(diff.wanted), json_decref(diff.live), json_decref(changes);
}

static bool is_opened(void *context, const json_t *sealed, json_t *plain) {
    return strcmp(json_string_value(plain), context) == 0;
}

TEST(what_no_answer_shows_is_compared_with_the_ledger) {
    json_t *sealed = json_pack("{s:s, s:s}", GH_SECRET_KEY, GH_SECRET_MARK, "digest", "d1:…");
    struct gh_diff diff = { .provider = gh_provider_find(USER),
                            .before = json_pack("{s:o}", "password", sealed),
                            .wanted = json_pack("{s:o}", "password", gh_value_secret(json_string("same"))),
                            .live = json_object(),
                            .same_secret = is_opened,
                            .context = (void *)"same" };
    json_t *changes = gh_diff(&diff);
    CHECK(json_array_size(changes) == 0);
    json_decref(changes);
    diff.context = (void *)"another";
    changes = gh_diff(&diff);
    json_t *body = gh_diff_patch(&diff, changes);
    CHECK(json_array_size(changes) == 1 &&
          strcmp(json_string_value(json_object_get(body, "password")), "same") == 0);
    json_decref(changes), json_decref(body), json_decref(diff.before), json_decref(diff.wanted),
        json_decref(diff.live);
}

TEST(an_adopted_object_is_given_back_as_it_was) {
    json_t *owned = parse("{\"display_name\":\"ours\",\"metadata\":{\"k\":\"ours\",\"new\":\"1\"},"
                          "\"branding\":{\"logo_url\":\"o\"}}");
    json_t *there = parse("{\"display_name\":\"theirs\",\"metadata\":{\"k\":\"was\",\"else\":\"2\"}}");
    json_t *found = gh_diff_found(gh_provider_find(ORGANIZATION), owned, there);
    char *text = json_dumps(found, JSON_SORT_KEYS), *before = json_dumps(owned, 0);
    CHECK(
        patches(ORGANIZATION, before, text,
                "{\"display_name\":\"ours\",\"metadata\":{\"k\":\"ours\",\"new\":\"1\",\"else\":\"2\"},"
                "\"branding\":{\"logo_url\":\"o\"}}",
                "{\"display_name\":\"theirs\",\"metadata\":{\"k\":\"was\",\"else\":\"2\"},\"branding\":{}}"));
    free(text), free(before);
    json_decref(owned), json_decref(there), json_decref(found);
}

GH_TESTS(declared_is_owned_undeclared_is_reset_never_declared_is_not_ours,
         a_change_by_others_is_called_drift_and_one_by_us_is_not,
         what_no_answer_shows_is_compared_with_the_ledger, an_adopted_object_is_given_back_as_it_was)
