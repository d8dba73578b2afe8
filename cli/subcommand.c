#include "cli/subcommand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/stack_run.h"

static bool takes_value(const char *argument) {
    static const char *const names[] = { "-C", "--cwd", "-s", "--stack" };
    for (size_t i = 0; i < GH_COUNT(names); i++)
        if (strcmp(argument, names[i]) == 0)
            return true;
    return false;
}

/* The index of the first operand; argc when there is none. */
static int first_operand(int argc, char **argv) {
    int i = 1;
    while (i < argc && argv[i][0] == '-')
        i += takes_value(argv[i]) ? 2 : 1;
    return i < argc ? i : argc;
}

static int tell(const struct gh_subcommand *rows, const char *command, FILE *out) {
    fprintf(out, "Usage: gatehouse %s COMMAND [OPTIONS]\n\nCommands:\n", command);
    for (const struct gh_subcommand *r = rows; r->name; r++)
        fprintf(out, "  %-12s %s\n", r->name, r->summary);
    fprintf(out, "\n'gatehouse %s COMMAND --help' tells more about one of them.\n", command);
    return out == stdout ? GH_EXIT_OK : GH_EXIT_USAGE;
}

int gh_subcommand_run(const struct gh_subcommand *rows, const char *command, int (*bare)(int, char **),
                      int argc, char **argv) {
    char title[64];
    int at = first_operand(argc, argv);
    if (argc > 1 && at == argc && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        tell(rows, command, stdout);
        return bare ? printf("\n"), bare(argc, argv) : GH_EXIT_OK;
    }
    if (at == argc)
        return bare ? bare(argc, argv) : tell(rows, command, stderr);
    for (const struct gh_subcommand *r = rows; r->name; r++) {
        if (strcmp(argv[at], r->name) != 0)
            continue;
        snprintf(title, sizeof title, "%s %s", command, r->name);
        memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof *argv);
        argv[1] = title;
        return r->run(argc - 1, argv + 1);
    }
    fprintf(stderr, "gatehouse %s: there is no command '%s'; see gatehouse %s --help\n", command, argv[at],
            command);
    return GH_EXIT_USAGE;
}

int gh_workspace_fail(const struct gh_workspace *w, int status) {
    fflush(stdout);
    if (w->diagnostics)
        gh_diagnostics_print(w->diagnostics, STDERR_FILENO, isatty(STDERR_FILENO));
    return status;
}

int gh_workspace_open(struct gh_workspace *w) {
    w->stack = gh_stack_name(w->dir, w->stack, w->room, sizeof w->room);
    if (!w->stack)
        return GH_EXIT_USAGE + 1;
    w->diagnostics = gh_diagnostics_new();
    if (!w->diagnostics || gh_program_load(w->dir, w->diagnostics, &w->program) != GH_OK)
        return gh_workspace_fail(w, GH_EXIT_ERROR) + 1;
    if (gh_config_open(w->dir, w->stack, w->program, w->diagnostics, &w->config) != GH_OK)
        return gh_workspace_fail(w, GH_EXIT_USAGE) + 1;
    return 0;
}

void gh_workspace_release(struct gh_workspace *w) {
    gh_config_free(w->config);
    gh_program_free(w->program);
    gh_diagnostics_free(w->diagnostics);
}

void gh_print_value(const char *key, int indent, int columns, json_t *value) {
    char *text = json_is_string(value) ? strdup(json_string_value(value))
                                       : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    if (key)
        printf("%*s%-*s  ", indent, "", columns, key);
    printf("%s\n", text ? text : "");
    free(text);
}
