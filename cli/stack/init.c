/* gatehouse stack init: a stack without resources. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/stack/stack.h"
#include "stack/engine/ledger.h"

/* An empty ledger; with a passphrase its salt is in the stack's file from the start, as Pulumi has it. */
static int make(struct gh_workspace *w, bool no_select) {
    gh_auto(gh_ledger_freep) struct gh_ledger *l = NULL;
    if (gh_ledger_open(w->dir, w->stack, true, w->diagnostics, &l) != GH_OK ||
        gh_ledger_save(l, NULL) != GH_OK)
        return gh_workspace_fail(w, GH_EXIT_ERROR);
    (void)gh_config_crypter(w->config, w->diagnostics);
    if (gh_diagnostics_count(w->diagnostics, GH_SEVERITY_ERROR))
        return gh_workspace_fail(w, GH_EXIT_USAGE);
    if (!no_select && !gh_stack_remember(w->dir, w->stack))
        return GH_EXIT_ERROR;
    printf("Created stack '%s'\n", w->stack);
    return GH_EXIT_OK;
}

int gh_stack_init(int argc, char **argv) {
    struct gh_workspace w = { .dir = "." };
    bool no_select = false;
    int operands = 0;
    const struct gh_option options[] = {
        GH_WORKSPACE_OPTIONS(w),
        { "no-select", 0, GH_OPTION_FLAG, &no_select, NULL, "do not select it" },
        { 0 },
    };
    int stop = gh_options_parse(options, "stack init NAME [OPTIONS]", "Makes a stack and selects it.", argc,
                                argv, 1, &operands);
    if (stop)
        return stop - 1;
    w.stack = operands ? argv[1] : w.stack;
    if (!w.stack) {
        fprintf(stderr, "gatehouse stack init: NAME is missing; see gatehouse stack init --help\n");
        return GH_EXIT_USAGE;
    }
    stop = gh_workspace_open(&w);
    int status = stop ? stop - 1 : GH_EXIT_OK;
    if (!stop && gh_stack_exists(w.dir, w.stack)) {
        fprintf(stderr, "error: stack '%s' already exists\n", w.stack);
        status = GH_EXIT_ERROR;
    } else if (!stop) {
        status = make(&w, no_select);
    }
    gh_workspace_release(&w);
    return status;
}
