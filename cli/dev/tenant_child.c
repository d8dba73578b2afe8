#include "cli/dev/tenant_child.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/command.h"
#include "sys/log.h"
#include "tenant/fresh.h"
#include "tenant/tenant.h"

struct child {
    struct gh_tenant *tenant;
    int pipe;
};

static struct gh_tenant *serving; /* for the signal handler */

static void on_term(int signal_number) {
    (void)signal_number;
    if (serving)
        gh_tenant_stop(serving);
}

/* Default dispositions and no mask: what the supervisor blocks for its own loop is not ours. */
static void take_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    struct sigaction action = { .sa_handler = on_term };
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &(struct sigaction){ .sa_handler = SIG_IGN },
              NULL); /* the terminal's reaches the supervisor too */
    sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void on_ready(void *context) {
    struct child *child = context;
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    struct gh_dev_credentials out = { 0 };
    struct gh_str id = { 0 }, secret = { 0 };
    enum gh_err e = a ? gh_fresh_machine_client(child->tenant, a, &id, &secret) : GH_ERR_NOMEM;
    if (e) /* deleted by its owner: the tenant serves all the same, and the environment file has empty values
            */
        gh_log(GH_LOG_WARN, "dev.machine_client", "reason", "%s", gh_err_text(e), NULL);
    snprintf(out.id, sizeof out.id, "%.*s", GH_STR_FMT(id));
    snprintf(out.secret, sizeof out.secret, "%.*s", GH_STR_FMT(secret));
    if (write(child->pipe, &out, sizeof out) != (ssize_t)sizeof out)
        gh_log(GH_LOG_DEBUG, "dev.supervisor_gone", NULL); /* a restart: nobody waits any more */
    explicit_bzero(&out, sizeof out);
    close(child->pipe);
}

int gh_dev_tenant_main(const struct gh_dev *dev, int pipe) {
    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    prctl(PR_SET_NAME, "gh-tenant", 0, 0, 0);
    take_signals();

    struct gh_tenant_config config = {
        .origin = dev->origin,
        .database = gh_dev_path(dev, "tenant/tenant.db"),
        .socket = GH_DEV_TENANT_SOCKET,
        .feed = gh_dev_path(dev, "feed/tenant.feed"),
        .kek_file = gh_dev_path(dev, "tenant/kek"),
        .make_kek = true,
    };
    struct child child = { .pipe = pipe };
    char why[256] = "";
    enum gh_err e = gh_tenant_open(&config, &child.tenant, why);
    if (e) {
        fprintf(stderr, "gatehouse dev: the tenant cannot start: %s\n", why);
        return GH_EXIT_ERROR;
    }
    serving = child.tenant;
    e = gh_tenant_serve(child.tenant, on_ready, &child);
    serving = NULL;
    gh_tenant_close(child.tenant);
    return e ? GH_EXIT_ERROR : GH_EXIT_OK;
}
