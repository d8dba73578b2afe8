/* gatehouse destroy: see docs/stack.md. */
#include "cli/command.h"
#include "cli/stack_run.h"

int gh_command_destroy(int argc, char **argv) {
    return gh_stack_run(GH_STACK_DESTROY, argc, argv);
}
