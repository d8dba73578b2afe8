#include "core/arena.h"
#include "core/buf.h"
#include "core/str.h"
#include "tests/check.h"

TEST(a_cut_moves_behind_the_mark_or_changes_nothing) {
    struct gh_str rest = GH_STR("a.b"), head = { 0 };
    CHECK(gh_str_cut(&rest, '.', &head) && gh_str_is(head, "a") && gh_str_is(rest, "b"));
    CHECK(!gh_str_cut(&rest, '.', &head) && gh_str_is(head, "a") && gh_str_is(rest, "b"));
}

TEST(only_plain_decimals_are_numbers) {
    static const struct {
        const char *text;
        bool ok;
    } rows[] = { { "0", true },   { "10", true },   { "100", true },  { "", false },
                 { "00", false }, { "01", false },  { "-1", false },  { "+1", false },
                 { "1 ", false }, { "101", false }, { "1e1", false }, { "18446744073709551616", false } };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        unsigned long long n = 0;
        CHECK_ROW(rows[i].text, gh_str_to_u64(gh_str_from(rows[i].text), 100, &n) == rows[i].ok);
    }
}

TEST(an_arena_never_gives_more_than_its_ceiling) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(10000);
    size_t given = 0;
    while (gh_arena_alloc(a, 64))
        given += 64;
    CHECK(given <= 10000 && given > 9900);
    CHECK(!gh_arena_calloc(a, SIZE_MAX / 2, 4));
}

TEST(a_buffer_that_hit_its_ceiling_says_so) {
    struct gh_buf b = gh_buf_make(8);
    gh_buf_add(&b, GH_STR("12345"));
    gh_buf_addf(&b, "%d", 678);
    CHECK(!b.failed && gh_str_is(gh_buf_str(&b), "12345678"));
    gh_buf_add_char(&b, '9');
    CHECK(b.failed);
    gh_buf_release(&b);
}

GH_TESTS(a_cut_moves_behind_the_mark_or_changes_nothing, only_plain_decimals_are_numbers,
         an_arena_never_gives_more_than_its_ceiling, a_buffer_that_hit_its_ceiling_says_so)
