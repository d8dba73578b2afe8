#include "core/b64url.h"

/* A character's value plus one, so that 0 means "not in the alphabet". */
/* clang-format off */
#define ALNUM                                                                                                \
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,           \
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,          \
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,          \
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,          \
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,          \
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,          \
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,          \
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62
/* clang-format on */

static const unsigned char url_values[256] = { ALNUM, ['-'] = 63, ['_'] = 64 };
static const unsigned char std_values[256] = { ALNUM, ['+'] = 63, ['/'] = 64 };
static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The last 2 or 3 characters. The bits that no byte takes must be zero: else two texts would mean the same
 * bytes. */
static bool decode_tail(const unsigned char *values, const unsigned char *in, size_t left, char *out) {
    if (left == 0)
        return true;
    unsigned a = values[in[0]], b = values[in[1]], c = left == 3 ? values[in[2]] : 1;
    if (!a || !b || !c)
        return false;
    unsigned bits = (a - 1) << 12 | (b - 1) << 6 | (c - 1);
    out[0] = (char)(bits >> 10);
    if (left == 2)
        return (bits & 0x3ff) == 0;
    out[1] = (char)(bits >> 2);
    return (bits & 0x3) == 0;
}

/* `text` is without padding. */
static enum gh_err decode(struct gh_arena *a, const unsigned char *values, struct gh_str text,
                          struct gh_str *ret) {
    size_t quads = text.len / 4, left = text.len % 4;
    if (left == 1)
        return GH_ERR_MALFORMED;
    size_t len = quads * 3 + (left ? left - 1 : 0);
    char *bytes = gh_arena_alloc(a, len + 1);
    if (!bytes)
        return GH_ERR_NOMEM;

    const unsigned char *in = gh_bytes(text);
    char *out = bytes;
    for (size_t i = 0; i < quads; i++, in += 4, out += 3) {
        unsigned v0 = values[in[0]], v1 = values[in[1]], v2 = values[in[2]], v3 = values[in[3]];
        if (!v0 || !v1 || !v2 || !v3)
            return GH_ERR_MALFORMED;
        unsigned bits = (v0 - 1) << 18 | (v1 - 1) << 12 | (v2 - 1) << 6 | (v3 - 1);
        out[0] = (char)(bits >> 16);
        out[1] = (char)(bits >> 8);
        out[2] = (char)bits;
    }
    if (!decode_tail(values, in, left, out))
        return GH_ERR_MALFORMED;
    *ret = (struct gh_str){ bytes, len };
    return GH_OK;
}

static enum gh_err encode(struct gh_arena *a, const char *alphabet, bool padded, struct gh_str bytes,
                          struct gh_str *ret) {
    size_t triples = bytes.len / 3, left = bytes.len % 3, quads;
    if (__builtin_mul_overflow(triples + 1, 4, &quads))
        return GH_ERR_NOMEM;
    char *text = gh_arena_alloc(a, quads + 1);
    if (!text)
        return GH_ERR_NOMEM;

    const unsigned char *in = gh_bytes(bytes);
    char *out = text;
    for (size_t i = 0; i < triples; i++, in += 3) {
        unsigned bits = (unsigned)in[0] << 16 | (unsigned)in[1] << 8 | in[2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *out++ = alphabet[bits >> shift & 63];
    }
    if (left) {
        unsigned bits = (unsigned)in[0] << 16 | (left == 2 ? (unsigned)in[1] << 8 : 0);
        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        if (left == 2)
            *out++ = alphabet[bits >> 6 & 63];
        for (size_t i = left; padded && i < 3; i++)
            *out++ = '=';
    }
    *ret = (struct gh_str){ text, (size_t)(out - text) };
    return GH_OK;
}

enum gh_err gh_b64url_decode(struct gh_arena *a, struct gh_str text, struct gh_str *ret) {
    return decode(a, url_values, text, ret);
}

enum gh_err gh_b64url_encode(struct gh_arena *a, struct gh_str bytes, struct gh_str *ret) {
    return encode(a, url_alphabet, false, bytes, ret);
}

enum gh_err gh_b64_decode(struct gh_arena *a, struct gh_str text, struct gh_str *ret) {
    if (text.len % 4)
        return GH_ERR_MALFORMED;
    for (int i = 0; i < 2 && gh_str_ends(text, GH_STR("=")); i++)
        text.len--;
    return decode(a, std_values, text, ret);
}

enum gh_err gh_b64_encode(struct gh_arena *a, struct gh_str bytes, struct gh_str *ret) {
    return encode(a, std_alphabet, true, bytes, ret);
}
