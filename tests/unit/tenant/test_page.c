/* The templates of the program itself: each parses, and none lets a hostile name out of its place. */
#include "core/cleanup.h"
#include "templates.gen.h"
#include "tenant/login/brand.h"
#include "tenant/login/template.h"
#include "tests/check.h"

#define HOSTILE "\"'></style><script>alert(1)</script>"

static size_t count(struct gh_str page, char c) {
    size_t n = 0;
    for (size_t i = 0; i < page.len; i++)
        n += page.ptr[i] == c;
    return n;
}

static json_t *data(const char *value) {
    json_t *org = json_pack("{s:s, s:{s:s, s:{s:s, s:s}}}", "display_name", value, "branding", "logo_url",
                            "https://c.example/l.png", "colors", "primary", value, "page_background", value);
    json_t *d =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[{s:s, s:s}], s:[{s:s, s:s}]}", "nonce",
                  value, "state", value, "username", value, "client_name", value, "error", value, "title",
                  value, "text", value, "request_id", value, "organization_name", value, "organizations",
                  "id", value, "name", value, "fields", "name", value, "value", value);
    CHECK(d && gh_brand_add(d, NULL, org));
    json_decref(org);
    return d;
}

TEST(every_page_parses_and_keeps_what_it_is_given_in_its_place) {
    for (size_t i = 0; i < GH_COUNT(gh_page_texts); i++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
        gh_auto(gh_buf_release) struct gh_buf tame = gh_buf_make(1 << 18), hostile = gh_buf_make(1 << 18);
        json_auto_t *one = data("tame"), *other = data(HOSTILE);
        const struct gh_template *t;
        char why[160] = "";
        enum gh_err e = gh_template_parse(a, gh_page_texts[i], &t, why);
        CHECK_ROW(why, e == GH_OK);
        gh_template_render(t, one, &tame);
        gh_template_render(t, other, &hostile);
        CHECK(!tame.failed && !hostile.failed);
        for (const char *c = "<>\"'"; *c; c++)
            CHECK(count(gh_buf_str(&tame), *c) == count(gh_buf_str(&hostile), *c));
    }
}

GH_TESTS(every_page_parses_and_keeps_what_it_is_given_in_its_place)
