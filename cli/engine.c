/* cli/engine.c - gatehouse engine --stdio: `up` for a program that somebody else runs. The lines of
 * docs/hosts.md go over standard input and output; what people read goes to standard error. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/stack_run.h"

/* The pair moves away from 0 and 1, so that nothing printed can become a line of it. */
static bool take_stdio(int ret[2]) {
    int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ret[0] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    ret[1] = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    bool good = none >= 0 && ret[0] >= 0 && ret[1] >= 0 && dup2(none, STDIN_FILENO) == STDIN_FILENO &&
                dup2(STDERR_FILENO, STDOUT_FILENO) == STDOUT_FILENO;
    if (none > STDERR_FILENO)
        close(none);
    return good;
}

static int help(void) {
    printf("Usage: gatehouse engine --stdio [--preview] [OPTIONS of up]\n\n"
           "The stack engine for a language host that was started by somebody else: requests as lines of\n"
           "JSON on standard input, answers on standard output (docs/hosts.md). Without --preview the\n"
           "program is asked for twice: for the plan, and for the update. Nobody is asked.\n");
    return GH_EXIT_OK;
}

int gh_command_engine(int argc, char **argv) {
    static char yes[] = "--yes"; /* nobody can be asked */
    bool stdio = false, preview = false;
    char **rest = calloc((size_t)argc + 2, sizeof *rest);
    int count = 0, fds[2];
    for (int i = 0; rest && i < argc; i++) {
        bool is_stdio = i && strcmp(argv[i], "--stdio") == 0,
             is_preview = i && strcmp(argv[i], "--preview") == 0;
        if (i && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            free(rest);
            return help();
        }
        stdio |= is_stdio;
        preview |= is_preview;
        if (!is_stdio && !is_preview)
            rest[count++] = argv[i];
    }
    int status = GH_EXIT_ERROR;
    if (rest && !stdio) {
        fprintf(stderr, "error: gatehouse engine takes --stdio: it speaks on standard input and output\n");
        status = GH_EXIT_USAGE;
    } else if (rest && take_stdio(fds)) {
        if (!preview)
            rest[count++] = yes;
        status = gh_stack_run_hosted(preview ? GH_STACK_PREVIEW : GH_STACK_UP, fds, count, rest);
    }
    free(rest);
    return status;
}
