/* sys/random.h - randomness from the kernel, and the identifiers made of it. There is no weaker fallback:
 * CRYPTO means no answer. */
#pragma once
#include "core/arena.h"
#include "core/err.h"

enum gh_err gh_random_bytes(void *ret, size_t len);

/* prefix + `len` characters, uniformly from [0-9A-Za-z]: org_, con_, rol_, cgr_ + 16, client ids 32.
 * NUL-terminated in the arena. */
enum gh_err gh_random_id(struct gh_arena *a, const char *prefix, size_t len, struct gh_str *ret);
enum gh_err gh_random_from(struct gh_arena *a, const char *alphabet /* 2 to 64 letters */, size_t len,
                           struct gh_str *ret);                                   /* uniformly from these */
enum gh_err gh_random_hex(struct gh_arena *a, size_t digits, struct gh_str *ret); /* lower case */
enum gh_err gh_random_urlsafe(struct gh_arena *a, size_t len,
                              struct gh_str *ret); /* [0-9A-Za-z_-]: secrets, codes, tokens */
enum gh_err gh_random_object_id(struct gh_arena *a, long long now,
                                struct gh_str *ret); /* 24 hex, the first 8 the time */
