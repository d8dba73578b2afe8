/* cli/stack_run.h - what preview, up and destroy have in common: options, program, configuration, engine,
 * display. */
#pragma once
#include "cli/options.h"

enum gh_stack_verb { GH_STACK_PREVIEW, GH_STACK_UP, GH_STACK_DESTROY, GH_STACK_REFRESH };

/* Parses the options and runs the command; returns its exit status. */
int gh_stack_run(enum gh_stack_verb verb, int argc, char **argv);

/* The same for a program whose host speaks on these descriptors, {from it, to it}; NULL: it is started here.
 */
int gh_stack_run_hosted(enum gh_stack_verb verb, const int *host, int argc, char **argv);

/* What `stack select` keeps in DIR/.gatehouse/selected; NULL when there is none. */
const char *gh_stack_selected(const char *dir, char *room, size_t size);

/* The stack that is meant: `given` (-s), else PULUMI_STACK, else the one selected, else the only
 * Pulumi.<name>.yaml in `dir`, else "dev". NULL after a message on stderr when the name is none. */
const char *gh_stack_name(const char *dir, const char *given, char *room, size_t size);

/* Exit statuses beyond those of command.h, as Pulumi's. */
enum {
    GH_EXIT_DENIED = 3,     /* the tenant refused our credentials */
    GH_EXIT_RESOURCE = 4,   /* a resource could not be made, changed or removed */
    GH_EXIT_NO_STACK = 6,   /* there is no such stack */
    GH_EXIT_UNEXPECTED = 7, /* --expect-no-changes, and there are some */
    GH_EXIT_CANCELLED = 8,
    GH_EXIT_TIMEOUT = 9 /* a person was waited for in vain */
};
