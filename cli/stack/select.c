/* gatehouse stack select: which stack is meant where none is named. Kept beside the ledgers, nothing in HOME.
 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/stack/stack.h"
#include "cli/stack_run.h"

int gh_stack_select(int argc, char **argv) {
    const char *dir = ".", *given = NULL;
    char room[128];
    int operands = 0;
    const struct gh_option options[] = {
        { "cwd", 'C', GH_OPTION_TEXT, &dir, "DIR", "the folder with Pulumi.yaml (default: here)" },
        { "stack", 's', GH_OPTION_TEXT, &given, "NAME", "the same as the operand" },
        { 0 },
    };
    int stop = gh_options_parse(options, "stack select NAME [OPTIONS]",
                                "Commands without -s mean this stack from now on.", argc, argv, 1, &operands);
    if (stop)
        return stop - 1;
    given = operands ? argv[1] : given;
    if (!given) {
        fprintf(stderr, "gatehouse stack select: NAME is missing; see gatehouse stack select --help\n");
        return GH_EXIT_USAGE;
    }
    const char *stack = gh_stack_name(dir, given, room, sizeof room);
    if (!stack)
        return GH_EXIT_USAGE;
    if (!gh_stack_exists(dir, stack)) {
        fprintf(stderr, "error: there is no stack named '%s' here; gatehouse stack init %s makes it\n", stack,
                stack);
        return GH_EXIT_NO_STACK;
    }
    return gh_stack_remember(dir, stack) ? GH_EXIT_OK : GH_EXIT_ERROR;
}
