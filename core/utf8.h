/* core/utf8.h - UTF-8 (RFC 3629), strict: no overlong form, no surrogate, nothing above U+10FFFF. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* The length (1..4) of the character that starts at `p`, 0 when the bytes before `end` are not one. */
static inline size_t gh_utf8_length(const char *p, const char *end) {
    const unsigned char *u = (const unsigned char *)p;
    size_t have = (size_t)(end - p);
    if (have == 0)
        return 0;
    if (u[0] < 0x80)
        return 1;
    size_t need = u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 0;
    if (need == 0 || need > have)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((u[i] & 0xc0) != 0x80)
            return 0;
    /* The second byte tells overlong forms (e0, f0), surrogates (ed) and what lies above U+10FFFF (f4). */
    if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) || (u[0] == 0xf0 && u[1] < 0x90) ||
        (u[0] == 0xf4 && u[1] > 0x8f))
        return 0;
    return need;
}

/* How many of the `len` bytes are whole characters, when a text was cut there. */
static inline size_t gh_utf8_whole(const char *p, size_t len) {
    size_t lead = len;
    while (lead > 0 && ((unsigned char)p[lead - 1] & 0xc0) == 0x80)
        lead--;
    if (lead == 0)
        return 0;
    return gh_utf8_length(p + lead - 1, p + len) == len - lead + 1 ? len : lead - 1;
}

/* Writes a code point, which must be no surrogate and at most U+10FFFF; gives the length. */
static inline size_t gh_utf8_put(uint32_t c, char out[static 4]) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}
