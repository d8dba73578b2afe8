/* cli/serve.c - `gatehouse serve`: the tenant in production, in the foreground, behind a TLS terminator. */
#include <signal.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/tenant_config.h"
#include "sys/file.h"

static struct gh_tenant *serving; /* for the signal handler */

static void on_signal(int signal) {
    gh_tenant_stop(serving);
}

static void watch_signals(void) {
    struct sigaction stop = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };
    sigemptyset(&stop.sa_mask);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

int gh_command_serve(int argc, char **argv) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    struct gh_tenant_config config;
    char why[256];
    if (!a)
        return GH_EXIT_ERROR;
    int stop = gh_tenant_config_read(
        a, "Serves the tenant over plain HTTP to a TLS terminator on the same machine, until SIGTERM.", argc,
        argv, &config);
    if (stop)
        return stop - 1;
    if (!config.socket && !config.listen) {
        fprintf(stderr, "gatehouse serve: neither 'socket' nor 'listen' is set\n");
        return GH_EXIT_USAGE;
    }
    if (!gh_file_exists(config.database)) {
        fprintf(stderr, "gatehouse serve: there is no %s; gatehouse init makes it\n", config.database);
        return GH_EXIT_ERROR;
    }
    if (gh_tenant_open(&config, &serving, why)) {
        fprintf(stderr, "gatehouse serve: %s\n", why);
        return GH_EXIT_ERROR;
    }
    watch_signals();
    enum gh_err e = gh_tenant_serve(serving, NULL, NULL);
    gh_tenant_close(serving);
    return e ? GH_EXIT_ERROR : GH_EXIT_OK;
}
