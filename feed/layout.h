/* feed/layout.h - what is where in a feed file. The only thing writer and reader share;
 * docs/internals/feed.md tells why.
 *
 *     page 0          struct gh_feed_header; the first 64 bytes never change, five words behind them do
 *     anywhere else   one table of slots (epochs), at most one area of key sets and one of facts, each from a
 *                     page on
 *
 * The file is sparse and has its full size from birth. Everything that changes under readers changes by one
 * aligned 8-byte store, so there is no half-written state to see or to crash in:
 *   - a header word names the current table or key area; a new one is written elsewhere first;
 *   - a slot's `word` turns an empty slot into a used one, and carries the epoch of a used one.
 * Every word and slot carries a check bound to its place, also an empty one: zeros, strays and flipped bits
 * read as damage and never as "nothing was revoked". A reader that took its answer from a table looks at the
 * header word again: when it changed, the answer does not count. */
#pragma once
#include <stdint.h>

#include "feed/feed.h"
#include "feed/siphash.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "both sides run on one machine; all of ours are little-endian");

#define GH_FEED_MAGIC 0x3130444545464847 /* "GHFEED01" */
#define GH_FEED_VERSION 1
#define GH_FEED_PAGE 4096
#define GH_FEED_FILE_BYTES (1ULL << 30)
#define GH_FEED_SLOTS_LOG2_MIN 12 /* of a new table */
#define GH_FEED_SLOTS_LOG2_MAX 24
#define GH_FEED_PROBES                                                                                       \
    256 /* the writer grows the table rather than probe further, so a reader need not either */
#define GH_FEED_ISSUERS 64

struct gh_feed_header {
    uint64_t magic; /* written last when the file is made */
    uint32_t version, slot_bytes;
    uint64_t file_bytes;
    uint64_t key[2]; /* of all hashes and checks in this file */
    uint64_t check;  /* SipHash of the above under a fixed key */
    uint64_t unused[2];
    uint64_t table, keys; /* places, see gh_feed_place */
    uint64_t global;      /* a slot word: the global epoch */
    uint64_t generation;  /* of the keys: count << 16 | CRC */
    uint64_t facts;       /* a place too; younger than the others, so that a file of before is mended */
};
_Static_assert(sizeof(struct gh_feed_header) == 104, "the layout is fixed");

struct gh_feed_slot {
    uint64_t hash[2]; /* SipHash of kind, a, b */
    uint64_t check;   /* of hash and position */
    uint64_t word;    /* kind << 61 | epoch << 24 | check of these and the position */
};
_Static_assert(sizeof(struct gh_feed_slot) == 32, "the layout is fixed");

/* The key area: this, then `count` entries, then their texts. */
struct gh_feed_keys_head {
    uint64_t bytes, count; /* of the whole area; of entries */
    uint64_t check;
};
struct gh_feed_keys_entry {
    uint64_t issuer[2];     /* SipHash */
    uint64_t offset, bytes; /* of the text, from the start of the area */
    uint64_t text[2];       /* SipHash of the text */
    uint64_t check;
};

/* The fact area: a table of slots whose payloads are one of these, or where a text stands behind the table,
 * counted in GH_FEED_TEXT_UNIT from the start of the area. A text is written once and never moves or changes
 * within its area. */
#define GH_FEED_FACT_NONE 0    /* was there once */
#define GH_FEED_FACT_UNKNOWN 1 /* could not be told: readers must not take it for none */
#define GH_FEED_FACTS_LOG2_MIN 8
#define GH_FEED_TEXT_UNIT 16

struct gh_feed_facts_head { /* behind the table */
    uint64_t bytes;         /* of the whole area */
    uint64_t check;         /* of `bytes` and the place */
};
struct gh_feed_text { /* then its bytes */
    uint64_t bytes;
    uint64_t check[2]; /* SipHash of whose it is, where it stands and what it says */
};

/* --- words ---------------------------------------------------------------------------------------------- */

/* Which header word this is: one in another's place is damage, and so are zeros. */
enum gh_feed_role {
    GH_FEED_TABLE = 0x5a01,
    GH_FEED_KEYS = 0x5a02,
    GH_FEED_GENERATION = 0x5a03,
    GH_FEED_FACTS = 0x5a04
};

/* A CRC finds every change within 16 neighbouring bits, so every flipped byte. (x^16 + x^12 + x^5 + 1, a byte
 * at a time: the shifts are what a table would hold.) */
static inline uint16_t gh_feed_crc(enum gh_feed_role role, uint64_t upper48) {
    unsigned crc = 0;
    for (int shift = 40; shift >= 0; shift -= 8) {
        unsigned x = (crc >> 8 ^ (unsigned)(upper48 >> shift)) & 0xff;
        x ^= x >> 4;
        crc = (crc << 8 ^ x << 12 ^ x << 5 ^ x) & 0xffff;
    }
    return (uint16_t)(crc ^ role);
}

/* Where something begins. `turn` makes a place that is used again a different word. */
struct gh_feed_place {
    uint8_t turn;
    uint32_t page; /* 0: nowhere */
    uint8_t log2;  /* slots of a table */
};

static inline uint64_t gh_feed_place_pack(enum gh_feed_role role, struct gh_feed_place p) {
    uint64_t upper = (uint64_t)p.turn << 40 | (uint64_t)p.page << 8 | p.log2;
    return upper << 16 | gh_feed_crc(role, upper);
}

static inline bool gh_feed_place_unpack(enum gh_feed_role role, uint64_t word, struct gh_feed_place *ret) {
    uint64_t upper = word >> 16;
    *ret = (struct gh_feed_place){ (uint8_t)(upper >> 40), (uint32_t)(upper >> 8), (uint8_t)upper };
    return (uint16_t)word == gh_feed_crc(role, upper);
}

static inline uint64_t gh_feed_generation_pack(uint64_t count) {
    return count << 16 | gh_feed_crc(GH_FEED_GENERATION, count & 0xffffffffffff);
}

/* One to one on 64 bits (the end of splitmix64): a change of any input is a change of the result. */
static inline uint64_t gh_feed_mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

#define GH_FEED_EPOCH_MAX ((1LL << 37) - 2) /* unix seconds, for some thousand years */
#define GH_FEED_EMPTY ((1ULL << 40) - 1)    /* the payload of an empty slot */
#define GH_FEED_GLOBAL_AT UINT64_MAX        /* the position of the global epoch's word */

/* `at`: the slot's number counted from the start of the file. */
static inline uint64_t gh_feed_word_pack(const uint64_t key[2], uint64_t at, uint64_t payload) {
    uint64_t check = gh_feed_mix(payload ^ gh_feed_mix(at ^ key[0]));
    return payload << 24 | (check & 0xffffff) | 1; /* odd: zeros are damage */
}

static inline bool gh_feed_word_unpack(const uint64_t key[2], uint64_t at, uint64_t word,
                                       uint64_t *ret_payload) {
    *ret_payload = word >> 24;
    return word == gh_feed_word_pack(key, at, *ret_payload);
}

/* A word has room for eight kinds; the ninth takes the number of GLOBAL, which never has a slot. The hash
 * tells kinds apart, this is one more check. */
_Static_assert(GH_EPOCH_AUDIENCE == 8 && GH_EPOCH_GLOBAL == 0, "one kind may share a number with GLOBAL");

static inline uint64_t gh_feed_payload(enum gh_epoch_kind kind, long long epoch) {
    return (uint64_t)(kind & 7) << 37 | (uint64_t)epoch;
}

static inline bool gh_feed_payload_is(uint64_t payload, enum gh_epoch_kind kind) {
    return payload >> 37 == (uint64_t)(kind & 7);
}

static inline long long gh_feed_payload_epoch(uint64_t payload) {
    return (long long)(payload & ((1ULL << 37) - 1));
}

static inline uint64_t gh_feed_slot_check(const uint64_t key[2], uint64_t at, uint64_t h0, uint64_t h1) {
    return gh_feed_mix(gh_feed_mix(gh_feed_mix(h0 ^ key[0]) ^ h1) ^ at ^ key[1]);
}

static inline uint64_t gh_feed_words_check(const uint64_t key[2], const uint64_t *words, size_t count) {
    uint64_t check = key[0];
    for (size_t i = 0; i < count; i++)
        check = gh_feed_mix(check ^ words[i]);
    return check ^ key[1];
}

/* --- hashes --------------------------------------------------------------------------------------------- */

#define GH_FEED_HASH_ISSUER 0xfe /* beside the kinds of epochs */
#define GH_FEED_HASH_FACT 0xc0   /* and the kind of fact */

/* The length of `a` keeps ("ab", "c") and ("a", "bc") apart. */
static inline void gh_feed_hash(const uint64_t key[2], unsigned kind, struct gh_str a, struct gh_str b,
                                uint64_t ret[2]) {
    uint64_t first = (uint64_t)kind << 56 | (uint64_t)a.len;
    struct gh_siphash s;
    gh_siphash_init(&s, key);
    gh_siphash_add(&s, (struct gh_str){ (const char *)&first, sizeof first });
    gh_siphash_add(&s, a);
    gh_siphash_add(&s, b);
    gh_siphash_end(&s, ret);
}

static inline uint64_t gh_feed_header_check(const struct gh_feed_header *h) {
    static const uint64_t fixed[2] = { 0x67617465686f7573, 0x6520666565642031 };
    uint64_t words[] = { h->magic, (uint64_t)h->version << 32 | h->slot_bytes, h->file_bytes, h->key[0],
                         h->key[1] };
    return gh_feed_words_check(fixed, words, 5);
}

/* --- access --------------------------------------------------------------------------------------------- */

static inline uint64_t gh_feed_load(const uint64_t *word) {
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* Sequentially consistent: the store has left this core when the caller goes on and answers somebody. */
static inline void gh_feed_store(uint64_t *word, uint64_t value) {
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

/* True when the bytes [page, page + bytes) lie in the file, behind the header. */
static inline bool gh_feed_range_ok(uint64_t file_bytes, uint32_t page, uint64_t bytes) {
    uint64_t from = (uint64_t)page * GH_FEED_PAGE;
    return page > 0 && from <= file_bytes && bytes <= file_bytes - from;
}

static inline bool gh_feed_table_ok(uint64_t file_bytes, struct gh_feed_place p) {
    return p.log2 <= GH_FEED_SLOTS_LOG2_MAX &&
           gh_feed_range_ok(file_bytes, p.page, sizeof(struct gh_feed_slot) << p.log2);
}

/* What is fixed in a mapped file; checked once at open. */
struct gh_feed_view {
    const unsigned char *map;
    uint64_t bytes;
    uint64_t key[2];
};

static inline const struct gh_feed_header *gh_feed_view_header(const struct gh_feed_view *v) {
    return (const struct gh_feed_header *)v->map;
}

struct gh_feed { /* a reader's */
    struct gh_feed_view view;
};

enum { GH_FEED_RETRIES = 64 }; /* each one means that something new was published during a look-up */

/* reader.c; the writer finds its own slots by the same code. A place in `table`: the slot that has the hash,
 * or the empty one where it belongs. FEED: a damaged slot or too long a way. */
struct gh_feed_found {
    uint64_t index, at; /* in the table, in the file */
    uint64_t payload;   /* GH_FEED_EMPTY: not there */
};
enum gh_err gh_feed_probe(const struct gh_feed_view *v, struct gh_feed_place table, const uint64_t hash[2],
                          struct gh_feed_found *ret);

/* The size and the fixed part of the header. FEED. */
enum gh_err gh_feed_view_check(struct gh_feed_view *v);

/* The n-th entry of the key area and a copy of its text, NUL-terminated, in the arena; NOT_FOUND behind the
 * last one. FEED, NOMEM. */
enum gh_err gh_feed_keys_entry(const struct gh_feed_view *v, struct gh_feed_place area, uint64_t n,
                               struct gh_feed_keys_entry *ret);
enum gh_err gh_feed_keys_text(const struct gh_feed_view *v, struct gh_feed_place area,
                              const struct gh_feed_keys_entry *entry, struct gh_arena *a, struct gh_str *ret);
