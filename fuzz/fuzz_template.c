/* Whatever parses as a template: hostile values leave as many quotes and angle brackets in the page as tame
 * ones. */
#include <string.h>

#include "core/cleanup.h"
#include "fuzz/fuzz.h"
#include "tenant/login/template.h"

#define HOSTILE "\"'><script>alert(1)</script>{{ v }}"

static json_t *data(const char *value) {
    return json_pack("{s:s, s:b, s:[s, {s:s}], s:{s:s}}", "v", value, "yes", 1, "list", value, "v", value,
                     "o", "v", value);
}

static void count(struct gh_str page, size_t ret[4]) {
    for (size_t i = 0; i < page.len; i++)
        for (size_t k = 0; k < 4; k++)
            ret[k] += page.ptr[i] == "<>\"'"[k];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 22);
    const struct gh_template *t;
    char why[160];
    if (gh_template_parse(a, (struct gh_str){ (const char *)bytes, size }, &t, why) != GH_OK)
        return 0;

    gh_auto(gh_buf_release) struct gh_buf tame = gh_buf_make(1 << 18), hostile = gh_buf_make(1 << 18);
    json_auto_t *one = data("tame"), *other = data(HOSTILE);
    gh_template_render(t, one, &tame);
    gh_template_render(t, other, &hostile);
    if (tame.failed || hostile.failed) /* nested loops may hit the ceiling; the page is not used then */
        return 0;
    size_t in_tame[4] = { 0 }, in_hostile[4] = { 0 };
    count(gh_buf_str(&tame), in_tame);
    count(gh_buf_str(&hostile), in_hostile);
    if (memcmp(in_tame, in_hostile, sizeof in_tame) != 0)
        abort();
    return 0;
}
