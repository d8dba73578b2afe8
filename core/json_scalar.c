#include "core/json_scalar.h"

#include "core/json_text.h"

enum state {
    LITERAL,
    STRING,
    ESCAPE,    /* behind a backslash */
    HEX,       /* behind \u */
    SURROGATE, /* behind a high surrogate: a backslash */
    SURROGATE_U,
    MINUS,
    ZERO,
    WHOLE,
    POINT,
    FRACTION,
    EXPONENT,
    EXPONENT_SIGN,
    EXPONENT_DIGITS,
};

static void capture(struct gh_json_scalar *s, const char *bytes, size_t len) {
    size_t room = sizeof s->word - s->word_len;
    if (len > room)
        len = room;
    memcpy(s->word + s->word_len, bytes, len);
    s->word_len = (uint16_t)(s->word_len + len);
}

/* The first byte of a longer UTF-8 character; later ones have bounds (Unicode 15, table 3-7). */
static bool utf8_begin(struct gh_json_scalar *s, unsigned char c) {
    s->tail_low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    s->tail_high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    s->tail = c < 0xc2 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf5 ? 3 : 0;
    return s->tail > 0;
}

static bool utf8_next(struct gh_json_scalar *s, unsigned char c) {
    bool ok = c >= s->tail_low && c <= s->tail_high;
    s->tail--;
    s->tail_low = 0x80;
    s->tail_high = 0xbf;
    return ok;
}

/* Inside a string, from `p` on: gives where it stopped, NULL when refused. */
static const char *string_bytes(struct gh_json_scalar *s, const char *p, const char *end, bool *ret_whole) {
    while (p < end) {
        if (s->tail) {
            if (s->captures)
                capture(s, p, 1);
            if (!utf8_next(s, (unsigned char)*p++))
                return NULL;
            continue;
        }
        const char *plain = gh_json_plain_end(p, end);
        if (s->captures)
            capture(s, p, (size_t)(plain - p));
        p = plain;
        if (p == end)
            break;
        unsigned char c = (unsigned char)*p;
        if (c >= 0x80) {
            size_t len = s->captures ? 0 : gh_utf8_length(p, end);
            if (len) {
                p += len;
                continue;
            }
            if (s->captures)
                capture(s, p, 1);
            if (!utf8_begin(s, c))
                return NULL;
            p++;
            continue;
        }
        p++;
        if (c == '\\') {
            s->escaped = true;
            s->state = ESCAPE;
            return p;
        }
        *ret_whole = c == '"';
        return *ret_whole ? p : NULL;
    }
    return p;
}

static bool escaped_char(struct gh_json_scalar *s, uint32_t code) {
    char utf8[4];
    if (code == 0)
        return false;
    if (s->captures)
        capture(s, utf8, gh_utf8_put(code, utf8));
    s->state = STRING;
    return true;
}

static bool escape(struct gh_json_scalar *s, char c) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (c == 'u') {
        s->state = HEX;
        s->digits = 4;
        s->code = s->high = 0;
        return true;
    }
    const char *found = c ? strchr(from, c) : NULL;
    return found && escaped_char(s, (uint32_t)to[found - from]);
}

static bool hex(struct gh_json_scalar *s, char c) {
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0)
        return false;
    s->code = s->code << 4 | (uint32_t)digit;
    if (--s->digits)
        return true;
    bool low = s->code >= 0xdc00 && s->code <= 0xdfff, high = s->code >= 0xd800 && s->code <= 0xdbff;
    if (low != (s->high != 0))
        return false; /* half a character: readers differ */
    if (!high)
        return escaped_char(s, low ? 0x10000 + ((s->high - 0xd800) << 10) + (s->code - 0xdc00) : s->code);
    s->high = s->code;
    s->state = SURROGATE;
    return true;
}

static bool literal(struct gh_json_scalar *s, char c, bool *ret_whole) {
    if (*s->literal != c)
        return false;
    *ret_whole = !*++s->literal;
    return true;
}

static void digit(struct gh_json_scalar *s, char c) {
    s->whole += s->whole < 1000;
    if (__builtin_mul_overflow(s->integer, 10, &s->integer) ||
        __builtin_add_overflow(s->integer, (uint64_t)(c - '0'), &s->integer))
        s->integer_over = true;
}

/* Integers that 64 bits do not hold, and what may reach 1e308, are errors to some readers. */
static bool number_end(struct gh_json_scalar *s) {
    uint64_t limit = (1ULL << 63) - !s->negative;
    if (s->whole_only && (s->integer_over || s->integer > limit))
        return false;
    if (s->whole > 308 || (!s->exponent_negative && s->whole + s->exponent > 308))
        return false;
    return true;
}

/* Takes the byte when it belongs to the number; *ret_ended when it does not, and the number ends before it.
 */
static bool number(struct gh_json_scalar *s, char c, bool *ret_ended) {
    bool is_digit = c >= '0' && c <= '9';
    *ret_ended = false;
    switch (s->state) {
    case MINUS:
        if (!is_digit)
            return false;
        digit(s, c);
        s->state = c == '0' ? ZERO : WHOLE;
        return true;
    case WHOLE:
        if (is_digit) {
            digit(s, c);
            return true;
        }
        break;
    case POINT:
        s->state = FRACTION;
        return is_digit;
    case FRACTION:
        if (is_digit)
            return true;
        break;
    case EXPONENT:
        s->state = EXPONENT_SIGN;
        s->exponent_negative = c == '-';
        if (c == '-' || c == '+')
            return true;
        [[fallthrough]];
    case EXPONENT_SIGN:
    case EXPONENT_DIGITS:
        if (is_digit) {
            if (s->exponent < 10000)
                s->exponent = s->exponent * 10 + (uint32_t)(c - '0');
            s->state = EXPONENT_DIGITS;
            return true;
        }
        if (s->state == EXPONENT_SIGN)
            return false;
        break;
    default:
        break;
    }
    if (c == '.' && (s->state == ZERO || s->state == WHOLE)) {
        s->whole_only = false;
        s->state = POINT;
        return true;
    }
    if ((c == 'e' || c == 'E') && s->state != EXPONENT_DIGITS) {
        s->whole_only = false;
        s->state = EXPONENT;
        return true;
    }
    *ret_ended = true;
    return number_end(s);
}

static bool byte(struct gh_json_scalar *s, char c, bool *ret_whole) {
    switch (s->state) {
    case LITERAL:
        return literal(s, c, ret_whole);
    case ESCAPE:
        return escape(s, c);
    case HEX:
        return hex(s, c);
    case SURROGATE:
        s->state = SURROGATE_U;
        return c == '\\';
    case SURROGATE_U:
        s->state = HEX;
        s->digits = 4;
        s->code = 0;
        return c == 'u';
    default:
        return false;
    }
}

void gh_json_scalar_string(struct gh_json_scalar *s, bool captures) {
    s->captures = captures;
    s->escaped = false;
    s->tail = 0;
    s->word_len = 0;
    s->state = STRING;
}

void gh_json_scalar_literal(struct gh_json_scalar *s, char first) {
    s->literal = first == 'n' ? "ull" : first == 't' ? "rue" : "alse";
    s->state = LITERAL;
}

void gh_json_scalar_number(struct gh_json_scalar *s, char first) {
    s->negative = first == '-';
    s->integer = 0;
    s->whole = s->exponent = 0;
    s->integer_over = s->exponent_negative = false;
    s->whole_only = true;
    s->state = first == '-' ? MINUS : first == '0' ? ZERO : WHOLE;
    if (first != '-')
        digit(s, first);
}

const char *gh_json_scalar_feed(struct gh_json_scalar *s, const char *p, const char *end, bool *ret_whole) {
    *ret_whole = false;
    while (p && p < end && !*ret_whole) {
        if (s->state == STRING)
            p = string_bytes(s, p, end, ret_whole);
        else if (s->state < MINUS)
            p = byte(s, *p, ret_whole) ? p + 1 : NULL;
        else
            p = number(s, *p, ret_whole) ? p + !*ret_whole : NULL;
    }
    return p;
}
