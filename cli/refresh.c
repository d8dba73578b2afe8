/* gatehouse refresh: see docs/stack.md. */
#include "cli/command.h"
#include "cli/stack_run.h"

int gh_command_refresh(int argc, char **argv) {
    return gh_stack_run(GH_STACK_REFRESH, argc, argv);
}
