/* tests/unit/tenant/test_user_search.c - what q= means, and what it refuses. */
#include "core/cleanup.h"
#include "tenant/api/user_search.h"
#include "tests/check.h"

static const char user_text[] = "{\"email\":\"Ann@example.com\",\"name\":\"Ann "
                                "Lee\",\"user_id\":\"auth0|1\",\"logins_count\":7,\"blocked\":false,"
                                "\"identities\":[{\"connection\":\"db\"},{\"connection\":\"google\"}],"
                                "\"app_metadata\":{\"plan\":\"gold\",\"tags\":[\"a\",\"b c\"]}}";

TEST(a_query_matches_what_it_says) {
    static const struct {
        const char *q;
        bool match;
    } rows[] = {
        { "email:\"ann@example.com\"", true },
        { "email:ann@example.com", true },
        { "email:ann*", true },
        { "email:*example.com", true },
        { "email:a?n@example.com", true },
        { "email:\"ann*\"", false }, /* quoted: no wildcard */
        { "email:bob*", false },
        { "email:ann", false },
        { "user_id:\"auth0|1\"", true },
        { "user_id:\"auth0|2\"", false },
        { "user_id:\"AUTH0|1\"", false }, /* an identifier, as the index finds it */
        { "user_id:auth0*", true },
        { "identities.connection:\"google\"", true },
        { "identities.connection:\"x\"", false },
        { "app_metadata.plan:gold AND email:ann*", true },
        { "app_metadata.plan:gold AND email:bob*", false },
        { "app_metadata.plan:lead OR email:ann*", true },
        { "app_metadata.plan:lead OR email:bob*", false },
        { "NOT email:bob*", true },
        { "NOT email:ann*", false },
        { "-email:ann*", false },
        { "email:ann* AND NOT blocked:true", true },
        { "(email:bob* OR email:ann*) AND logins_count:7", true },
        { "app_metadata.tags:\"b c\"", true },
        { "app_metadata.tags:(x OR a)", true },
        { "app_metadata.tags:(x OR y)", false },
        { "logins_count:[5 TO 7]", true },
        { "logins_count:[5 TO 7}", false },
        { "logins_count:{7 TO *]", false },
        { "logins_count:[* TO 100]", true },
        { "_exists_:app_metadata.plan", true },
        { "_exists_:app_metadata.none", false },
        { "ann*", true },
        { "\"Ann Lee\"", true },
        { "ORacle", false }, /* a word that begins like a keyword is a word */
    };
    json_auto_t *user = json_loads(user_text, 0, NULL);
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
        const struct gh_search *s;
        CHECK_ROW(rows[i].q, gh_search_parse(a, gh_str_from(rows[i].q), &s) == GH_OK);
        CHECK_ROW(rows[i].q, gh_search_matches(s, user) == rows[i].match);
    }
}

TEST(what_is_no_query_is_refused) {
    static const char *const rows[] = {
        "",    "   ",  "(",  ")",   "email:",    "email:\"a", "a AND",  "a OR",
        "AND", "(a",   "a)", "NOT", "x:[1 TO 2", "x:[1 2]",   "x:[TO]", "a AND )",
        "()",  "x:()", ":a", "-",   "\"",        "x:{1 TO",   "[1 TO]", "a AND OR",
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
        const struct gh_search *s;
        enum gh_err e = gh_search_parse(a, gh_str_from(rows[i]), &s);
        bool known_word =
            strcmp(rows[i], "AND") == 0 || strcmp(rows[i], "a AND OR") == 0; /* bare words after all */
        CHECK_ROW(rows[i], known_word || e == GH_ERR_MALFORMED);
    }
}

TEST(depth_and_length_have_limits) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    char text[GH_SEARCH_MAX + 2];
    const struct gh_search *s;
    memset(text, '(', sizeof(text));
    CHECK(gh_search_parse(a, (struct gh_str){ text, 1000 }, &s) == GH_ERR_TOO_LARGE);
    memset(text, 'a', sizeof(text));
    CHECK(gh_search_parse(a, (struct gh_str){ text, GH_SEARCH_MAX + 1 }, &s) == GH_ERR_TOO_LARGE);
    CHECK(gh_search_parse(a, (struct gh_str){ "a\0b", 3 }, &s) == GH_ERR_MALFORMED);
}

TEST(an_index_is_used_only_when_every_match_needs_it) {
    static const struct {
        const char *q, *field;
        size_t needs;
    } rows[] = {
        { "email:\"a@b.c\"", "email", 1 },
        { "email:a@b.c AND blocked:false", "email", 1 },
        { "blocked:false AND email:a@b.c", "email", 1 },
        { "email:a*", "email", 0 },
        { "email:a@b.c OR blocked:true", "email", 0 },
        { "NOT email:a@b.c", "email", 0 },
        { "user_id:\"auth0|1\"", "user_id", 1 },
        { "user_id:\"auth0|1\" AND email:a@b.c", "user_id", 1 },
        { "user_id:auth0|*", "user_id", 0 },
        { "user_id:\"auth0\\|1\"", "user_id", 0 }, /* its bytes are not the identifier's */
        { "user_id:(\"auth0|1\" OR \"auth0|2\")", "user_id", 2 },
        { "user_id:(\"auth0|1\" OR \"auth0|2\" OR \"auth0|3\")", "user_id",
          0 }, /* more than there is room for */
        { "user_id:\"auth0|1\" OR email:a@b.c", "user_id", 0 },
        { "blocked:true AND email:(a@b.c OR d@e.f)", "email", 2 },
        { "email:(a@b.c AND d@e.f)", "email", 1 },
        { "email:(a@b.c OR NOT d@e.f)", "email", 0 },
        { "app_metadata.user_id:1", "user_id", 0 },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
        const struct gh_search *s;
        struct gh_str values[2];
        CHECK_ROW(rows[i].q, gh_search_parse(a, gh_str_from(rows[i].q), &s) == GH_OK);
        CHECK_ROW(rows[i].q, gh_search_requires(s, rows[i].field, values, 2) == rows[i].needs);
    }
}

GH_TESTS(a_query_matches_what_it_says, what_is_no_query_is_refused, depth_and_length_have_limits,
         an_index_is_used_only_when_every_match_needs_it)
