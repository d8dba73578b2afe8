/* gatehouse stack import: a deployment of the real Pulumi, or of stack export, becomes the ledger. Offline.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/stack/stack.h"
#include "cli/stack_run.h"
#include "stack/engine/deployment.h"
#include "stack/engine/ledger.h"
#include "stack/engine/seal.h"

static json_t *read_json(const char *file) {
    json_error_t why;
    FILE *in = file ? fopen(file, "re") : stdin;
    if (!in) {
        fprintf(stderr, "error: %s cannot be read\n", file);
        return NULL;
    }
    /* by the piece: a deployment larger than any ledger could be is not read to its end */
    gh_auto(gh_buf_release) struct gh_buf text = gh_buf_make(GH_LEDGER_MAX);
    char piece[16384];
    for (size_t n; !text.failed && (n = fread(piece, 1, sizeof piece, in)) > 0;)
        gh_buf_add(&text, (struct gh_str){ piece, n });
    bool whole = !ferror(in) && !text.failed;
    if (file)
        fclose(in);
    json_t *json = whole && text.len ? json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &why) : NULL;
    if (!json)
        fprintf(stderr, "error: %s is no deployment: %s\n", file ? file : "the standard input",
                !whole     ? "it cannot be read, or is too large"
                : text.len ? why.text
                           : "it is empty");
    return json;
}

/* Secrets go from the passphrase state of the deployment to that of the stack. Where both are the same, and
 * there is no passphrase, they stay as they are. */
static enum gh_err seal_again(struct gh_workspace *w, const char *salt, json_t **document) {
    const char *own = gh_config_salt(w->config);
    json_t *open = NULL, *sealed = NULL;
    bool same = salt && own && strcmp(salt, own) == 0;
    gh_auto(gh_crypter_freep) struct gh_crypter *theirs = NULL;
    enum gh_err e = GH_OK;
    if (gh_ledger_seal_needs_crypter(*document) && !same)
        e = salt ? gh_config_crypter_for(salt, &theirs) : GH_ERR_UNSUPPORTED;
    if (!e && theirs) {
        e = gh_ledger_unseal(*document, theirs, &open);
        if (e)
            return e;
        json_decref(*document);
        *document = open;
    }
    if (!e && gh_value_has_secret(*document)) {
        size_t before = gh_diagnostics_count(w->diagnostics, GH_SEVERITY_ERROR);
        struct gh_crypter *ours = gh_config_crypter(w->config, w->diagnostics);
        e = gh_diagnostics_count(w->diagnostics, GH_SEVERITY_ERROR) > before
                ? GH_ERR_CRYPTO
                : gh_ledger_seal(*document, NULL, ours, &sealed);
        if (!e) {
            json_decref(*document);
            *document = sealed;
        }
    }
    return e;
}

static int complain_of_secrets(const struct gh_workspace *w, enum gh_err e) {
    if (e == GH_ERR_UNSUPPORTED)
        fprintf(stderr, "error: the deployment holds secrets that cannot be opened here; set "
                        "PULUMI_CONFIG_PASSPHRASE, or export it with --show-secrets where they can\n");
    else if (e == GH_ERR_CRYPTO)
        fprintf(stderr, "error: the secrets of the deployment were sealed with another passphrase\n");
    else
        fprintf(stderr, "error: the secrets of the deployment cannot be taken over: it %s\n", gh_err_text(e));
    return gh_workspace_fail(w,
                             e == GH_ERR_UNSUPPORTED || e == GH_ERR_CRYPTO ? GH_EXIT_USAGE : GH_EXIT_ERROR);
}

static int write_ledger(struct gh_workspace *w, json_t *document) {
    gh_auto(gh_ledger_freep) struct gh_ledger *l = NULL;
    if (gh_ledger_open(w->dir, w->stack, true, w->diagnostics, &l) != GH_OK)
        return gh_workspace_fail(w, GH_EXIT_ERROR);
    gh_ledger_set(l, "project", json_string(gh_program_name(w->program)));
    gh_ledger_set(l, "stack", json_string(w->stack));
    gh_ledger_set(l, "resources", json_incref(json_object_get(document, "resources")));
    gh_ledger_set(l, "outputs", json_incref(json_object_get(document, "outputs")));
    gh_ledger_set(l, "pending", json_array());
    if (gh_ledger_save(l, NULL) != GH_OK)
        return gh_workspace_fail(w, GH_EXIT_ERROR);
    puts("Import complete.");
    return gh_workspace_fail(w, GH_EXIT_OK); /* warnings */
}

static int import_stack(struct gh_workspace *w, const char *file, bool force) {
    if (!gh_stack_exists(w->dir, w->stack)) {
        fprintf(stderr, "error: there is no stack named '%s' here; gatehouse stack init %s makes it\n",
                w->stack, w->stack);
        return GH_EXIT_NO_STACK;
    }
    json_t *deployment = read_json(file), *document = NULL;
    if (!deployment)
        return GH_EXIT_ERROR;
    const struct gh_deployment_source source = { .project = gh_program_name(w->program),
                                                 .stack = w->stack,
                                                 .force = force,
                                                 .diagnostics = w->diagnostics };
    int status = gh_deployment_read(&source, deployment, &document) == GH_OK
                     ? GH_EXIT_OK
                     : gh_workspace_fail(w, GH_EXIT_ERROR);
    enum gh_err e = status ? GH_OK : seal_again(w, gh_deployment_salt(deployment), &document);
    if (e)
        status = complain_of_secrets(w, e);
    if (!status)
        status = write_ledger(w, document);
    json_decref(document);
    json_decref(deployment);
    return status;
}

int gh_stack_import(int argc, char **argv) {
    struct gh_workspace w = { .dir = "." };
    const char *file = NULL;
    bool force = false;
    const struct gh_option options[] = {
        GH_WORKSPACE_OPTIONS(w),
        { "file", 0, GH_OPTION_TEXT, &file, "FILE", "read it from there, not from the standard input" },
        { "force", 'f', GH_OPTION_FLAG, &force, NULL, "also one of another stack or project" },
        { 0 },
    };
    int stop = gh_options_parse(options, "stack import [OPTIONS]",
                                "Takes a deployment (version 3), of pulumi stack export say, as the state.",
                                argc, argv, 0, NULL);
    stop = stop ? stop : gh_workspace_open(&w);
    int status = stop ? stop - 1 : import_stack(&w, file, force);
    gh_workspace_release(&w);
    return status;
}
