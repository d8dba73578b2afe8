/* gatehouse stack ls: what stacks there are beside Pulumi.yaml. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/stack/stack.h"
#include "cli/stack_run.h"
#include "stack/engine/ledger.h"

/* -1: there is no ledger yet, or it cannot be read. */
static json_int_t resource_count(const char *dir, const char *stack, struct gh_diagnostics *d) {
    gh_auto(gh_ledger_freep) struct gh_ledger *l = NULL;
    if (gh_ledger_open(dir, stack, false, d, &l) != GH_OK || gh_ledger_is_new(l))
        return -1;
    return (json_int_t)json_array_size(gh_ledger_resources(l));
}

static void print_row(const char *name, bool current, json_int_t count) {
    char shown[128], number[32] = "n/a";
    snprintf(shown, sizeof shown, "%s%s", name, current ? "*" : "");
    if (count >= 0)
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, count);
    printf("%-32s  %s\n", shown, number);
}

int gh_stack_ls(int argc, char **argv) {
    const char *dir = ".", *given = NULL;
    bool json = false;
    char room[128];
    const struct gh_option options[] = {
        { "cwd", 'C', GH_OPTION_TEXT, &dir, "DIR", "the folder with Pulumi.yaml (default: here)" },
        { "stack", 's', GH_OPTION_TEXT, &given, "NAME", "mark this one instead of the selected one" },
        { "json", 'j', GH_OPTION_FLAG, &json, NULL, "a JSON array" },
        { 0 },
    };
    int stop = gh_options_parse(options, "stack ls [OPTIONS]",
                                "The stacks of this folder; * marks the current one.", argc, argv, 0, NULL);
    if (stop)
        return stop - 1;
    const char *current = gh_stack_name(dir, given, room, sizeof room);
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = gh_diagnostics_new();
    json_t *names = gh_stack_names(dir), *rows = json_array(), *name;
    size_t i;
    if (!json)
        printf("%-32s  %s\n", "NAME", "RESOURCE COUNT");
    json_array_foreach(names, i, name) {
        const char *text = json_string_value(name);
        bool is_current = current && strcmp(current, text) == 0;
        json_int_t count = resource_count(dir, text, d);
        json_t *row = json_pack("{s:s, s:b}", "name", text, "current", is_current);
        if (count >= 0)
            json_object_set_new(row, "resourceCount", json_integer(count));
        json_array_append_new(rows, row);
        if (!json)
            print_row(text, is_current, count);
    }
    char *text = json ? json_dumps(rows, JSON_INDENT(2)) : NULL;
    if (text)
        puts(text);
    free(text);
    json_decref(rows);
    json_decref(names);
    return GH_EXIT_OK;
}
