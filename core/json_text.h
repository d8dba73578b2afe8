/* core/json_text.h - what the scanner (json.c) and the reader (json_read.c) both know about the inside of a
 * JSON string. Private to core. */
#pragma once
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/str.h"
#include "core/utf8.h"

/* The first byte at or after `p` that does not plainly stand for itself: a quote, a backslash, a control or
 * the start of a longer UTF-8 character; `end` when there is none. Eight or sixteen bytes at a step: prompts
 * are long. */
static inline const char *gh_json_plain_end(const char *p, const char *end) {
#ifdef __SSE2__
    for (; end - p >= 16; p += 16) {
        __m128i w = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit =
            _mm_or_si128(_mm_cmpeq_epi8(w, _mm_set1_epi8('"')), _mm_cmpeq_epi8(w, _mm_set1_epi8('\\')));
        /* signed: bytes from 0x80 on are below 0x20 too */
        unsigned mask =
            (unsigned)_mm_movemask_epi8(_mm_or_si128(hit, _mm_cmplt_epi8(w, _mm_set1_epi8(0x20))));
        if (mask)
            return p + __builtin_ctz(mask);
    }
#endif
    const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
    for (; end - p >= 8; p += 8) {
        uint64_t w, quote, slash, control;
        memcpy(&w, p, sizeof w);
        quote = w ^ ones * '"';
        slash = w ^ ones * '\\';
        control = w - ones * 0x20;
        /* "Has a zero byte" and "has a byte below 0x20" may also fire beside a true hit, never without one.
         */
        if ((w | (quote - ones) | (slash - ones) | control) & highs)
            break;
    }
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\' || c < 0x20 || c >= 0x80)
            break;
    }
    return p;
}

/* Reads four hexadecimal digits; false when they are not there. */
static inline bool gh_json_hex4(const char *p, const char *end, uint32_t *ret) {
    uint32_t value = 0;
    if (end - p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return false;
        value = value << 4 | digit;
    }
    *ret = value;
    return true;
}

/* The escape that starts at `p` with its backslash: gives its length in the text and its code point, or 0 for
 * what is no escape, a lone surrogate or U+0000. */
static inline size_t gh_json_escape(const char *p, const char *end, uint32_t *ret) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (end - p < 2)
        return 0;
    if (p[1] != 'u') {
        const char *found = memchr(from, p[1], sizeof from - 1);
        *ret = found ? (uint32_t)to[found - from] : 0;
        return found ? 2 : 0;
    }
    uint32_t high, low;
    if (!gh_json_hex4(p + 2, end, &high) || high == 0 || (high >= 0xdc00 && high <= 0xdfff))
        return 0;
    *ret = high;
    if (high < 0xd800 || high > 0xdfff)
        return 6;
    if (end - p < 12 || p[6] != '\\' || p[7] != 'u' || !gh_json_hex4(p + 8, end, &low) || low < 0xdc00 ||
        low > 0xdfff)
        return 0;
    *ret = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return 12;
}

/* Walks the bytes that a checked raw string (between its quotes) means. */
struct gh_json_cursor {
    const char *at, *end;
    char pending[4]; /* the rest of an expanded escape, */
    size_t from, to; /* pending[from .. to) */
};

static inline struct gh_json_cursor gh_json_cursor_make(struct gh_str raw) {
    return (struct gh_json_cursor){ .at = raw.ptr, .end = raw.ptr + raw.len };
}

/* The next byte, or -1 at the end. */
static inline int gh_json_cursor_next(struct gh_json_cursor *c) {
    if (c->from < c->to)
        return (unsigned char)c->pending[c->from++];
    if (c->at == c->end)
        return -1;
    if (*c->at != '\\')
        return (unsigned char)*c->at++;
    uint32_t code = 0;
    size_t len = gh_json_escape(c->at, c->end, &code);
    if (len == 0) {
        c->at = c->end;
        return -1;
    }
    c->at += len;
    c->to = gh_utf8_put(code, c->pending);
    c->from = 1;
    return (unsigned char)c->pending[0];
}
