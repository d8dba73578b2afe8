#include "fuzz/fuzz.h"
#include "tenant/oauth/user_code.h"

/* What is read is spelled in one way, and reads as itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4096);
    struct gh_str code, again;
    if (gh_user_code_read(a, (struct gh_str){ (const char *)data, size }, &code) != GH_OK)
        return 0;
    MUST(code.len == 9 && code.ptr[4] == '-');
    MUST(gh_user_code_read(a, code, &again) == GH_OK && gh_str_eq(again, code));
    return 0;
}
