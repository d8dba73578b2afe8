#include "follow/changes.h"
#include "fuzz/fuzz.h"

/* What is taken can be written into a feed: every kind is one, every number fits. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4 << 20);
    struct gh_changes c;
    if (gh_changes_parse(a, (struct gh_str){ (const char *)data, size }, &c) != GH_OK)
        return 0;
    MUST(c.log >= 0 && c.sequence >= 0 && c.global >= 0 && c.count <= GH_CHANGES_MAX);
    for (size_t i = 0; i < c.count; i++) {
        const struct gh_change_told *t = &c.list[i];
        MUST(t->a.ptr || t->a.len == 0);
        MUST(t->is_fact ? t->fact <= GH_FACT_MODELS && t->text.len <= GH_LIMIT_FACT
                        : t->kind <= GH_EPOCH_AUDIENCE && t->epoch >= 0 && t->epoch < 1LL << 37);
    }
    return 0;
}
