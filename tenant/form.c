#include "tenant/form.h"

#include "core/target.h"

/* How many continuation bytes follow a lead byte, and the range of the first of them (RFC 3629 4); the rest
 * is 80..BF. */
static int utf8_tail(unsigned char lead, unsigned char *low, unsigned char *high) {
    *low = 0x80;
    *high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 1;
    if ((lead & 0xF0) == 0xE0) {
        if (lead == 0xE0)
            *low = 0xA0; /* shortest form */
        if (lead == 0xED)
            *high = 0x9F; /* surrogates */
        return 2;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (lead == 0xF0)
            *low = 0x90;
        if (lead == 0xF4)
            *high = 0x8F; /* U+10FFFF is the last */
        return 3;
    }
    return -1;
}

bool gh_utf8_is_text(struct gh_str s) {
    const unsigned char *p = gh_bytes(s), *end = p ? p + s.len : NULL;
    while (p != end) {
        if (*p == 0)
            return false;
        if (*p < 0x80) {
            p++;
            continue;
        }
        unsigned char low, high;
        int tail = utf8_tail(*p, &low, &high);
        if (tail < 0 || end - p <= tail || p[1] < low || p[1] > high)
            return false;
        for (int i = 2; i <= tail; i++)
            if ((p[i] & 0xC0) != 0x80)
                return false;
        p += tail + 1;
    }
    return true;
}

static enum gh_err parse_pair(struct gh_arena *a, struct gh_str piece, struct gh_param *ret) {
    struct gh_str name = piece, value = { 0 }, rest = piece;
    if (gh_str_cut(&rest, '=', &name))
        value = rest;
    enum gh_err e = gh_percent_decode(a, name, true, &ret->name);
    if (!e)
        e = gh_percent_decode(a, value, true, &ret->value);
    if (!e && (!gh_utf8_is_text(ret->name) || !gh_utf8_is_text(ret->value)))
        e = GH_ERR_MALFORMED;
    return e;
}

static size_t count_pieces(struct gh_str text) {
    size_t n = text.len > 0;
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '&';
    return n;
}

enum gh_err gh_form_parse(struct gh_arena *a, struct gh_str text, const struct gh_param **ret,
                          size_t *count) {
    size_t room = count_pieces(text), n = 0;
    if (room > GH_FORM_MAX)
        return GH_ERR_TOO_LARGE;
    struct gh_param *params = gh_arena_calloc(a, room, sizeof *params);
    if (!params)
        return GH_ERR_NOMEM;

    for (struct gh_str rest = text, piece; rest.len > 0;) {
        if (!gh_str_cut(&rest, '&', &piece)) {
            piece = rest;
            rest.len = 0;
        }
        if (piece.len == 0)
            continue;
        enum gh_err e = parse_pair(a, piece, &params[n++]);
        if (e)
            return e;
    }
    *ret = params;
    *count = n;
    return GH_OK;
}

/* At most GH_FORM_MAX names, so the square of it is small. */
bool gh_form_is_single(const struct gh_param *params, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            if (gh_str_eq(params[i].name, params[k].name))
                return false;
    return true;
}
