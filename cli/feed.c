/* cli/feed.c - `gatehouse feed`: keeps the keys of issuers in feed files, for gateways on this machine. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/feed_config.h"
#include "follow/follower.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/process.h"

/* Signals come to whoever waits for them below, and to no thread. */
static sigset_t hold_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return set;
}

/* A new start in the same process: the files are as they are, the last good keys with them. With a
 * configuration that cannot be read the old one goes on. */
static void reload(int argc, char **argv, const sigset_t *held) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    struct gh_feed_config config;
    char self[PATH_MAX];
    if (!a || gh_feed_config_read(a, argc, argv, &config) || gh_process_self(self, sizeof self)) {
        gh_log(GH_LOG_ERROR, "feed.reload_failed", "effect", "%s", "the configuration is as before", NULL);
        return;
    }
    char **again = gh_arena_calloc(a, (size_t)argc + 2, sizeof *again);
    if (!again)
        return;
    again[0] = self;
    for (int i = 0; i < argc; i++)
        again[i + 1] = argv[i];
    gh_log(GH_LOG_INFO, "feed.reload", NULL);
    pthread_sigmask(SIG_UNBLOCK, held, NULL);
    execv(self, again);
    pthread_sigmask(SIG_BLOCK, held, NULL);
    gh_log(GH_LOG_ERROR, "feed.reload_failed", "effect", "%s", "the configuration is as before", NULL);
}

static int start_all(const struct gh_feed_config *config) {
    for (size_t i = 0; i < config->count; i++) {
        struct gh_follower *f;
        enum gh_err e = gh_follower_start(&config->issuers[i], &f);
        if (e) {
            fprintf(stderr, "gatehouse feed: %s: %s\n", config->issuers[i].issuer,
                    e == GH_ERR_BUSY ? "another process writes its feed" : gh_err_text(e));
            return GH_EXIT_ERROR;
        }
    }
    gh_log(GH_LOG_INFO, "feed.ready", "issuers", "%zu", config->count, NULL);
    return GH_EXIT_OK;
}

int gh_command_feed(int argc, char **argv) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    struct gh_feed_config config;
    if (!a)
        return GH_EXIT_ERROR;
    int stop = gh_feed_config_read(a, argc, argv, &config);
    if (stop)
        return stop - 1;
    if (gh_dir_make(config.data, 0700) != GH_OK) {
        fprintf(stderr, "gatehouse feed: %s cannot be made, or is no folder of ours\n", config.data);
        return GH_EXIT_ERROR;
    }
    sigset_t held = hold_signals();
    int status = start_all(&config);
    for (int signal_number = 0; !status && sigwait(&held, &signal_number) == 0;) {
        if (signal_number != SIGHUP)
            break;
        reload(argc, argv, &held);
    }
    /* At once: what is written is whole at any time, and a call under way is nobody's loss. */
    fflush(NULL);
    _exit(status);
}
