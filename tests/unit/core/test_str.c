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

/* The memory is asked for 0xff, so that what is zero was zeroed. */
TEST(an_arena_may_begin_in_memory_of_its_caller) {
    static _Alignas(max_align_t) unsigned char memory[512];
    for (size_t size = 0; size <= sizeof memory; size++) {
        memset(memory, 0xff, sizeof memory);
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new_in(memory, size, 6000);
        CHECK(a || size < 256);
        size_t given = 0, inside = 0;
        for (const unsigned char *p; a && (p = gh_arena_alloc(a, 48)); given += 48) {
            inside += p >= memory && p + 48 <= memory + size;
            for (size_t i = 0; i < 48; i++)
                CHECK(p[i] == 0);
            memset((void *)p, 0xff, 48);
        }
        CHECK(!a || (given <= 6000 && given > 5900));
        CHECK(size < sizeof memory || inside > 5);
        for (size_t i = size; i < sizeof memory; i++)
            CHECK(memory[i] == 0xff);
    }
    CHECK(!gh_arena_new_in(memory + 1, sizeof memory - 1, 6000));
}

TEST(a_copy_is_terminated_in_memory_that_was_not_zero) {
    static _Alignas(max_align_t) char memory[512];
    memset(memory, 0xff, sizeof memory);
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new_in(memory, sizeof memory, 6000);
    CHECK(strlen(gh_arena_cstr(a, GH_STR("abc"))) == 3 && strlen(gh_arena_cstr(a, GH_STR(""))) == 0);
    CHECK(strlen(gh_arena_dup(a, GH_STR("0123456789abcdef")).ptr) == 16);
    CHECK(gh_str_is(gh_arena_printf(a, "%d", 42), "42"));
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
         an_arena_never_gives_more_than_its_ceiling, an_arena_may_begin_in_memory_of_its_caller,
         a_copy_is_terminated_in_memory_that_was_not_zero, a_buffer_that_hit_its_ceiling_says_so)
