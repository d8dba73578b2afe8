#include "tenant/form.h"
#include "tests/check.h"

TEST(a_form_is_read_strictly) {
    static const struct {
        const char *text;
        enum gh_err want;
        size_t count;
    } rows[] = {
        { "", GH_OK, 0 },
        { "a=1&b=2", GH_OK, 2 },
        { "a", GH_OK, 1 },
        { "a=", GH_OK, 1 },
        { "&&a=1&&", GH_OK, 1 },
        { "a=%C3%A9", GH_OK, 1 },
        { "a=%00", GH_ERR_MALFORMED, 0 },
        { "%00=a", GH_ERR_MALFORMED, 0 },
        { "a=%", GH_ERR_MALFORMED, 0 },
        { "a=%4", GH_ERR_MALFORMED, 0 },
        { "a=%gg", GH_ERR_MALFORMED, 0 },
        { "a=%C3", GH_ERR_MALFORMED, 0 },
        { "a=%C0%80", GH_ERR_MALFORMED, 0 },       /* not the shortest form */
        { "a=%ED%A0%80", GH_ERR_MALFORMED, 0 },    /* a surrogate */
        { "a=%F4%90%80%80", GH_ERR_MALFORMED, 0 }, /* above U+10FFFF */
        { "a=%80", GH_ERR_MALFORMED, 0 },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
        const struct gh_param *params = NULL;
        size_t count = 0;
        enum gh_err e = gh_form_parse(a, gh_str_from(rows[i].text), &params, &count);
        CHECK_ROW(rows[i].text, e == rows[i].want && (e || count == rows[i].count));
    }
}

TEST(names_and_values_are_decoded_after_the_split) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
    const struct gh_param *p;
    size_t count;
    CHECK(gh_form_parse(a, GH_STR("a%26b=c%3Dd&x=1=2&y=a+b%2B"), &p, &count) == GH_OK && count == 3);
    CHECK(gh_str_is(p[0].name, "a&b") && gh_str_is(p[0].value, "c=d"));
    CHECK(gh_str_is(p[1].name, "x") && gh_str_is(p[1].value, "1=2"));
    CHECK(gh_str_is(p[2].value, "a b+"));
}

TEST(a_repeated_name_is_seen_after_decoding) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
    const struct gh_param *p;
    size_t count;
    CHECK(gh_form_parse(a, GH_STR("a=1&b=2&A=3"), &p, &count) == GH_OK && gh_form_is_single(p, count));
    CHECK(gh_form_parse(a, GH_STR("a=1&b=2&%61=3"), &p, &count) == GH_OK && !gh_form_is_single(p, count));
}

TEST(there_are_only_so_many_parameters) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
    char text[GH_FORM_MAX + 1];
    const struct gh_param *p;
    size_t count;
    memset(text, '&', sizeof text);
    CHECK(gh_form_parse(a, (struct gh_str){ text, GH_FORM_MAX - 1 }, &p, &count) == GH_OK);
    CHECK(gh_form_parse(a, (struct gh_str){ text, GH_FORM_MAX }, &p, &count) == GH_ERR_TOO_LARGE);
}

GH_TESTS(a_form_is_read_strictly, names_and_values_are_decoded_after_the_split,
         a_repeated_name_is_seen_after_decoding, there_are_only_so_many_parameters)
