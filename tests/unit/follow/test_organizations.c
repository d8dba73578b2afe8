/* What is read of a tenant that does not tell its changes. */
#include "follow/organizations.h"

#include "core/buf.h"
#include "core/limits.h"
#include "tests/check.h"

TEST(a_page_is_understood_whole_or_not_at_all) {
    static const struct {
        enum gh_page_kind kind;
        const char *json;
        enum gh_err want;
        const char *text, *next; /* of the first item; NULL: none */
    } rows[] = {
        { GH_PAGE_ORGANIZATIONS,
          "{\"organizations\":[{\"id\":\"org_1\",\"metadata\":{\"ai_models\":\"gpt-*\"}}],\"next\":\"abc\"}",
          GH_OK, "gpt-*", "abc" },
        { GH_PAGE_ORGANIZATIONS, "{\"organizations\":[{\"id\":\"org_1\",\"branding\":{\"colors\":{}}}]}",
          GH_OK, NULL, "" },
        { GH_PAGE_ORGANIZATIONS,
          "{\"organizations\":[{\"id\":\"org_1\",\"metadata\":{\"ai_models\":null}}],\"next\":null}", GH_OK,
          NULL, "" },
        { GH_PAGE_ORGANIZATIONS,
          "{\"organizations\":[{\"id\":\"org_1\",\"metadata\":{\"ai_models\":[\"gpt-5\"]}}]}", GH_OK, "",
          "" },
        { GH_PAGE_ORGANIZATIONS, "{\"organizations\":[{\"id\":\"org_1\",\"metadata\":\"ai_models\"}]}", GH_OK,
          NULL, "" },
        { GH_PAGE_APIS,
          "{\"resource_servers\":[{\"identifier\":\"urn:a\",\"scopes\":[{\"value\":\"chat\"},{\"value\":"
          "\"model:*\"}]}]}",
          GH_OK, "", "" },
        { GH_PAGE_APIS,
          "{\"resource_servers\":[{\"identifier\":\"urn:a\",\"scopes\":[{\"value\":\"models:list\"},{"
          "\"value\":7},8]}]}",
          GH_OK, NULL, "" },
        { GH_PAGE_APIS, "{\"resource_servers\":[{\"identifier\":\"urn:a\"}]}", GH_OK, NULL, "" },
        { GH_PAGE_APIS, "{\"organizations\":[{\"id\":\"org_1\"}]}", GH_ERR_MALFORMED, NULL, NULL },
        { GH_PAGE_ORGANIZATIONS, "{\"organizations\":[{\"name\":\"x\"}]}", GH_ERR_MALFORMED, NULL, NULL },
        { GH_PAGE_ORGANIZATIONS, "{\"organizations\":[{\"id\":7}]}", GH_ERR_MALFORMED, NULL, NULL },
        { GH_PAGE_ORGANIZATIONS, "{\"organizations\":[{\"id\":\"\"}]}", GH_ERR_MALFORMED, NULL, NULL },
        { GH_PAGE_ORGANIZATIONS, "{\"organizations\":[{\"id\":\"a\\nb\"}]}", GH_ERR_MALFORMED, NULL, NULL },
        { GH_PAGE_ORGANIZATIONS, "{\"organizations\":[{\"id\":\"a\",\"id\":\"b\"}]}", GH_ERR_MALFORMED, NULL,
          NULL },
        { GH_PAGE_ORGANIZATIONS, "{\"organizations\":[],\"next\":7}", GH_ERR_MALFORMED, NULL, NULL },
        { GH_PAGE_ORGANIZATIONS, "{\"organizations\":{}}", GH_ERR_MALFORMED, NULL, NULL },
        { GH_PAGE_ORGANIZATIONS, "[{\"id\":\"org_1\"}]", GH_ERR_MALFORMED, NULL, NULL },
        { GH_PAGE_ORGANIZATIONS, "{\"statusCode\":429}", GH_ERR_MALFORMED, NULL, NULL },
        { GH_PAGE_ORGANIZATIONS, "", GH_ERR_MALFORMED, NULL, NULL },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
        struct gh_page page = { 0 };
        enum gh_err e = gh_page_parse(a, rows[i].kind, gh_str_from(rows[i].json), &page);
        CHECK_ROW(rows[i].json, e == rows[i].want);
        if (e)
            continue;
        CHECK_ROW(rows[i].json, page.count == 1 && gh_str_is(page.next, rows[i].next));
        CHECK_ROW(rows[i].json, rows[i].text
                                    ? page.items[0].text.ptr && gh_str_is(page.items[0].text, rows[i].text)
                                    : !page.items[0].text.ptr);
    }
}

TEST(a_page_has_at_most_what_was_asked_for) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4 << 20);
    gh_auto(gh_buf_release) struct gh_buf b = gh_buf_make(1 << 20);
    struct gh_page page = { 0 };
    gh_buf_add(&b, GH_STR("{\"organizations\":["));
    for (int i = 0; i < 101; i++)
        gh_buf_addf(&b, "%s{\"id\":\"org_%d\"}", i ? "," : "", i);
    gh_buf_add(&b, GH_STR("]}"));
    CHECK(gh_page_parse(a, GH_PAGE_ORGANIZATIONS, gh_buf_str(&b), &page) == GH_ERR_TOO_LARGE &&
          page.count == 0);

    gh_buf_reset(&b);
    gh_buf_add(&b, GH_STR("{\"organizations\":[{\"id\":\"o\",\"metadata\":{\"ai_models\":\""));
    for (int i = 0; i <= GH_LIMIT_FACT; i++)
        gh_buf_add_char(&b, 'm');
    gh_buf_add(&b, GH_STR("\"}}]}"));
    CHECK(gh_page_parse(a, GH_PAGE_ORGANIZATIONS, gh_buf_str(&b), &page) == GH_OK);
    CHECK(page.items[0].text.ptr && page.items[0].text.len == 0); /* too long a list allows nothing */
}

GH_TESTS(a_page_is_understood_whole_or_not_at_all, a_page_has_at_most_what_was_asked_for)
