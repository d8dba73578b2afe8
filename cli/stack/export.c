/* gatehouse stack export: the ledger as a deployment that `pulumi stack import` reads. Offline. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/stack/stack.h"
#include "cli/stack_run.h"
#include "stack/engine/deployment.h"
#include "stack/engine/ledger.h"
#include "stack/engine/seal.h"
#include "sys/file.h"

static int deliver(json_t *deployment, const char *file) {
    char *text = json_dumps(deployment, JSON_INDENT(4));
    int status = text ? GH_EXIT_OK : GH_EXIT_ERROR;
    if (text && !file) {
        puts(text);
    } else if (text && gh_file_write_atomic(file, gh_str_from(text), 0600) != GH_OK) {
        fprintf(stderr, "error: %s cannot be written\n", file);
        status = GH_EXIT_ERROR;
    }
    free(text);
    return status;
}

static enum gh_err make(struct gh_workspace *w, struct gh_ledger *l, bool secrets, json_t **ret) {
    struct gh_deployment d = { .project = gh_program_name(w->program),
                               .stack = w->stack,
                               .salt = gh_config_salt(w->config),
                               .version = "gatehouse " GH_VERSION };
    struct gh_crypter *crypter = secrets ? gh_config_crypter(w->config, w->diagnostics) : NULL;
    json_t *resources = NULL, *outputs = NULL;
    enum gh_err e = GH_OK;
    if (!secrets) {
        resources = json_incref(gh_ledger_resources(l));
        outputs = json_incref(gh_ledger_outputs(l));
    } else {
        e = gh_ledger_unseal(gh_ledger_resources(l), crypter, &resources);
        e = e ? e : gh_ledger_unseal(gh_ledger_outputs(l), crypter, &outputs);
    }
    d.resources = resources;
    d.outputs = outputs;
    e = e ? e : gh_deployment_make(&d, ret);
    json_decref(resources);
    json_decref(outputs);
    return e;
}

static int export_stack(struct gh_workspace *w, bool secrets, const char *file) {
    gh_auto(gh_ledger_freep) struct gh_ledger *l = NULL;
    json_t *deployment = NULL;
    if (gh_ledger_open(w->dir, w->stack, false, w->diagnostics, &l) != GH_OK)
        return gh_workspace_fail(w, GH_EXIT_ERROR);
    if (gh_ledger_is_new(l)) {
        fprintf(stderr, "error: there is no stack named '%s' here\n", w->stack);
        return GH_EXIT_NO_STACK;
    }
    enum gh_err e = make(w, l, secrets, &deployment);
    if (e == GH_ERR_UNSUPPORTED)
        fprintf(stderr, "error: the stack holds secrets that there is no passphrase for; set "
                        "PULUMI_CONFIG_PASSPHRASE, and run gatehouse up once where there was none before\n");
    else if (e)
        fprintf(stderr, "error: the state cannot be exported: it %s\n", gh_err_text(e));
    int status = e == GH_ERR_UNSUPPORTED ? GH_EXIT_USAGE : e ? GH_EXIT_ERROR : deliver(deployment, file);
    json_decref(deployment);
    return gh_workspace_fail(w, status);
}

int gh_stack_export(int argc, char **argv) {
    struct gh_workspace w = { .dir = "." };
    const char *file = NULL;
    bool secrets = false;
    const struct gh_option options[] = {
        GH_WORKSPACE_OPTIONS(w),
        { "file", 0, GH_OPTION_TEXT, &file, "FILE", "write it there instead of the standard output" },
        { "show-secrets", 0, GH_OPTION_FLAG, &secrets, NULL, "secrets in plain text, not encrypted" },
        { 0 },
    };
    int stop = gh_options_parse(options, "stack export [OPTIONS]",
                                "The state as a deployment (version 3) for pulumi stack import.", argc, argv,
                                0, NULL);
    stop = stop ? stop : gh_workspace_open(&w);
    int status = stop ? stop - 1 : export_stack(&w, secrets, file);
    gh_workspace_release(&w);
    return status;
}
