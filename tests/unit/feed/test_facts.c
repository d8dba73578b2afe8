/* Facts in the feed: told, changed, taken away, grown, damaged; a lie never. */
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "core/cleanup.h"
#include "feed/layout.h"
#include "tests/unit/feed/feed_file.h"

static const struct gh_str absent = { 0 }, issuer = GH_STR("https://a/");

/* The list of organization i in its version v: long enough that a mixture would show. */
static struct gh_str list_of(int i, int v, char text[256]) {
    int len = snprintf(text, 256, "%d.%d", i, v);
    for (int more = (i * 7 + v) % 40; more > 0; more--)
        len += snprintf(text + len, 256 - (size_t)len, " %d", v);
    return (struct gh_str){ text, (size_t)len };
}

static struct gh_str name_of(int i, char text[24]) {
    return (struct gh_str){ text, (size_t)snprintf(text, 24, "org_%d", i) };
}

static enum gh_err set_list(struct gh_feed_writer *w, int i, int v) {
    char name[24], text[256];
    return gh_feed_set_fact(w, GH_FACT_MODELS, issuer, name_of(i, name), list_of(i, v, text));
}

/* The version told, 0 for none, -1 for FEED, -2 for a text that was never written. */
static int list_version(const struct gh_feed *f, int i) {
    char name[24], text[256], first[24];
    struct gh_fact fact;
    enum gh_err e = gh_feed_fact(f, GH_FACT_MODELS, issuer, name_of(i, name), &fact);
    if (e)
        return e == GH_ERR_NOT_FOUND ? 0 : e == GH_ERR_FEED ? -1 : -2;
    size_t len = fact.len < sizeof first - 1 ? fact.len : sizeof first - 1;
    memcpy(first, fact.text, len);
    first[len] = 0;
    char *dot = strchr(first, '.');
    int v = dot ? atoi(dot + 1) : 0;
    return v > 0 && gh_str_eq(gh_fact_text(&fact), list_of(i, v, text)) ? v : -2;
}

static enum gh_err fact_of(const struct gh_feed *f, enum gh_fact_kind kind, const char *whose,
                           const char *name, const char *want) {
    struct gh_fact fact;
    enum gh_err e = gh_feed_fact(f, kind, gh_str_from(whose), gh_str_from(name), &fact);
    CHECK(e || gh_str_is(gh_fact_text(&fact), want));
    return e;
}

TEST(a_fact_belongs_to_its_kind_issuer_and_name) {
    path_make();
    gh_auto(gh_feed_writer_freep) struct gh_feed_writer *w = writer_open();
    gh_auto(gh_feed_freep) struct gh_feed *f = reader_open();
    static char big[GH_LIMIT_FACT + 1];
    memset(big, 'm', sizeof big);
    CHECK(fact_of(f, GH_FACT_MODELS, "https://a/", "o", "") == GH_ERR_NOT_FOUND);
    CHECK(gh_feed_set_fact(w, GH_FACT_MODELS, issuer, GH_STR("o"), absent) == GH_OK);
    CHECK(gh_feed_set_fact(w, GH_FACT_MODELS, issuer, GH_STR("o"), GH_STR("gpt-5*")) == GH_OK);
    CHECK(gh_feed_set_fact(w, GH_FACT_MODELS_BIND, issuer, GH_STR("api"), GH_STR("")) == GH_OK);
    CHECK(fact_of(f, GH_FACT_MODELS, "https://a/", "o", "gpt-5*") == GH_OK);
    CHECK(fact_of(f, GH_FACT_MODELS_BIND, "https://a/", "api", "") == GH_OK);

    CHECK(fact_of(f, GH_FACT_MODELS_BIND, "https://a/", "o", "") == GH_ERR_NOT_FOUND);
    CHECK(fact_of(f, GH_FACT_MODELS, "https://a/", "api", "") == GH_ERR_NOT_FOUND);
    CHECK(fact_of(f, GH_FACT_MODELS, "https://b/", "o", "") == GH_ERR_NOT_FOUND);
    CHECK(fact_of(f, GH_FACT_MODELS, "https://a/o", "", "") == GH_ERR_NOT_FOUND);
    CHECK(fact_of(f, GH_FACT_MODELS, "https://a", "/o", "") == GH_ERR_NOT_FOUND);

    CHECK(gh_feed_set_fact(w, GH_FACT_MODELS, issuer, GH_STR("o"), GH_STR("")) == GH_OK); /* is not none */
    CHECK(fact_of(f, GH_FACT_MODELS, "https://a/", "o", "") == GH_OK);
    CHECK(gh_feed_set_fact(w, GH_FACT_MODELS, issuer, GH_STR("o"),
                           (struct gh_str){ big, GH_LIMIT_FACT + 1 }) == GH_ERR_TOO_LARGE);
    CHECK(fact_of(f, GH_FACT_MODELS, "https://a/", "o", "") == GH_OK);
    CHECK(gh_feed_set_fact(w, GH_FACT_MODELS, issuer, GH_STR("o"), (struct gh_str){ big, GH_LIMIT_FACT }) ==
          GH_OK);
    struct gh_fact fact;
    CHECK(gh_feed_fact(f, GH_FACT_MODELS, issuer, GH_STR("o"), &fact) == GH_OK && fact.len == GH_LIMIT_FACT);
    CHECK(gh_feed_set_fact(w, GH_FACT_MODELS, issuer, GH_STR("o"), absent) == GH_OK);
    CHECK(fact_of(f, GH_FACT_MODELS, "https://a/", "o", "") == GH_ERR_NOT_FOUND);
    CHECK(fact_of(f, GH_FACT_MODELS_BIND, "https://a/", "api", "") == GH_OK);
    unlink(path);
}

TEST(facts_grow_beside_epochs_and_keys_and_survive_a_restart) {
    enum { MANY = 3000 };
    path_make();
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    struct gh_feed_writer *w = writer_open();
    gh_auto(gh_feed_freep) struct gh_feed *f = reader_open();
    char name[24];
    long long epoch;
    struct gh_str keys;
    for (int i = 0; i < MANY; i++) {
        CHECK(set_list(w, i, 1) == GH_OK && set_list(w, i / 2, 2) == GH_OK);
        CHECK(gh_feed_set_epoch(w, GH_EPOCH_ORGANIZATION, name_of(i, name), absent, i + 1) == GH_OK);
        if (i % 100 == 0)
            CHECK(gh_feed_set_keys(w, issuer, name_of(i, name)) == GH_OK);
    }
    for (int i = 0; i < MANY; i += 3) /* every third is taken away */
        CHECK(gh_feed_set_fact(w, GH_FACT_MODELS, issuer, name_of(i, name), absent) == GH_OK);
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < MANY; i++) {
            CHECK(list_version(f, i) == (i % 3 == 0 ? 0 : i < MANY / 2 ? 2 : 1));
            CHECK(gh_feed_epoch(f, GH_EPOCH_ORGANIZATION, name_of(i, name), absent, &epoch) == GH_OK &&
                  epoch == i + 1);
        }
        CHECK(gh_feed_keys(f, a, issuer, &keys) == GH_OK && gh_str_is(keys, "org_2900"));
        gh_feed_writer_close(w);
        w = writer_open();
    }
    CHECK(set_list(w, 1, 5) == GH_OK && list_version(f, 1) == 5 && list_version(f, 2) == 2);
    gh_feed_writer_close(w);
    unlink(path);
}

TEST(what_cannot_be_told_is_not_believed_and_told_when_there_is_room) {
    path_make();
    struct gh_feed_writer *w = writer_open();
    gh_auto(gh_feed_freep) struct gh_feed *f = reader_open();
    int i = 0, v = 1;
    CHECK(set_list(w, 0, 1) == GH_OK && set_list(w, 1, 1) == GH_OK);
    disk_is_full = true;
    while (set_list(w, 0, ++v) == GH_OK) /* each version takes some of the room */
        CHECK(list_version(f, 0) == v);
    CHECK(list_version(f, 0) == -1 && list_version(f, 1) == 1 && list_version(f, 2) == 0);
    for (i = 2; list_version(f, 1) == 1; i++)
        CHECK(set_list(w, i, 1) != GH_OK ? list_version(f, i) == -1 : list_version(f, i) == 1);
    CHECK(list_version(f, 5000) == -1); /* no slot left: nothing is believed */
    disk_is_full = false;
    CHECK(set_list(w, 1, 2) == GH_ERR_FEED && list_version(f, 1) == -1);
    gh_feed_writer_close(w);
    w = writer_open();
    CHECK(set_list(w, 1, 2) == GH_OK && list_version(f, 1) == 2);
    gh_feed_writer_close(w);
    unlink(path);

    path_make();
    w = writer_open();
    gh_auto(gh_feed_freep) struct gh_feed *g = reader_open();
    CHECK(set_list(w, 0, 1) == GH_OK);
    disk_is_full = true;
    for (v = 2; set_list(w, 0, v) == GH_OK;)
        v++;
    disk_is_full = false;
    CHECK(list_version(g, 0) == -1 && set_list(w, 0, 9) == GH_OK && list_version(g, 0) == 9);
    gh_feed_writer_close(w);
    unlink(path);
}

/* --- damage --- */

enum { LISTS = 24 };

static void check_all(struct gh_feed *f, const char *where, size_t at) {
    bool ok = true;
    for (int i = 0; i < LISTS + 4; i++) {
        int v = list_version(f, i);
        ok = ok && (v == -1 || v == (i < LISTS ? 1 + i % 2 : 0));
    }
    if (!ok) {
        print_error("%s, byte %zu\n", where, at);
        fail();
    }
}

static void fill(struct gh_feed_writer *w) {
    for (int i = 0; i < LISTS; i++) {
        CHECK(set_list(w, i, 1) == GH_OK);
        if (i % 2)
            CHECK(set_list(w, i, 2) == GH_OK);
    }
    CHECK(gh_feed_set_fact(w, GH_FACT_MODELS, issuer, GH_STR("org_25"), GH_STR("x")) == GH_OK);
    CHECK(gh_feed_set_fact(w, GH_FACT_MODELS, issuer, GH_STR("org_25"), absent) == GH_OK);
}

TEST(each_damaged_byte_of_facts_is_seen_or_does_not_matter) {
    static const unsigned char how[] = { 0xff, 0x01, 0x80 };
    path_make();
    struct gh_feed_writer *w = writer_open();
    gh_auto(gh_feed_freep) struct gh_feed *f = reader_open();
    fill(w);
    size_t facts = GH_FEED_PAGE + (32 << GH_FEED_SLOTS_LOG2_MIN), bytes = facts + (32 << 8) + 4096;
    int fd = open(path, O_RDWR);
    unsigned char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    close(fd);
    check_all(f, "whole", 0);
    for (size_t at = 0; at < bytes; at = at == GH_FEED_PAGE - 1 ? facts : at + 1) {
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
        memcpy(map + at, map + facts + (at * 7 % 4096), 64); /* and misplaces them */
        check_all(f, "stray line", at);
        memcpy(map + at, before, 64);
    }
    check_all(f, "whole again", 0);
    CHECK(list_version(f, 3) == 2 && list_version(f, 4) == 1 && list_version(f, 25) == 0);

    /* The next writer keeps what is whole, and drops the keys until all is told again. */
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    struct gh_str keys;
    CHECK(gh_feed_set_keys(w, issuer, GH_STR("{}")) == GH_OK);
    gh_feed_writer_close(w);
    memset(map + facts + (32 << 8) + 512, 0, 512);
    w = writer_open();
    CHECK(gh_feed_keys(f, a, issuer, &keys) == GH_ERR_NOT_FOUND);
    int kept = 0;
    for (int i = 0; i < LISTS; i++)
        kept += list_version(f, i) > 0;
    CHECK(kept > 0 && kept < LISTS);
    fill(w);
    check_all(f, "mended", 0);
    CHECK(list_version(f, 3) == 2 && list_version(f, 4) == 1);
    gh_feed_writer_close(w);
    munmap(map, bytes);
    unlink(path);
}

TEST(a_file_of_before_there_were_facts_is_mended) {
    static const uint64_t zero = 0;
    path_make();
    gh_feed_writer_close(writer_open());
    gh_auto(gh_feed_freep) struct gh_feed *f = reader_open();
    CHECK(list_version(f, 0) == 0);
    int fd = open(path, O_WRONLY);
    CHECK(pwrite(fd, &zero, 8, offsetof(struct gh_feed_header, facts)) == 8);
    close(fd);
    CHECK(list_version(f, 0) == -1);
    gh_feed_writer_close(writer_open());
    CHECK(list_version(f, 0) == 0);
    unlink(path);
}

/* --- together --- */

enum { STEPS = 20000, FEW = 50 };

struct progress {
    atomic_int published, stale, wrong, looked;
};

static void read_until_done(const struct gh_feed *f, struct progress *p, unsigned seed) {
    int n;
    while ((n = atomic_load(&p->published)) < STEPS) {
        int i = rand_r(&seed) % FEW;
        if (n < FEW)
            continue;
        int v = list_version(f, i), at_least = (n - 1 - i) / FEW + 1;
        p->wrong += v < 0;
        p->stale += v >= 0 && v < at_least;
        p->looked++;
    }
}

TEST(readers_across_fork_see_a_whole_fact_and_never_an_older_one) {
    path_make();
    gh_auto(gh_feed_writer_freep) struct gh_feed_writer *w = writer_open();
    gh_auto(gh_feed_freep) struct gh_feed *f = reader_open();
    struct progress *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[2];
    for (unsigned r = 0; r < 2; r++)
        if ((children[r] = fork()) == 0) {
            read_until_done(f, p, r + 1);
            _exit(0);
        }
    for (int i = 0; i < STEPS; i++) {
        CHECK(set_list(w, i % FEW, i / FEW + 1) == GH_OK);
        atomic_store(&p->published, i + 1);
    }
    for (int r = 0; r < 2; r++) {
        int status;
        CHECK(waitpid(children[r], &status, 0) == children[r] && status == 0);
    }
    print_message("%d look-ups beside %d changes: %d stale, %d wrong\n", (int)p->looked, STEPS, (int)p->stale,
                  (int)p->wrong);
    CHECK(p->looked > 1000 && p->stale == 0 && p->wrong == 0);
    munmap(p, sizeof *p);
    unlink(path);
}

GH_TESTS(a_fact_belongs_to_its_kind_issuer_and_name, facts_grow_beside_epochs_and_keys_and_survive_a_restart,
         what_cannot_be_told_is_not_believed_and_told_when_there_is_room,
         each_damaged_byte_of_facts_is_seen_or_does_not_matter, a_file_of_before_there_were_facts_is_mended,
         readers_across_fork_see_a_whole_fact_and_never_an_older_one)
