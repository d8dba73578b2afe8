/* Clock, randomness and files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/random.h"
#include "tests/check.h"

static char folder[64];

static void make_folder(void) {
    strcpy(folder, "/tmp/gh-sys-XXXXXX");
    CHECK(mkdtemp(folder));
}

static const char *in_folder(const char *name) {
    static char path[2][128];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

TEST(times_have_one_spelling) {
    static const struct {
        long long ms;
        const char *want;
    } rows[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { 1776929953465, "2026-04-23T07:39:13.465Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { -1000, "1969-12-31T23:59:59.000Z" },
        { 951782400000, "2000-02-29T00:00:00.000Z" },
        { 253402300799999, "9999-12-31T23:59:59.999Z" },
        { 253402300800000, "9999-12-31T23:59:59.999Z" }, /* never five digits */
        { -9223372036854775807LL - 1, "0001-01-01T00:00:00.000Z" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        char text[25];
        gh_clock_format_iso(rows[i].ms, text);
        CHECK_ROW(rows[i].want, strcmp(text, rows[i].want) == 0);
    }
    long long before = gh_clock_monotonic_ns();
    CHECK(gh_clock_monotonic_ns() >= before);
    CHECK(gh_clock_milliseconds() / 1000 - gh_clock_seconds() <= 1);
}

TEST(identifiers_have_their_alphabet_and_every_letter_of_it) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    unsigned seen[256] = { 0 };
    struct gh_str id;
    for (int i = 0; i < 1000; i++) {
        CHECK(gh_random_id(a, "org_", 16, &id) == GH_OK);
        CHECK(id.len == 20 && gh_str_starts(id, GH_STR("org_")) && id.ptr[20] == 0);
        for (size_t k = 4; k < id.len; k++)
            seen[(unsigned char)id.ptr[k]]++;
    }
    for (int c = 0; c < 256; c++) /* 258 expected each; half or double never happens by chance */
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
            CHECK(seen[c] > 129 && seen[c] < 516);
        else
            CHECK(seen[c] == 0);
    CHECK(gh_random_urlsafe(a, 43, &id) == GH_OK && id.len == 43);
    CHECK(id.len == strspn(id.ptr, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"));
    CHECK(gh_random_hex(a, 7, &id) == GH_OK && id.len == 7 && strspn(id.ptr, "0123456789abcdef") == 7);
    CHECK(gh_random_object_id(a, 0x65000000, &id) == GH_OK);
    CHECK(id.len == 24 && gh_str_starts(id, GH_STR("65000000")) && strspn(id.ptr, "0123456789abcdef") == 24);
    gh_auto(gh_arena_freep) struct gh_arena *none = gh_arena_new(0);
    CHECK(gh_random_id(none, "x", 16, &id) == GH_ERR_NOMEM);
}

TEST(a_file_is_written_whole_with_its_mode_and_leaves_nothing_beside) {
    make_folder();
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    struct gh_str text;
    struct stat st;
    CHECK(gh_file_write_atomic(in_folder("f"), GH_STR("one"), 0600) == GH_OK);
    CHECK(gh_file_write_atomic(in_folder("f"), GH_STR("second"), 0640) == GH_OK);
    CHECK(stat(in_folder("f"), &st) == 0 && (st.st_mode & 07777) == 0640);
    CHECK(gh_file_read(a, in_folder("f"), 6, &text) == GH_OK && gh_str_is(text, "second") &&
          text.ptr[6] == 0);
    CHECK(gh_file_exists(in_folder("f")) && !gh_file_exists(in_folder("g")));
    CHECK(unlink(in_folder("f")) == 0 && rmdir(folder) == 0); /* nothing else was in it */
}

TEST(files_that_are_not_plain_small_files_are_refused) {
    make_folder();
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(100);
    struct gh_str text = GH_STR("untouched");
    CHECK(gh_file_write_atomic(in_folder("f"), GH_STR("1234567"), 0600) == GH_OK);
    CHECK(symlink("f", in_folder("link")) == 0 && mkfifo(in_folder("fifo"), 0600) == 0);
    CHECK(gh_file_read(a, in_folder("f"), 6, &text) == GH_ERR_TOO_LARGE);
    CHECK(gh_file_read(a, in_folder("none"), 6, &text) == GH_ERR_NOT_FOUND);
    CHECK(gh_file_read(a, in_folder("link"), 9, &text) == GH_ERR_IO);
    CHECK(gh_file_read(a, in_folder("fifo"), 9, &text) == GH_ERR_IO);
    CHECK(gh_file_read(a, folder, 9, &text) == GH_ERR_IO);
    gh_auto(gh_arena_freep) struct gh_arena *none = gh_arena_new(0);
    CHECK(gh_file_read(none, in_folder("f"), 9, &text) == GH_ERR_NOMEM);
    CHECK(gh_file_write_atomic(in_folder("no/f"), GH_STR("x"), 0600) == GH_ERR_IO);
    CHECK(gh_str_is(text, "untouched"));
    CHECK(gh_dir_make(in_folder("f"), 0700) == GH_ERR_IO);
    CHECK(unlink(in_folder("f")) == 0 && unlink(in_folder("link")) == 0 && unlink(in_folder("fifo")) == 0);
    CHECK(gh_dir_make(in_folder("d"), 0700) == GH_OK && gh_dir_make(in_folder("d"), 0700) == GH_OK);
    CHECK(rmdir(in_folder("d")) == 0 && rmdir(folder) == 0);
}

TEST(a_lock_has_one_holder) {
    make_folder();
    int first = -1, second = -1;
    CHECK(gh_file_lock(in_folder("lock"), &first) == GH_OK);
    CHECK(gh_file_lock(in_folder("lock"), &second) == GH_ERR_BUSY && second == -1);
    close(first);
    CHECK(gh_file_lock(in_folder("lock"), &second) == GH_OK);
    close(second);
    CHECK(gh_file_lock(in_folder("no/lock"), &first) == GH_ERR_IO);
    CHECK(unlink(in_folder("lock")) == 0 && rmdir(folder) == 0);
}

GH_TESTS(times_have_one_spelling, identifiers_have_their_alphabet_and_every_letter_of_it,
         a_file_is_written_whole_with_its_mode_and_leaves_nothing_beside,
         files_that_are_not_plain_small_files_are_refused, a_lock_has_one_holder)
