#include "core/cleanup.h"
#include "fuzz/fuzz.h"
#include "tenant/form.h"
#include "tenant/path.h"

/* What is accepted can go into JSON and SQL text, and there is never more of it than came in. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    struct gh_str text = { (const char *)data, size }, path = { 0 }, query = { 0 };
    const struct gh_param *params;
    size_t count, bytes = 0;

    if (gh_form_parse(a, text, &params, &count) == GH_OK) {
        for (size_t i = 0; i < count; i++) {
            MUST(gh_utf8_is_text(params[i].name) && gh_utf8_is_text(params[i].value));
            bytes += params[i].name.len + params[i].value.len;
        }
        MUST(count <= GH_FORM_MAX && bytes <= size);
    }
    if (gh_tenant_target_check(a, text, &path, &query) == GH_OK) {
        struct gh_str args[GH_PATH_ARGS];
        MUST(path.len > 0 && path.ptr == text.ptr && path.len + query.len <= text.len);
        if (gh_path_match(a, "/api/v2/{a}/{b}", path, args) == GH_OK)
            MUST(args[0].len > 0 && !gh_str_is(args[0], "..") && !gh_str_is(args[1], ".."));
    }
    return 0;
}
