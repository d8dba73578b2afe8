/* core/json_scalar.h - one text, number or literal of JSON (RFC 8259, strict), in whatever pieces it comes;
 * allocates nothing, and looks at each byte once. Refused is also what readers understand differently: half a
 * surrogate pair, U+0000, integers beyond 64 bits, numbers that may reach 1e308. Private to core. */
#pragma once
#include <stdint.h>

#include "core/limits.h"
#include "core/str.h"

struct gh_json_scalar {
    uint8_t state;
    bool captures, escaped;            /* of a text; the latter: some escape was in it */
    uint8_t tail, tail_low, tail_high; /* bytes of a UTF-8 character to come, bounds of the next */
    uint8_t digits;                    /* of an escape to come */
    uint32_t code, high;               /* of it; the high surrogate before it */
    uint16_t word_len;
    char word[GH_LIMIT_MODEL_NAME + 1]; /* a captured text; one byte more for "too long" */

    const char *literal; /* the rest of true, false, null */
    uint64_t integer;
    bool negative, whole_only, integer_over, exponent_negative;
    uint32_t whole, exponent;
};

/* One begins: a text behind its quote, which keeps what it means when it captures; a literal (t, f, n) or a
 * number (a digit or a minus) behind its first byte. */
void gh_json_scalar_string(struct gh_json_scalar *s, bool captures);
void gh_json_scalar_literal(struct gh_json_scalar *s, char first);
void gh_json_scalar_number(struct gh_json_scalar *s, char first);

/* Gives where it stopped, NULL when refused; *ret_whole when it ended there. A number ends before the first
 * byte that is none of its own. */
const char *gh_json_scalar_feed(struct gh_json_scalar *s, const char *p, const char *end, bool *ret_whole);

/* What a text that captures means; longer than GH_LIMIT_MODEL_NAME when it was too long to keep. */
static inline struct gh_str gh_json_scalar_word(const struct gh_json_scalar *s) {
    return (struct gh_str){ s->word, s->word_len };
}
