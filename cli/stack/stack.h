/* cli/stack/stack.h - the commands below `gatehouse stack`, one file each. */
#pragma once
#include "cli/subcommand.h"

int gh_stack_output(int argc, char **argv);
int gh_stack_init(int argc, char **argv);
int gh_stack_select(int argc, char **argv);
int gh_stack_ls(int argc, char **argv);
int gh_stack_rm(int argc, char **argv);
int gh_stack_export(int argc, char **argv);
int gh_stack_import(int argc, char **argv);

/* files.c: what there is of a stack on disk. */
bool gh_stack_exists(const char *dir, const char *stack); /* a ledger, a journal or a file of values */

/* The name as `stack select` keeps it in DIR/.gatehouse/selected; an empty one forgets it. False: diagnosed
 * on stderr. */
bool gh_stack_remember(const char *dir, const char *stack);

/* Sorted names of all stacks of a folder: an array of texts, new. */
json_t *gh_stack_names(const char *dir);

/* "DIR/Pulumi.NAME.yaml", "DIR/.gatehouse/NAME.json"; false when too long. */
bool gh_stack_path(char *room, size_t size, const char *dir, const char *before, const char *stack,
                   const char *after);
