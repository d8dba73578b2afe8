/* cli/subcommand.h - commands with a second word: `gatehouse config set`, `gatehouse stack ls`. */
#pragma once
#include "cli/options.h"
#include "stack/config.h"
#include "stack/program.h"

struct gh_subcommand {
    const char *name; /* NULL ends the table */
    const char *summary;
    int (*run)(int argc, char **argv); /* argv[0] is "config set": what messages begin with */
};

/* Runs the row of the first operand; the options that every row has (-C, -s) may stand before it. Without
 * operand `bare` runs, or where that is NULL, the rows are told and the status is that of a usage error. */
int gh_subcommand_run(const struct gh_subcommand *rows, const char *command, int (*bare)(int, char **),
                      int argc, char **argv);

/* A program and the values of one stack, opened together. */
struct gh_workspace {
    const char *dir, *stack; /* of -C and -s; `stack` is the resolved name after the opening */
    char room[128];
    struct gh_diagnostics *diagnostics;
    struct gh_program *program;
    struct gh_config *config;
};

/* The rows of -C and -s for a table of options. */
#define GH_STACK_OPTIONS(dir, stack)                                                                         \
    { "cwd", 'C', GH_OPTION_TEXT, &(dir), "DIR", "the folder with Pulumi.yaml (default: here)" }, {          \
        "stack", 's', GH_OPTION_TEXT, &(stack), "NAME", "the stack (default: the one selected)"              \
    }
#define GH_WORKSPACE_OPTIONS(w) GH_STACK_OPTIONS((w).dir, (w).stack)

/* 0, or an exit status + 1 after diagnostics on stderr. Release it in either case. */
int gh_workspace_open(struct gh_workspace *w);
int gh_workspace_fail(const struct gh_workspace *w,
                      int status); /* prints the diagnostics; returns `status` */
void gh_workspace_release(struct gh_workspace *w);

/* A value on a line of its own, texts as they are, behind the key (NULL: alone) in so many columns. */
void gh_print_value(const char *key, int indent, int columns, json_t *value);
