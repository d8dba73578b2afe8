#include "core/limits.h"
#include "follow/discovery.h"
#include "fuzz/fuzz.h"

/* An address that is taken from a document is one that we are willing to ask, and the document names us. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    struct gh_str text = { (const char *)data, size }, uri = { 0 }, url;
    if (gh_discovery_parse(a, text, GH_STR("https://a.example/"), &uri) == GH_OK) {
        MUST(gh_str_starts(uri, GH_STR("https://")) && uri.len > 8 && uri.len <= GH_LIMIT_TARGET);
        for (size_t i = 0; i < uri.len; i++)
            MUST(gh_bytes(uri)[i] > ' ' && gh_bytes(uri)[i] < 0x7f && uri.ptr[i] != '@');
        MUST(gh_url_same_origin(uri, uri));
    }
    if (gh_discovery_url(a, GH_DISCOVERY_OAUTH, text, &url) == GH_OK)
        MUST(gh_url_same_origin(url, text));
    long long age = gh_max_age(text);
    MUST(age >= -1 && age <= 1LL << 31);
    return 0;
}
