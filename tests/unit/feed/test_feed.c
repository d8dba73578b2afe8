/* The feed: epochs and keys, growth, damage, restarts. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/limits.h"
#include "feed/epochs.h"
#include "feed/layout.h"
#include "tests/unit/feed/feed_file.h"

static const struct gh_str none = { 0 };

static struct gh_str name_of(int i, char text[24]) {
    return (struct gh_str){ text, (size_t)snprintf(text, 24, "auth0|%d", i) };
}

/* -1 for FEED. */
static long long user_epoch(const struct gh_feed *f, int i) {
    char text[24];
    long long epoch = -2;
    enum gh_err e = gh_feed_epoch(f, GH_EPOCH_USER, name_of(i, text), none, &epoch);
    CHECK(e == GH_OK || e == GH_ERR_FEED);
    return e ? -1 : epoch;
}

static enum gh_err set_user(struct gh_feed_writer *w, int i, long long epoch) {
    char text[24];
    return gh_feed_set_epoch(w, GH_EPOCH_USER, name_of(i, text), none, epoch);
}

/* --- hashes ------------------------------------------------------------------------------------------------
 */

static void siphash_of_openssl(const uint64_t key[2], const unsigned char *bytes, size_t len,
                               uint64_t ret[2]) {
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    size_t size = 16, got = 0;
    OSSL_PARAM params[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_END };
    CHECK(EVP_MAC_init(ctx, (const unsigned char *)key, 16, params) == 1);
    CHECK(EVP_MAC_update(ctx, bytes, len) == 1 && EVP_MAC_final(ctx, (unsigned char *)ret, &got, 16) == 1 &&
          got == 16);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}

TEST(siphash_is_what_openssl_says_however_it_is_cut) {
    const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
    unsigned char bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    for (size_t len = 0; len <= sizeof bytes; len++) {
        uint64_t want[2], got[2];
        siphash_of_openssl(key, bytes, len, want);
        for (size_t cut = 0; cut <= len; cut++) {
            struct gh_siphash s;
            gh_siphash_init(&s, key);
            gh_siphash_add(&s, (struct gh_str){ (char *)bytes, cut });
            gh_siphash_add(&s, (struct gh_str){ (char *)bytes + cut, len - cut });
            gh_siphash_end(&s, got);
            CHECK(got[0] == want[0] && got[1] == want[1]);
        }
    }
}

/* --- epochs ------------------------------------------------------------------------------------------------
 */

TEST(an_epoch_only_rises_and_belongs_to_its_kind_and_names) {
    path_make();
    gh_auto(gh_feed_writer_freep) struct gh_feed_writer *w = writer_open();
    gh_auto(gh_feed_freep) struct gh_feed *f = reader_open();
    long long epoch = -1;
    CHECK(user_epoch(f, 1) == 0);
    CHECK(set_user(w, 1, 100) == GH_OK && user_epoch(f, 1) == 100 && user_epoch(f, 2) == 0);
    CHECK(set_user(w, 1, 99) == GH_OK && user_epoch(f, 1) == 100);
    CHECK(set_user(w, 1, 101) == GH_OK && user_epoch(f, 1) == 101);
    CHECK(set_user(w, 1, GH_FEED_EPOCH_MAX) == GH_OK && user_epoch(f, 1) == GH_FEED_EPOCH_MAX);
    for (int kind = GH_EPOCH_ORGANIZATION; kind <= GH_EPOCH_AUDIENCE; kind++)
        CHECK(gh_feed_epoch(f, kind, GH_STR("auth0|1"), none, &epoch) == GH_OK && epoch == 0);

    CHECK(gh_feed_set_epoch(w, GH_EPOCH_MEMBER, GH_STR("ab"), GH_STR("c"), 5) == GH_OK);
    CHECK(gh_feed_epoch(f, GH_EPOCH_MEMBER, GH_STR("ab"), GH_STR("c"), &epoch) == GH_OK && epoch == 5);
    CHECK(gh_feed_epoch(f, GH_EPOCH_MEMBER, GH_STR("a"), GH_STR("bc"), &epoch) == GH_OK && epoch == 0);
    CHECK(gh_feed_epoch(f, GH_EPOCH_MEMBER, GH_STR("c"), GH_STR("ab"), &epoch) == GH_OK && epoch == 0);

    CHECK(gh_feed_set_epoch(w, GH_EPOCH_SUSPENDED, GH_STR("org"), none, 1) == GH_OK);
    CHECK(gh_feed_epoch(f, GH_EPOCH_SUSPENDED, GH_STR("org"), none, &epoch) == GH_OK && epoch == 1);
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_SUSPENDED, GH_STR("org"), none, 0) == GH_OK);
    CHECK(gh_feed_epoch(f, GH_EPOCH_SUSPENDED, GH_STR("org"), none, &epoch) == GH_OK && epoch == 0);

    CHECK(gh_feed_epoch(f, GH_EPOCH_GLOBAL, none, none, &epoch) == GH_OK && epoch == 0);
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_GLOBAL, none, none, 7) == GH_OK);
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_GLOBAL, none, none, 6) == GH_OK);
    CHECK(gh_feed_epoch(f, GH_EPOCH_GLOBAL, none, none, &epoch) == GH_OK && epoch == 7);

    CHECK(set_user(w, 2, 7) == GH_OK && user_epoch(f, 2) == 0); /* covered: it takes no slot */
    CHECK(set_user(w, 2, 8) == GH_OK && user_epoch(f, 2) == 8);

    CHECK(gh_feed_set_epoch(w, GH_EPOCH_GRANT, none, none, GH_FEED_EPOCH_MAX) == GH_OK);
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_AUDIENCE, none, none, GH_FEED_EPOCH_MAX) == GH_OK);
    CHECK(gh_feed_epoch(f, GH_EPOCH_AUDIENCE, none, none, &epoch) == GH_OK && epoch == GH_FEED_EPOCH_MAX);
    CHECK(gh_feed_epoch(f, GH_EPOCH_GRANT, none, none, &epoch) == GH_OK && epoch == GH_FEED_EPOCH_MAX);

    CHECK(set_user(w, 3, -1) == GH_ERR_MALFORMED &&
          set_user(w, 3, GH_FEED_EPOCH_MAX + 1) == GH_ERR_MALFORMED);
    CHECK(gh_feed_set_epoch(w, 9, none, none, 1) == GH_ERR_MALFORMED);
    unlink(path);
}

TEST(all_epochs_of_a_token_are_found_and_absent_parts_have_none) {
    path_make();
    gh_auto(gh_feed_writer_freep) struct gh_feed_writer *w = writer_open();
    gh_auto(gh_feed_freep) struct gh_feed *f = reader_open();
    const struct gh_str u = GH_STR("u"), o = GH_STR("o"), c = GH_STR("c"), j = GH_STR("j");
    const struct gh_claims whole = { .subject = u, .organization = o, .client = c, .token_id = j };
    const struct gh_claims bare = { .subject = GH_STR("v") };
    struct gh_epochs e;
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_GLOBAL, none, none, 1) == GH_OK);
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_USER, u, none, 2) == GH_OK);
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_ORGANIZATION, o, none, 3) == GH_OK);
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_CLIENT, c, none, 4) == GH_OK);
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_MEMBER, o, u, 5) == GH_OK);
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_TOKEN, j, none, 6) == GH_OK);
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_TOKEN, none, none, 7) == GH_OK); /* nobody's */
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_GRANT, c, u, 8) == GH_OK);
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_AUDIENCE, GH_STR("aud"), none, 9) == GH_OK);
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_AUDIENCE, GH_STR("other"), none, 99) == GH_OK);
    CHECK(gh_feed_epochs_of(f, &whole, GH_STR("aud"), &e) == GH_OK);
    CHECK(e.global == 1 && e.user == 2 && e.organization == 3 && e.client == 4 && e.member == 5 &&
          e.token == 6 && e.grant == 8 && e.audience == 9);
    CHECK(!e.organization_suspended);
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_SUSPENDED, o, none, 1) == GH_OK);
    CHECK(gh_feed_epochs_of(f, &whole, GH_STR("aud"), &e) == GH_OK && e.organization_suspended);
    CHECK(gh_feed_epochs_of(f, &bare, none, &e) == GH_OK);
    CHECK(e.global == 1 && !e.user && !e.organization && !e.client && !e.member && !e.token && !e.grant &&
          !e.audience);
    CHECK(!e.organization_suspended);
    unlink(path);
}

TEST(a_table_grows_in_place_and_a_global_epoch_empties_it) {
    enum { MANY = 40000 };
    path_make();
    gh_auto(gh_feed_writer_freep) struct gh_feed_writer *w = writer_open();
    gh_auto(gh_feed_freep) struct gh_feed *f = reader_open(); /* mapped before it grew */
    struct stat st;
    for (int i = 0; i < MANY; i++)
        CHECK(set_user(w, i, i + 1) == GH_OK);
    for (int i = 0; i < MANY; i++)
        CHECK(user_epoch(f, i) == i + 1);
    CHECK(user_epoch(f, MANY) == 0);
    CHECK(stat(path, &st) == 0 && st.st_size == (off_t)GH_FEED_FILE_BYTES && (st.st_mode & 0777) == 0600);
    CHECK(st.st_blocks * 512LL < 16 << 20); /* old tables were given back */

    CHECK(gh_feed_set_epoch(w, GH_EPOCH_GLOBAL, none, none, MANY - 10) == GH_OK);
    for (int i = MANY; i < MANY + 100000; i++)
        CHECK(set_user(w, i, i + 1) == GH_OK);
    CHECK(user_epoch(f, 5) == 0 && user_epoch(f, MANY - 1) == MANY && user_epoch(f, MANY + 7) == MANY + 8);
    unlink(path);
}

TEST(a_full_disk_is_an_error_and_the_global_epoch_still_works) {
    path_make();
    gh_auto(gh_feed_writer_freep) struct gh_feed_writer *w = writer_open();
    gh_auto(gh_feed_freep) struct gh_feed *f = reader_open();
    disk_is_full = true;
    int i = 0;
    enum gh_err e;
    while ((e = set_user(w, i, 9)) == GH_OK)
        i++;
    CHECK(e == GH_ERR_IO && i == 4096 / 4 * 3);
    CHECK(user_epoch(f, i) == 0 && user_epoch(f, i - 1) == 9 && user_epoch(f, 0) == 9);
    CHECK(set_user(w, 0, 10) == GH_OK && user_epoch(f, 0) == 10); /* those that are there can rise */
    CHECK(gh_feed_set_keys(w, GH_STR("i"), GH_STR("{}")) == GH_ERR_IO);
    long long global;
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_GLOBAL, none, none, 11) == GH_OK);
    CHECK(gh_feed_epoch(f, GH_EPOCH_GLOBAL, none, none, &global) == GH_OK && global == 11);
    CHECK(gh_feed_revoke(w, GH_EPOCH_USER, GH_STR("nobody yet"), none, 12, 13) == GH_OK);
    CHECK(gh_feed_epoch(f, GH_EPOCH_GLOBAL, none, none, &global) == GH_OK && global == 13);
    disk_is_full = false;
    CHECK(set_user(w, i, 14) == GH_OK && user_epoch(f, i) == 14);
    CHECK(gh_feed_revoke(w, GH_EPOCH_USER, GH_STR("nobody yet"), none, 15, 16) == GH_OK);
    CHECK(gh_feed_epoch(f, GH_EPOCH_GLOBAL, none, none, &global) == GH_OK && global == 13);
    unlink(path);

    path_make();
    disk_is_full = true;
    struct gh_feed_writer *no = NULL;
    CHECK(gh_feed_writer_open(path, &no) == GH_ERR_IO && !no);
    disk_is_full = false;
    struct gh_feed *half = NULL;
    CHECK(gh_feed_open(path, &half) == GH_ERR_FEED && !half);
    gh_feed_writer_close(writer_open()); /* and a second try makes it whole */
    unlink(path);
}

/* --- keys --------------------------------------------------------------------------------------------------
 */

static unsigned long long generation(const struct gh_feed *f) {
    unsigned long long g = 0;
    CHECK(gh_feed_keys_generation(f, &g) == GH_OK);
    return g;
}

TEST(keys_of_issuers_are_replaced_and_counted) {
    path_make();
    gh_auto(gh_feed_writer_freep) struct gh_feed_writer *w = writer_open();
    gh_auto(gh_feed_freep) struct gh_feed *f = reader_open();
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(8 << 20);
    static char big[GH_LIMIT_JWKS + 1];
    struct gh_str text;
    char issuer[24];
    memset(big, 'k', sizeof big);

    CHECK(gh_feed_keys(f, a, GH_STR("one"), &text) == GH_ERR_NOT_FOUND);
    CHECK(gh_feed_set_keys(w, GH_STR("one"), GH_STR("{1}")) == GH_OK);
    unsigned long long g = generation(f);
    CHECK(gh_feed_set_keys(w, GH_STR("one"), GH_STR("{1}")) == GH_OK && generation(f) == g);
    CHECK(gh_feed_set_keys(w, GH_STR("two"), GH_STR("")) == GH_OK && generation(f) == g + 1);
    CHECK(gh_feed_set_keys(w, GH_STR("one"), GH_STR("{11}")) == GH_OK && generation(f) == g + 2);
    CHECK(gh_feed_keys(f, a, GH_STR("one"), &text) == GH_OK && gh_str_is(text, "{11}") && text.ptr[4] == 0);
    CHECK(gh_feed_keys(f, a, GH_STR("two"), &text) == GH_OK && text.len == 0);
    CHECK(gh_feed_keys(f, a, GH_STR("on"), &text) == GH_ERR_NOT_FOUND);

    CHECK(gh_feed_set_keys(w, GH_STR("one"), (struct gh_str){ big, GH_LIMIT_JWKS + 1 }) == GH_ERR_TOO_LARGE);
    CHECK(gh_feed_set_keys(w, GH_STR("one"), (struct gh_str){ big, GH_LIMIT_JWKS }) == GH_OK);
    CHECK(gh_feed_keys(f, a, GH_STR("one"), &text) == GH_OK && text.len == GH_LIMIT_JWKS);
    gh_auto(gh_arena_freep) struct gh_arena *small = gh_arena_new(1024);
    CHECK(gh_feed_keys(f, small, GH_STR("one"), &text) == GH_ERR_NOMEM);
    for (int i = 2; i < GH_FEED_ISSUERS; i++)
        CHECK(gh_feed_set_keys(w, name_of(i, issuer), GH_STR("{}")) == GH_OK);
    CHECK(gh_feed_set_keys(w, GH_STR("one too many"), GH_STR("{}")) == GH_ERR_TOO_LARGE);
    CHECK(gh_feed_set_keys(w, GH_STR("two"), GH_STR("{2}")) == GH_OK); /* those that are there can change */
    unlink(path);
}

/* --- opening -----------------------------------------------------------------------------------------------
 */

TEST(a_restarted_writer_keeps_what_was_there) {
    path_make();
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    struct gh_feed_writer *w = writer_open(), *second = NULL;
    gh_auto(gh_feed_freep) struct gh_feed *f = reader_open();
    struct gh_str text;
    for (int i = 0; i < 5000; i++)
        CHECK(set_user(w, i, i + 1) == GH_OK);
    CHECK(gh_feed_set_epoch(w, GH_EPOCH_GLOBAL, none, none, 3) == GH_OK);
    CHECK(gh_feed_set_keys(w, GH_STR("one"), GH_STR("{1}")) == GH_OK);
    CHECK(gh_feed_writer_open(path, &second) == GH_ERR_BUSY && !second);
    unsigned long long g = generation(f);
    gh_feed_writer_close(w);
    w = writer_open();
    CHECK(generation(f) == g && gh_feed_keys(f, a, GH_STR("one"), &text) == GH_OK && gh_str_is(text, "{1}"));
    for (int i = 0; i < 5000; i++)
        CHECK(user_epoch(f, i) == i + 1);
    CHECK(set_user(w, 4999, 6000) == GH_OK && user_epoch(f, 4999) == 6000);
    CHECK(set_user(w, 5000, 4) == GH_OK && user_epoch(f, 5000) == 4); /* seen by the reader of before */
    gh_feed_writer_close(w);
    unlink(path);
}

static void write_file(const char *bytes, size_t len) {
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);
    CHECK(write(fd, bytes, len) == (ssize_t)len);
    close(fd);
}

TEST(what_is_not_a_feed_is_neither_read_nor_overwritten) {
    struct gh_feed *f = NULL;
    struct gh_feed_writer *w = NULL;
    static char page[8192] = "a diary\n", back[16];
    path_make();
    CHECK(gh_feed_open(path, &f) == GH_ERR_FEED); /* empty */
    unlink(path);
    CHECK(gh_feed_open(path, &f) == GH_ERR_NOT_FOUND);
    CHECK(gh_feed_open("/tmp", &f) == GH_ERR_FEED);
    CHECK(gh_feed_writer_open("/tmp", &w) == GH_ERR_IO &&
          gh_feed_writer_open("/nonexistent/f", &w) == GH_ERR_IO);
    write_file(page, 7);
    CHECK(gh_feed_open(path, &f) == GH_ERR_FEED && gh_feed_writer_open(path, &w) == GH_ERR_FEED);
    write_file(page, sizeof page);
    CHECK(gh_feed_open(path, &f) == GH_ERR_FEED && gh_feed_writer_open(path, &w) == GH_ERR_FEED);
    int fd = open(path, O_RDONLY);
    struct stat st;
    CHECK(fstat(fd, &st) == 0 && st.st_size == sizeof page && read(fd, back, 8) == 8 &&
          strcmp(back, page) == 0);
    close(fd);
    CHECK(!f && !w);
    unlink(path);

    path_make();
    gh_feed_writer_close(writer_open());
    CHECK(truncate(path, 1 << 20) == 0); /* its size says that something was cut */
    CHECK(gh_feed_open(path, &f) == GH_ERR_FEED && !f);
    uint32_t version = 2;
    fd = open(path, O_WRONLY);
    CHECK(pwrite(fd, &version, 4, offsetof(struct gh_feed_header, version)) == 4);
    close(fd);
    CHECK(gh_feed_open(path, &f) == GH_ERR_FEED && gh_feed_writer_open(path, &w) == GH_ERR_FEED);
    unlink(path);
}

/* --- damage ------------------------------------------------------------------------------------------------
 */

enum { USERS = 40 };

static unsigned long long keys_count = 2; /* one for the new file, one for its keys */

static void check_all(struct gh_feed *f, const char *where, size_t at) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    bool ok = true;
    struct gh_str text;
    unsigned long long g;
    long long global = -1;
    for (int i = 0; i < USERS + 5; i++) {
        long long epoch = user_epoch(f, i);
        ok = ok && (epoch == -1 || epoch == (i < USERS ? i + 1 : 0));
    }
    enum gh_err e = gh_feed_keys(f, a, GH_STR("issuer"), &text);
    ok = ok && (e == GH_ERR_FEED || (e == GH_OK && gh_str_is(text, "{\"keys\":[]}")));
    e = gh_feed_keys(f, a, GH_STR("nobody"), &text);
    ok = ok && (e == GH_ERR_FEED || e == GH_ERR_NOT_FOUND);
    e = gh_feed_keys_generation(f, &g);
    ok = ok && (e == GH_ERR_FEED || (e == GH_OK && g == keys_count));
    e = gh_feed_epoch(f, GH_EPOCH_GLOBAL, none, none, &global);
    ok = ok && (e == GH_ERR_FEED || (e == GH_OK && global == 0));
    if (!ok) {
        print_error("%s, byte %zu\n", where, at);
        fail();
    }
}

static unsigned char *map_to_damage(size_t bytes) {
    int fd = open(path, O_RDWR);
    unsigned char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    close(fd);
    return map;
}

static void fill(struct gh_feed_writer *w) {
    for (int i = 0; i < USERS; i++)
        CHECK(set_user(w, i, i + 1) == GH_OK);
    CHECK(gh_feed_set_keys(w, GH_STR("issuer"), GH_STR("{\"keys\":[]}")) == GH_OK);
}

TEST(each_damaged_byte_is_seen_or_does_not_matter) {
    static const unsigned char how[] = { 0xff, 0x01, 0x80 };
    path_make();
    gh_auto(gh_feed_writer_freep) struct gh_feed_writer *w = writer_open();
    gh_auto(gh_feed_freep) struct gh_feed *f = reader_open();
    fill(w);
    check_all(f, "whole", 0);
    CHECK(user_epoch(f, 3) == 4);
    size_t bytes = GH_FEED_PAGE + (32 << GH_FEED_SLOTS_LOG2_MIN) + 256; /* header, table, keys */
    unsigned char *map = map_to_damage(bytes);
    for (size_t at = 0; at < bytes; at++) {
        unsigned char before = map[at];
        map[at] ^= how[at % GH_COUNT(how)];
        check_all(f, "flipped", at);
        map[at] = 0;
        check_all(f, "zeroed", at);
        map[at] = before;
    }
    for (size_t at = 0; at + 64 <= bytes; at += 64) { /* as a disk loses them */
        unsigned char before[64];
        memcpy(before, map + at, 64);
        memset(map + at, 0, 64);
        check_all(f, "lost line", at);
        memcpy(map + at, before, 64);
    }
    check_all(f, "whole again", 0);
    CHECK(user_epoch(f, 3) == 4);
    munmap(map, bytes);
    unlink(path);
}

TEST(a_damaged_file_is_mended_by_the_next_writer_and_holds_no_keys) {
    path_make();
    struct gh_feed_writer *w = writer_open();
    gh_auto(gh_feed_freep) struct gh_feed *f = reader_open();
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    struct gh_str text;
    fill(w);
    CHECK(generation(f) == 2);
    gh_feed_writer_close(w);
    size_t bytes = GH_FEED_PAGE + (32 << GH_FEED_SLOTS_LOG2_MIN);
    unsigned char *map = map_to_damage(bytes);
    memset(map + GH_FEED_PAGE, 0, bytes / 2);
    CHECK(gh_feed_keys(f, a, GH_STR("issuer"), &text) == GH_OK);
    w = writer_open();
    CHECK(gh_feed_keys(f, a, GH_STR("issuer"), &text) == GH_ERR_NOT_FOUND);
    int kept = 0;
    for (int i = 0; i < USERS; i++)
        kept += user_epoch(f, i) == i + 1;
    CHECK(kept > 0 && kept < USERS); /* what was whole */
    fill(w);
    keys_count = 4; /* lost once, set once more */
    check_all(f, "mended", 0);
    gh_feed_writer_close(w);

    map[offsetof(struct gh_feed_header, key)] ^= 1; /* the fixed part: a new key */
    struct gh_feed *none_yet = NULL;
    CHECK(gh_feed_open(path, &none_yet) == GH_ERR_FEED);
    w = writer_open();
    fill(w);
    CHECK(user_epoch(f, 3) == -1); /* readers of before refuse until they open it again */
    gh_auto(gh_feed_freep) struct gh_feed *again = reader_open();
    CHECK(user_epoch(again, 3) == 4);
    gh_feed_writer_close(w);
    munmap(map, bytes);
    unlink(path);
}

/* --- together ----------------------------------------------------------------------------------------------
 */

enum { STEPS = 60000, READERS = 2 };

struct progress {
    atomic_int published; /* users below it have their epoch */
    atomic_int stale, damaged;
    atomic_llong looked;
};

static void read_until_done(const struct gh_feed *f, struct progress *p, unsigned seed) {
    int n;
    gh_auto(gh_arena_freep) struct gh_arena *a = NULL;
    while ((n = atomic_load(&p->published)) < STEPS) {
        int i = n ? (int)((unsigned)rand_r(&seed) % (unsigned)n) : 0;
        if (rand_r(&seed) % 2 && n)
            i = n - 1; /* the newest */
        long long epoch = user_epoch(f, i);
        p->damaged += epoch == -1;
        p->stale += n && epoch != -1 && epoch != i + 1;
        if (rand_r(&seed) % 64 == 0) {
            struct gh_str text;
            gh_arena_free(a);
            a = gh_arena_new(1 << 16);
            enum gh_err e = gh_feed_keys(f, a, GH_STR("issuer"), &text);
            int at_least = (n - 1) / 100, got = e ? 0 : atoi(text.ptr);
            p->damaged += e == GH_ERR_FEED;
            p->stale += e ? n > 0 && e != GH_ERR_FEED : got < at_least;
        }
        p->looked++;
    }
}

/* Each step is stored, and then told; whoever was told must find it, across growth. */
TEST(readers_across_fork_never_miss_what_was_stored_before) {
    path_make();
    gh_auto(gh_feed_writer_freep) struct gh_feed_writer *w = writer_open();
    gh_auto(gh_feed_freep) struct gh_feed *f = reader_open(); /* mapped before the fork, as nginx does */
    struct progress *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char text[16];
    pid_t children[READERS];
    for (int r = 0; r < READERS; r++)
        if ((children[r] = fork()) == 0) {
            read_until_done(f, p, (unsigned)r + 1);
            _exit(0);
        }
    for (int i = 0; i < STEPS; i++) {
        CHECK(set_user(w, i, i + 1) == GH_OK);
        if (i % 100 == 0) {
            int len = snprintf(text, sizeof text, "%d", i / 100);
            CHECK(gh_feed_set_keys(w, GH_STR("issuer"), (struct gh_str){ text, (size_t)len }) == GH_OK);
        }
        atomic_store(&p->published, i + 1);
    }
    for (int r = 0; r < READERS; r++) {
        int status;
        CHECK(waitpid(children[r], &status, 0) == children[r] && status == 0);
    }
    print_message("%lld look-ups beside %d changes: %d stale, %d damaged\n", (long long)p->looked, STEPS,
                  (int)p->stale, (int)p->damaged);
    CHECK(p->looked > 1000 && p->stale == 0 && p->damaged == 0);
    munmap(p, sizeof *p);
    unlink(path);
}

GH_TESTS(siphash_is_what_openssl_says_however_it_is_cut,
         an_epoch_only_rises_and_belongs_to_its_kind_and_names,
         all_epochs_of_a_token_are_found_and_absent_parts_have_none,
         a_table_grows_in_place_and_a_global_epoch_empties_it,
         a_full_disk_is_an_error_and_the_global_epoch_still_works, keys_of_issuers_are_replaced_and_counted,
         a_restarted_writer_keeps_what_was_there, what_is_not_a_feed_is_neither_read_nor_overwritten,
         each_damaged_byte_is_seen_or_does_not_matter,
         a_damaged_file_is_mended_by_the_next_writer_and_holds_no_keys,
         readers_across_fork_never_miss_what_was_stored_before)
