#include "core/b64url.h"
#include "fuzz/fuzz.h"

/* Decoding and encoding are inverse in both directions, in both alphabets. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(16 * size + 4096);
    struct gh_str text = { (const char *)data, size }, bytes, again;

    if (gh_b64url_decode(a, text, &bytes) == GH_OK)
        MUST(gh_b64url_encode(a, bytes, &again) == GH_OK && gh_str_eq(again, text));
    if (gh_b64_decode(a, text, &bytes) == GH_OK)
        MUST(gh_b64_encode(a, bytes, &again) == GH_OK && gh_str_eq(again, text));
    MUST(gh_b64url_encode(a, text, &again) == GH_OK && gh_b64url_decode(a, again, &bytes) == GH_OK);
    MUST(gh_str_eq(bytes, text));
    MUST(gh_b64_encode(a, text, &again) == GH_OK && gh_b64_decode(a, again, &bytes) == GH_OK);
    MUST(gh_str_eq(bytes, text));
    return 0;
}
