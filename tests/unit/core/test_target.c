#include "core/arena.h"
#include "core/cleanup.h"
#include "core/limits.h"
#include "core/target.h"
#include "tests/check.h"

TEST(a_target_with_two_meanings_is_refused) {
    static const struct {
        const char *target, *path, *query; /* path NULL: ambiguous */
    } rows[] = {
        { "/", "/", "" },
        { "/v1/chat/completions", "/v1/chat/completions", "" },
        { "/a/", "/a/", "" },
        { "/a?b=/../c&d=%2e%2e%2f&e=%00", "/a", "b=/../c&d=%2e%2e%2f&e=%00" },
        { "/a?b?c", "/a", "b?c" },
        { "/a..b/..c/.d/e...", "/a..b/..c/.d/e...", "" },
        { "/a%20b/%7Eu/%c3%a9", "/a%20b/%7Eu/%c3%a9", "" },
        { "/100%25", "/100%25", "" },
        { "/a%2541", "/a%2541", "" }, /* harmless however often it is undone */
        { "/a;b", "/a;b", "" },
        { "/a+b,c:d@e/$f(!*')", "/a+b,c:d@e/$f(!*')", "" },
        { "", NULL, NULL },
        { "*", NULL, NULL },
        { "a", NULL, NULL },
        { "http://host/a", NULL, NULL },
        { "//a", NULL, NULL },
        { "/a//b", NULL, NULL },
        { "/a//", NULL, NULL },
        { "/.", NULL, NULL },
        { "/..", NULL, NULL },
        { "/../", NULL, NULL },
        { "/a/../b", NULL, NULL },
        { "/a/./b", NULL, NULL },
        { "/a/%2e%2e/b", NULL, NULL },
        { "/a/.%2E/b", NULL, NULL },
        { "/a/%2e", NULL, NULL },
        { "/a%2fb", NULL, NULL },
        { "/a%2Fb", NULL, NULL },
        { "/a\\b", NULL, NULL },
        { "/a%5cb", NULL, NULL },
        { "/a%00", NULL, NULL },
        { "/a%0d%0aHost:%20b", NULL, NULL }, /* a request line, once somebody decodes it */
        { "/a%0A", NULL, NULL },
        { "/a%09b/c", NULL, NULL },
        { "/%1f", NULL, NULL },
        { "/a%7f", NULL, NULL },
        { "/a%250d%250a", NULL, NULL },
        { "/a/%252e%252e/b", NULL, NULL },
        { "/a%252fb", NULL, NULL },
        { "/a%25252fb", NULL, NULL },
        { "/%25%32%66", NULL, NULL }, /* the digits of the inner escape are escaped themselves */
        { "/%2525252541", NULL, NULL },
        { "/a;b/c", NULL, NULL },
        { "/a%3bb/c", NULL, NULL },
        { "/..;/a", NULL, NULL },
        { "/..;a", NULL, NULL },
        { "/.;a", NULL, NULL },
        { "/;a", NULL, NULL },
        { "/%", NULL, NULL },
        { "/%2", NULL, NULL },
        { "/%zz", NULL, NULL },
        { "/%u2215", NULL, NULL },
        { "/a b", NULL, NULL },
        { "/a\tb", NULL, NULL },
        { "/a\x7f", NULL, NULL },
        { "/\xc3\xa9", NULL, NULL },
        { "/%ff", NULL, NULL },
        { "/%c0%ae%c0%ae/a", NULL, NULL }, /* overlong dots */
        { "/a#b", NULL, NULL },
        { "/a?b#c", NULL, NULL },
        { "/a?b\\c", NULL, NULL },
        { "/a?b c", NULL, NULL },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_str path = { 0 }, query = { 0 };
        enum gh_err e = gh_target_check(gh_str_from(rows[i].target), &path, &query);
        CHECK_ROW(rows[i].target, e == (rows[i].path ? GH_OK : GH_ERR_AMBIGUOUS_TARGET));
        if (rows[i].path)
            CHECK_ROW(rows[i].target, gh_str_is(path, rows[i].path) && gh_str_is(query, rows[i].query));
    }
    struct gh_str path, query;
    CHECK(gh_target_check((struct gh_str){ "/a\0b", 4 }, &path, &query) == GH_ERR_AMBIGUOUS_TARGET);
}

TEST(a_target_has_a_longest_length) {
    static char target[GH_LIMIT_TARGET + 1];
    struct gh_str path, query;
    memset(target, 'a', sizeof target);
    target[0] = '/';
    CHECK(gh_target_check((struct gh_str){ target, GH_LIMIT_TARGET }, &path, &query) == GH_OK);
    CHECK(gh_target_check((struct gh_str){ target, GH_LIMIT_TARGET + 1 }, &path, &query) == GH_ERR_TOO_LARGE);
    memset(target + 1, '%', GH_LIMIT_TARGET - 1);
    CHECK(gh_target_check((struct gh_str){ target, GH_LIMIT_TARGET }, &path, &query) ==
          GH_ERR_AMBIGUOUS_TARGET);
}

TEST(percent_escapes_are_undone_once) {
    static const struct {
        const char *text, *want; /* NULL: malformed */
        bool form;
    } rows[] = {
        { "", "", false },
        { "a%20b", "a b", false },
        { "a+b", "a+b", false },
        { "a+b", "a b", true },
        { "%2B", "+", true },
        { "%252e", "%2e", false },
        { "%C3%A9", "\xc3\xa9", false },
        { "%00", NULL, false },
        { "a%", NULL, false },
        { "%2", NULL, false },
        { "%g0", NULL, false },
        { "% 1", NULL, true },
        { "%-1", NULL, false },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        enum gh_err e = GH_ERR_NOMEM;
        for (size_t cap = 0; e == GH_ERR_NOMEM && cap < 4096; cap += 16) {
            gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(cap);
            struct gh_str text;
            e = gh_percent_decode(a, gh_str_from(rows[i].text), rows[i].form, &text);
            CHECK_ROW(rows[i].text, e || gh_str_is(text, rows[i].want));
        }
        CHECK_ROW(rows[i].text, e == (rows[i].want ? GH_OK : GH_ERR_MALFORMED));
    }
}

TEST(only_unreserved_characters_stay_as_they_are) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4096);
    struct gh_str text;
    CHECK(gh_percent_encode(a, GH_STR("aZ09-._~ /?%+&=\xc3\xa9"), &text) == GH_OK);
    CHECK(gh_str_is(text, "aZ09-._~%20%2F%3F%25%2B%26%3D%C3%A9"));
}

GH_TESTS(a_target_with_two_meanings_is_refused, a_target_has_a_longest_length,
         percent_escapes_are_undone_once, only_unreserved_characters_stay_as_they_are)
