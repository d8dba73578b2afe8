#include "gateway/token_record.h"

#include "core/limits.h"

enum { HAS_ISSUED_AT = 1, HAS_PERMISSIONS = 2, FLAGS = 3 };

/* Both directions walk the same fields in the same order: flags, issuer, times, names, audiences,
 * permissions. A number takes seven bits a byte, the lowest first; a text is its length and its bytes. */
struct writer {
    unsigned char *at, *end;
    bool full;
};

static void put_number(struct writer *w, unsigned long long n) {
    for (;; n >>= 7) {
        if (w->at == w->end) {
            w->full = true;
            return;
        }
        *w->at++ = (unsigned char)((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
        if (n <= 0x7f)
            return;
    }
}

static void put_text(struct writer *w, struct gh_str s) {
    put_number(w, s.len);
    if (w->full || s.len > (size_t)(w->end - w->at)) {
        w->full = true;
        return;
    }
    if (s.len > 0)
        memcpy(w->at, s.ptr, s.len);
    w->at += s.len;
}

static bool claimed(const struct gh_claims *c, struct gh_str audience) {
    for (size_t i = 0; i < c->audience_count; i++)
        if (gh_str_eq(c->audiences[i], audience))
            return true;
    return false;
}

/* By its place in the scope; without one there is no record. */
static void put_issuer(struct writer *w, const struct gh_token_scope *scope, struct gh_str issuer) {
    size_t place = 0;
    while (place < scope->issuer_count && !gh_str_eq(scope->issuers[place], issuer))
        place++;
    w->full |= place == scope->issuer_count;
    put_number(w, place);
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

size_t gh_token_record_write(const struct gh_token_scope *scope, const struct gh_claims *c,
                             unsigned char to[GH_TOKEN_RECORD_MAX]) {
    struct writer w = { to, to + GH_TOKEN_RECORD_MAX, false };
    put_number(&w, (c->has_issued_at ? HAS_ISSUED_AT : 0) | (c->has_permissions ? HAS_PERMISSIONS : 0));
    put_issuer(&w, scope, c->issuer);
    put_number(&w, (unsigned long long)c->issued_at);
    put_number(&w, (unsigned long long)c->expires_at);
    put_number(&w, (unsigned long long)c->not_before);
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

/* A reader that has failed gives zeros and empty texts. */
struct reader {
    struct gh_str rest;
    bool bad;
};

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

static long long date(struct reader *r) {
    return (long long)number(r, GH_LIMIT_NUMERIC_DATE);
}

static struct gh_str text(struct reader *r) {
    size_t len = number(r, GH_TOKEN_RECORD_MAX);
    if (r->bad || len > r->rest.len) {
        r->bad = true;
        return (struct gh_str){ 0 };
    }
    struct gh_str s = { r->rest.ptr, len };
    r->rest = gh_str_skip(r->rest, len);
    return s;
}

enum gh_err gh_token_record_read(struct gh_arena *a, struct gh_str record, const struct gh_token_scope *scope,
                                 struct gh_claims *ret) {
    struct reader r = { record, false };
    unsigned flags = (unsigned)number(&r, FLAGS);
    struct gh_claims c = { .has_issued_at = flags & HAS_ISSUED_AT,
                           .has_permissions = flags & HAS_PERMISSIONS };
    size_t issuer = number(&r, scope->issuer_count - 1);
    if (r.bad || scope->issuer_count == 0)
        return GH_ERR_MALFORMED;
    c.issuer = scope->issuers[issuer];
    c.issued_at = date(&r);
    c.expires_at = date(&r);
    c.not_before = date(&r);
    c.subject = text(&r);
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
