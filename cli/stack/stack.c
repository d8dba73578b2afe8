/* gatehouse stack: the table of its commands. */
#include "cli/stack/stack.h"

#include "cli/command.h"

int gh_command_stack(int argc, char **argv) {
    static const struct gh_subcommand rows[] = {
        { "output", "what the last up gave", gh_stack_output },
        { "init", "make a stack, and select it", gh_stack_init },
        { "select", "say which stack is meant from now on", gh_stack_select },
        { "ls", "the stacks of this folder", gh_stack_ls },
        { "rm", "remove an empty stack", gh_stack_rm },
        { "export", "the state as a deployment in the layout of Pulumi", gh_stack_export },
        { "import", "take a deployment as the state", gh_stack_import },
        { 0 },
    };
    return gh_subcommand_run(rows, "stack", NULL, argc, argv);
}
