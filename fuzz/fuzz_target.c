#include "core/arena.h"
#include "core/limits.h"
#include "core/target.h"
#include "fuzz/fuzz.h"

/* A path that was found clear, decoded as a server would, has no step in it: and decoded again it has none
 * either. */
static void has_no_steps(struct gh_arena *a, struct gh_str path, int again) {
    struct gh_str decoded, rest, segment;
    if (gh_percent_decode(a, path, false, &decoded) != GH_OK) {
        MUST(again > 0); /* a lone % that an escape of % left behind */
        return;
    }
    MUST(decoded.len > 0 && decoded.ptr[0] == '/' && !memchr(decoded.ptr, '\\', decoded.len));
    rest = gh_str_skip(decoded, 1);
    while (gh_str_cut(&rest, '/', &segment))
        MUST(segment.len > 0 && !gh_str_is(segment, ".") && !gh_str_is(segment, ".."));
    MUST(!gh_str_is(rest, ".") && !gh_str_is(rest, ".."));
    if (again < 2)
        has_no_steps(a, decoded, again + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    struct gh_str text = { (const char *)data, size }, path, query, encoded, decoded;

    if (gh_target_check(text, &path, &query) == GH_OK) {
        MUST(size <= GH_LIMIT_TARGET && path.ptr == text.ptr);
        MUST(path.len == size || path.len + 1 + query.len == size);
        has_no_steps(a, path, 0);
    }
    if (size && size < 65536 && !memchr(text.ptr, 0, size)) {
        MUST(gh_percent_encode(a, text, &encoded) == GH_OK);
        MUST(gh_percent_decode(a, encoded, true, &decoded) == GH_OK && gh_str_eq(decoded, text));
    }
    return 0;
}
