/* core/str.h - a view of bytes: pointer and length, never owned, never NUL-terminated by promise. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct gh_str {
    const char *ptr; /* may be NULL only when len is 0 */
    size_t len;
};

#define GH_STR(literal) ((struct gh_str){ (literal), sizeof(literal) - 1 })
#define GH_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GH_STR_FMT(s) (int)(s).len, (s).ptr /* for "%.*s" */

static inline struct gh_str gh_str_from(const char *text) {
    return (struct gh_str){ text, text ? strlen(text) : 0 };
}

static inline const unsigned char *gh_bytes(struct gh_str s) {
    return (const unsigned char *)s.ptr;
}

static inline bool gh_str_eq(struct gh_str a, struct gh_str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool gh_str_is(struct gh_str a, const char *b) {
    return gh_str_eq(a, gh_str_from(b));
}

static inline bool gh_str_starts(struct gh_str s, struct gh_str with) {
    return s.len >= with.len && (with.len == 0 || memcmp(s.ptr, with.ptr, with.len) == 0);
}

static inline bool gh_str_ends(struct gh_str s, struct gh_str with) {
    return s.len >= with.len && (with.len == 0 || memcmp(s.ptr + s.len - with.len, with.ptr, with.len) == 0);
}

/* The view without its first n bytes; empty when it has fewer. */
static inline struct gh_str gh_str_skip(struct gh_str s, size_t n) {
    return n >= s.len ? (struct gh_str){ 0 } : (struct gh_str){ s.ptr + n, s.len - n };
}

/* ASCII letters only: 'K' and 'k' are equal, no locale, no Unicode folding. */
bool gh_str_eq_nocase(struct gh_str a, struct gh_str b);

/* Splits at the first `at`: *head is what stands before it, *rest moves behind it. False when absent: then
 * nothing changes. */
bool gh_str_cut(struct gh_str *rest, char at, struct gh_str *head);

/* Without leading and trailing blanks and tabs. */
struct gh_str gh_str_trim(struct gh_str s);

/* Decimal digits only, no sign, no leading zeros but "0"; false on anything else or above max. */
bool gh_str_to_u64(struct gh_str s, unsigned long long max, unsigned long long *ret);

/* Equality in time that depends on the lengths only. For secrets, codes, hashes and MACs. */
bool gh_str_eq_secret(struct gh_str a, struct gh_str b);
