#include "gateway/token_table.h"

#include "feed/siphash.h"
#include "gateway/token_record.h"

/* A record in the ring, in 8-byte words: a check of the key, the payload and its length, whose low 16 bits
 * are that length in bytes; the first 24 bytes of the key, which nobody finds twice (2^192); payload. The
 * last 8 are in the check only. */
#define LENGTH_MASK 0xffffULL
enum { CHECK = 0, KEY = 1, PAYLOAD = 4, STORED_KEY = (PAYLOAD - KEY) * 8 };
enum { RECORD_WORDS = PAYLOAD + GH_TOKEN_RECORD_MAX / 8 };

/* An index word: 24 bits of the key, 40 bits of 1 + the record's position, which counts all words ever
 * written and so tells how old the record is; 0 is empty. Positions come round after 8 TiB: then the key in
 * the record decides, as always. */
#define WAYS 8             /* a cache line */
#define WORDS_PER_ENTRY 16 /* of all memory: a usual record has 18 to 23 words, a refusal 5 */
#define POSITION_BITS 40
#define POSITION_MASK ((1ULL << POSITION_BITS) - 1)

struct record {
    uint64_t word[RECORD_WORDS];
    size_t words, length; /* of all, in words; of the payload, in bytes */
};

/* Other processes write while we read, and a torn value is expected: relaxed, but never a plain access. */
static uint64_t load(const uint64_t *at) {
    return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static void store(uint64_t *at, uint64_t value) {
    __atomic_store_n(at, value, __ATOMIC_RELAXED);
}

bool gh_token_table_view(struct gh_token_table *ret, void *memory, size_t size) {
    if (size < GH_TOKEN_TABLE_MIN)
        return false;
    uint64_t words = size / 8, sets = words / (WORDS_PER_ENTRY * WAYS);
    uint64_t *at = memory;
    *ret = (struct gh_token_table){ .head = at, .index = at + 8, .ring = at + 8 + sets * WAYS, .sets = sets };
    ret->words = words - 8 - sets * WAYS;
    return true;
}

/* Against torn writes and damage, not against an enemy: who writes this memory runs in the worker. */
static uint64_t check_of(const unsigned char *key, const struct record *r) {
    static const uint64_t fixed[2] = { 0x67617465686f7573, 0x746f6b656e732e31 };
    struct gh_siphash s;
    uint64_t sum[2];
    gh_siphash_init(&s, fixed);
    gh_siphash_add(&s, (struct gh_str){ (const char *)key, GH_TOKEN_KEY });
    gh_siphash_add(&s, (struct gh_str){ (const char *)&r->word[PAYLOAD], (r->words - PAYLOAD) * 8 });
    gh_siphash_add(&s, (struct gh_str){ (const char *)&r->length, sizeof r->length });
    gh_siphash_end(&s, sum);
    return (sum[0] & ~LENGTH_MASK) | r->length;
}

static uint64_t *set_of(const struct gh_token_table *t, const unsigned char *key) {
    uint64_t hash;
    memcpy(&hash, key, sizeof hash);
    return t->index + (hash >> 32) * t->sets / (1ULL << 32) * WAYS;
}

static uint64_t tag_of(const unsigned char *key) {
    uint64_t hash;
    memcpy(&hash, key + 8, sizeof hash);
    return hash & ~POSITION_MASK;
}

/* How many words were written since that position. */
static uint64_t age_of(const struct gh_token_table *t, uint64_t entry) {
    return (load(t->head) - (entry - 1)) & POSITION_MASK;
}

/* False when what stands there is not the whole record of this key. */
static bool copy(const struct gh_token_table *t, uint64_t entry, const unsigned char *key, struct record *r) {
    uint64_t at = ((entry & POSITION_MASK) - 1) % t->words, room = t->words - at;
    if (room < PAYLOAD)
        return false;
    r->length = load(&t->ring[at + CHECK]) & LENGTH_MASK;
    if (r->length > GH_TOKEN_RECORD_MAX)
        return false;
    r->words = PAYLOAD + (r->length + 7) / 8;
    if (r->words > room)
        return false;
    for (size_t i = 0; i < r->words; i++)
        r->word[i] = load(&t->ring[at + i]);
    return memcmp(&r->word[KEY], key, STORED_KEY) == 0 && r->word[CHECK] == check_of(key, r);
}

/* The next place for a record. None straddles the end: that rest stays unused. */
static uint64_t reserve(const struct gh_token_table *t, size_t words) {
    for (;;) {
        uint64_t at = __atomic_fetch_add(t->head, words, __ATOMIC_RELAXED);
        if (at % t->words + words <= t->words)
            return at;
    }
}

/* Which index word of the set to write: the key's own, an empty one, else that of the oldest record. */
static uint64_t *way_for(const struct gh_token_table *t, const unsigned char *key) {
    uint64_t *set = set_of(t, key), *best = set, oldest = 0;
    for (size_t i = 0; i < WAYS; i++) {
        uint64_t entry = load(&set[i]);
        if ((entry & ~POSITION_MASK) == tag_of(key) && entry != 0)
            return &set[i];
        uint64_t age = entry == 0 ? UINT64_MAX : age_of(t, entry);
        if (age > oldest) {
            oldest = age;
            best = &set[i];
        }
    }
    return best;
}

static void append(const struct gh_token_table *t, const unsigned char *key, const struct record *r) {
    uint64_t position = reserve(t, r->words);
    for (size_t i = 0; i < r->words; i++)
        store(&t->ring[position % t->words + i], r->word[i]);
    __atomic_store_n(way_for(t, key), tag_of(key) | ((position + 1) & POSITION_MASK), __ATOMIC_RELEASE);
}

static void put(const struct gh_token_table *t, const unsigned char *key, struct record *r, size_t length) {
    r->words = PAYLOAD + (length + 7) / 8;
    memcpy(&r->word[KEY], key, STORED_KEY);
    r->length = length;
    r->word[CHECK] = check_of(key, r);
    append(t, key, r);
}

/* What is asked for is written again before the ring comes round to it: only what nobody uses is lost. */
static bool find(const struct gh_token_table *t, const unsigned char *key, struct record *r) {
    const uint64_t *set = set_of(t, key);
    for (size_t i = 0; i < WAYS; i++) {
        uint64_t entry = __atomic_load_n(&set[i], __ATOMIC_ACQUIRE);
        if (entry == 0 || (entry & ~POSITION_MASK) != tag_of(key))
            continue;
        uint64_t age = age_of(t, entry);
        if (age > t->words || !copy(t, entry, key, r))
            continue;
        if (age > t->words / 2)
            append(t, key, r);
        return true;
    }
    return false;
}

enum gh_err gh_token_table_find(const struct gh_token_table *t, const unsigned char *key, struct gh_arena *a,
                                const struct gh_token_scope *scope, struct gh_claims *ret) {
    struct record r __attribute__((uninitialized)); /* 2 KiB: zeroing it costs as much as the look-up */
    if (!find(t, key, &r))
        return GH_ERR_NOT_FOUND;
    struct gh_str payload = { (const char *)&r.word[PAYLOAD], r.length };
    enum gh_err e = gh_token_record_read(a, payload, scope, ret);
    return e == GH_ERR_MALFORMED ? GH_ERR_NOT_FOUND : e;
}

void gh_token_table_put(const struct gh_token_table *t, const unsigned char *key,
                        const struct gh_token_scope *scope, const struct gh_claims *claims) {
    struct record r __attribute__((uninitialized));
    size_t length = gh_token_record_write(scope, claims, (unsigned char *)&r.word[PAYLOAD]);
    if (length > 0)
        put(t, key, &r, length);
}

enum gh_err gh_token_table_refusal(const struct gh_token_table *t, const unsigned char *key) {
    struct record r __attribute__((uninitialized));
    if (!find(t, key, &r) || r.length != sizeof(uint64_t))
        return GH_OK;
    return (enum gh_err)r.word[PAYLOAD];
}

void gh_token_table_put_refusal(const struct gh_token_table *t, const unsigned char *key, enum gh_err e) {
    struct record r __attribute__((uninitialized));
    r.word[PAYLOAD] = e;
    put(t, key, &r, sizeof(uint64_t));
}
