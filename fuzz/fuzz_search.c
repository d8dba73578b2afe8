/* fuzz/fuzz_search.c - any text as a user search: it parses or it does not, and what parses evaluates. */
#include <string.h>

#include "core/cleanup.h"
#include "fuzz/fuzz.h"
#include "tenant/api/user_search.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static json_t *user;
    if (!user)
        user = json_loads("{\"email\":\"a@b.c\",\"n\":7,\"b\":true,\"x\":{\"y\":[1,\"z\",{\"w\":null}]}}", 0,
                          NULL);
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    const struct gh_search *s;
    struct gh_str emails[8];
    if (!a || gh_search_parse(a, (struct gh_str){ (const char *)data, size }, &s))
        return 0;
    MUST(size <= GH_SEARCH_MAX);
    bool matches = gh_search_matches(s, user);
    size_t count = gh_search_requires(s, "email", emails, GH_COUNT(emails));
    bool named = count == 0 || !matches;
    for (size_t i = 0; i < count; i++)
        named |= gh_str_eq_nocase(emails[i], GH_STR("a@b.c"));
    MUST(named); /* the index may not lose a match */
    return 0;
}
