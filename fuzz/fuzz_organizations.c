#include "core/limits.h"
#include "follow/organizations.h"
#include "fuzz/fuzz.h"

/* Each item can be written into a feed and into the list of what is known, one a line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (int kind = 0; kind < 2; kind++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4 << 20);
        struct gh_page page;
        if (gh_page_parse(a, (enum gh_page_kind)kind, (struct gh_str){ (const char *)data, size }, &page) !=
            GH_OK)
            continue;
        MUST(page.count <= 100);
        for (size_t i = 0; i < page.count; i++)
            MUST(page.items[i].name.len > 0 && page.items[i].text.len <= GH_LIMIT_FACT &&
                 !memchr(page.items[i].name.ptr, '\n', page.items[i].name.len));
    }
    return 0;
}
