/* fuzz/fuzz_feed.c - a hostile feed never crashes a reader, and a damaged one never lies.
 *
 * First byte 'w': the rest is the file from byte 64 on; the fixed part and the checks that a stranger could
 * compute are put right, so that what lies behind them is reached too. Anything else: the rest is a list of
 * patches (offset: 3 bytes, length: 1, bytes) over a true feed; every answer must then be the true one or
 * FEED. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "feed/epochs.h"
#include "feed/layout.h"
#include "fuzz/fuzz.h"

enum { USERS = 8, FILE_MAX = 1 << 18, DAMAGE_MAX = 1 << 15 };

static const struct gh_str issuer = GH_STR("https://a/"), jwks = GH_STR("{\"keys\":[]}");

static struct gh_str name_of(int i) {
    static char text[8];
    return (struct gh_str){ text, (size_t)snprintf(text, sizeof text, "u%d", i) };
}

static struct gh_str list_of(int i) {
    static const char text[] = "gpt-5* claude-4 o9, text-embedding-3-large";
    return (struct gh_str){ text, (size_t)i * 5 };
}

/* --- a whole file -----------------------------------------------------------------------------------------
 */

static void put_right(unsigned char *file, uint64_t bytes) {
    struct gh_feed_header h;
    struct gh_feed_place p;
    struct gh_feed_keys_head head;
    uint64_t payload;
    memcpy(&h, file, sizeof h);
    h.magic = GH_FEED_MAGIC;
    h.version = GH_FEED_VERSION;
    h.slot_bytes = sizeof(struct gh_feed_slot);
    h.file_bytes = bytes;
    h.key[0] = h.key[1] = 0;
    h.check = gh_feed_header_check(&h);
    gh_feed_place_unpack(GH_FEED_TABLE, h.table, &p);
    h.table = gh_feed_place_pack(GH_FEED_TABLE, p);
    gh_feed_word_unpack(h.key, GH_FEED_GLOBAL_AT, h.global, &payload);
    h.global = gh_feed_word_pack(h.key, GH_FEED_GLOBAL_AT, payload);
    gh_feed_place_unpack(GH_FEED_KEYS, h.keys, &p);
    h.keys = gh_feed_place_pack(GH_FEED_KEYS, p);
    struct gh_feed_place facts;
    gh_feed_place_unpack(GH_FEED_FACTS, h.facts, &facts);
    h.facts = gh_feed_place_pack(GH_FEED_FACTS, facts);
    memcpy(file, &h, sizeof h);

    if (!gh_feed_range_ok(bytes, p.page, sizeof head + sizeof(struct gh_feed_keys_entry)))
        return;
    unsigned char *area = file + (uint64_t)p.page * GH_FEED_PAGE;
    struct gh_feed_keys_entry entry;
    memcpy(&head, area, sizeof head);
    head.check = gh_feed_words_check(h.key, &head.bytes, 2);
    memcpy(area, &head, sizeof head);
    memcpy(&entry, area + sizeof head, sizeof entry);
    gh_feed_hash(h.key, GH_FEED_HASH_ISSUER, issuer, GH_STR(""), entry.issuer);
    entry.check = gh_feed_words_check(h.key, entry.issuer, 6);
    memcpy(area + sizeof head, &entry, sizeof entry);
}

static void read_whole(const uint8_t *data, size_t size) {
    static unsigned char file[FILE_MAX];
    char path[64];
    size_t len = size + 64 > FILE_MAX ? FILE_MAX : size + 64;
    memset(file, 0, sizeof file);
    memcpy(file + 64, data, len - 64);
    if (len < GH_FEED_PAGE)
        len = GH_FEED_PAGE;
    put_right(file, len);
    int fd = memfd_create("feed", MFD_CLOEXEC);
    if (fd < 0 || write(fd, file, len) != (ssize_t)len)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    gh_auto(gh_feed_freep) struct gh_feed *f = NULL;
    if (gh_feed_open(path, &f) != GH_OK)
        abort(); /* the fixed part is right */
    close(fd);

    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    const struct gh_claims claims = { .subject = GH_STR("u"),
                                      .organization = GH_STR("o"),
                                      .client = GH_STR("c") };
    struct gh_epochs epochs;
    struct gh_str text;
    unsigned long long g;
    enum gh_err e = gh_feed_epochs_of(f, &claims, GH_STR("urn:ai"), &epochs);
    if (e != GH_OK && e != GH_ERR_FEED)
        abort();
    e = gh_feed_keys(f, a, issuer, &text);
    if (e == GH_OK && text.ptr[text.len] != 0)
        abort();
    e = gh_feed_keys_generation(f, &g);
    if (e != GH_OK && e != GH_ERR_FEED)
        abort();
    struct gh_fact fact;
    e = gh_feed_fact(f, GH_FACT_MODELS, issuer, name_of(0), &fact);
    if (e ? e != GH_ERR_FEED && e != GH_ERR_NOT_FOUND : fact.len > GH_LIMIT_FACT)
        abort();
}

/* --- a true file with damage ------------------------------------------------------------------------------
 */

static unsigned char *true_map;
static struct gh_feed *true_feed;

static void true_feed_make(void) {
    char path[] = "/tmp/gh-fuzz-feed-XXXXXX";
    struct gh_feed_writer *w;
    int fd = mkstemp(path);
    if (fd < 0 || gh_feed_writer_open(path, &w) || gh_feed_set_keys(w, issuer, jwks))
        abort();
    for (int i = 0; i < USERS; i++)
        if (gh_feed_set_epoch(w, GH_EPOCH_USER, name_of(i), GH_STR(""), i + 1))
            abort();
    for (int i = 0; i < USERS; i++) /* the last one is taken away again */
        if (gh_feed_set_fact(w, GH_FACT_MODELS, issuer, name_of(i), list_of(i)) ||
            (i == USERS - 1 && gh_feed_set_fact(w, GH_FACT_MODELS, issuer, name_of(i), (struct gh_str){ 0 })))
            abort();
    gh_feed_writer_close(w);
    true_map = mmap(NULL, FILE_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (true_map == MAP_FAILED || gh_feed_open(path, &true_feed))
        abort();
    close(fd);
    unlink(path);
}

static void check_true(void) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    long long epoch;
    struct gh_str text;
    for (int i = 0; i < USERS + 2; i++) {
        enum gh_err e = gh_feed_epoch(true_feed, GH_EPOCH_USER, name_of(i), GH_STR(""), &epoch);
        if (e ? e != GH_ERR_FEED : epoch != (i < USERS ? i + 1 : 0))
            abort();
    }
    enum gh_err e = gh_feed_keys(true_feed, a, issuer, &text);
    if (e ? e != GH_ERR_FEED : !gh_str_eq(text, jwks))
        abort();
    for (int i = 0; i < USERS + 2; i++) {
        struct gh_fact fact;
        e = gh_feed_fact(true_feed, GH_FACT_MODELS, issuer, name_of(i), &fact);
        if (e == GH_ERR_NOT_FOUND ? i < USERS - 1
                                  : e != GH_ERR_FEED && !gh_str_eq(gh_fact_text(&fact), list_of(i)))
            abort();
    }
}

struct damage {
    uint8_t how, value, at[3], from[3], len[2]; /* zeros, ones, flipped bits, or bytes of elsewhere */
};

static size_t offset_of(const uint8_t bytes[3]) {
    return ((size_t)bytes[0] << 16 | (size_t)bytes[1] << 8 | bytes[2]) % (FILE_MAX - DAMAGE_MAX);
}

static void do_damage(const struct damage *d, size_t at, size_t len) {
    unsigned char *to = true_map + at;
    if (d->how % 4 < 2)
        memset(to, d->how % 4 ? 0xff : 0, len);
    else if (d->how % 4 == 2)
        for (size_t i = 0; i < len; i++)
            to[i] ^= d->value;
    else
        memmove(to, true_map + offset_of(d->from), len);
}

static void read_damaged(const uint8_t *data, size_t size) {
    static unsigned char before[DAMAGE_MAX];
    struct damage d = { 0 };
    if (!true_map)
        true_feed_make();
    memcpy(&d, data, size < sizeof d ? size : sizeof d);
    size_t at = offset_of(d.at), len = ((size_t)d.len[0] << 8 | d.len[1]) % DAMAGE_MAX;
    memcpy(before, true_map + at, len);
    do_damage(&d, at, len);
    check_true();
    memcpy(true_map + at, before, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0 && data[0] == 'w')
        read_whole(data + 1, size - 1);
    else if (size > 0)
        read_damaged(data + 1, size - 1);
    return 0;
}
