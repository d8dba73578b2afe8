/* feed/siphash.h - SipHash-2-4 with 128 and 64 bits of result (Aumasson, Bernstein 2012): a stranger who
 * chooses names cannot make two of them meet, because the key is the file's own. In parts, without
 * allocation. */
#pragma once
#include <stdint.h>

#include "core/str.h"

struct gh_siphash {
    uint64_t v[4], tail, len;
};

void gh_siphash_init(struct gh_siphash *s, const uint64_t key[2]); /* 128-bit flavour */
void gh_siphash_add(struct gh_siphash *s, struct gh_str bytes);
void gh_siphash_end(struct gh_siphash *s, uint64_t ret[2]);
