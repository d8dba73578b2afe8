/* Any bytes as a program: refused with a diagnostic, or read, checked and mended. And any text that we write
 * as YAML is read back as it was. */
#include "core/cleanup.h"
#include "fuzz/fuzz.h"
#include "stack/language/edit.h"
#include "stack/program.h"

static void walk(const struct gh_yaml *n, unsigned depth) {
    size_t count = 0;
    if (n->line == 0 || n->column == 0 || n->last_line < n->line || depth > 64)
        abort();
    for (const struct gh_yaml *v = n->first; v; v = v->next, count++) {
        if ((n->kind == GH_YAML_MAPPING) != (v->key != NULL))
            abort();
        walk(v, depth + 1);
    }
    if (count != n->count)
        abort();
}

static void read_back(struct gh_str text) {
    json_t *value = json_stringn(text.ptr, text.len); /* NULL: not UTF-8 */
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(16 << 20);
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = gh_diagnostics_new();
    gh_auto(gh_buf_release) struct gh_buf out = gh_buf_make(8 << 20);
    const struct gh_yaml *root;
    if (value && !memchr(text.ptr, 0, text.len)) {
        gh_yaml_quote(&out, text);
        if (gh_yaml_parse(a, "x", gh_buf_str(&out), d, &root) || !gh_str_eq(root->text, text))
            abort();
        json_t *again = gh_yaml_scalar(root);
        if (!json_equal(again, value))
            abort();
        json_decref(again);
    }
    json_decref(value);
}

/* What is mended is YAML when it was before, and there is nothing left to mend. */
static void mend(struct gh_str text, bool is_yaml) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(64 << 20);
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = gh_diagnostics_new();
    gh_auto(gh_buf_release) struct gh_buf once = gh_buf_make(8 << 20), twice = gh_buf_make(8 << 20),
                                          notes = gh_buf_make(8 << 20);
    const struct gh_yaml *root;
    if (gh_program_mend("x", text, &once, &notes))
        return;
    if ((gh_yaml_parse(a, "x", gh_buf_str(&once), d, &root) == GH_OK) != is_yaml ||
        (!notes.len && !gh_str_eq(text, gh_buf_str(&once))))
        abort();
    gh_buf_reset(&notes);
    if (gh_program_mend("x", gh_buf_str(&once), &twice, &notes) == GH_OK &&
        !gh_str_eq(gh_buf_str(&once), gh_buf_str(&twice)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(64 << 20);
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = gh_diagnostics_new();
    struct gh_str text = { (const char *)data, size };
    const struct gh_yaml *root;
    if (size == 0)
        return 0;
    bool is_yaml = gh_yaml_parse(a, "Pulumi.yaml", text, d, &root) == GH_OK;
    mend(text, is_yaml);
    if (is_yaml)
        walk(root, 1);
    else if (gh_diagnostics_count(d, GH_SEVERITY_ERROR) == 0)
        abort();

    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *told = gh_diagnostics_new();
    gh_auto(gh_program_freep) struct gh_program *p = NULL;
    enum gh_err e = gh_program_parse(".", "Pulumi.yaml", text, told, &p);
    if (!e)
        e = gh_program_check(p, told);
    if ((e != GH_OK) != (gh_diagnostics_count(told, GH_SEVERITY_ERROR) > 0))
        abort();
    read_back(text);
    return 0;
}
