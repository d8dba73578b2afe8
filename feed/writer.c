/* feed/writer.c - makes, mends and changes a feed file; see layout.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/limits.h"
#include "feed/writer_private.h"

static struct gh_feed_header *header(struct gh_feed_writer *w) {
    return gh_feed_writer_header(w);
}

static struct gh_feed_slot *slot(struct gh_feed_writer *w, struct gh_feed_place table, uint64_t index) {
    return gh_feed_writer_slot(w, table, index);
}

static uint64_t table_bytes(struct gh_feed_place table) {
    return table.page ? sizeof(struct gh_feed_slot) << table.log2 : 0;
}

/* --- space ---------------------------------------------------------------------------------------------- */

struct range {
    uint64_t from, to; /* pages */
};

static struct range range_of(uint32_t page, uint64_t bytes) {
    return (struct range){ page, page + (bytes + GH_FEED_PAGE - 1) / GH_FEED_PAGE };
}

static bool overlap(struct range a, struct range b) {
    return a.from < b.to && b.from < a.to;
}

/* Its blocks are there before anybody touches them: a full disk is an error here, and would be SIGBUS later.
 */
enum gh_err gh_feed_writer_reserve(struct gh_feed_writer *w, uint64_t bytes, uint32_t *ret_page) {
    const struct range used[] = { { 0, 1 }, /* the header */
                                  range_of(w->table.page, table_bytes(w->table)),
                                  range_of(w->keys.page, w->keys_bytes),
                                  range_of(w->facts.page, w->facts_bytes) };
    uint64_t best = 0;
    for (size_t i = 0; i < GH_COUNT(used); i++) {
        struct range r = range_of((uint32_t)used[i].to, bytes);
        bool fits = r.from > 0 && r.to * GH_FEED_PAGE <= w->view.bytes && (best == 0 || r.from < best);
        for (size_t k = 0; fits && k < GH_COUNT(used); k++)
            fits = !overlap(r, used[k]);
        if (fits)
            best = r.from;
    }
    if (best == 0)
        return GH_ERR_IO;
    int why;
    while ((why = posix_fallocate(w->fd, (off_t)(best * GH_FEED_PAGE), (off_t)bytes)) == EINTR)
        ;
    *ret_page = (uint32_t)best;
    return why == 0 ? GH_OK : GH_ERR_IO;
}

/* A reader that is still there sees zeros, which are damage, looks at the header again
 * and finds the new place. A file system that cannot do it only keeps more. */
void gh_feed_writer_give_back(struct gh_feed_writer *w, uint32_t page, uint64_t bytes) {
    if (page && fallocate(w->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)page * GH_FEED_PAGE,
                          (off_t)((bytes + GH_FEED_PAGE - 1) / GH_FEED_PAGE * GH_FEED_PAGE)) != 0)
        return;
}

/* --- tables --------------------------------------------------------------------------------------------- */

void gh_feed_writer_clear(struct gh_feed_writer *w, struct gh_feed_place table) {
    uint64_t first = (uint64_t)table.page * (GH_FEED_PAGE / sizeof(struct gh_feed_slot));
    for (uint64_t i = 0; i < 1ULL << table.log2; i++)
        *slot(w, table, i) =
            (struct gh_feed_slot){ .word = gh_feed_word_pack(w->view.key, first + i, GH_FEED_EMPTY) };
}

void gh_feed_writer_fill(struct gh_feed_writer *w, struct gh_feed_place table, const struct gh_feed_found *at,
                         const uint64_t hash[2], uint64_t payload) {
    struct gh_feed_slot *s = slot(w, table, at->index);
    __atomic_store_n(&s->hash[0], hash[0], __ATOMIC_RELAXED);
    __atomic_store_n(&s->hash[1], hash[1], __ATOMIC_RELAXED);
    __atomic_store_n(&s->check, gh_feed_slot_check(w->view.key, at->at, hash[0], hash[1]), __ATOMIC_RELAXED);
    gh_feed_store(&s->word, gh_feed_word_pack(w->view.key, at->at, payload));
}

bool gh_feed_writer_payload(struct gh_feed_writer *w, struct gh_feed_place table, uint64_t index,
                            uint64_t *ret) {
    const struct gh_feed_slot *s = slot(w, table, index);
    uint64_t at = (uint64_t)table.page * (GH_FEED_PAGE / sizeof *s) + index;
    if (!gh_feed_word_unpack(w->view.key, at, s->word, ret))
        return false;
    return *ret == GH_FEED_EMPTY || s->check == gh_feed_slot_check(w->view.key, at, s->hash[0], s->hash[1]);
}

static enum gh_err table_make(struct gh_feed_writer *w, uint8_t log2, struct gh_feed_place *ret) {
    struct gh_feed_place table = { .turn = w->table.turn + 1, .log2 = log2 };
    if (log2 > GH_FEED_SLOTS_LOG2_MAX)
        return GH_ERR_IO;
    enum gh_err e = gh_feed_writer_reserve(w, sizeof(struct gh_feed_slot) << log2, &table.page);
    if (e)
        return e;
    gh_feed_writer_clear(w, table);
    *ret = table;
    return GH_OK;
}

static long long global_of(struct gh_feed_writer *w) {
    uint64_t payload;
    return gh_feed_word_unpack(w->view.key, GH_FEED_GLOBAL_AT, header(w)->global, &payload)
               ? gh_feed_payload_epoch(payload)
               : 0;
}

/* What the global epoch covers, and organizations that are not suspended, need no slot. */
static bool still_matters(struct gh_feed_writer *w, uint64_t payload) {
    long long epoch = gh_feed_payload_epoch(payload);
    return payload != GH_FEED_EMPTY &&
           (gh_feed_payload_is(payload, GH_EPOCH_SUSPENDED) ? epoch != 0 : epoch > global_of(w));
}

/* How many slots matter; FEED when one is damaged and `mending` is off. */
static enum gh_err table_count(struct gh_feed_writer *w, bool mending, uint64_t *ret) {
    *ret = 0;
    for (uint64_t i = 0, payload; w->table.page && i < 1ULL << w->table.log2; i++)
        if (gh_feed_writer_payload(w, w->table, i, &payload))
            *ret += still_matters(w, payload);
        else if (!mending)
            return GH_ERR_FEED;
    return GH_OK;
}

static enum gh_err table_copy(struct gh_feed_writer *w, struct gh_feed_place to) {
    for (uint64_t i = 0, payload; w->table.page && i < 1ULL << w->table.log2; i++) {
        if (!gh_feed_writer_payload(w, w->table, i, &payload) || !still_matters(w, payload))
            continue;
        const struct gh_feed_slot *s = slot(w, w->table, i);
        struct gh_feed_found found;
        enum gh_err e = gh_feed_probe(&w->view, to, s->hash, &found);
        if (e)
            return e;
        gh_feed_writer_fill(w, to, &found, s->hash, payload);
    }
    return GH_OK;
}

/* A new table of fitting size, a quarter full, further back or in room that was given back; one word
 * publishes it. */
static enum gh_err table_renew(struct gh_feed_writer *w, bool mending) {
    uint64_t live;
    struct gh_feed_place next;
    enum gh_err e = table_count(w, mending, &live);
    if (e)
        return e;
    uint8_t log2 = GH_FEED_SLOTS_LOG2_MIN;
    while (log2 < GH_FEED_SLOTS_LOG2_MAX && 1ULL << log2 < live * 4)
        log2++;
    do { /* too long a way for one of them: a roomier table, which practically never happens */
        e = table_make(w, log2++, &next);
        if (e)
            return e;
        e = table_copy(w, next);
        if (e)
            gh_feed_writer_give_back(w, next.page, table_bytes(next));
    } while (e);
    struct gh_feed_place old = w->table;
    gh_feed_store(&header(w)->table, gh_feed_place_pack(GH_FEED_TABLE, next));
    w->table = next;
    w->used = live;
    gh_feed_writer_give_back(w, old.page, table_bytes(old));
    return GH_OK;
}

/* --- epochs --------------------------------------------------------------------------------------------- */

static bool is_news(enum gh_epoch_kind kind, long long epoch, long long known) {
    return kind == GH_EPOCH_SUSPENDED ? epoch != known : epoch > known;
}

static enum gh_err set_global(struct gh_feed_writer *w, long long epoch) {
    if (is_news(GH_EPOCH_GLOBAL, epoch, global_of(w)))
        gh_feed_store(&header(w)->global, gh_feed_word_pack(w->view.key, GH_FEED_GLOBAL_AT,
                                                            gh_feed_payload(GH_EPOCH_GLOBAL, epoch)));
    return GH_OK;
}

/* Half full is when the ways become long. Where the disk has no room for more, three quarters do for a while.
 */
static enum gh_err make_room(struct gh_feed_writer *w) {
    uint64_t slots = 1ULL << w->table.log2;
    if (w->used < slots / 2)
        return GH_OK;
    enum gh_err e = table_renew(w, false);
    return e == GH_ERR_IO && w->used < slots / 4 * 3 ? GH_OK : e;
}

static enum gh_err insert(struct gh_feed_writer *w, const uint64_t hash[2], uint64_t payload) {
    struct gh_feed_found found;
    enum gh_err e = make_room(w);
    if (!e)
        e = gh_feed_probe(&w->view, w->table, hash, &found);
    if (e)
        return e;
    gh_feed_writer_fill(w, w->table, &found, hash, payload);
    w->used++;
    return GH_OK;
}

enum gh_err gh_feed_set_epoch(struct gh_feed_writer *w, enum gh_epoch_kind kind, struct gh_str a,
                              struct gh_str b, long long epoch) {
    if (epoch < 0 || epoch > GH_FEED_EPOCH_MAX || (unsigned)kind > GH_EPOCH_AUDIENCE)
        return GH_ERR_MALFORMED;
    if (kind == GH_EPOCH_GLOBAL)
        return set_global(w, epoch);
    uint64_t hash[2];
    struct gh_feed_found found;
    gh_feed_hash(w->view.key, kind, a, b, hash);
    enum gh_err e = gh_feed_probe(&w->view, w->table, hash, &found);
    if (e) { /* too long a way, or damage; the second stays an error */
        e = table_renew(w, false);
        if (!e)
            e = gh_feed_probe(&w->view, w->table, hash, &found);
        if (e)
            return e;
    }
    if (found.payload == GH_FEED_EMPTY) {
        uint64_t payload = gh_feed_payload(kind, epoch);
        return still_matters(w, payload) ? insert(w, hash, payload) : GH_OK;
    }
    if (!gh_feed_payload_is(found.payload, kind))
        return GH_ERR_FEED;
    if (is_news(kind, epoch, gh_feed_payload_epoch(found.payload)))
        gh_feed_store(&slot(w, w->table, found.index)->word,
                      gh_feed_word_pack(w->view.key, found.at, gh_feed_payload(kind, epoch)));
    return GH_OK;
}

/* --- keys ----------------------------------------------------------------------------------------------- */

static void keys_publish(struct gh_feed_writer *w, uint32_t page, uint64_t bytes) {
    struct gh_feed_place old = w->keys, next = { .turn = old.turn + 1, .page = page };
    uint64_t old_bytes = w->keys_bytes;
    gh_feed_store(&header(w)->keys, gh_feed_place_pack(GH_FEED_KEYS, next));
    /* After the place: who sees the new count finds the new keys. */
    gh_feed_store(&header(w)->generation, gh_feed_generation_pack((header(w)->generation >> 16) + 1));
    w->keys = next;
    w->keys_bytes = bytes;
    gh_feed_writer_give_back(w, old.page, old_bytes);
}

/* One issuer's text, on its way into a new area. */
struct keys_row {
    struct gh_feed_keys_entry entry;
    const char *text;
};

/* The rows that stay and the one that is new; *ret_same when it is there already, word for word. */
static enum gh_err keys_gather(struct gh_feed_writer *w, const struct keys_row *fresh,
                               struct keys_row rows[GH_FEED_ISSUERS], size_t *ret_count, bool *ret_same) {
    struct gh_feed_keys_entry entry;
    enum gh_err e;
    *ret_count = 0;
    *ret_same = false;
    for (uint64_t n = 0; (e = gh_feed_keys_entry(&w->view, w->keys, n, &entry)) == GH_OK; n++) {
        if (memcmp(entry.issuer, fresh->entry.issuer, sizeof entry.issuer) == 0)
            *ret_same = entry.bytes == fresh->entry.bytes &&
                        memcmp(entry.text, fresh->entry.text, sizeof entry.text) == 0;
        else
            rows[(*ret_count)++] =
                (struct keys_row){ entry, (const char *)w->map + (uint64_t)w->keys.page * GH_FEED_PAGE +
                                              entry.offset };
    }
    if (e != GH_ERR_NOT_FOUND)
        return e;
    if (*ret_count == GH_FEED_ISSUERS)
        return GH_ERR_TOO_LARGE;
    rows[(*ret_count)++] = *fresh;
    return GH_OK;
}

static void keys_write(struct gh_feed_writer *w, uint32_t page, struct keys_row *rows, size_t count,
                       uint64_t bytes) {
    unsigned char *area = w->map + (uint64_t)page * GH_FEED_PAGE;
    struct gh_feed_keys_head head = { .bytes = bytes, .count = count };
    uint64_t at = sizeof head + count * sizeof rows[0].entry;
    head.check = gh_feed_words_check(w->view.key, &head.bytes, 2);
    memcpy(area, &head, sizeof head);
    for (size_t i = 0; i < count; i++) {
        struct gh_feed_keys_entry *e = &rows[i].entry;
        e->offset = at;
        e->check = gh_feed_words_check(w->view.key, e->issuer, 6);
        memcpy(area + sizeof head + i * sizeof *e, e, sizeof *e);
        if (e->bytes)
            memcpy(area + at, rows[i].text, e->bytes);
        at += e->bytes;
    }
}

enum gh_err gh_feed_set_keys(struct gh_feed_writer *w, struct gh_str issuer, struct gh_str jwks) {
    struct keys_row rows[GH_FEED_ISSUERS], fresh = { .entry.bytes = jwks.len, .text = jwks.ptr };
    size_t count;
    bool same;
    if (jwks.len > GH_LIMIT_JWKS)
        return GH_ERR_TOO_LARGE;
    gh_feed_hash(w->view.key, GH_FEED_HASH_ISSUER, issuer, GH_STR(""), fresh.entry.issuer);
    gh_feed_hash(w->view.key, GH_FEED_HASH_ISSUER, GH_STR(""), jwks, fresh.entry.text);
    enum gh_err e = keys_gather(w, &fresh, rows, &count, &same);
    if (e || same)
        return e;
    uint64_t bytes = sizeof(struct gh_feed_keys_head) + count * sizeof rows[0].entry;
    for (size_t i = 0; i < count; i++)
        bytes += rows[i].entry.bytes;
    uint32_t page;
    e = gh_feed_writer_reserve(w, bytes, &page);
    if (e)
        return e;
    keys_write(w, page, rows, count, bytes);
    keys_publish(w, page, bytes);
    return GH_OK;
}

/* --- life ----------------------------------------------------------------------------------------------- */

static bool fill_random(uint64_t key[2]) {
    return getrandom(key, 16, 0) == 16;
}

/* A key for a new file, or for one whose fixed part is lost: readers that mapped it before see damage until
 * they open it again. */
static enum gh_err header_make(struct gh_feed_writer *w) {
    struct gh_feed_header h = { .magic = GH_FEED_MAGIC,
                                .version = GH_FEED_VERSION,
                                .slot_bytes = sizeof(struct gh_feed_slot),
                                .file_bytes = w->view.bytes };
    if (posix_fallocate(w->fd, 0, GH_FEED_PAGE) != 0 || !fill_random(h.key))
        return GH_ERR_IO;
    h.check = gh_feed_header_check(&h);
    memcpy(w->view.key, h.key, sizeof h.key);
    gh_feed_store(&header(w)->magic, 0);
    memcpy((unsigned char *)header(w) + sizeof h.magic, (unsigned char *)&h + sizeof h.magic,
           64 - sizeof h.magic);
    return GH_OK;
}

static bool keys_are_whole(struct gh_feed_writer *w) {
    struct gh_feed_keys_entry entry;
    struct gh_feed_keys_head head;
    enum gh_err e;
    uint64_t hash[2];
    const char *area = (const char *)w->map + (uint64_t)w->keys.page * GH_FEED_PAGE;
    for (uint64_t n = 0; (e = gh_feed_keys_entry(&w->view, w->keys, n, &entry)) == GH_OK; n++) {
        gh_feed_hash(w->view.key, GH_FEED_HASH_ISSUER, GH_STR(""),
                     (struct gh_str){ area + entry.offset, entry.bytes }, hash);
        if (memcmp(hash, entry.text, sizeof hash) != 0)
            return false;
    }
    if (e != GH_ERR_NOT_FOUND)
        return false;
    if (w->keys.page) {
        memcpy(&head, area, sizeof head);
        w->keys_bytes = head.bytes;
    }
    return true;
}

/* Reads what the writer before us left. False: some of it is damaged. */
static bool take_over(struct gh_feed_writer *w) {
    struct gh_feed_header *h = header(w);
    uint64_t payload;
    bool table =
        gh_feed_place_unpack(GH_FEED_TABLE, h->table, &w->table) && gh_feed_table_ok(w->view.bytes, w->table);
    if (!table)
        w->table = (struct gh_feed_place){ 0 };
    bool keys = gh_feed_place_unpack(GH_FEED_KEYS, h->keys, &w->keys) && keys_are_whole(w);
    if (!keys)
        w->keys = (struct gh_feed_place){ 0 };
    bool facts = gh_feed_facts_take_over(w);
    if (!table || !keys || !facts || h->generation != gh_feed_generation_pack(h->generation >> 16) ||
        !gh_feed_word_unpack(w->view.key, GH_FEED_GLOBAL_AT, h->global, &payload))
        return false;
    w->used = 0;
    for (uint64_t i = 0; i < 1ULL << w->table.log2; i++) {
        if (!gh_feed_writer_payload(w, w->table, i, &payload))
            return false;
        w->used += payload != GH_FEED_EMPTY;
    }
    return true;
}

/* Keeps what is whole. The keys go first and whole: without keys no token passes, so nobody relies on the
 * epochs that are missing before they are published again. */
static enum gh_err mend(struct gh_feed_writer *w) {
    long long global = global_of(w);
    keys_publish(w, 0, 0);
    gh_feed_store(&header(w)->global, gh_feed_word_pack(w->view.key, GH_FEED_GLOBAL_AT,
                                                        gh_feed_payload(GH_EPOCH_GLOBAL, global)));
    enum gh_err e = table_renew(w, true);
    if (!e)
        e = gh_feed_facts_mend(w);
    if (!e)
        gh_feed_store(&header(w)->magic, GH_FEED_MAGIC);
    return e;
}

static enum gh_err load(struct gh_feed_writer *w) {
    uint64_t magic = header(w)->magic;
    if (magic != 0 && magic != GH_FEED_MAGIC)
        return GH_ERR_FEED; /* somebody else's file */
    if (magic == GH_FEED_MAGIC && header(w)->version != GH_FEED_VERSION)
        return GH_ERR_FEED;
    if (gh_feed_view_check(&w->view) == GH_OK)
        return take_over(w) ? GH_OK : mend(w);
    enum gh_err e = header_make(w);
    return e ? e : mend(w);
}

static enum gh_err map_file(struct gh_feed_writer *w) {
    struct stat st;
    if (fstat(w->fd, &st) != 0)
        return GH_ERR_IO;
    if (!S_ISREG(st.st_mode))
        return GH_ERR_FEED;
    /* Only ever longer: mappings of a shortened file end in SIGBUS. */
    uint64_t bytes = (uint64_t)st.st_size > GH_FEED_FILE_BYTES ? (uint64_t)st.st_size : GH_FEED_FILE_BYTES;
    if ((uint64_t)st.st_size < bytes) {
        uint64_t magic = 0;
        if (st.st_size > 0 && pread(w->fd, &magic, sizeof magic, 0) > 0 && magic != 0 &&
            magic != GH_FEED_MAGIC)
            return GH_ERR_FEED;
        if (ftruncate(w->fd, (off_t)bytes) != 0)
            return GH_ERR_IO;
    }
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd, 0);
    if (map == MAP_FAILED)
        return GH_ERR_IO;
    w->map = map;
    w->view.map = map;
    w->view.bytes = bytes;
    return GH_OK;
}

enum gh_err gh_feed_writer_open(const char *path, struct gh_feed_writer **ret) {
    struct gh_feed_writer *w = calloc(1, sizeof *w);
    if (!w)
        return GH_ERR_NOMEM;
    w->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    enum gh_err e = w->fd < 0 ? GH_ERR_IO : GH_OK;
    if (!e && flock(w->fd, LOCK_EX | LOCK_NB) != 0)
        e = errno == EWOULDBLOCK ? GH_ERR_BUSY : GH_ERR_IO;
    if (!e)
        e = map_file(w);
    if (!e)
        e = load(w);
    if (e) {
        gh_feed_writer_close(w);
        return e;
    }
    *ret = w;
    return GH_OK;
}

void gh_feed_writer_close(struct gh_feed_writer *w) {
    if (!w)
        return;
    if (w->map)
        munmap(w->map, w->view.bytes);
    if (w->fd >= 0)
        close(w->fd); /* and with it the lock */
    free(w);
}
