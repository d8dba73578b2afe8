#include "cli/tenant_api.h"

#include <stdio.h>

#include "cli/command.h"

struct gh_api *gh_tenant_api_new(const struct gh_api_settings *settings, gh_api_waiting *waiting) {
    struct gh_api *api = gh_api_new(settings, waiting, NULL);
    if (!api)
        fprintf(stderr, "error: the HTTP client could not be set up; is SSL_CERT_FILE readable?\n");
    return api;
}

int gh_tenant_api_open(struct gh_arena *a, gh_api_waiting *waiting, struct gh_api_settings *settings,
                       struct gh_api **ret) {
    const char *missing = gh_api_settings_from_environment(a, settings);
    if (missing) {
        fprintf(stderr, "error: %s\n", missing);
        return GH_EXIT_USAGE;
    }
    *ret = gh_tenant_api_new(settings, waiting);
    return *ret ? GH_EXIT_OK : GH_EXIT_ERROR;
}
