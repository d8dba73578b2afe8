#include "tenant/oauth/user_code.h"

#include "core/cleanup.h"
#include "tests/check.h"

TEST(what_a_person_types_has_one_meaning) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    static const struct {
        const char *typed, *want; /* NULL: refused */
    } rows[] = {
        { "BCDF-GHJK", "BCDF-GHJK" },
        { "bcdfghjk", "BCDF-GHJK" },
        { " b c d f - g h j k ", "BCDF-GHJK" },
        { "BCDFGHJ", NULL },
        { "BCDFGHJKL", NULL },
        { "", NULL },
        { "--------", NULL },
        { "ACDFGHJK", NULL }, /* a vowel */
        { "YCDFGHJK", NULL },
        { "BCDFGHJ1", NULL },
        { "BCDF_GHJK", NULL },
        { "BCDF\tGHJK", NULL },
        { "BCDFGHJ\xc5\xbf", NULL },
        { "BCDFGHJK                                                         ", NULL }, /* 65 bytes */
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_str code;
        enum gh_err e = gh_user_code_read(a, gh_str_from(rows[i].typed), &code);
        CHECK_ROW(rows[i].typed, e == (rows[i].want ? GH_OK : GH_ERR_MALFORMED));
        CHECK_ROW(rows[i].typed, e || gh_str_is(code, rows[i].want));
    }
    struct gh_str code;
    CHECK(gh_user_code_read(a, (struct gh_str){ "BCDFGHJ\0", 8 }, &code) == GH_ERR_MALFORMED);
    CHECK(gh_user_code_read(a, (struct gh_str){ 0 }, &code) == GH_ERR_MALFORMED);
}

TEST(what_is_made_can_be_read_and_uses_every_letter) {
    bool seen[256] = { 0 };
    size_t letters = 0;
    for (int i = 0; i < 400; i++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4096);
        struct gh_str code, again;
        CHECK(gh_user_code_make(a, &code) == GH_OK && code.len == 9 && code.ptr[4] == '-');
        CHECK(gh_user_code_read(a, code, &again) == GH_OK && gh_str_eq(code, again));
        for (size_t k = 0; k < code.len; k++) {
            letters += !seen[(unsigned char)code.ptr[k]];
            seen[(unsigned char)code.ptr[k]] = true;
        }
    }
    CHECK(letters == 21); /* twenty and the dash; that one of them is missed has a chance below 1e-69 */
}

GH_TESTS(what_a_person_types_has_one_meaning, what_is_made_can_be_read_and_uses_every_letter)
