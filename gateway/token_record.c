#include "gateway/token_record.h"

#include "core/limits.h"

enum { HAS_ISSUED_AT = 1, HAS_PERMISSIONS = 2, AUTH0_SUBJECT = 4, FLAGS = 8 };

/* A subject of Auth0's own user database: the prefix is a flag, the hexadecimal digits are bytes. */
#define AUTH0 GH_STR("auth0|")
enum { AUTH0_DIGITS = 24 };

/* Both directions walk the same fields in the same order: issuer and flags, times, names, audiences,
 * permissions. A number takes seven bits a byte, the lowest first. A text is a number, its length times FORMS
 * plus its form, and then its characters: of six bits, the lowest first, where an alphabet has them all. */
enum form { RAW, IDENTIFIER, PERMISSION, FORMS };

/* 64 characters in the order of ASCII. The first one, and how far the runs behind it are further off: each
 * `gap` is added from the place `from` on. */
struct alphabet {
    unsigned char first;
    struct {
        unsigned char from, gap;
    } run[4];
};
static const struct alphabet alphabets[FORMS] = {
    [IDENTIFIER] = { '-', { { 1, 2 }, { 11, 7 }, { 37, 4 }, { 38, 1 } } }, /* - 0..9 A..Z _ a..z, base64url */
    [PERMISSION] = { ' ', { { 32, 31 } } },                                /* blank to ? and _ to ~ */
};
static const char digits[] = "0123456789abcdef";

struct writer {
    unsigned char *at, *end;
    bool full;
};

static void put_byte(struct writer *w, unsigned byte) {
    if (w->at == w->end)
        w->full = true;
    else
        *w->at++ = (unsigned char)byte;
}

static void put_number(struct writer *w, unsigned long long n) {
    for (; n > 0x7f; n >>= 7)
        put_byte(w, (n & 0x7f) | 0x80);
    put_byte(w, (unsigned)n);
}

/* Its place in the alphabet, or -1. */
static inline __attribute__((always_inline)) int letter(const struct alphabet *alphabet, unsigned char c) {
    int place = c - alphabet->first, from = 0;
    for (size_t i = 0; i < GH_COUNT(alphabet->run) && alphabet->run[i].from > 0; i++) {
        if (place < alphabet->run[i].from)
            break;
        place -= alphabet->run[i].gap;
        from = alphabet->run[i].from;
    }
    return place >= from && place < 64 ? place : -1;
}

static inline __attribute__((always_inline)) bool
put_letters(struct writer *w, const struct alphabet *alphabet, struct gh_str s) {
    unsigned bits = 0, have = 0;
    for (size_t i = 0; i < s.len; i++) {
        int place = letter(alphabet, gh_bytes(s)[i]);
        if (place < 0)
            return false;
        bits |= (unsigned)place << have;
        for (have += 6; have >= 8; have -= 8, bits >>= 8)
            put_byte(w, bits & 0xff);
    }
    if (have > 0)
        put_byte(w, bits);
    return true;
}

static void put_text(struct writer *w, struct gh_str s) {
    const struct writer before = *w;
    put_number(w, s.len * FORMS + IDENTIFIER);
    if (put_letters(w, &alphabets[IDENTIFIER], s))
        return;
    *w = before;
    put_number(w, s.len * FORMS + PERMISSION);
    if (put_letters(w, &alphabets[PERMISSION], s))
        return;
    *w = before;
    put_number(w, s.len * FORMS + RAW);
    for (size_t i = 0; i < s.len; i++)
        put_byte(w, gh_bytes(s)[i]);
}

static bool is_auth0(struct gh_str subject) {
    if (subject.len != AUTH0.len + AUTH0_DIGITS || !gh_str_starts(subject, AUTH0))
        return false;
    for (size_t i = AUTH0.len; i < subject.len; i++)
        if (!memchr(digits, subject.ptr[i], 16))
            return false;
    return true;
}

static void put_digits(struct writer *w, struct gh_str s) {
    for (size_t i = 0; i + 1 < s.len; i += 2) {
        const char *high = memchr(digits, s.ptr[i], 16), *low = memchr(digits, s.ptr[i + 1], 16);
        put_byte(w, (unsigned)((high - digits) << 4 | (low - digits)));
    }
}

static bool claimed(const struct gh_claims *c, struct gh_str audience) {
    for (size_t i = 0; i < c->audience_count; i++)
        if (gh_str_eq(c->audiences[i], audience))
            return true;
    return false;
}

/* By its place in the scope; without one there is no record. */
static void put_issuer(struct writer *w, const struct gh_token_scope *scope, struct gh_str issuer,
                       unsigned flags) {
    size_t place = 0;
    while (place < scope->issuer_count && !gh_str_eq(scope->issuers[place], issuer))
        place++;
    w->full |= place == scope->issuer_count;
    put_number(w, place * FLAGS + flags);
}

/* Those that a policy may ask for, by their place in the scope. */
static void put_audiences(struct writer *w, const struct gh_token_scope *scope, const struct gh_claims *c) {
    size_t count = 0;
    for (size_t i = 0; i < scope->audience_count; i++)
        count += claimed(c, scope->audiences[i]);
    put_number(w, count);
    for (size_t i = 0; i < scope->audience_count; i++)
        if (claimed(c, scope->audiences[i]))
            put_number(w, i);
}

/* The expiry from the issue on, mostly a day and never a second before it: else there is no record. */
static void put_dates(struct writer *w, const struct gh_claims *c) {
    w->full |= c->issued_at < 0 || c->expires_at < c->issued_at || c->not_before < 0;
    put_number(w, (unsigned long long)c->issued_at);
    put_number(w, (unsigned long long)c->expires_at - (unsigned long long)c->issued_at);
    put_number(w, (unsigned long long)c->not_before);
}

size_t gh_token_record_write(const struct gh_token_scope *scope, const struct gh_claims *c,
                             unsigned char to[GH_TOKEN_RECORD_MAX]) {
    struct writer w = { to, to + GH_TOKEN_RECORD_MAX, false };
    bool auth0 = is_auth0(c->subject);
    put_issuer(&w, scope, c->issuer,
               (c->has_issued_at ? HAS_ISSUED_AT : 0) | (c->has_permissions ? HAS_PERMISSIONS : 0) |
                   (auth0 ? AUTH0_SUBJECT : 0));
    put_dates(&w, c);
    if (auth0)
        put_digits(&w, gh_str_skip(c->subject, AUTH0.len));
    else
        put_text(&w, c->subject);
    put_text(&w, c->client);
    put_text(&w, c->organization);
    put_text(&w, c->token_id);
    put_audiences(&w, scope, c);
    put_number(&w, c->permission_count);
    for (size_t i = 0; i < c->permission_count; i++)
        put_text(&w, c->permissions[i]);
    return w.full ? 0 : (size_t)(w.at - to);
}

/* A reader that has failed gives zeros and empty texts. Texts are written out to `at`, which has room for all
 * that a record can hold: four characters for three bytes, the subject's prefix and digits, a last block. */
struct reader {
    struct gh_str rest;
    const unsigned char *end;
    char *at;
    bool bad;
};

enum { BLOCK = 8 };

static size_t room_for(struct gh_str record) {
    return record.len / 3 * 4 + 4 + AUTH0.len + AUTH0_DIGITS + BLOCK;
}

static unsigned long long number(struct reader *r, unsigned long long max) {
    unsigned long long n = 0;
    for (unsigned shift = 0; r->rest.len > 0 && shift < 63; shift += 7) {
        unsigned char c = gh_bytes(r->rest)[0];
        r->rest = gh_str_skip(r->rest, 1);
        n |= (unsigned long long)(c & 0x7f) << shift;
        if (c <= 0x7f) {
            if (n <= max && !r->bad)
                return n;
            break;
        }
    }
    r->bad = true;
    return 0;
}

static long long date(struct reader *r, long long from) {
    return from + (long long)number(r, (unsigned long long)(GH_LIMIT_NUMERIC_DATE - from));
}

/* NULL when there are fewer. */
static const unsigned char *bytes(struct reader *r, size_t count) {
    if (r->bad || count > r->rest.len) {
        r->bad = true;
        return NULL;
    }
    const unsigned char *at = gh_bytes(r->rest);
    r->rest = gh_str_skip(r->rest, count);
    return at;
}

/* The low 48 bits as eight places of six bits, each in a byte of its own. */
static uint64_t spread(uint64_t x) {
    x = (x & 0x000000ffffff) | (x & 0xffffff000000) << 8;
    x = (x & 0x00000fff00000fff) | (x & 0x00fff00000fff000) << 4;
    return (x & 0x003f003f003f003f) | (x & 0x0fc00fc00fc00fc0) << 2;
}

/* Eight places to eight characters at once: no byte carries into the next, all stay below 128. */
static inline __attribute__((always_inline)) uint64_t spell(const struct alphabet *alphabet,
                                                            uint64_t places) {
    static const uint64_t ones = 0x0101010101010101;
    uint64_t c = places + alphabet->first * ones;
    for (size_t i = 0; i < GH_COUNT(alphabet->run) && alphabet->run[i].from > 0; i++)
        c += ((places + (128U - alphabet->run[i].from) * ones) >> 7 & ones) * alphabet->run[i].gap;
    return c;
}

/* Eight bytes, or what is left and zeros. Little-endian hosts only, see layout.h. */
static inline uint64_t load(const unsigned char *from, const unsigned char *end) {
    uint64_t bits = 0;
    if (end - from >= (ptrdiff_t)sizeof bits)
        memcpy(&bits, from, sizeof bits);
    else
        for (unsigned shift = 0; from < end; shift += 8)
            bits |= (uint64_t)*from++ << shift;
    return bits;
}

/* False when bits are set behind the last character: they would mean nothing. Inline: so the compiler knows
 * the alphabet, which halves the time. */
static inline __attribute__((always_inline)) bool letters(char *to, const struct alphabet *alphabet,
                                                          const unsigned char *from, const unsigned char *end,
                                                          size_t len) {
    for (;; to += BLOCK, from += 6, len -= BLOCK) {
        uint64_t bits = load(from, end), block = spell(alphabet, spread(bits));
        memcpy(to, &block, sizeof block);
        if (len <= BLOCK) /* bits of the last byte that no character has */
            return (bits >> len * 6 & ((1U << len * 2 % 8) - 1)) == 0;
    }
}

static struct gh_str text(struct reader *r) {
    unsigned long long n = number(r, GH_TOKEN_RECORD_MAX * 2 * FORMS);
    size_t len = n / FORMS;
    enum form form = (enum form)(n % FORMS);
    const unsigned char *from = bytes(r, form == RAW ? len : (len * 6 + 7) / 8);
    if (!from)
        return (struct gh_str){ 0 };
    struct gh_str s = { r->at, len };
    if (form == IDENTIFIER)
        r->bad |= !letters(r->at, &alphabets[IDENTIFIER], from, r->end, len);
    else if (form == PERMISSION)
        r->bad |= !letters(r->at, &alphabets[PERMISSION], from, r->end, len);
    else if (len > 0)
        memcpy(r->at, from, len);
    r->at += len;
    return s;
}

static struct gh_str auth0_subject(struct reader *r) {
    const unsigned char *from = bytes(r, AUTH0_DIGITS / 2);
    if (!from)
        return (struct gh_str){ 0 };
    struct gh_str s = { r->at, AUTH0.len + AUTH0_DIGITS };
    memcpy(r->at, AUTH0.ptr, AUTH0.len);
    r->at += AUTH0.len;
    for (size_t i = 0; i < AUTH0_DIGITS / 2; i++) {
        *r->at++ = digits[from[i] >> 4];
        *r->at++ = digits[from[i] & 15];
    }
    return s;
}

enum gh_err gh_token_record_read(struct gh_arena *a, struct gh_str record, const struct gh_token_scope *scope,
                                 struct gh_claims *ret) {
    struct reader r = { record, gh_bytes(record) + record.len, gh_arena_alloc(a, room_for(record)), false };
    if (!r.at)
        return GH_ERR_NOMEM;
    size_t n = number(&r, scope->issuer_count * FLAGS - 1);
    if (r.bad || scope->issuer_count == 0)
        return GH_ERR_MALFORMED;
    struct gh_claims c = { .issuer = scope->issuers[n / FLAGS],
                           .has_issued_at = n & HAS_ISSUED_AT,
                           .has_permissions = n & HAS_PERMISSIONS };
    c.issued_at = date(&r, 0);
    c.expires_at = date(&r, c.issued_at);
    c.not_before = date(&r, 0);
    c.subject = n & AUTH0_SUBJECT ? auth0_subject(&r) : text(&r);
    c.client = text(&r);
    c.organization = text(&r);
    c.token_id = text(&r);

    c.audience_count = number(&r, scope->audience_count);
    struct gh_str *audiences = gh_arena_calloc(a, c.audience_count, sizeof *audiences);
    if (!audiences)
        return GH_ERR_NOMEM;
    for (size_t i = 0; i < c.audience_count && !r.bad; i++) {
        size_t place = number(&r, scope->audience_count - 1);
        audiences[i] = scope->audiences[place];
    }

    c.permission_count = number(&r, GH_LIMIT_PERMISSIONS);
    struct gh_str *permissions = gh_arena_calloc(a, c.permission_count, sizeof *permissions);
    if (!permissions)
        return GH_ERR_NOMEM;
    for (size_t i = 0; i < c.permission_count && !r.bad; i++)
        permissions[i] = text(&r);

    if (r.bad || r.rest.len > 0)
        return GH_ERR_MALFORMED;
    c.audiences = audiences;
    c.permissions = permissions;
    *ret = c;
    return GH_OK;
}
