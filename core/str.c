#include "core/str.h"

#include <openssl/crypto.h>

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool gh_str_eq_nocase(struct gh_str a, struct gh_str b) {
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

bool gh_str_cut(struct gh_str *rest, char at, struct gh_str *head) {
    const char *found = rest->len ? memchr(rest->ptr, at, rest->len) : NULL;
    if (!found)
        return false;
    size_t before = (size_t)(found - rest->ptr);
    *head = (struct gh_str){ rest->ptr, before };
    *rest = (struct gh_str){ found + 1, rest->len - before - 1 };
    return true;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

struct gh_str gh_str_trim(struct gh_str s) {
    while (s.len && is_blank(s.ptr[0]))
        s = (struct gh_str){ s.ptr + 1, s.len - 1 };
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool gh_str_to_u64(struct gh_str s, unsigned long long max, unsigned long long *ret) {
    unsigned long long value = 0;
    if (s.len == 0 || (s.len > 1 && s.ptr[0] == '0'))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        unsigned digit = (unsigned)(s.ptr[i] - '0');
        if (value > (max - digit) / 10 || digit > max)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

bool gh_str_eq_secret(struct gh_str a, struct gh_str b) {
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}
