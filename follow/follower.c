#include "follow/follower.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/keyset.h"
#include "core/limits.h"
#include "feed/bell.h"
#include "feed/feed.h"
#include "follow/fetch.h"
#include "follow/schedule.h"
#include "follow/stream.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/random.h"

#define TICK_MS 100 /* how often the bell and the clock are looked at */

struct gh_follower {
    const struct gh_follow *config;
    struct gh_feed_writer *feed;
    struct gh_feed *reader;
    pthread_mutex_t lock;     /* of the feed: the stream writes too */
    struct gh_stream *stream; /* NULL: keys only */
    struct gh_bell *bell;
    struct gh_fetcher *fetcher;
    struct gh_schedule schedule;
    char keys_file[PATH_MAX]; /* the last good set, should the feed be lost */
    int stop;                 /* an eventfd */
    bool might;               /* at the last look: keys may stand in the feed */
    bool running;
    pthread_t thread;
};

enum gh_err gh_follow_path(const char *data, const char *issuer, const char *suffix, char ret[PATH_MAX]) {
    static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    struct gh_str name = gh_str_from(issuer);
    if (!gh_str_starts(name, GH_STR("https://")))
        return GH_ERR_MALFORMED;
    name = gh_str_skip(name, 8);
    if (gh_str_ends(name, GH_STR("/")))
        name.len--;
    if (name.len == 0 || name.len > 200)
        return GH_ERR_MALFORMED;
    int len = snprintf(ret, PATH_MAX, "%s/%.*s%s", data, GH_STR_FMT(name), suffix);
    if (len < 0 || len >= PATH_MAX)
        return GH_ERR_MALFORMED;
    for (char *c = ret + strlen(data) + 1, *end = c + name.len; c < end; c++)
        if (!strchr(known, *c))
            *c = '_';
    return GH_OK;
}

static unsigned chance(void) {
    unsigned short n = 0;
    return gh_random_bytes(&n, sizeof n) == GH_OK ? n : 0x8000;
}

/* --- keys --- */

static void adopt(struct gh_follower *f, const struct gh_fetched *got) {
    const char *issuer = f->config->issuer;
    pthread_mutex_lock(&f->lock);
    if (f->stream && !gh_stream_is_complete(f->stream)) { /* withdrawn while we asked */
        pthread_mutex_unlock(&f->lock);
        f->schedule.due = 0;
        return;
    }
    enum gh_err e = gh_feed_set_keys(f->feed, gh_str_from(issuer), gh_buf_str(&got->jwks));
    pthread_mutex_unlock(&f->lock);
    if (e)
        gh_log(GH_LOG_ERROR, "feed.write_failed", "issuer", "%s", issuer, "error", "%s", gh_err_name(e),
               NULL);
    else if (gh_file_write_atomic(f->keys_file, gh_buf_str(&got->jwks), 0600) != GH_OK)
        gh_log(GH_LOG_WARN, "feed.keys_not_saved", "file", "%s", f->keys_file, NULL);
    gh_log(got->keys ? GH_LOG_INFO : GH_LOG_ERROR, "feed.keys", "issuer", "%s", issuer, "keys", "%zu",
           got->keys, "left_out", "%zu", got->left_out, NULL);
}

static void fetch(struct gh_follower *f) {
    struct gh_fetched got = { 0 };
    char why[256];
    long long began = gh_clock_seconds();
    gh_schedule_begin(&f->schedule, began);
    (void)gh_bell_take(f->bell); /* what rang before is answered by this */
    enum gh_err e = gh_fetch_keys(f->fetcher, &got, why);
    if (e) {
        gh_schedule_failed(&f->schedule, began, chance());
        gh_log(f->schedule.good ? GH_LOG_WARN : GH_LOG_ERROR, "feed.fetch_failed", "issuer", "%s",
               f->config->issuer, "error", "%s", gh_err_name(e), "why", "%s", why, "retry_s", "%lld",
               f->schedule.due - began, NULL);
    } else {
        gh_schedule_succeeded(&f->schedule, began, got.max_age, chance());
        adopt(f, &got);
    }
    gh_fetched_release(&got);
}

/* What is lost with a feed is not lost: its keys are taken from the file, if they still are keys. */
static enum gh_err restore(struct gh_follower *f, const char *path) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4 * GH_LIMIT_JWKS);
    gh_auto(gh_keyset_freep) struct gh_keyset *ks = NULL;
    struct gh_str issuer = gh_str_from(f->config->issuer), text;
    struct stat st;
    if (!a)
        return GH_ERR_NOMEM;
    if (stat(f->keys_file, &st) == 0)
        f->schedule.good = st.st_mtime;
    enum gh_err e = gh_feed_open(path, &f->reader);
    if (e || gh_feed_keys(f->reader, a, issuer, &text) == GH_OK)
        return e;
    if (f->config->client_id) /* a new feed has not heard who was revoked: changes first, then keys */
        return GH_OK;
    if (gh_file_read(a, f->keys_file, GH_LIMIT_JWKS, &text) ||
        gh_keyset_parse_jwks(text, GH_ALG_UNKNOWN, &ks))
        f->schedule.good = 0;
    else
        e = gh_feed_set_keys(f->feed, issuer, text);
    return e;
}

/* --- life --- */

static bool is_stopped(struct gh_follower *f, int wait_ms) {
    struct pollfd polled = { .fd = f->stop, .events = POLLIN };
    return poll(&polled, 1, wait_ms) > 0;
}

static void *run(void *data) {
    struct gh_follower *f = data;
    while (!is_stopped(f, TICK_MS)) {
        long long now = gh_clock_seconds();
        if (gh_bell_take(f->bell))
            f->schedule.wanted = true;
        bool may = !f->stream || gh_stream_is_complete(f->stream);
        if (may && (!f->might || gh_schedule_is_due(&f->schedule, now)))
            fetch(f);
        f->might = may;
        if (gh_schedule_alarm(&f->schedule, now))
            gh_log(GH_LOG_ERROR, "feed.keys_stale", "issuer", "%s", f->config->issuer, "age_s", "%lld",
                   now - f->schedule.good, "effect", "%s", "the last good keys are still used", NULL);
    }
    return NULL;
}

static enum gh_err open_all(struct gh_follower *f) {
    const struct gh_follow *c = f->config;
    char path[PATH_MAX];
    enum gh_err e = gh_follow_path(c->data, c->issuer, ".feed", path);
    if (!e)
        e = gh_follow_path(c->data, c->issuer, ".jwks", f->keys_file);
    if (!e)
        e = gh_bell_make(path, &f->bell); /* before the feed: who maps that one finds this */
    if (!e)
        e = gh_feed_writer_open(path, &f->feed);
    if (!e)
        e = restore(f, path);
    f->fetcher = e ? NULL : gh_fetcher_new(c->issuer, c->jwks, c->ca_file);
    f->stop = e ? -1 : eventfd(0, EFD_CLOEXEC);
    if (!e && (!f->fetcher || f->stop < 0))
        e = GH_ERR_NOMEM;
    if (!e && c->client_id)
        e = gh_stream_start(c, f->feed, f->reader, &f->lock, &f->stream);
    if (!e)
        gh_log(GH_LOG_INFO, "feed.following", "issuer", "%s", c->issuer, "feed", "%s", path, NULL);
    return e;
}

enum gh_err gh_follower_start(const struct gh_follow *config, struct gh_follower **ret) {
    struct gh_follower *f = calloc(1, sizeof *f);
    if (!f)
        return GH_ERR_NOMEM;
    f->config = config;
    f->stop = -1;
    pthread_mutex_init(&f->lock, NULL);
    enum gh_err e = open_all(f);
    if (!e && pthread_create(&f->thread, NULL, run, f) != 0)
        e = GH_ERR_NOMEM;
    if (e) {
        gh_follower_free(f);
        return e;
    }
    f->running = true;
    *ret = f;
    return GH_OK;
}

void gh_follower_free(struct gh_follower *f) {
    if (!f)
        return;
    if (f->running && eventfd_write(f->stop, 1) == 0)
        pthread_join(f->thread, NULL);
    gh_stream_free(f->stream);
    gh_fetcher_free(f->fetcher);
    gh_feed_close(f->reader);
    pthread_mutex_destroy(&f->lock);
    gh_bell_close(f->bell);
    gh_feed_writer_close(f->feed);
    if (f->stop >= 0)
        close(f->stop);
    free(f);
}
