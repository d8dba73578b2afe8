/* gatehouse stack rm: forgets a stack. The tenant is not called: what the stack still holds stays there. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/stack/stack.h"
#include "cli/stack_run.h"
#include "stack/engine/ledger.h"

struct flags {
    const char *dir, *stack;
    bool yes, force, keep_config;
};

static bool agreed(const char *stack) {
    char line[128] = "";
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        fprintf(stderr, "error: --yes must be given where nobody can be asked\n");
        return false;
    }
    printf("This will permanently remove the stack '%s'. To confirm, type its name: ", stack);
    fflush(stdout);
    return fgets(line, sizeof line, stdin) && strncmp(line, stack, strlen(stack)) == 0 &&
           strcmp(line + strlen(stack), "\n") == 0;
}

static bool unlink_one(const char *dir, const char *before, const char *stack, const char *after) {
    char path[4096];
    if (!gh_stack_path(path, sizeof path, dir, before, stack, after))
        return false;
    if (unlink(path) == 0 || access(path, F_OK) != 0)
        return true;
    fprintf(stderr, "error: %s cannot be removed\n", path);
    return false;
}

/* The lock is held, and its file stays: another run may wait at it. The ledger goes last. */
static int forget(const struct flags *f, const char *stack, bool selected) {
    bool good = f->keep_config || unlink_one(f->dir, "Pulumi.", stack, ".yaml");
    good = good && unlink_one(f->dir, ".gatehouse/", stack, ".journal") &&
           unlink_one(f->dir, ".gatehouse/", stack, ".json") && (!selected || gh_stack_remember(f->dir, ""));
    if (good)
        printf("Stack '%s' has been removed!\n", stack);
    return good ? GH_EXIT_OK : GH_EXIT_ERROR;
}

static int remove_stack(const struct flags *f, const char *stack, struct gh_diagnostics *d) {
    gh_auto(gh_ledger_freep) struct gh_ledger *l = NULL;
    char room[128];
    if (gh_ledger_open(f->dir, stack, true, d, &l) != GH_OK) {
        gh_diagnostics_print(d, STDERR_FILENO, isatty(STDERR_FILENO));
        return GH_EXIT_ERROR;
    }
    size_t left = json_array_size(gh_ledger_resources(l));
    if (left && !f->force) {
        fprintf(
            stderr,
            "error: '%s' still has %zu resource%s; gatehouse destroy removes them, --force forgets them\n",
            stack, left, left == 1 ? "" : "s");
        return GH_EXIT_ERROR;
    }
    if (!f->yes && !agreed(stack))
        return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? GH_EXIT_CANCELLED : GH_EXIT_USAGE;
    const char *selected = gh_stack_selected(f->dir, room, sizeof room);
    return forget(f, stack, selected && strcmp(selected, stack) == 0);
}

int gh_stack_rm(int argc, char **argv) {
    struct flags f = { .dir = "." };
    char room[128];
    int operands = 0;
    const struct gh_option options[] = {
        { "cwd", 'C', GH_OPTION_TEXT, &f.dir, "DIR", "the folder with Pulumi.yaml (default: here)" },
        { "stack", 's', GH_OPTION_TEXT, &f.stack, "NAME", "the same as the operand" },
        { "force", 'f', GH_OPTION_FLAG, &f.force, NULL, "also when it still has resources: they stay" },
        { "preserve-config", 0, GH_OPTION_FLAG, &f.keep_config, NULL, "keep Pulumi.NAME.yaml" },
        { "yes", 'y', GH_OPTION_FLAG, &f.yes, NULL, "do it without asking" },
        { 0 },
    };
    int stop = gh_options_parse(options, "stack rm [NAME] [OPTIONS]",
                                "Removes a stack and its values. Nothing is done to the tenant.", argc, argv,
                                1, &operands);
    if (stop)
        return stop - 1;
    const char *stack = gh_stack_name(f.dir, operands ? argv[1] : f.stack, room, sizeof room);
    if (!stack)
        return GH_EXIT_USAGE;
    if (!gh_stack_exists(f.dir, stack)) {
        fprintf(stderr, "error: there is no stack named '%s' here\n", stack);
        return GH_EXIT_NO_STACK;
    }
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = gh_diagnostics_new();
    return d ? remove_stack(&f, stack, d) : GH_EXIT_ERROR;
}
