/* brand.c and attempts.c */
#include <string.h>

#include "core/cleanup.h"
#include "tenant/login/attempts.h"
#include "tenant/login/brand.h"
#include "tests/check.h"

static const char *brand(const json_t *data, const char *name) {
    return json_string_value(json_object_get(json_object_get(data, "brand"), name));
}

TEST(an_organization_shows_its_colours_as_declared) {
    json_auto_t *data = json_object(), *settings = json_loads("{\"friendly_name\":\"Tenant\"}", 0, NULL);
    json_auto_t *org = json_loads(
        "{\"name\":\"acme\",\"display_name\":\"Acme Ltd\",\"branding\":{\"logo_url\":\"https://c/l.png\","
        "\"colors\":{\"primary\":\"#FFF5Aa\",\"page_background\":\"#123\"}}}",
        0, NULL);
    CHECK(gh_brand_add(data, settings, org));
    CHECK(!strcmp(brand(data, "name"), "Acme Ltd") && !strcmp(brand(data, "logo"), "https://c/l.png"));
    CHECK(!strcmp(brand(data, "primary"), "#FFF5Aa") && !strcmp(brand(data, "background"), "#123"));
    CHECK(strcmp(brand(data, "on_primary"), "#ffffff") != 0); /* dark text on a pale colour */
    CHECK(strcmp(brand(data, "accent"), "#FFF5Aa") != 0);     /* too pale for a ring on white */
    CHECK(!strcmp(brand(data, "on_background"), "#ffffff"));
}

TEST(what_is_no_colour_or_no_https_logo_is_left_out) {
    json_auto_t *data = json_object(), *plain = json_object();
    json_auto_t *org =
        json_loads("{\"name\":\"acme\",\"branding\":{\"logo_url\":\"javascript:1\",\"colors\":"
                   "{\"primary\":\"red\",\"page_background\":{\"type\":\"linear-gradient\"}}}}",
                   0, NULL);
    CHECK(gh_brand_add(plain, NULL, NULL) && gh_brand_add(data, NULL, org));
    CHECK(!strcmp(brand(data, "primary"), brand(plain, "primary")));
    CHECK(!strcmp(brand(data, "background"), brand(plain, "background")));
    CHECK(!strcmp(brand(data, "logo"), "") && !strcmp(brand(data, "name"), "acme"));
}

TEST(text_is_readable_on_every_colour) {
    char color[8];
    for (unsigned r = 0; r < 256; r += 15)
        for (unsigned g = 0; g < 256; g += 15)
            for (unsigned b = 0; b < 256; b += 15) {
                snprintf(color, sizeof color, "#%02x%02x%02x", r, g, b);
                struct gh_str c = gh_str_from(color);
                CHECK_ROW(color, gh_brand_contrast(c, gh_str_from(gh_brand_text_on(c))) >= 4.5);
            }
    double most = gh_brand_contrast(GH_STR("#000"), GH_STR("#ffffff")),
           same = gh_brand_contrast(GH_STR("#777"), GH_STR("#777777"));
    CHECK(most > 20.99 && most < 21.01 && same > 0.999 && same < 1.001);
    double w3c = gh_brand_contrast(GH_STR("#767676"),
                                   GH_STR("#fff")); /* the palest grey that passes AA on white: 4.54 */
    CHECK(w3c > 4.53 && w3c < 4.55);
}

TEST(ten_failures_and_then_a_pause) {
    struct gh_str account = GH_STR("con_1\nann@acme.example"), here = GH_STR("192.0.2.1"),
                  there = GH_STR("192.0.2.2");
    bool blocked;
    for (int i = 0; i < GH_ATTEMPTS_MAX; i++)
        CHECK(gh_attempts_take(account, here, 1000, &blocked) == GH_OK && !blocked);
    CHECK(gh_attempts_take(account, here, 1001, &blocked) == GH_OK && blocked);
    CHECK(gh_attempts_take(account, there, 1001, &blocked) == GH_OK && !blocked); /* another address */
    CHECK(gh_attempts_take(GH_STR("con_1\nbob@acme.example"), here, 1001, &blocked) == GH_OK && !blocked);
    CHECK(gh_attempts_take(account, here, 1000 + GH_ATTEMPTS_WINDOW, &blocked) == GH_OK && blocked);
    CHECK(gh_attempts_take(account, here, 1001 + GH_ATTEMPTS_WINDOW, &blocked) == GH_OK && !blocked);
    gh_attempts_excuse(GH_STR("carol"), here); /* nobody there */
    for (int i = 0; i < GH_ATTEMPTS_MAX; i++)
        CHECK(gh_attempts_take(GH_STR("carol"), here, 1000, &blocked) == GH_OK && !blocked);
    gh_attempts_excuse(GH_STR("carol"), here);
    CHECK(gh_attempts_take(GH_STR("carol"), here, 1000, &blocked) == GH_OK &&
          !blocked); /* one more, no two */
    CHECK(gh_attempts_take(GH_STR("carol"), here, 1000, &blocked) == GH_OK && blocked);
    gh_attempts_forget(account, here);
    for (int i = 0; i < GH_ATTEMPTS_MAX; i++)
        CHECK(gh_attempts_take(account, here, 2000, &blocked) == GH_OK && !blocked);
    CHECK(gh_attempts_take(account, here, 2000, &blocked) == GH_OK && blocked);
}

GH_TESTS(an_organization_shows_its_colours_as_declared, what_is_no_colour_or_no_https_logo_is_left_out,
         text_is_readable_on_every_colour, ten_failures_and_then_a_pause)
