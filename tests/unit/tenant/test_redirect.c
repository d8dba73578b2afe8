#include "tenant/oauth/redirect.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/target.h"
#include "tests/check.h"

#define LIST                                                                                                 \
    "[\"https://app.example/cb\",\"http://localhost:3000/cb?x=1\",\"com.example.app:/"                       \
    "cb\",\"javascript:alert(1)\"]"

TEST(only_the_registered_bytes_are_allowed) {
    static const struct {
        const char *uri;
        bool want;
    } rows[] = {
        { "https://app.example/cb", true },
        { "http://localhost:3000/cb?x=1", true },
        { "com.example.app:/cb", true },
        { "https://app.example/cb/", false },
        { "https://app.example/CB", false },
        { "https://APP.example/cb", false },
        { "https://app.example:443/cb", false },
        { "https://app.example/cb?x=1", false },
        { "https://app.example/cb#", false },
        { "https://app.example/./cb", false },
        { "http://app.example/cb", false },
        { "http://localhost:3001/cb?x=1", false },
        { "javascript:alert(1)", false }, /* registered, and still not: it would run */
        { "", false },
    };
    json_auto_t *list = json_loads(LIST, 0, NULL);
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i].uri, gh_redirect_allowed(list, gh_str_from(rows[i].uri)) == rows[i].want);
    CHECK(!gh_redirect_allowed(NULL, GH_STR("https://app.example/cb")));
}

TEST(what_browsers_read_differently_is_not_sane) {
    static const char *const rows[] = {
        "/cb",
        "//evil.example",
        "https:/app.example",
        "https:app.example",
        "https://",
        "https://a@b.example/",
        "https://a.example\\@b.example/",
        " https://a.example/",
        "https://a.example/\t",
        "https://a.example/#f",
        "data:text/html,x",
        "DATA:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "1https://x",
        "https://\xc3\xa9.example/",
        "https://:443/",
        "javascript://a.example/%0aalert(1)",
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i], !gh_redirect_sane(gh_str_from(rows[i])));
}

TEST(parameters_are_encoded_behind_the_uri) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    const struct gh_redirect_param params[] = { { "code", GH_STR("a b&c") },
                                                { "none", { 0 } },
                                                { "state", GH_STR("é\r\n#") } };
    struct gh_str got;
    CHECK(gh_redirect_build(a, GH_STR("https://a.example/cb"), params, 3, &got) == GH_OK);
    CHECK(gh_str_is(got, "https://a.example/cb?code=a%20b%26c&state=%C3%A9%0D%0A%23"));
    CHECK(gh_redirect_build(a, GH_STR("https://a.example/cb?x=1"), params, 1, &got) == GH_OK);
    CHECK(gh_str_is(got, "https://a.example/cb?x=1&code=a%20b%26c"));
    CHECK(gh_redirect_build(a, GH_STR("https://a.example/cb?"), params, 1, &got) == GH_OK);
    CHECK(gh_str_is(got, "https://a.example/cb?code=a%20b%26c"));
}

TEST(a_policy_source_is_an_origin_or_a_scheme) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    CHECK(gh_str_is(gh_redirect_source(a, GH_STR("https://a.example:8/cb?x")), "https://a.example:8"));
    CHECK(gh_str_is(gh_redirect_source(a, GH_STR("http://[::1]:3/cb")), "http://[::1]:3"));
    CHECK(gh_str_is(gh_redirect_source(a, GH_STR("com.example.app:/cb")), "com.example.app:"));
    CHECK(gh_redirect_source(a, GH_STR("https://a.example;script-src *")).len == 0);
    CHECK(gh_redirect_source(a, GH_STR("javascript:1")).len == 0);
}

/* The corpus of open redirects: none of them is ever on the list, raw or once decoded. */
TEST(no_payload_of_the_corpus_leaves_the_list) {
    const char *folder = getenv("GH_SHARED");
    char path[512], line[4096];
    snprintf(path, sizeof path, "%s/vectors/redirects/payloads.txt", folder ? folder : "../shared");
    FILE *f = fopen(path, "r");
    if (!f) {
        print_message("skipped: %s is not here\n", path);
        skip();
    }
    json_auto_t *list = json_loads(LIST, 0, NULL);
    size_t count = 0;
    while (fgets(line, sizeof line, f)) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
        struct gh_str payload = { line, strcspn(line, "\r\n") }, decoded;
        CHECK_ROW(line, !gh_redirect_allowed(list, payload));
        if (gh_percent_decode(a, payload, false, &decoded) == GH_OK)
            CHECK_ROW(line, !gh_redirect_allowed(list, decoded));
        count++;
    }
    fclose(f);
    CHECK(count > 500);
}

GH_TESTS(only_the_registered_bytes_are_allowed, what_browsers_read_differently_is_not_sane,
         parameters_are_encoded_behind_the_uri, a_policy_source_is_an_origin_or_a_scheme,
         no_payload_of_the_corpus_leaves_the_list)
