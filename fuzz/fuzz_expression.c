/* Any text with references: refused with a diagnostic, or parts that are no longer than the text. */
#include "core/cleanup.h"
#include "fuzz/fuzz.h"
#include "stack/language/tree.h"

static size_t measure(const struct expr *e) {
    size_t sum = 0;
    switch (e->kind) {
    case EXPR_STRING:
        return e->text.len;
    case EXPR_ACCESS:
        if (e->text.len == 0)
            abort();
        for (const struct access *step = e->path; step; step = step->next)
            sum += step->name.ptr ? step->name.len : 1;
        return sum + e->text.len + 3; /* ${} */
    case EXPR_TEXT:
        if (e->count < 2)
            abort();
        for (const struct expr *part = e->first; part; part = part->next) {
            if (part->kind != EXPR_STRING && part->kind != EXPR_ACCESS)
                abort();
            sum += measure(part);
        }
        return sum;
    default:
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(64 << 20);
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = gh_diagnostics_new();
    struct reading r = { .arena = a, .d = d, .file = "x" };
    struct gh_str text = { (const char *)data, size };
    if (size > 65536)
        return 0;
    const struct expr *e = expr_read_text(&r, (struct place){ 1, 1 }, text);
    if ((e == NULL) != (gh_diagnostics_count(d, GH_SEVERITY_ERROR) > 0))
        abort();
    if (e && measure(e) > size)
        abort();
    return 0;
}
