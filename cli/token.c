/* gatehouse token: an access token for curl, by client credentials (RFC 6749 4.4) or for a person by the
 * device flow (RFC 8628). Nothing but the token reaches stdout. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/stack_run.h"
#include "cli/tenant_api.h"
#include "core/cleanup.h"
#include "stack/device.h"
#include "stack/engine/api.h"

static int print_token(const struct gh_api_settings *settings) {
    struct gh_api *api = gh_tenant_api_new(settings, NULL);
    struct gh_api_reply reply = { 0 };
    const char *token = NULL;
    if (!api)
        return GH_EXIT_ERROR;
    enum gh_err e = gh_api_token(api, &token, &reply);
    if (e)
        fprintf(stderr, "error: no token: %s\n", reply.error[0] ? reply.error : gh_err_text(e));
    else
        printf("%s\n", token);
    gh_api_reply_release(&reply);
    gh_api_free(api);
    return !e ? GH_EXIT_OK : e == GH_ERR_NO_TOKEN ? GH_EXIT_DENIED : GH_EXIT_ERROR;
}

static void prompt(void *context, const char *code, const char *uri, const char *complete) {
    fprintf(stderr, "To sign in, open %s and type the code %s\n", uri, code);
    if (complete)
        fprintf(stderr, "or open %s and compare the code\n", complete);
    fprintf(stderr, "Waiting …\n");
}

static int print_device_token(const struct gh_api_settings *settings, const char *scope) {
    const struct gh_device_request request = {
        .domain = settings->domain,
        .client_id = settings->client_id,
        .client_secret = settings->client_secret,
        .audience = settings->audience,
        .scope = scope,
        .organization = settings->organization,
        .ca_file = settings->ca_file,
    };
    char *token = NULL, error[400];
    enum gh_err e = gh_device_token(&request, prompt, NULL, &token, error);
    if (e)
        fprintf(stderr, "error: %s\n", error);
    else
        printf("%s\n", token);
    if (token)
        OPENSSL_cleanse(token, strlen(token));
    free(token);
    return !e                     ? GH_EXIT_OK
           : e == GH_ERR_NO_TOKEN ? GH_EXIT_DENIED
           : e == GH_ERR_TIMEOUT  ? GH_EXIT_TIMEOUT
                                  : GH_EXIT_ERROR;
}

int gh_command_token(int argc, char **argv) {
    const char *audience = NULL, *organization = NULL, *scope = NULL;
    bool device = false;
    const struct gh_option options[] = {
        { "audience", 0, GH_OPTION_TEXT, &audience, "URI",
          "the API (default: AUTH0_AUDIENCE, else the Management API)" },
        { "organization", 0, GH_OPTION_TEXT, &organization, "ID", "a token within this organization" },
        { "device", 0, GH_OPTION_FLAG, &device, NULL, "for a person, who signs in on another screen" },
        { "scope", 0, GH_OPTION_TEXT, &scope, "SCOPES", "with --device: what is asked for, in one argument" },
        { 0 },
    };
    int stop =
        gh_options_parse(options, "token [OPTIONS]",
                         "Prints an access token for the client in AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET, "
                         "or with --device for a\n"
                         "person who uses that client: which needs the device flow among its grant types.",
                         argc, argv, 0, NULL);
    if (stop)
        return stop - 1;
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
    struct gh_api_settings settings;
    const char *missing = a ? gh_api_settings_from_environment(a, &settings) : "out of memory";
    if (device && settings.client_id && settings.domain) /* a public client has no secret */
        missing = NULL;
    else if (scope)
        missing = "--scope goes with --device: a client is given the scopes of its grant";
    if (!missing && !settings.client_id)
        missing = "AUTH0_CLIENT_ID is not set: the client that the token is for";
    if (!missing && !settings.client_secret && !device)
        missing = "AUTH0_CLIENT_SECRET is not set: the secret of the client in AUTH0_CLIENT_ID";
    if (missing) {
        fprintf(stderr, "error: %s\n", missing);
        return GH_EXIT_USAGE;
    }
    settings.token = NULL; /* AUTH0_API_TOKEN is a token, not a way to get one */
    settings.audience = audience ? audience : settings.audience;
    settings.organization = organization;
    return device ? print_device_token(&settings, scope) : print_token(&settings);
}
