#include "core/model_scan.h"

#include "core/json_text.h"

enum state {
    VALUE,       /* a value must come */
    FIRST_VALUE, /* ... or the end of the array */
    FIRST_KEY,   /* a name, or the end of the object */
    KEY,         /* a name must come */
    COLON,
    AFTER, /* behind a value: a comma, or the end of its container */
    DONE,
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

/* What a value to come is, and what a container is for us. */
enum role {
    NOTHING,
    OUTER,       /* the document */
    INNER,       /* read like it, when it is an object */
    MODEL,       /* a model's name, nothing else */
    NAME,        /* a model's name or null */
    NAMES,       /* an array of ALTERNATIVEs, or one name, or null */
    ALTERNATIVE, /* a name or an object that has one */
    INNERS,      /* a container of INNER */
    NEVER,       /* null at most */
};

#define REFUSED GH_ERR_AMBIGUOUS_BODY

/* --- containers ----------------------------------------------------------------------------------------- */

static bool in_object(const struct gh_model_scan *s) {
    return s->objects >> (s->depth - 1) & 1;
}

static enum role role_here(const struct gh_model_scan *s) {
    return s->depth >= 1 && s->depth <= GH_LIMIT_MODEL_LEVELS ? (enum role)s->roles[s->depth] : NOTHING;
}

/* What a container becomes that stands where `coming` was expected. */
static enum gh_err role_of(enum role coming, bool object, enum role *ret) {
    switch (coming) {
    case OUTER:
        *ret = OUTER;
        return object ? GH_OK : REFUSED;
    case INNER:
        *ret = object ? INNER : NOTHING;
        return GH_OK;
    case INNERS:
        *ret = INNERS;
        return GH_OK;
    case NAMES:
        *ret = NAMES;
        return object ? REFUSED : GH_OK;
    case ALTERNATIVE:
        *ret = ALTERNATIVE;
        return object ? GH_OK : REFUSED;
    case NOTHING:
        *ret = NOTHING;
        return GH_OK;
    default: /* a name must be a text */
        return REFUSED;
    }
}

static enum gh_err open_container(struct gh_model_scan *s, bool object) {
    enum role role;
    if (role_of((enum role)s->coming, object, &role) || s->depth == GH_LIMIT_MODEL_DEPTH)
        return REFUSED;
    s->depth++;
    s->objects = (s->objects & ~(1ULL << (s->depth - 1))) | (uint64_t)object << (s->depth - 1);
    if (s->depth <= GH_LIMIT_MODEL_LEVELS) {
        s->roles[s->depth] = (uint8_t)role;
        s->first[s->depth] = s->seen_count;
        s->has_model &= (uint8_t) ~(1u << (s->depth - 1));
    } else if (role != NOTHING)
        return REFUSED;
    s->state = object ? FIRST_KEY : FIRST_VALUE;
    s->coming = role == NAMES ? ALTERNATIVE : role == INNERS ? INNER : NOTHING;
    return GH_OK;
}

static enum gh_err close_container(struct gh_model_scan *s, bool object) {
    if (s->depth == 0 || in_object(s) != object)
        return REFUSED;
    if (s->depth <= GH_LIMIT_MODEL_LEVELS) {
        if (role_here(s) == ALTERNATIVE && !(s->has_model >> (s->depth - 1) & 1))
            return REFUSED;
        s->seen_count = s->first[s->depth];
    }
    s->depth--;
    s->state = s->depth ? AFTER : DONE;
    return GH_OK;
}

static enum gh_err after_value(struct gh_model_scan *s) {
    s->state = AFTER;
    return GH_OK;
}

static enum gh_err comma(struct gh_model_scan *s) {
    if (in_object(s)) {
        s->state = KEY;
        return GH_OK;
    }
    enum role role = role_here(s);
    s->coming = role == NAMES ? ALTERNATIVE : role == INNERS ? INNER : NOTHING;
    s->state = VALUE;
    return GH_OK;
}

/* --- texts ---------------------------------------------------------------------------------------------- */

static void capture(struct gh_model_scan *s, const char *bytes, size_t len) {
    size_t room = sizeof s->word - s->word_len;
    if (len > room)
        len = room;
    memcpy(s->word + s->word_len, bytes, len);
    s->word_len = (uint16_t)(s->word_len + len);
}

/* A name of an object that we look into. Longer ones than we keep could be twins behind what we keep:
 * refused. */
static enum gh_err key_end(struct gh_model_scan *s) {
    static const uint8_t comings[] = {
        [GH_WORD_OTHER] = NOTHING, [GH_WORD_MODEL] = MODEL, [GH_WORD_NAME] = NAME,   [GH_WORD_NAMES] = NAMES,
        [GH_WORD_TOOLS] = INNERS,  [GH_WORD_INNER] = INNER, [GH_WORD_WRAP] = INNERS, [GH_WORD_NEVER] = NEVER,
    };
    if (s->escaped || s->word_len == sizeof s->word || s->seen_count == GH_LIMIT_MODEL_MEMBERS)
        return REFUSED;
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    for (size_t i = 0; i < s->word_len; i++)
        hash = (hash ^ (unsigned char)s->word[i]) * 0x100000001b3;
    for (size_t i = s->first[s->depth]; i < s->seen_count; i++)
        if (s->seen[i] == hash)
            return REFUSED;
    s->seen[s->seen_count++] = hash;

    enum role role = role_here(s);
    if (role == INNERS) {
        s->coming = INNER;
        return GH_OK;
    }
    enum gh_model_word word = gh_model_word_find((struct gh_str){ s->word, s->word_len }, false);
    if (word == GH_WORD_ALMOST)
        return REFUSED;
    s->coming = comings[word];
    if (word == GH_WORD_MODEL) {
        s->has_model |= (uint8_t)(1u << (s->depth - 1));
        if (role == OUTER)
            s->names->named = true;
    }
    return GH_OK;
}

static void string_begin(struct gh_model_scan *s) {
    enum role role = role_here(s), coming = (enum role)s->coming;
    s->is_key = s->state == KEY || s->state == FIRST_KEY;
    s->captures = s->is_key ? role != NOTHING
                            : coming == MODEL || coming == NAME || coming == NAMES || coming == ALTERNATIVE;
    s->escaped = false;
    s->word_len = 0;
    s->state = STRING;
}

static enum gh_err string_end(struct gh_model_scan *s) {
    if (s->is_key) {
        s->state = COLON;
        s->coming = NOTHING;
        return s->captures ? key_end(s) : GH_OK;
    }
    if (s->coming == OUTER || s->coming == NEVER)
        return REFUSED;
    if (s->captures && (s->word_len == sizeof s->word ||
                        gh_model_names_add(s->names, (struct gh_str){ s->word, s->word_len })))
        return REFUSED;
    return after_value(s);
}

/* The first byte of a longer UTF-8 character; later ones have bounds (Unicode 15, table 3-7). */
static bool utf8_begin(struct gh_model_scan *s, unsigned char c) {
    s->tail_low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    s->tail_high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    s->tail = c < 0xc2 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf5 ? 3 : 0;
    return s->tail > 0;
}

static bool utf8_next(struct gh_model_scan *s, unsigned char c) {
    bool ok = c >= s->tail_low && c <= s->tail_high;
    s->tail--;
    s->tail_low = 0x80;
    s->tail_high = 0xbf;
    return ok;
}

/* Inside a string, from `p` on: gives where it stopped, NULL when refused. */
static const char *string_bytes(struct gh_model_scan *s, const char *p, const char *end) {
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
        return c == '"' && string_end(s) == GH_OK ? p : NULL;
    }
    return p;
}

static enum gh_err escaped_char(struct gh_model_scan *s, uint32_t code) {
    char utf8[4];
    if (code == 0)
        return REFUSED;
    if (s->captures)
        capture(s, utf8, gh_utf8_put(code, utf8));
    s->state = STRING;
    return GH_OK;
}

static enum gh_err escape(struct gh_model_scan *s, char c) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (c == 'u') {
        s->state = HEX;
        s->digits = 4;
        s->code = s->high = 0;
        return GH_OK;
    }
    const char *found = c ? strchr(from, c) : NULL;
    return found ? escaped_char(s, (uint32_t)to[found - from]) : REFUSED;
}

static enum gh_err hex(struct gh_model_scan *s, char c) {
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0)
        return REFUSED;
    s->code = s->code << 4 | (uint32_t)digit;
    if (--s->digits)
        return GH_OK;
    bool low = s->code >= 0xdc00 && s->code <= 0xdfff, high = s->code >= 0xd800 && s->code <= 0xdbff;
    if (low != (s->high != 0))
        return REFUSED; /* half a character: readers differ */
    if (!high)
        return escaped_char(s, low ? 0x10000 + ((s->high - 0xd800) << 10) + (s->code - 0xdc00) : s->code);
    s->high = s->code;
    s->state = SURROGATE;
    return GH_OK;
}

/* --- literals and numbers ------------------------------------------------------------------------------- */

static bool null_will_do(const struct gh_model_scan *s) {
    return s->coming == NOTHING || s->coming == NAME || s->coming == NAMES || s->coming == INNER ||
           s->coming == INNERS || s->coming == NEVER;
}

static bool scalar_will_do(const struct gh_model_scan *s) {
    return s->coming == NOTHING || s->coming == INNER || s->coming == INNERS;
}

static enum gh_err literal_begin(struct gh_model_scan *s, char c) {
    if (c == 'n' ? !null_will_do(s) : !scalar_will_do(s))
        return REFUSED;
    s->literal = c == 'n' ? "ull" : c == 't' ? "rue" : "alse";
    s->state = LITERAL;
    return GH_OK;
}

static enum gh_err literal(struct gh_model_scan *s, char c) {
    if (*s->literal != c)
        return REFUSED;
    return *++s->literal ? GH_OK : after_value(s);
}

static void digit(struct gh_model_scan *s, char c) {
    s->whole += s->whole < 1000;
    if (__builtin_mul_overflow(s->integer, 10, &s->integer) ||
        __builtin_add_overflow(s->integer, (uint64_t)(c - '0'), &s->integer))
        s->integer_over = true;
}

static enum gh_err number_begin(struct gh_model_scan *s, char c) {
    if (!scalar_will_do(s))
        return REFUSED;
    s->negative = c == '-';
    s->integer = 0;
    s->whole = s->exponent = 0;
    s->integer_over = s->exponent_negative = false;
    s->whole_only = true;
    s->state = c == '-' ? MINUS : c == '0' ? ZERO : WHOLE;
    if (c != '-')
        digit(s, c);
    return GH_OK;
}

/* Integers that 64 bits do not hold, and what may reach 1e308, are errors to some readers. */
static enum gh_err number_end(struct gh_model_scan *s) {
    uint64_t limit = (1ULL << 63) - !s->negative;
    if (s->whole_only && (s->integer_over || s->integer > limit))
        return REFUSED;
    if (s->whole > 308 || (!s->exponent_negative && s->whole + s->exponent > 308))
        return REFUSED;
    return after_value(s);
}

/* Takes the byte when it belongs to the number; *ret_ended when it does not, and the number ends before it.
 */
static enum gh_err number(struct gh_model_scan *s, char c, bool *ret_ended) {
    bool is_digit = c >= '0' && c <= '9';
    *ret_ended = false;
    switch (s->state) {
    case MINUS:
        if (!is_digit)
            return REFUSED;
        digit(s, c);
        s->state = c == '0' ? ZERO : WHOLE;
        return GH_OK;
    case WHOLE:
        if (is_digit) {
            digit(s, c);
            return GH_OK;
        }
        break;
    case POINT:
        s->state = FRACTION;
        return is_digit ? GH_OK : REFUSED;
    case FRACTION:
        if (is_digit)
            return GH_OK;
        break;
    case EXPONENT:
        s->state = EXPONENT_SIGN;
        s->exponent_negative = c == '-';
        if (c == '-' || c == '+')
            return GH_OK;
        [[fallthrough]];
    case EXPONENT_SIGN:
    case EXPONENT_DIGITS:
        if (is_digit) {
            if (s->exponent < 10000)
                s->exponent = s->exponent * 10 + (uint32_t)(c - '0');
            s->state = EXPONENT_DIGITS;
            return GH_OK;
        }
        if (s->state == EXPONENT_SIGN)
            return REFUSED;
        break;
    default:
        break;
    }
    if (c == '.' && (s->state == ZERO || s->state == WHOLE)) {
        s->whole_only = false;
        s->state = POINT;
        return GH_OK;
    }
    if ((c == 'e' || c == 'E') && s->state != EXPONENT_DIGITS) {
        s->whole_only = false;
        s->state = EXPONENT;
        return GH_OK;
    }
    *ret_ended = true;
    return number_end(s);
}

/* --- the document --------------------------------------------------------------------------------------- */

static enum gh_err value_begin(struct gh_model_scan *s, char c) {
    switch (c) {
    case '{':
    case '[':
        return open_container(s, c == '{');
    case '"':
        string_begin(s);
        return GH_OK;
    case 't':
    case 'f':
    case 'n':
        return literal_begin(s, c);
    case ']':
        return s->state == FIRST_VALUE ? close_container(s, false) : REFUSED;
    default:
        return c == '-' || (c >= '0' && c <= '9') ? number_begin(s, c) : REFUSED;
    }
}

static enum gh_err structure(struct gh_model_scan *s, char c) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
        return GH_OK;
    switch (s->state) {
    case VALUE:
    case FIRST_VALUE:
        return value_begin(s, c);
    case FIRST_KEY:
        if (c == '}')
            return close_container(s, true);
        [[fallthrough]];
    case KEY:
        if (c != '"')
            return REFUSED;
        string_begin(s);
        return GH_OK;
    case COLON:
        s->state = VALUE;
        return c == ':' ? GH_OK : REFUSED;
    case AFTER:
        return c == ',' ? comma(s) : c == '}' || c == ']' ? close_container(s, c == '}') : REFUSED;
    default:
        return REFUSED;
    }
}

static enum gh_err byte(struct gh_model_scan *s, char c) {
    switch (s->state) {
    case LITERAL:
        return literal(s, c);
    case ESCAPE:
        return escape(s, c);
    case HEX:
        return hex(s, c);
    case SURROGATE:
        s->state = SURROGATE_U;
        return c == '\\' ? GH_OK : REFUSED;
    case SURROGATE_U:
        s->state = HEX;
        s->digits = 4;
        s->code = 0;
        return c == 'u' ? GH_OK : REFUSED;
    default:
        return structure(s, c);
    }
}

enum gh_err gh_model_scan_feed(struct gh_model_scan *s, struct gh_str bytes) {
    const char *p = bytes.ptr, *end = bytes.ptr + bytes.len;
    while (!s->err && p < end) {
        if (s->state == STRING) {
            p = string_bytes(s, p, end);
            if (!p)
                s->err = REFUSED;
            continue;
        }
        bool ended = false;
        if (s->state >= MINUS)
            s->err = number(s, *p, &ended);
        else
            s->err = byte(s, *p);
        p += !ended;
    }
    return s->err;
}

void gh_model_scan_begin(struct gh_model_scan *s, struct gh_model_names *names) {
    names->count = names->used = 0;
    names->named = false;
    s->names = names;
    s->err = GH_OK;
    s->objects = 0;
    s->state = VALUE;
    s->depth = 0;
    s->coming = OUTER;
    s->has_model = 0;
    s->seen_count = 0;
    s->tail = 0;
}

enum gh_err gh_model_scan_end(struct gh_model_scan *s) {
    if (!s->err && s->state != DONE)
        s->err = REFUSED;
    return s->err;
}
