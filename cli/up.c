/* gatehouse up: see docs/stack.md. */
#include "cli/command.h"
#include "cli/stack_run.h"

int gh_command_up(int argc, char **argv) {
    return gh_stack_run(GH_STACK_UP, argc, argv);
}
