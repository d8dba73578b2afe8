/* cli/check.c - gatehouse check: reads a program and says what is wrong with it, without a tenant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/text_diff.h"
#include "core/cleanup.h"
#include "core/limits.h"
#include "stack/config.h"
#include "stack/engine/lookup.h"
#include "stack/engine/provider.h"
#include "stack/engine/unserved.h"
#include "stack/program.h"
#include "sys/file.h"

static json_t *as_json(const struct gh_diagnostics *d) {
    json_t *list = json_array();
    const struct gh_diagnostic *one;
    for (size_t i = 0; (one = gh_diagnostics_at(d, i)); i++) {
        json_t *row =
            json_pack("{s:s, s:o}", "severity", one->severity == GH_SEVERITY_ERROR ? "error" : "warning",
                      "summary", json_stringn(one->summary.ptr, one->summary.len));
        if (one->detail.len)
            json_object_set_new(row, "detail", json_stringn(one->detail.ptr, one->detail.len));
        if (one->position.file)
            json_object_set_new(row, "file", json_string(one->position.file));
        if (one->position.line) {
            json_object_set_new(row, "line", json_integer(one->position.line));
            json_object_set_new(row, "column", json_integer(one->position.column));
        }
        json_array_append_new(list, row);
    }
    return json_pack("{s:I, s:I, s:o}", "errors", (json_int_t)gh_diagnostics_count(d, GH_SEVERITY_ERROR),
                     "warnings", (json_int_t)gh_diagnostics_count(d, GH_SEVERITY_WARNING), "diagnostics",
                     list);
}

static void print_json(const struct gh_diagnostics *d) {
    json_t *report = as_json(d);
    char *text = report ? json_dumps(report, JSON_INDENT(2)) : NULL;
    puts(text ? text : "{\"errors\": 1}");
    free(text);
    json_decref(report);
}

/* With a stack named its values are checked too: all there, all of their type. */
static enum gh_err examine(const char *dir, const char *stack, struct gh_diagnostics *d) {
    gh_auto(gh_program_freep) struct gh_program *p = NULL;
    enum gh_err e = gh_program_load(dir, d, &p);
    if (e)
        return e;
    e = gh_program_check(p, d);
    if (!gh_program_is_yaml(p))
        gh_diagnose(d, GH_SEVERITY_WARNING, (struct gh_position){ 0 },
                    "what a %s program declares is known when it runs: gatehouse preview checks it",
                    gh_program_runtime(p));
    if (!stack)
        return e;
    gh_auto(gh_config_freep) struct gh_config *config = NULL;
    enum gh_err of_stack = gh_config_open(dir, stack, p, d, &config);
    if (!of_stack)
        of_stack = gh_config_check(config, d);
    return e ? e : of_stack;
}

/* Rewrites the file, atomically and with its mode, and shows what became of it; what is left is told by the
 * check that follows. */
static enum gh_err mend(const char *dir) {
    char path[4096];
    struct stat was;
    struct gh_str text;
    if (snprintf(path, sizeof path, "%s/Pulumi.yaml", dir) >= (int)sizeof path)
        return GH_ERR_TOO_LARGE;
    const char *shown = strncmp(path, "./", 2) == 0 ? path + 2 : path;
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(2 * GH_LIMIT_STACK_FILE);
    gh_auto(gh_buf_release) struct gh_buf mended = gh_buf_make(2 * GH_LIMIT_STACK_FILE),
                                          notes = gh_buf_make(GH_LIMIT_STACK_FILE),
                                          diff = gh_buf_make(8 * GH_LIMIT_STACK_FILE);
    if (!a || gh_file_read(a, path, GH_LIMIT_STACK_FILE, &text) || lstat(path, &was) != 0)
        return GH_OK; /* the check says why */
    enum gh_err e = gh_program_mend(shown, text, &mended, &notes);
    if (e || !notes.len)
        return e;
    gh_text_diff(text, gh_buf_str(&mended), isatty(STDERR_FILENO), &diff);
    e = gh_file_write_atomic(path, gh_buf_str(&mended), was.st_mode & 0777);
    if (e)
        fprintf(stderr, "error: %s could not be written: it %s\n", shown, gh_err_text(e));
    else
        fprintf(stderr, "%s\n--- %s\n+++ %s\n%s\n", notes.ptr, shown, shown, diff.ptr ? diff.ptr : "");
    return e;
}

/* "auth0:Role" of "auth0:index/role:Role". */
static void print_type(const char *token, bool served) {
    if (strncmp(token, "auth0:", 6) != 0) /* the provider's own function is no lookup */
        return;
    const char *needs = gh_unserved_operation(token);
    printf("auth0:%-40s %s%s\n", strrchr(token, ':') + 1, served ? "applied" : "not applied: needs ",
           served  ? ""
           : needs ? needs
                   : "?");
}

static int print_types(void) {
    for (size_t i = 0; i < gh_schema_resource_count(); i++) {
        const char *token = gh_schema_resource_at(i)->token;
        print_type(token, gh_provider_find(token) != NULL);
    }
    for (size_t i = 0; i < gh_schema_function_count(); i++) {
        const char *token = gh_schema_function_at(i)->token;
        print_type(token, gh_lookup_is_served(token));
    }
    return GH_EXIT_OK;
}

int gh_command_check(int argc, char **argv) {
    const char *dir = ".", *stack = NULL;
    bool json = false, fix = false, types = false;
    const struct gh_option options[] = {
        { "cwd", 'C', GH_OPTION_TEXT, &dir, "DIR", "the folder of the program (default: this one)" },
        { "stack", 's', GH_OPTION_TEXT, &stack, "STACK", "check the values of this stack too" },
        { "fix", 0, GH_OPTION_FLAG, &fix, NULL, "rewrite what can be mended in Pulumi.yaml, and show it" },
        { "json", 'j', GH_OPTION_FLAG, &json, NULL, "a JSON object on stdout instead of text on stderr" },
        { "types", 0, GH_OPTION_FLAG, &types, NULL, "list the types and lookups, and which can be applied" },
        { 0 },
    };
    int operands = 0;
    int stop = gh_options_parse(options, "check [-C DIR] [-s STACK] [--fix] [--json] [--types]",
                                "Reads Pulumi.yaml and tells what is wrong with it, offline.", argc, argv, 0,
                                &operands);
    if (stop)
        return stop - 1;
    if (types)
        return print_types();
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = gh_diagnostics_new();
    if (!d)
        return GH_EXIT_ERROR;
    enum gh_err e = fix ? mend(dir) : GH_OK;
    e = e ? e : examine(dir, stack, d);
    size_t errors = gh_diagnostics_count(d, GH_SEVERITY_ERROR),
           warnings = gh_diagnostics_count(d, GH_SEVERITY_WARNING);
    if (json)
        print_json(d);
    else {
        gh_diagnostics_print(d, STDERR_FILENO, isatty(STDERR_FILENO));
        printf("%zu error%s, %zu warning%s\n", errors, errors == 1 ? "" : "s", warnings,
               warnings == 1 ? "" : "s");
    }
    return e || errors ? GH_EXIT_ERROR : GH_EXIT_OK;
}
