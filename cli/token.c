/* gatehouse token: an access token for curl, by client credentials (RFC 6749 4.4). Nothing but the token
 * reaches stdout. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/stack_run.h"
#include "core/cleanup.h"
#include "stack/engine/api.h"

static int print_token(const struct gh_api_settings *settings) {
    struct gh_api *api = gh_api_new(settings, NULL, NULL);
    struct gh_api_reply reply = { 0 };
    const char *token = NULL;
    if (!api) {
        fprintf(stderr, "error: the HTTP client could not be set up; is SSL_CERT_FILE readable?\n");
        return GH_EXIT_ERROR;
    }
    enum gh_err e = gh_api_token(api, &token, &reply);
    if (e)
        fprintf(stderr, "error: no token: %s\n", reply.error[0] ? reply.error : gh_err_text(e));
    else
        printf("%s\n", token);
    gh_api_reply_release(&reply);
    gh_api_free(api);
    return !e ? GH_EXIT_OK : e == GH_ERR_NO_TOKEN ? GH_EXIT_DENIED : GH_EXIT_ERROR;
}

int gh_command_token(int argc, char **argv) {
    const char *audience = NULL, *organization = NULL;
    const struct gh_option options[] = {
        { "audience", 0, GH_OPTION_TEXT, &audience, "URI",
          "the API (default: AUTH0_AUDIENCE, else the Management API)" },
        { "organization", 0, GH_OPTION_TEXT, &organization, "ID", "a token within this organization" },
        { 0 },
    };
    int stop =
        gh_options_parse(options, "token [OPTIONS]",
                         "Prints an access token for the client in AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET.",
                         argc, argv, 0, NULL);
    if (stop)
        return stop - 1;
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
    struct gh_api_settings settings;
    const char *missing = a ? gh_api_settings_from_environment(a, &settings) : "out of memory";
    if (!missing && !settings.client_id)
        missing = "AUTH0_CLIENT_ID is not set: the client that the token is for";
    if (!missing && !settings.client_secret)
        missing = "AUTH0_CLIENT_SECRET is not set: the secret of the client in AUTH0_CLIENT_ID";
    if (missing) {
        fprintf(stderr, "error: %s\n", missing);
        return GH_EXIT_USAGE;
    }
    settings.token = NULL; /* AUTH0_API_TOKEN is a token, not a way to get one */
    settings.audience = audience ? audience : settings.audience;
    settings.organization = organization;
    return print_token(&settings);
}
