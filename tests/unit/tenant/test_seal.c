#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h"
#include "tenant/seal.h"
#include "tests/check.h"

static char path[] = "/tmp/gh_kek_XXXXXX";

static void put_file(const char *text, mode_t mode) {
    CHECK(gh_file_write_atomic(path, gh_str_from(text), mode) == GH_OK);
}

TEST(a_secret_comes_back_only_in_its_own_row) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
    struct gh_sealer *s = NULL;
    struct gh_str sealed, again, plain = { 0 };
    unlink(path);
    CHECK(gh_sealer_open(path, true, &s) == GH_OK);
    CHECK(gh_seal(s, a, "clients", GH_STR("1"), GH_STR("secret"), &sealed) == GH_OK);
    CHECK(gh_seal(s, a, "clients", GH_STR("1"), GH_STR("secret"), &again) == GH_OK);
    CHECK(!gh_str_eq(sealed, again) && !strstr(sealed.ptr, "secret"));
    CHECK(gh_unseal(s, a, "clients", GH_STR("1"), sealed, &plain) == GH_OK && gh_str_is(plain, "secret"));

    CHECK(gh_unseal(s, a, "clients", GH_STR("2"), sealed, &plain) == GH_ERR_BAD_SIGNATURE);
    CHECK(gh_unseal(s, a, "client", GH_STR("s1"), sealed, &plain) == GH_ERR_BAD_SIGNATURE);
    CHECK(gh_unseal(s, a, "resource_servers", GH_STR("1"), sealed, &plain) == GH_ERR_BAD_SIGNATURE);
    CHECK(gh_unseal(s, a, "clients", GH_STR(""), sealed, &plain) == GH_ERR_BAD_SIGNATURE);
    CHECK(gh_seal(s, a, "clients", GH_STR(""), GH_STR(""), &sealed) == GH_OK); /* nothing is a secret too */
    CHECK(gh_unseal(s, a, "clients", GH_STR(""), sealed, &plain) == GH_OK && plain.len == 0);
    gh_sealer_close(s);
}

TEST(every_changed_character_is_noticed) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    struct gh_sealer *s = NULL;
    struct gh_str sealed, plain;
    CHECK(gh_sealer_open(path, true, &s) == GH_OK);
    CHECK(gh_seal(s, a, "t", GH_STR("1"), GH_STR("secret"), &sealed) == GH_OK);
    for (size_t i = 0; i < sealed.len; i++) {
        struct gh_str changed = gh_arena_dup(a, sealed), cut = { sealed.ptr, i };
        ((char *)changed.ptr)[i] = changed.ptr[i] == 'A' ? 'B' : 'A';
        CHECK(gh_unseal(s, a, "t", GH_STR("1"), changed, &plain) != GH_OK);
        CHECK(gh_unseal(s, a, "t", GH_STR("1"), cut, &plain) != GH_OK);
    }
    gh_sealer_close(s);
}

TEST(another_key_opens_nothing) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
    struct gh_sealer *s = NULL;
    struct gh_str sealed, plain;
    CHECK(gh_sealer_open(path, true, &s) == GH_OK);
    CHECK(gh_seal(s, a, "t", GH_STR("1"), GH_STR("secret"), &sealed) == GH_OK);
    gh_sealer_close(s);
    put_file("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 0600);
    CHECK(gh_sealer_open(path, false, &s) == GH_OK);
    CHECK(gh_unseal(s, a, "t", GH_STR("1"), sealed, &plain) == GH_ERR_BAD_SIGNATURE);
    gh_sealer_close(s);
}

TEST(a_key_file_is_64_hex_digits_for_the_owner_only) {
    static const struct {
        const char *text;
        mode_t mode;
        enum gh_err want;
    } rows[] = {
        { "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 0600, GH_OK },
        { "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 0644, GH_ERR_NO_PERMISSION },
        { "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef", 0600, GH_ERR_MALFORMED },
        { "00112233445566778899aabbccddeeff00112233445566778899aabbccddeegg", 0600, GH_ERR_MALFORMED },
        { "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00", 0600, GH_ERR_MALFORMED },
        { "", 0600, GH_ERR_MALFORMED },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_sealer *s = NULL;
        put_file(rows[i].text, rows[i].mode);
        CHECK_ROW(rows[i].text, gh_sealer_open(path, true, &s) == rows[i].want);
        gh_sealer_close(s);
    }
    unlink(path);
    struct gh_sealer *s = NULL;
    struct stat st;
    CHECK(gh_sealer_open(path, false, &s) == GH_ERR_NOT_FOUND && !gh_file_exists(path));
    CHECK(gh_sealer_open(path, true, &s) == GH_OK && stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    gh_sealer_close(s);
    unlink(path);
}

TEST(a_token_is_kept_as_its_sha256) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4096);
    struct gh_str hash;
    CHECK(gh_token_hash(a, GH_STR("abc"), &hash) == GH_OK); /* FIPS 180-2 B.1 */
    CHECK(gh_str_is(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

int main(void) {
    int fd = mkstemp(path);
    close(fd);
    const struct CMUnitTest tests[] = { GH_TESTS_EACH(
        a_secret_comes_back_only_in_its_own_row, every_changed_character_is_noticed,
        another_key_opens_nothing, a_key_file_is_64_hex_digits_for_the_owner_only,
        a_token_is_kept_as_its_sha256) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
