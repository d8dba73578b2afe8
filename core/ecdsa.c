#include "core/ecdsa.h"

enum { TAG_INTEGER = 0x02, TAG_SEQUENCE = 0x30 };

/* An unsigned number as a DER INTEGER: no leading zeros, but one where the top bit would make it negative. */
static size_t put_integer(const unsigned char *number, size_t len, unsigned char *out) {
    while (len > 1 && number[0] == 0) {
        number++;
        len--;
    }
    size_t sign = number[0] >> 7;
    out[0] = TAG_INTEGER;
    out[1] = (unsigned char)(sign + len);
    out[2] = 0;
    memcpy(out + 2 + sign, number, len);
    return 2 + sign + len;
}

size_t gh_ecdsa_to_der(struct gh_str raw, size_t coordinate, unsigned char ret[static GH_ECDSA_DER_MAX]) {
    if (coordinate == 0 || coordinate > GH_ECDSA_COORDINATE_MAX || raw.len != 2 * coordinate)
        return 0;
    size_t len = put_integer(gh_bytes(raw), coordinate, ret + 2);
    len += put_integer(gh_bytes(raw) + coordinate, coordinate, ret + 2 + len);
    ret[0] = TAG_SEQUENCE;
    ret[1] = (unsigned char)len;
    return 2 + len;
}

/* Takes one tag with its length byte and its content off the front. */
static bool take(struct gh_str *der, unsigned char tag, struct gh_str *content) {
    const unsigned char *p = gh_bytes(*der);
    if (der->len < 2 || p[0] != tag || p[1] > 0x7f || p[1] > der->len - 2)
        return false;
    *content = (struct gh_str){ der->ptr + 2, p[1] };
    *der = gh_str_skip(*der, 2 + content->len);
    return true;
}

static bool get_integer(struct gh_str *der, size_t coordinate, unsigned char *out) {
    struct gh_str number;
    if (!take(der, TAG_INTEGER, &number) || number.len == 0 || number.ptr[0] & 0x80)
        return false;
    if (number.len > 1 && number.ptr[0] == 0) {
        if (!(number.ptr[1] & 0x80))
            return false; /* a needless zero */
        number = gh_str_skip(number, 1);
    }
    if (number.len > coordinate)
        return false;
    memset(out, 0, coordinate - number.len);
    memcpy(out + coordinate - number.len, number.ptr, number.len);
    return true;
}

bool gh_ecdsa_from_der(struct gh_str der, size_t coordinate, unsigned char *ret) {
    struct gh_str inner;
    return coordinate <= GH_ECDSA_COORDINATE_MAX && take(&der, TAG_SEQUENCE, &inner) && der.len == 0 &&
           get_integer(&inner, coordinate, ret) && get_integer(&inner, coordinate, ret + coordinate) &&
           inner.len == 0;
}
