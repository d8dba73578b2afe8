/* cli/main.c - the table of commands. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

/* clang-format off */
static const struct gh_command commands[] = {
    { NULL, NULL, NULL, NULL },
};
/* clang-format on */

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: gatehouse COMMAND\n");
        return GH_EXIT_USAGE;
    }
    for (const struct gh_command *c = commands; c->name; c++)
        if (strcmp(c->name, argv[1]) == 0)
            return c->run(argc - 1, argv + 1);
    fprintf(stderr, "gatehouse: there is no command '%s'; see gatehouse --help\n", argv[1]);
    return GH_EXIT_USAGE;
}
