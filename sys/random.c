#include "sys/random.h"

#include <errno.h>
#include <sys/random.h>

static const char urlsafe[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

enum { ALPHANUMERIC = 62, URLSAFE = 64, HEX = 16 };

enum gh_err gh_random_bytes(void *ret, size_t len) {
    char *p = ret;
    while (len) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return GH_ERR_CRYPTO;
        p += n;
        len -= (size_t)n;
    }
    return GH_OK;
}

/* Six bits at a time; what falls outside the alphabet is thrown away, so each letter is equally likely. */
static enum gh_err fill(char *ret, size_t len, const char *alphabet, unsigned letters, unsigned mask) {
    unsigned char pool[64];
    size_t used = sizeof pool;
    while (len) {
        if (used == sizeof pool) {
            enum gh_err e = gh_random_bytes(pool, sizeof pool);
            if (e)
                return e;
            used = 0;
        }
        unsigned i = pool[used++] & mask;
        if (i >= letters)
            continue;
        *ret++ = alphabet[i];
        len--;
    }
    explicit_bzero(pool, sizeof pool); /* the text may become a secret */
    return GH_OK;
}

static enum gh_err text(struct gh_arena *a, struct gh_str prefix, size_t len, const char *alphabet,
                        unsigned letters, unsigned mask, struct gh_str *ret) {
    char *p = len > (1 << 20) ? NULL : gh_arena_alloc(a, prefix.len + len + 1);
    if (!p)
        return GH_ERR_NOMEM;
    if (prefix.len)
        memcpy(p, prefix.ptr, prefix.len);
    enum gh_err e = fill(p + prefix.len, len, alphabet, letters, mask);
    if (e)
        return e;
    *ret = (struct gh_str){ p, prefix.len + len };
    return GH_OK;
}

enum gh_err gh_random_id(struct gh_arena *a, const char *prefix, size_t len, struct gh_str *ret) {
    return text(a, gh_str_from(prefix), len, urlsafe, ALPHANUMERIC, 63, ret);
}

enum gh_err gh_random_urlsafe(struct gh_arena *a, size_t len, struct gh_str *ret) {
    return text(a, GH_STR(""), len, urlsafe, URLSAFE, 63, ret);
}

enum gh_err gh_random_from(struct gh_arena *a, const char *alphabet, size_t len, struct gh_str *ret) {
    return text(a, GH_STR(""), len, alphabet, (unsigned)strlen(alphabet), 63, ret);
}

enum gh_err gh_random_hex(struct gh_arena *a, size_t digits, struct gh_str *ret) {
    return text(a, GH_STR(""), digits, "0123456789abcdef", HEX, 15, ret);
}

enum gh_err gh_random_object_id(struct gh_arena *a, long long now, struct gh_str *ret) {
    struct gh_str time = gh_arena_printf(a, "%08llx", (unsigned long long)now & 0xffffffff);
    return time.ptr ? text(a, time, 16, "0123456789abcdef", HEX, 15, ret) : GH_ERR_NOMEM;
}
