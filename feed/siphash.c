#include "feed/siphash.h"

static inline uint64_t rotl(uint64_t x, int bits) {
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(uint64_t v[4]) {
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

static inline void absorb(uint64_t v[4], uint64_t word) {
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

void gh_siphash_init(struct gh_siphash *s, const uint64_t key[2]) {
    *s = (struct gh_siphash){ .v = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d ^ 0xee,
                                     key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 } };
}

void gh_siphash_add(struct gh_siphash *s, struct gh_str bytes) {
    const unsigned char *p = gh_bytes(bytes);
    size_t left = bytes.len, have = s->len & 7;
    s->len += left;
    for (; have && left; left--) { /* a word that the part before began */
        s->tail |= (uint64_t)*p++ << 8 * have;
        have = (have + 1) & 7;
        if (have == 0) {
            absorb(s->v, s->tail);
            s->tail = 0;
        }
    }
    for (; left >= 8; left -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8); /* little-endian hosts only, see layout.h */
        absorb(s->v, word);
    }
    if (left)
        memcpy(&s->tail, p, left);
}

static uint64_t squeeze(uint64_t v[4]) {
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void gh_siphash_end(struct gh_siphash *s, uint64_t ret[2]) {
    absorb(s->v, s->tail | s->len << 56);
    s->v[2] ^= 0xee;
    ret[0] = squeeze(s->v);
    s->v[1] ^= 0xdd;
    ret[1] = squeeze(s->v);
}
