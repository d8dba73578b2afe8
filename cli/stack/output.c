/* gatehouse stack output: what the last up of a stack gave. No call to the tenant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/stack/stack.h"
#include "cli/stack_run.h"
#include "core/cleanup.h"
#include "stack/engine/ledger.h"
#include "stack/engine/seal.h"
#include "stack/program.h"
#include "stack/value.h"

struct flags {
    const char *dir, *stack;
    bool json, secrets;
};

static int print(const struct flags *f, json_t *outputs, const char *name) {
    const char *key;
    json_t *value, *shown = f->secrets ? gh_value_plain(outputs) : gh_value_masked(outputs);
    json_t *one = name ? json_object_get(shown, name) : shown;
    int status = GH_EXIT_OK;
    if (!one) {
        fprintf(stderr, "error: the stack has no output '%s'\n", name ? name : "");
        status = GH_EXIT_ERROR;
    } else if (f->json) {
        char *text = json_dumps(one, JSON_ENCODE_ANY | JSON_INDENT(2) | JSON_SORT_KEYS);
        puts(text ? text : "{}");
        free(text);
    } else if (name) {
        gh_print_value(NULL, 0, 0, one);
    } else {
        printf("Current stack outputs (%zu):\n", json_object_size(shown));
        json_object_foreach(shown, key, value) gh_print_value(key, 4, 24, value);
    }
    json_decref(shown);
    return status;
}

/* The passphrase is asked for only when a secret is to be seen. */
static enum gh_err open_outputs(const struct flags *f, const char *stack, struct gh_ledger *l,
                                struct gh_diagnostics *d, json_t **ret) {
    json_t *outputs = gh_ledger_outputs(l), *value;
    const char *key;
    if (!f->secrets) {
        *ret = json_incref(outputs);
        return GH_OK;
    }
    json_object_foreach(outputs, key, value) {
        if (gh_ledger_seal_is_lost(value)) {
            gh_diagnose(d, GH_SEVERITY_ERROR, (struct gh_position){ 0 },
                        "the secret output %s was not kept: there was no passphrase", key);
            gh_diagnose_detail(d, "set PULUMI_CONFIG_PASSPHRASE and run gatehouse up once more");
            return GH_ERR_UNSUPPORTED;
        }
    }
    struct gh_program *program = NULL;
    struct gh_config *config = NULL;
    enum gh_err e = GH_OK;
    if (gh_ledger_seal_needs_crypter(outputs) && !(e = gh_program_load(f->dir, d, &program)))
        e = gh_config_open(f->dir, stack, program, d, &config);
    struct gh_crypter *crypter = !e && config ? gh_config_crypter(config, d) : NULL;
    e = e ? e : gh_ledger_unseal(outputs, crypter, ret);
    if (e == GH_ERR_UNSUPPORTED)
        gh_diagnose(d, GH_SEVERITY_ERROR, (struct gh_position){ 0 },
                    "PULUMI_CONFIG_PASSPHRASE is not set: secrets stay closed without it");
    gh_config_free(config);
    gh_program_free(program);
    return e;
}

static int output(const struct flags *f, const char *name) {
    char room[128];
    const char *stack = gh_stack_name(f->dir, f->stack, room, sizeof room);
    if (!stack)
        return GH_EXIT_USAGE;
    struct gh_diagnostics *d = gh_diagnostics_new();
    struct gh_ledger *l = NULL;
    json_t *outputs = NULL;
    int status = GH_EXIT_ERROR;
    if (d && gh_ledger_open(f->dir, stack, false, d, &l) == GH_OK) {
        if (gh_ledger_is_new(l)) {
            fprintf(stderr, "error: there is no stack named '%s' here; gatehouse up -s %s makes it\n", stack,
                    stack);
            status = GH_EXIT_NO_STACK;
        } else if (open_outputs(f, stack, l, d, &outputs) == GH_OK) {
            status = print(f, outputs, name);
        } else {
            status = GH_EXIT_USAGE;
        }
    }
    if (d)
        gh_diagnostics_print(d, STDERR_FILENO, isatty(STDERR_FILENO));
    json_decref(outputs);
    gh_ledger_free(l);
    gh_diagnostics_free(d);
    return status;
}

int gh_stack_output(int argc, char **argv) {
    struct flags f = { .dir = "." };
    int operands = 0;
    const struct gh_option options[] = {
        GH_STACK_OPTIONS(f.dir, f.stack),
        { "json", 'j', GH_OPTION_FLAG, &f.json, NULL, "one flat JSON object" },
        { "show-secrets", 0, GH_OPTION_FLAG, &f.secrets, NULL, "print secrets instead of [secret]" },
        { 0 },
    };
    int stop = gh_options_parse(options, "stack output [NAME] [OPTIONS]", "What the last up of a stack gave.",
                                argc, argv, 1, &operands);
    if (stop)
        return stop - 1;
    return output(&f, operands ? argv[1] : NULL);
}
