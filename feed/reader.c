/* feed/reader.c - looks things up in a mapped feed. Believes no byte of it; see layout.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/limits.h"
#include "feed/layout.h"

enum gh_err gh_feed_view_check(struct gh_feed_view *v) {
    const struct gh_feed_header *h = gh_feed_view_header(v);
    if (v->bytes < GH_FEED_PAGE || gh_feed_load(&h->magic) != GH_FEED_MAGIC)
        return GH_ERR_FEED;
    struct gh_feed_header copy;
    memcpy(&copy, h, sizeof copy);
    if (copy.version != GH_FEED_VERSION || copy.slot_bytes != sizeof(struct gh_feed_slot) ||
        copy.file_bytes != v->bytes || copy.check != gh_feed_header_check(&copy))
        return GH_ERR_FEED;
    v->key[0] = copy.key[0];
    v->key[1] = copy.key[1];
    return GH_OK;
}

static enum gh_err map_file(int fd, struct gh_feed_view *v) {
    struct stat st;
    if (fstat(fd, &st) != 0)
        return GH_ERR_IO;
    if (!S_ISREG(st.st_mode) || st.st_size < GH_FEED_PAGE)
        return GH_ERR_FEED;
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return GH_ERR_IO;
    v->map = map;
    v->bytes = (uint64_t)st.st_size;
    return GH_OK;
}

enum gh_err gh_feed_open(const char *path, struct gh_feed **ret) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? GH_ERR_NOT_FOUND : GH_ERR_IO;
    struct gh_feed_view view = { 0 };
    enum gh_err e = map_file(fd, &view);
    close(fd); /* the mapping stays */
    struct gh_feed *f = e ? NULL : calloc(1, sizeof *f);
    if (!e)
        e = f ? gh_feed_view_check(&view) : GH_ERR_NOMEM;
    if (e) {
        if (view.map)
            munmap((void *)view.map, view.bytes);
        free(f);
        return e;
    }
    f->view = view;
    *ret = f;
    return GH_OK;
}

void gh_feed_close(struct gh_feed *f) {
    if (!f)
        return;
    munmap((void *)f->view.map, f->view.bytes);
    free(f);
}

/* --- epochs --------------------------------------------------------------------------------------------- */

enum gh_err gh_feed_probe(const struct gh_feed_view *v, struct gh_feed_place table, const uint64_t hash[2],
                          struct gh_feed_found *ret) {
    const struct gh_feed_slot *slots =
        (const struct gh_feed_slot *)(v->map + (uint64_t)table.page * GH_FEED_PAGE);
    uint64_t first = (uint64_t)table.page * (GH_FEED_PAGE / sizeof *slots), mask = (1ULL << table.log2) - 1;
    for (uint64_t step = 0; step < GH_FEED_PROBES; step++) {
        uint64_t index = (hash[0] + step) & mask, at = first + index, payload;
        const struct gh_feed_slot *s = &slots[index];
        if (!gh_feed_word_unpack(v->key, at, gh_feed_load(&s->word), &payload))
            return GH_ERR_FEED;
        *ret = (struct gh_feed_found){ index, at, payload };
        if (payload == GH_FEED_EMPTY)
            return GH_OK;
        /* Also of slots that are not ours: a damaged one might be. These words were written before `word`. */
        uint64_t h0 = gh_feed_load(&s->hash[0]), h1 = gh_feed_load(&s->hash[1]);
        if (gh_feed_load(&s->check) != gh_feed_slot_check(v->key, at, h0, h1))
            return GH_ERR_FEED;
        if (h0 == hash[0] && h1 == hash[1])
            return GH_OK;
    }
    return GH_ERR_FEED;
}

static enum gh_err global_epoch(const struct gh_feed_view *v, long long *ret) {
    uint64_t payload;
    if (!gh_feed_word_unpack(v->key, GH_FEED_GLOBAL_AT, gh_feed_load(&gh_feed_view_header(v)->global),
                             &payload) ||
        !gh_feed_payload_is(payload, GH_EPOCH_GLOBAL))
        return GH_ERR_FEED;
    *ret = gh_feed_payload_epoch(payload);
    return GH_OK;
}

enum gh_err gh_feed_epoch(const struct gh_feed *f, enum gh_epoch_kind kind, struct gh_str a, struct gh_str b,
                          long long *ret) {
    const struct gh_feed_view *v = &f->view;
    const uint64_t *table_word = &gh_feed_view_header(v)->table;
    if (kind == GH_EPOCH_GLOBAL)
        return global_epoch(v, ret);
    uint64_t hash[2];
    gh_feed_hash(v->key, kind, a, b, hash);
    for (int i = 0; i < GH_FEED_RETRIES; i++) {
        uint64_t word = gh_feed_load(table_word);
        struct gh_feed_place table;
        struct gh_feed_found found = { 0 };
        enum gh_err e = GH_ERR_FEED;
        if (gh_feed_place_unpack(GH_FEED_TABLE, word, &table) && gh_feed_table_ok(v->bytes, table))
            e = gh_feed_probe(v, table, hash, &found);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (gh_feed_load(table_word) != word)
            continue; /* the table was given up meanwhile: what we saw may be anything */
        if (!e && found.payload != GH_FEED_EMPTY && !gh_feed_payload_is(found.payload, kind))
            e = GH_ERR_FEED;
        if (!e)
            *ret = found.payload == GH_FEED_EMPTY ? 0 : gh_feed_payload_epoch(found.payload);
        return e;
    }
    return GH_ERR_FEED;
}

/* --- keys ----------------------------------------------------------------------------------------------- */

enum gh_err gh_feed_keys_generation(const struct gh_feed *f, unsigned long long *ret) {
    uint64_t word = gh_feed_load(&gh_feed_view_header(&f->view)->generation);
    if (word != gh_feed_generation_pack(word >> 16))
        return GH_ERR_FEED;
    *ret = word >> 16;
    return GH_OK;
}

enum gh_err gh_feed_keys_entry(const struct gh_feed_view *v, struct gh_feed_place area, uint64_t n,
                               struct gh_feed_keys_entry *ret) {
    struct gh_feed_keys_head head;
    if (area.page == 0)
        return GH_ERR_NOT_FOUND;
    if (!gh_feed_range_ok(v->bytes, area.page, sizeof head))
        return GH_ERR_FEED;
    const unsigned char *at = v->map + (uint64_t)area.page * GH_FEED_PAGE;
    memcpy(&head, at, sizeof head); /* copies: what is checked is what is used */
    if (head.check != gh_feed_words_check(v->key, &head.bytes, 2) || head.count > GH_FEED_ISSUERS ||
        !gh_feed_range_ok(v->bytes, area.page, head.bytes) ||
        head.bytes < sizeof head + head.count * sizeof *ret)
        return GH_ERR_FEED;
    if (n >= head.count)
        return GH_ERR_NOT_FOUND;
    memcpy(ret, at + sizeof head + n * sizeof *ret, sizeof *ret);
    if (ret->check != gh_feed_words_check(v->key, ret->issuer, 6) || ret->bytes > GH_LIMIT_JWKS ||
        ret->offset > head.bytes || ret->bytes > head.bytes - ret->offset)
        return GH_ERR_FEED;
    return GH_OK;
}

enum gh_err gh_feed_keys_text(const struct gh_feed_view *v, struct gh_feed_place area,
                              const struct gh_feed_keys_entry *entry, struct gh_arena *a,
                              struct gh_str *ret) {
    const unsigned char *at = v->map + (uint64_t)area.page * GH_FEED_PAGE + entry->offset;
    struct gh_str copy = gh_arena_dup(a, (struct gh_str){ (const char *)at, entry->bytes });
    if (!copy.ptr)
        return GH_ERR_NOMEM;
    uint64_t hash[2];
    gh_feed_hash(v->key, GH_FEED_HASH_ISSUER, GH_STR(""), copy, hash);
    if (hash[0] != entry->text[0] || hash[1] != entry->text[1])
        return GH_ERR_FEED;
    *ret = copy;
    return GH_OK;
}

static enum gh_err find_keys(const struct gh_feed_view *v, struct gh_feed_place area,
                             const uint64_t issuer[2], struct gh_arena *a, struct gh_str *ret) {
    struct gh_feed_keys_entry entry;
    enum gh_err e;
    for (uint64_t n = 0; (e = gh_feed_keys_entry(v, area, n, &entry)) == GH_OK; n++)
        if (entry.issuer[0] == issuer[0] && entry.issuer[1] == issuer[1])
            return gh_feed_keys_text(v, area, &entry, a, ret);
    return e;
}

enum gh_err gh_feed_keys(const struct gh_feed *f, struct gh_arena *a, struct gh_str issuer,
                         struct gh_str *ret) {
    const struct gh_feed_view *v = &f->view;
    const uint64_t *keys_word = &gh_feed_view_header(v)->keys;
    uint64_t hash[2];
    gh_feed_hash(v->key, GH_FEED_HASH_ISSUER, issuer, GH_STR(""), hash);
    for (int i = 0; i < GH_FEED_RETRIES; i++) {
        uint64_t word = gh_feed_load(keys_word);
        struct gh_feed_place area;
        struct gh_str text = { 0 };
        enum gh_err e = gh_feed_place_unpack(GH_FEED_KEYS, word, &area) ? find_keys(v, area, hash, a, &text)
                                                                        : GH_ERR_FEED;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (gh_feed_load(keys_word) != word)
            continue;
        if (!e)
            *ret = text;
        return e;
    }
    return GH_ERR_FEED;
}
