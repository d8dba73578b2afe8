#include "core/arena.h"
#include "core/bearer.h"
#include "core/cleanup.h"
#include "core/limits.h"
#include "tests/check.h"

TEST(one_scheme_one_blank_one_token) {
    static const struct {
        const char *value;
        enum gh_err want;
    } rows[] = {
        { "Bearer a.b-c_9", GH_OK },
        { "bearer a", GH_OK },
        { "BEARER a", GH_OK },
        { "", GH_ERR_NO_TOKEN },
        { "a.b.c", GH_ERR_NO_TOKEN },
        { "Basic dTpw", GH_ERR_NO_TOKEN },
        { "DPoP a.b.c", GH_ERR_NO_TOKEN },
        { "Bearertoken", GH_ERR_NO_TOKEN },
        { "Bearer:a", GH_ERR_NO_TOKEN },
        { "Bearer\ta", GH_ERR_NO_TOKEN }, /* a tab is no blank: the scheme has another name */
        { " Bearer a", GH_ERR_NO_TOKEN },
        { "Bearer", GH_ERR_MALFORMED },
        { "Bearer ", GH_ERR_MALFORMED },
        { "Bearer  a", GH_ERR_MALFORMED },
        { "Bearer a ", GH_ERR_MALFORMED },
        { "Bearer a b", GH_ERR_MALFORMED },
        { "Bearer a,Bearer b", GH_ERR_MALFORMED },
        { "Bearer \"a\"", GH_ERR_MALFORMED },
        { "Bearer a=", GH_ERR_MALFORMED },
        { "Bearer a+b", GH_ERR_MALFORMED },
        { "Bearer a/b", GH_ERR_MALFORMED },
        { "Bearer a~b", GH_ERR_MALFORMED },
        { "Bearer a\nb", GH_ERR_MALFORMED },
        { "Bearer \xc3\xa9", GH_ERR_MALFORMED },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_str token = { 0 };
        CHECK_ROW(rows[i].value, gh_bearer_parse(gh_str_from(rows[i].value), &token) == rows[i].want);
        CHECK_ROW(rows[i].value, rows[i].want ? !token.ptr : gh_str_is(token, rows[i].value + 7));
    }
}

TEST(each_character_of_a_token_is_looked_at) {
    for (size_t len = 1; len < 80; len++)
        for (size_t at = 0; at < len; at++)
            for (int c = 0; c < 256; c++) {
                char value[7 + 80] = "Bearer ";
                struct gh_str token;
                memset(value + 7, 'a', len);
                value[7 + at] = (char)c;
                bool good =
                    c != 0 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.", c);
                CHECK((gh_bearer_parse((struct gh_str){ value, 7 + len }, &token) == GH_OK) == good);
            }
}

TEST(a_token_has_a_longest_length) {
    static char value[7 + GH_LIMIT_TOKEN + 2] = "Bearer ";
    struct gh_str token;
    memset(value + 7, 'a', GH_LIMIT_TOKEN + 1);
    CHECK(gh_bearer_parse((struct gh_str){ value, 7 + GH_LIMIT_TOKEN }, &token) == GH_OK);
    CHECK(gh_bearer_parse((struct gh_str){ value, 8 + GH_LIMIT_TOKEN }, &token) == GH_ERR_TOO_LARGE);
}

TEST(basic_credentials_are_split_at_the_first_colon) {
    static const struct {
        const char *value, *user, *password;
        enum gh_err want;
    } rows[] = {
        { "Basic dXNlcjpwYXNz", "user", "pass", GH_OK },
        { "basic dTpwOnE=", "u", "p:q", GH_OK },
        { "Basic Og==", "", "", GH_OK },
        { "Bearer dXNlcjpwYXNz", NULL, NULL, GH_ERR_NO_TOKEN },
        { "", NULL, NULL, GH_ERR_NO_TOKEN },
        { "Basic", NULL, NULL, GH_ERR_MALFORMED },
        { "Basic dXNlcg==", NULL, NULL, GH_ERR_MALFORMED }, /* no colon */
        { "Basic dTpwOnE", NULL, NULL, GH_ERR_MALFORMED },  /* no padding */
        { "Basic  dXNlcjpwYXNz", NULL, NULL, GH_ERR_MALFORMED },
        { "Basic dXNlcjpwYXNz ", NULL, NULL, GH_ERR_MALFORMED },
        { "Basic AHU6cA==", NULL, NULL, GH_ERR_MALFORMED }, /* NUL */
        { "Basic dTpwCg==", NULL, NULL, GH_ERR_MALFORMED }, /* line feed */
        { "Basic dX*lcjpwYXNz", NULL, NULL, GH_ERR_MALFORMED },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        enum gh_err e = GH_ERR_NOMEM;
        for (size_t cap = 0; e == GH_ERR_NOMEM && cap < 4096; cap += 16) {
            gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(cap);
            struct gh_str user, password;
            e = gh_basic_parse(a, gh_str_from(rows[i].value), &user, &password);
            CHECK_ROW(rows[i].value,
                      e || (gh_str_is(user, rows[i].user) && gh_str_is(password, rows[i].password)));
        }
        CHECK_ROW(rows[i].value, e == rows[i].want);
    }
}

GH_TESTS(one_scheme_one_blank_one_token, a_token_has_a_longest_length, each_character_of_a_token_is_looked_at,
         basic_credentials_are_split_at_the_first_colon)
