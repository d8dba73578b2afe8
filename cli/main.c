/* cli/main.c - the table of commands. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

/* clang-format off */
static const struct gh_command commands[] = {
    { "check", "tell what is wrong with a stack file, offline", gh_command_check },
    { "init", "make a new tenant and print its first machine client", gh_command_init },
    { "dev", "run a tenant and a gateway on localhost", gh_command_dev },
    { "mock-ai", "a small upstream that speaks the OpenAI API, for tests", gh_command_mock_ai },
    { "serve", "serve the tenant in production, behind a TLS terminator", gh_command_serve },
    { "feed", "keep the keys of token issuers for the gateway", gh_command_feed },
    { "preview", "what up would do to the tenant", gh_command_preview },
    { "up", "make the tenant what Pulumi.yaml declares", gh_command_up },
    { "destroy", "remove what the stack made, give back what it adopted", gh_command_destroy },
    { "export", "write a stack file of all that the tenant holds", gh_command_export },
    { "import", "take objects of the tenant into a stack", gh_command_import },
    { "refresh", "make the ledger say what is live", gh_command_refresh },
    { "engine", "up for a language host that somebody else started", gh_command_engine },
    { "config", "the values of a stack: get, set, rm", gh_command_config },
    { "stack", "output, init, select, ls, rm, export, import: the stacks of a folder", gh_command_stack },
    { "state", "delete, protect, unprotect, rename: what the ledger says", gh_command_state },
    { "token", "print an access token for curl", gh_command_token },
    { NULL, NULL, NULL },
};
/* clang-format on */

static int help(void) {
    printf("Usage: gatehouse COMMAND [OPTIONS]\n\n"
           "An Auth0-compatible identity tenant, a gateway for AI APIs, and a declarative stack "
           "engine.\n\nCommands:\n");
    for (const struct gh_command *c = commands; c->name; c++)
        printf("  %-12s %s\n", c->name, c->summary);
    printf("\n'gatehouse COMMAND --help' tells more about one of them.\n");
    return GH_EXIT_OK;
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return help() + (name ? GH_EXIT_OK : GH_EXIT_USAGE);
    if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
        printf("gatehouse %s\n", GH_VERSION);
        return GH_EXIT_OK;
    }
    for (const struct gh_command *c = commands; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c->run(argc - 1, argv + 1);
    fprintf(stderr, "gatehouse: there is no command '%s'; see gatehouse --help\n", name);
    return GH_EXIT_USAGE;
}
