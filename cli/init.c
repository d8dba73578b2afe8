/* cli/init.c - `gatehouse init`: makes a tenant and prints its first machine client, once. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/tenant_config.h"
#include "sys/file.h"
#include "tenant/fresh.h"

static int print_client(struct gh_tenant *t, struct gh_arena *a) {
    struct gh_str id, secret;
    enum gh_err e = gh_fresh_machine_client(t, a, &id, &secret);
    if (e) {
        fprintf(stderr, "gatehouse init: the first client %s\n", gh_err_text(e));
        return GH_EXIT_ERROR;
    }
    printf("AUTH0_DOMAIN=%.*s\nAUTH0_CLIENT_ID=%.*s\nAUTH0_CLIENT_SECRET=%.*s\n", GH_STR_FMT(t->domain),
           GH_STR_FMT(id), GH_STR_FMT(secret));
    return fflush(stdout) ? GH_EXIT_ERROR : GH_EXIT_OK;
}

int gh_command_init(int argc, char **argv) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    struct gh_tenant_config config;
    struct gh_tenant *t;
    char why[256];
    if (!a)
        return GH_EXIT_ERROR;
    int stop =
        gh_tenant_config_read(a,
                              "Makes a new tenant: database, key-encryption key, signing key. Prints the "
                              "machine client that holds all\nscopes of the Management API. It is printed "
                              "once: a second init is refused.",
                              argc, argv, &config);
    if (stop)
        return stop - 1;
    if (gh_file_exists(config.database)) {
        fprintf(stderr, "gatehouse init: %s exists already\n", config.database);
        return GH_EXIT_ERROR;
    }
    config.make_kek = true;
    if (gh_tenant_open(&config, &t, why)) {
        fprintf(stderr, "gatehouse init: %s\n", why);
        return GH_EXIT_ERROR;
    }
    int status = print_client(t, a);
    gh_tenant_close(t);
    return status;
}
