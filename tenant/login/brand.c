#include "tenant/login/brand.h"

#include "tenant/login/template.h"

#define DEFAULT_PRIMARY "#2447d8"
#define DEFAULT_BACKGROUND "#f3f4f8"
#define DARK "#16181d"
#define LIGHT "#ffffff"

static int hex(char c) {
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The channel r, g or b (0..2) as 0..255. */
static int channel(struct gh_str color, size_t which) {
    if (color.len == 4)
        return hex(color.ptr[1 + which]) * 17;
    return hex(color.ptr[1 + 2 * which]) * 16 + hex(color.ptr[2 + 2 * which]);
}

/* sRGB to linear, ((v + 0.055) / 1.055) ^ 2.4, without libm: x^2.4 = x^2 * (x^0.4), and x^0.4 is the fifth
 * root of x squared, found by Newton's method. Exact to far below what a contrast ratio needs. */
static double linear(int value) {
    double v = value / 255.0;
    if (v <= 0.04045)
        return v / 12.92;
    double x = (v + 0.055) / 1.055, square = x * x, root = 1;
    for (int i = 0; i < 40; i++)
        root -= (root * root * root * root * root - square) / (5 * root * root * root * root);
    return square * root;
}

static double luminance(struct gh_str color) {
    return 0.2126 * linear(channel(color, 0)) + 0.7152 * linear(channel(color, 1)) +
           0.0722 * linear(channel(color, 2));
}

double gh_brand_contrast(struct gh_str a, struct gh_str b) {
    if (!gh_is_color(a) || !gh_is_color(b))
        return 0;
    double x = luminance(a) + 0.05, y = luminance(b) + 0.05;
    return x > y ? x / y : y / x;
}

const char *gh_brand_text_on(struct gh_str color) {
    if (gh_brand_contrast(color, GH_STR(LIGHT)) >= 4.5)
        return LIGHT;
    return gh_brand_contrast(color, GH_STR(DARK)) >= 4.5 ? DARK : "#000000";
}

static struct gh_str text(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    return (struct gh_str){ json_string_value(value), json_string_length(value) };
}

static bool put(json_t *object, const char *name, struct gh_str value) {
    return json_object_set_new(object, name, json_stringn(value.ptr ? value.ptr : "", value.len)) == 0;
}

static struct gh_str color_or(const json_t *colors, const char *name, const char *fallback) {
    struct gh_str value = text(colors, name);
    return gh_is_color(value) ? value : gh_str_from(fallback);
}

static struct gh_str https_or_none(struct gh_str url) {
    return gh_str_starts(url, GH_STR("https://")) ? url : (struct gh_str){ 0 };
}

bool gh_brand_add(json_t *data, const json_t *settings, const json_t *organization) {
    const json_t *branding = json_object_get(organization, "branding");
    const json_t *colors = json_object_get(branding, "colors");
    struct gh_str primary = color_or(colors, "primary", DEFAULT_PRIMARY);
    struct gh_str background = color_or(colors, "page_background", DEFAULT_BACKGROUND);
    struct gh_str name = text(organization, "display_name"), logo = text(branding, "logo_url");
    if (name.len == 0)
        name = text(organization, "name");
    if (name.len == 0)
        name = text(settings, "friendly_name");
    if (logo.len == 0)
        logo = text(settings, "picture_url");
    /* The card is white: a pale primary colour would vanish on it as a focus ring or a mark (1.4.11 wants
     * 3:1). */
    struct gh_str accent = gh_brand_contrast(primary, GH_STR(LIGHT)) >= 3 ? primary : GH_STR(DARK);

    json_t *brand = json_object();
    bool fine = put(brand, "name", name) && put(brand, "logo", https_or_none(logo)) &&
                put(brand, "primary", primary) &&
                put(brand, "on_primary", gh_str_from(gh_brand_text_on(primary))) &&
                put(brand, "background", background) &&
                put(brand, "on_background", gh_str_from(gh_brand_text_on(background))) &&
                put(brand, "accent", accent);
    if (json_object_set_new(data, "brand", brand) != 0) /* steals brand even when it fails */
        return false;
    return fine;
}
