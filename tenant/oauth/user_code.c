#include "tenant/oauth/user_code.h"

#include "sys/random.h"

static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ";
enum { LETTERS = 8, FIRST = 4, TYPED_MAX = 64 };

static enum gh_err spell(struct gh_arena *a, const char *code, struct gh_str *ret) {
    *ret = gh_arena_printf(a, "%.*s-%.*s", FIRST, code, LETTERS - FIRST, code + FIRST);
    return ret->ptr ? GH_OK : GH_ERR_NOMEM;
}

enum gh_err gh_user_code_make(struct gh_arena *a, struct gh_str *ret) {
    struct gh_str code;
    enum gh_err e = gh_random_from(a, letters, LETTERS, &code);
    return e ? e : spell(a, code.ptr, ret);
}

enum gh_err gh_user_code_read(struct gh_arena *a, struct gh_str typed, struct gh_str *ret) {
    char code[LETTERS];
    size_t len = 0;
    if (typed.len > TYPED_MAX)
        return GH_ERR_MALFORMED;
    for (size_t i = 0; i < typed.len; i++) {
        char c = typed.ptr[i];
        if (c == ' ' || c == '-')
            continue;
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (len == LETTERS || c == '\0' || !strchr(letters, c))
            return GH_ERR_MALFORMED;
        code[len++] = c;
    }
    return len == LETTERS ? spell(a, code, ret) : GH_ERR_MALFORMED;
}
