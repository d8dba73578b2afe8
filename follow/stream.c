#include "follow/stream.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/limits.h"
#include "follow/changes.h"
#include "follow/machine.h"
#include "follow/organizations.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

enum {
    WAIT_SECONDS = 20,
    RETRY_MS = 100,
    RETRY_MAX_MS = 2000,
    RATE_LIMITED_MS = 30000,
    SILENCE_SECONDS = 10,
    ALARM_SECONDS = 60
};

struct gh_stream {
    const struct gh_follow *config;
    struct gh_feed_writer *feed;
    pthread_mutex_t *lock;
    struct gh_machine *machine;
    struct gh_organizations *organizations; /* NULL: changes */
    char known_file[PATH_MAX];
    long long log, sequence, global; /* how far we were told since the start */
    long long heard, alarmed;        /* unix seconds */
    int retry_ms, stop;
    atomic_bool complete;
    bool synced, running;
    pthread_t thread;
};

bool gh_stream_is_complete(const struct gh_stream *s) {
    return atomic_load(&s->complete);
}

/* --- is the feed whole? --- */

/* A power cut may leave a page of before: a valid feed that has forgotten somebody. So what was written
 * before this boot of the machine is believed only when all has been told again. 0 when the kernel does not
 * say. */
static long long boot_of_machine(void) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4096);
    struct gh_str text;
    long long id = 0;
    if (!a || gh_file_read(a, "/proc/sys/kernel/random/boot_id", 64, &text))
        return 0;
    for (size_t i = 0, digits = 0; i < text.len && digits < 9; i++) {
        static const char all[] = "0123456789abcdef";
        const char *digit = text.ptr[i] ? strchr(all, text.ptr[i]) : NULL;
        if (!digit)
            continue;
        id = id << 4 | (digit - all);
        digits++;
    }
    return id;
}

static const struct gh_str boot = { "gatehouse:boot", 14 }, none = { 0 };

static void remember_boot(struct gh_stream *s) {
    pthread_mutex_lock(s->lock);
    s->synced = gh_feed_set_epoch(s->feed, GH_EPOCH_SUSPENDED, boot, none, boot_of_machine()) == GH_OK;
    pthread_mutex_unlock(s->lock);
}

static void told_all(struct gh_stream *s) {
    if (!s->synced)
        remember_boot(s);
    if (!atomic_exchange(&s->complete, true))
        gh_log(GH_LOG_INFO, "feed.changes", "issuer", "%s", s->config->issuer, "sequence", "%lld",
               s->sequence, NULL);
}

/* Takes the keys out of a feed that may have forgotten somebody: no token passes until all has been told. */
static enum gh_err distrust(struct gh_stream *s, const struct gh_feed *reader) {
    struct gh_str issuer = gh_str_from(s->config->issuer), text;
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(2 * GH_LIMIT_JWKS);
    long long known = 0, now = boot_of_machine();
    enum gh_err e = a ? gh_feed_epoch(reader, GH_EPOCH_SUSPENDED, boot, none, &known) : GH_ERR_NOMEM;
    if (e)
        return e;
    enum gh_err keys = gh_feed_keys(reader, a, issuer, &text);
    bool whole = keys == GH_OK && text.len > 0 && now != 0 && known == now;
    atomic_store(&s->complete, whole);
    return whole || keys == GH_ERR_NOT_FOUND ? GH_OK : gh_feed_set_keys(s->feed, issuer, none);
}

/* --- following --- */

static enum gh_err take(struct gh_stream *s, struct gh_arena *a, struct gh_str body, char why[256]) {
    struct gh_changes c;
    enum gh_err e = gh_changes_parse(a, body, &c);
    if (!e) {
        pthread_mutex_lock(s->lock);
        e = gh_changes_apply(s->feed, gh_str_from(s->config->issuer), &c, gh_clock_seconds());
        pthread_mutex_unlock(s->lock);
    }
    if (e) {
        snprintf(why, 256, "the answer %s", gh_err_text(e));
        return e;
    }
    s->log = c.log;
    s->sequence = c.sequence;
    s->global = c.global;
    if (!c.more)
        told_all(s);
    return GH_OK;
}

static enum gh_err ask(struct gh_stream *s, char why[256]) {
    if (s->organizations) {
        enum gh_err read = gh_organizations_read(s->organizations, s->machine, s->feed, s->lock,
                                                 gh_str_from(s->config->issuer), gh_clock_seconds(), why);
        if (!read)
            told_all(s);
        return read;
    }
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(32 << 20);
    struct gh_str body, path = { 0 };
    why[0] = '\0';
    if (a)
        path = gh_arena_printf(a, "gatehouse/changes?since=%lld&log=%lld&global=%lld&wait=%d", s->sequence,
                               s->log, s->global, s->synced ? WAIT_SECONDS : 0);
    if (!path.ptr)
        return GH_ERR_NOMEM;
    enum gh_err e = gh_machine_get(s->machine, a, path.ptr, &body, why);
    return e ? e : take(s, a, body, why);
}

/* Where the operator says so, nobody is let in whose revocation we might not have heard. The keys come back
 * when all was told that we have missed. */
static void withdraw(struct gh_stream *s) {
    long long silent = gh_clock_seconds() - s->heard;
    if (s->config->silence == 0 || (silent >= 0 && silent < s->config->silence) || !gh_stream_is_complete(s))
        return;
    pthread_mutex_lock(s->lock);
    atomic_store(&s->complete, false); /* first: nobody sets new ones */
    enum gh_err e = gh_feed_set_keys(s->feed, gh_str_from(s->config->issuer), none);
    pthread_mutex_unlock(s->lock);
    gh_log(GH_LOG_ERROR, "feed.keys_withdrawn", "issuer", "%s", s->config->issuer, "silent_s", "%lld", silent,
           "result", "%s", gh_err_name(e), NULL);
}

/* While we hear nothing, somebody may be revoked and let in: that is said at once, and again each minute. */
static void complain(struct gh_stream *s, enum gh_err e, const char *why) {
    long long now = gh_clock_seconds(), silent = now - s->heard;
    bool long_ago = silent >= SILENCE_SECONDS + s->config->organizations || silent < 0;
    if (s->alarmed && now >= s->alarmed && now - s->alarmed < (long_ago ? ALARM_SECONDS : SILENCE_SECONDS))
        return;
    s->alarmed = now;
    gh_log(long_ago ? GH_LOG_ERROR : GH_LOG_WARN, "feed.changes_failed", "issuer", "%s", s->config->issuer,
           "error", "%s", gh_err_name(e), "why", "%s", why, "silent_s", "%lld", silent, NULL);
}

static bool is_stopped(struct gh_stream *s, int wait_ms) {
    struct pollfd polled = { .fd = s->stop, .events = POLLIN };
    return poll(&polled, 1, wait_ms) > 0;
}

static void *run(void *data) {
    struct gh_stream *s = data;
    while (!is_stopped(s, s->retry_ms)) {
        char why[256];
        enum gh_err e = ask(s, why);
        if (e) {
            complain(s, e, why);
            withdraw(s);
            s->retry_ms = s->retry_ms == 0 ? RETRY_MS : s->retry_ms * 2;
            int most = s->organizations && gh_stream_is_complete(s) ? RATE_LIMITED_MS : RETRY_MAX_MS;
            s->retry_ms = s->retry_ms > most ? most : s->retry_ms;
            continue;
        }
        if (s->alarmed)
            gh_log(GH_LOG_INFO, "feed.changes", "issuer", "%s", s->config->issuer, "sequence", "%lld",
                   s->sequence, NULL);
        s->retry_ms = s->organizations ? (int)s->config->organizations * 1000 : 0;
        s->alarmed = 0;
        s->heard = gh_clock_seconds();
    }
    return NULL;
}

enum gh_err gh_stream_start(const struct gh_follow *config, struct gh_feed_writer *feed,
                            const struct gh_feed *reader, pthread_mutex_t *lock, struct gh_stream **ret) {
    struct gh_stream *s = calloc(1, sizeof *s);
    if (!s)
        return GH_ERR_NOMEM;
    *s = (struct gh_stream){ .config = config, .feed = feed, .lock = lock, .heard = gh_clock_seconds() };
    s->machine =
        gh_machine_new(config->issuer, config->ca_file, config->client_id, config->client_secret_file);
    s->stop = eventfd(0, EFD_CLOEXEC);
    enum gh_err e = s->machine && s->stop >= 0 ? GH_OK : GH_ERR_NOMEM;
    if (!e && config->organizations > 0) {
        e = gh_follow_path(config->data, config->issuer, ".organizations", s->known_file);
        s->organizations = e ? NULL : gh_organizations_new(s->known_file);
        e = s->organizations ? GH_OK : GH_ERR_NOMEM;
    }
    if (!e)
        e = distrust(s, reader);
    if (!e && pthread_create(&s->thread, NULL, run, s) != 0)
        e = GH_ERR_NOMEM;
    if (e) {
        gh_stream_free(s);
        return e;
    }
    s->running = true;
    *ret = s;
    return GH_OK;
}

void gh_stream_free(struct gh_stream *s) {
    if (!s)
        return;
    if (s->running && eventfd_write(s->stop, 1) == 0)
        pthread_join(s->thread, NULL);
    gh_organizations_free(s->organizations);
    gh_machine_free(s->machine);
    if (s->stop >= 0)
        close(s->stop);
    free(s);
}
