/* feed/facts.c - short texts about APIs and organizations, both sides; see layout.h. */
#include "core/limits.h"
#include "feed/writer_private.h"

/* Room for texts in a new area, beside twice what is there. */
#define ROOM_MIN 16384

static void fact_hash(const uint64_t key[2], enum gh_fact_kind kind, struct gh_str issuer, struct gh_str name,
                      uint64_t ret[2]) {
    gh_feed_hash(key, GH_FEED_HASH_FACT | (unsigned)kind, issuer, name, ret);
}

static uint64_t slots_bytes(struct gh_feed_place area) {
    return area.page ? sizeof(struct gh_feed_slot) << area.log2 : 0;
}

/* --- texts ---------------------------------------------------------------------------------------------- */

static void text_check(const uint64_t key[2], const uint64_t hash[2], uint64_t at, struct gh_str text,
                       uint64_t ret[2]) {
    const uint64_t whose[] = { hash[0], hash[1], at, text.len };
    struct gh_siphash s;
    gh_siphash_init(&s, key);
    gh_siphash_add(&s, (struct gh_str){ (const char *)whose, sizeof whose });
    gh_siphash_add(&s, text);
    gh_siphash_end(&s, ret);
}

/* A copy: what is checked is what is used. */
static enum gh_err text_read(const struct gh_feed_view *v, struct gh_feed_place area, const uint64_t hash[2],
                             uint64_t payload, struct gh_fact *ret) {
    uint64_t offset = payload * GH_FEED_TEXT_UNIT, check[2];
    struct gh_feed_text head;
    if (offset < slots_bytes(area) || !gh_feed_range_ok(v->bytes, area.page, offset + sizeof head))
        return GH_ERR_FEED;
    const unsigned char *at = v->map + (uint64_t)area.page * GH_FEED_PAGE + offset;
    memcpy(&head, at, sizeof head);
    if (head.bytes > sizeof ret->text ||
        !gh_feed_range_ok(v->bytes, area.page, offset + sizeof head + head.bytes))
        return GH_ERR_FEED;
    memcpy(ret->text, at + sizeof head, head.bytes);
    ret->len = head.bytes;
    text_check(v->key, hash, (uint64_t)area.page * GH_FEED_PAGE + offset, gh_fact_text(ret), check);
    return check[0] == head.check[0] && check[1] == head.check[1] ? GH_OK : GH_ERR_FEED;
}

static uint64_t text_bytes(size_t len) {
    uint64_t bytes = sizeof(struct gh_feed_text) + len;
    return (bytes + GH_FEED_TEXT_UNIT - 1) / GH_FEED_TEXT_UNIT * GH_FEED_TEXT_UNIT;
}

/* --- reading -------------------------------------------------------------------------------------------- */

static enum gh_err fact_find(const struct gh_feed_view *v, struct gh_feed_place area, const uint64_t hash[2],
                             struct gh_fact *ret) {
    struct gh_feed_found found;
    if (area.page == 0)
        return GH_ERR_NOT_FOUND;
    if (!gh_feed_table_ok(v->bytes, area))
        return GH_ERR_FEED;
    enum gh_err e = gh_feed_probe(v, area, hash, &found);
    if (e)
        return e;
    switch (found.payload) {
    case GH_FEED_EMPTY:
    case GH_FEED_FACT_NONE:
        return GH_ERR_NOT_FOUND;
    case GH_FEED_FACT_UNKNOWN:
        return GH_ERR_FEED;
    default:
        return text_read(v, area, hash, found.payload, ret);
    }
}

enum gh_err gh_feed_fact(const struct gh_feed *f, enum gh_fact_kind kind, struct gh_str issuer,
                         struct gh_str name, struct gh_fact *ret) {
    const struct gh_feed_view *v = &f->view;
    const uint64_t *word = &gh_feed_view_header(v)->facts;
    uint64_t hash[2];
    fact_hash(v->key, kind, issuer, name, hash);
    for (int i = 0; i < GH_FEED_RETRIES; i++) {
        uint64_t seen = gh_feed_load(word);
        struct gh_feed_place area;
        enum gh_err e =
            gh_feed_place_unpack(GH_FEED_FACTS, seen, &area) ? fact_find(v, area, hash, ret) : GH_ERR_FEED;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (gh_feed_load(word) == seen)
            return e;
    }
    return GH_ERR_FEED;
}

/* --- an area -------------------------------------------------------------------------------------------- */

static struct gh_feed_facts_head *area_head(struct gh_feed_writer *w, struct gh_feed_place area) {
    return (struct gh_feed_facts_head *)(w->map + (uint64_t)area.page * GH_FEED_PAGE + slots_bytes(area));
}

static uint64_t area_check(struct gh_feed_writer *w, struct gh_feed_place area, uint64_t bytes) {
    const uint64_t words[] = { bytes, area.page, area.log2 };
    return gh_feed_words_check(w->view.key, words, GH_COUNT(words));
}

/* Puts a text behind the others; the caller saw that there is room. */
static uint64_t text_write(struct gh_feed_writer *w, struct gh_feed_place area, uint64_t *end,
                           const uint64_t hash[2], struct gh_str text) {
    uint64_t offset = *end, from = (uint64_t)area.page * GH_FEED_PAGE + offset;
    struct gh_feed_text head = { .bytes = text.len };
    text_check(w->view.key, hash, from, text, head.check);
    memcpy(w->map + from, &head, sizeof head);
    if (text.len)
        memcpy(w->map + from + sizeof head, text.ptr, text.len);
    *end += text_bytes(text.len);
    return offset / GH_FEED_TEXT_UNIT;
}

/* One fact of the present area: false for an empty slot and what needs none. FEED when it is damaged. */
static enum gh_err fact_at(struct gh_feed_writer *w, uint64_t index, bool *ret_has, uint64_t *ret_payload,
                           struct gh_fact *ret) {
    const struct gh_feed_slot *s = gh_feed_writer_slot(w, w->facts, index);
    *ret_has = false;
    if (!gh_feed_writer_payload(w, w->facts, index, ret_payload))
        return GH_ERR_FEED;
    if (*ret_payload == GH_FEED_EMPTY || *ret_payload == GH_FEED_FACT_NONE)
        return GH_OK;
    ret->len = 0;
    if (*ret_payload != GH_FEED_FACT_UNKNOWN) {
        enum gh_err e = text_read(&w->view, w->facts, s->hash, *ret_payload, ret);
        if (e)
            return e;
    }
    *ret_has = true;
    return GH_OK;
}

struct totals {
    uint64_t facts, bytes;
};

static enum gh_err area_count(struct gh_feed_writer *w, bool mending, struct totals *ret) {
    struct gh_fact fact;
    uint64_t payload;
    bool has;
    *ret = (struct totals){ 0 };
    for (uint64_t i = 0; w->facts.page && i < 1ULL << w->facts.log2; i++) {
        enum gh_err e = fact_at(w, i, &has, &payload, &fact);
        if (e && !mending)
            return e;
        if (!e && has) {
            ret->facts++;
            ret->bytes += text_bytes(fact.len);
        }
    }
    return GH_OK;
}

static enum gh_err area_copy(struct gh_feed_writer *w, struct gh_feed_place to, uint64_t *end) {
    struct gh_fact fact;
    uint64_t payload;
    bool has;
    for (uint64_t i = 0; w->facts.page && i < 1ULL << w->facts.log2; i++) {
        if (fact_at(w, i, &has, &payload, &fact) || !has)
            continue;
        const uint64_t *hash = gh_feed_writer_slot(w, w->facts, i)->hash;
        struct gh_feed_found found;
        enum gh_err e = gh_feed_probe(&w->view, to, hash, &found);
        if (e)
            return e;
        if (payload != GH_FEED_FACT_UNKNOWN)
            payload = text_write(w, to, end, hash, gh_fact_text(&fact));
        gh_feed_writer_fill(w, to, &found, hash, payload);
    }
    return GH_OK;
}

/* A new area, its table a quarter full, its texts a half; one word publishes it. */
static enum gh_err area_renew(struct gh_feed_writer *w, bool mending, uint64_t more) {
    struct gh_feed_place old = w->facts, next = { .turn = old.turn + 1, .log2 = GH_FEED_FACTS_LOG2_MIN };
    uint64_t old_bytes = w->facts_bytes, bytes, end;
    struct totals live;
    enum gh_err e = area_count(w, mending, &live);
    if (e)
        return e;
    while (next.log2 < GH_FEED_SLOTS_LOG2_MAX && 1ULL << next.log2 < live.facts * 4)
        next.log2++;
    for (;; next.log2++) { /* too long a way for one of them, which practically never happens */
        if (next.log2 > GH_FEED_SLOTS_LOG2_MAX)
            return GH_ERR_IO;
        bytes = slots_bytes((struct gh_feed_place){ .page = 1, .log2 = next.log2 }) + 2 * live.bytes + more +
                ROOM_MIN;
        e = gh_feed_writer_reserve(w, bytes, &next.page);
        if (e)
            return e;
        gh_feed_writer_clear(w, next);
        *area_head(w, next) = (struct gh_feed_facts_head){ bytes, area_check(w, next, bytes) };
        end = slots_bytes(next) + sizeof(struct gh_feed_facts_head);
        if (area_copy(w, next, &end) == GH_OK)
            break;
        gh_feed_writer_give_back(w, next.page, bytes);
    }
    gh_feed_store(&gh_feed_writer_header(w)->facts, gh_feed_place_pack(GH_FEED_FACTS, next));
    w->facts = next;
    w->facts_bytes = bytes;
    w->facts_used = live.facts;
    w->facts_end = end;
    gh_feed_writer_give_back(w, old.page, old_bytes);
    return GH_OK;
}

/* --- writing -------------------------------------------------------------------------------------------- */

static enum gh_err slot_find(struct gh_feed_writer *w, const uint64_t hash[2], struct gh_feed_found *ret) {
    return w->facts.page ? gh_feed_probe(&w->view, w->facts, hash, ret) : GH_ERR_NOT_FOUND;
}

static void slot_set(struct gh_feed_writer *w, const struct gh_feed_found *found, const uint64_t hash[2],
                     uint64_t payload) {
    if (found->payload == GH_FEED_EMPTY) {
        gh_feed_writer_fill(w, w->facts, found, hash, payload);
        w->facts_used++;
    } else
        gh_feed_store(&gh_feed_writer_slot(w, w->facts, found->index)->word,
                      gh_feed_word_pack(w->view.key, found->at, payload));
}

static bool has_room(struct gh_feed_writer *w, bool new_slot, size_t len) {
    return w->facts.page && w->facts_end + text_bytes(len) <= w->facts_bytes &&
           (!new_slot || w->facts_used < (1ULL << w->facts.log2) / 2);
}

/* The last resort of one who cannot tell a fact: nobody may believe the old one. The slot of a fact that is
 * there has room for that; without a slot left, no fact is believed any more. */
static void withdraw(struct gh_feed_writer *w, const uint64_t hash[2]) {
    struct gh_feed_found found;
    if (slot_find(w, hash, &found) == GH_OK &&
        (found.payload != GH_FEED_EMPTY || w->facts_used < (1ULL << w->facts.log2) / 4 * 3)) {
        slot_set(w, &found, hash, GH_FEED_FACT_UNKNOWN);
        return;
    }
    gh_feed_store(&gh_feed_writer_header(w)->facts, 0);
    w->facts_lost = true;
}

static bool is_same(struct gh_feed_writer *w, const uint64_t hash[2], struct gh_str text) {
    struct gh_fact now;
    enum gh_err e = fact_find(&w->view, w->facts, hash, &now);
    return text.ptr ? e == GH_OK && gh_str_eq(gh_fact_text(&now), text) : e == GH_ERR_NOT_FOUND;
}

static enum gh_err put(struct gh_feed_writer *w, const uint64_t hash[2], struct gh_str text) {
    struct gh_feed_found found;
    enum gh_err e = slot_find(w, hash, &found);
    if (e || !has_room(w, found.payload == GH_FEED_EMPTY, text.len)) {
        e = area_renew(w, false, text_bytes(text.len));
        if (!e)
            e = slot_find(w, hash, &found);
    }
    if (!e)
        slot_set(w, &found, hash,
                 text.ptr ? text_write(w, w->facts, &w->facts_end, hash, text) : GH_FEED_FACT_NONE);
    return e;
}

enum gh_err gh_feed_set_fact(struct gh_feed_writer *w, enum gh_fact_kind kind, struct gh_str issuer,
                             struct gh_str name, struct gh_str text) {
    uint64_t hash[2];
    if (text.len > GH_LIMIT_FACT)
        return GH_ERR_TOO_LARGE;
    if (w->facts_lost)
        return GH_ERR_FEED;
    fact_hash(w->view.key, kind, issuer, name, hash);
    if (is_same(w, hash, text))
        return GH_OK;
    enum gh_err e = put(w, hash, text);
    if (e)
        withdraw(w, hash);
    return e;
}

/* --- life ----------------------------------------------------------------------------------------------- */

bool gh_feed_facts_take_over(struct gh_feed_writer *w) {
    struct gh_feed_place area;
    struct gh_feed_facts_head head;
    struct gh_fact fact;
    uint64_t payload;
    bool has;
    if (!gh_feed_place_unpack(GH_FEED_FACTS, gh_feed_writer_header(w)->facts, &area))
        return false;
    if (area.page == 0)
        return true;
    if (!gh_feed_table_ok(w->view.bytes, area) ||
        !gh_feed_range_ok(w->view.bytes, area.page, slots_bytes(area) + sizeof head))
        return false;
    memcpy(&head, area_head(w, area), sizeof head);
    if (head.check != area_check(w, area, head.bytes) ||
        !gh_feed_range_ok(w->view.bytes, area.page, head.bytes) ||
        head.bytes < slots_bytes(area) + sizeof head)
        return false;
    w->facts = area;
    w->facts_bytes = head.bytes;
    w->facts_used = 0;
    w->facts_end = slots_bytes(area) + sizeof head;
    for (uint64_t i = 0; i < 1ULL << area.log2; i++) {
        if (fact_at(w, i, &has, &payload, &fact))
            return false;
        w->facts_used += payload != GH_FEED_EMPTY;
        if (has && payload != GH_FEED_FACT_UNKNOWN &&
            payload * GH_FEED_TEXT_UNIT + text_bytes(fact.len) > w->facts_end)
            w->facts_end = payload * GH_FEED_TEXT_UNIT + text_bytes(fact.len);
    }
    return true;
}

enum gh_err gh_feed_facts_mend(struct gh_feed_writer *w) {
    w->facts_lost = false;
    if (w->facts.page)
        return area_renew(w, true, 0);
    gh_feed_store(&gh_feed_writer_header(w)->facts,
                  gh_feed_place_pack(GH_FEED_FACTS, (struct gh_feed_place){ 0 }));
    return GH_OK;
}
