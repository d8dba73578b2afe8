#include "core/arena.h"
#include "core/b64url.h"
#include "core/bearer.h"
#include "core/limits.h"
#include "fuzz/fuzz.h"

/* A bearer token is the end of the value, behind "Bearer "; Basic credentials encode to what was sent. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 18);
    struct gh_str value = { (const char *)data, size }, token, user, password, text;

    if (gh_bearer_parse(value, &token) == GH_OK) {
        MUST(token.len > 0 && token.len <= GH_LIMIT_TOKEN && token.len + 7 == size);
        MUST(token.ptr + token.len == value.ptr + size && !memchr(token.ptr, ' ', token.len));
    }
    if (gh_basic_parse(a, value, &user, &password) == GH_OK) {
        MUST(!memchr(user.ptr, ':', user.len));
        struct gh_str both = gh_arena_printf(a, "%.*s:%.*s", GH_STR_FMT(user), GH_STR_FMT(password));
        MUST(gh_b64_encode(a, both, &text) == GH_OK && gh_str_eq(text, gh_str_skip(value, 6)));
    }
    return 0;
}
