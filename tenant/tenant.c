#include "tenant/tenant.h"

#include <errno.h>
#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/log.h"
#include "tenant/change.h"
#include "tenant/facts.h"
#include "tenant/fresh.h"
#include "tenant/http.h"
#include "tenant/key_make.h"
#include "tenant/keys.h"
#include "tenant/moment.h"
#include "tenant/pools.h"
#include "tenant/record.h"
#include "tenant/seal.h"

#define GRACE_MS 1500 /* a stop takes less than 2 s */
#define SCHEME GH_STR("https://")

/* Few threads allocate, and briefly: two malloc arenas serve them, eight a core would only hold memory. */
#define MALLOC_ARENAS 2

/* A host and perhaps a port: what may stand between "https://" and the end. */
static bool is_domain(struct gh_str s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':' ||
              c == '[' || c == ']'))
            return false;
    }
    return s.len > 0 && s.len <= 255;
}

static struct gh_str join(struct gh_str origin, const char *path) {
    char *text = NULL;
    int len = asprintf(&text, "%.*s%s", GH_STR_FMT(origin), path);
    return len < 0 ? (struct gh_str){ 0 } : (struct gh_str){ text, (size_t)len };
}

/* Issuer, domain and the Management API's identifier: all from the origin. */
static enum gh_err name(struct gh_tenant *t, const char *origin, char why[256]) {
    struct gh_str o = gh_str_from(origin), domain = gh_str_skip(o, SCHEME.len);
    if (!gh_str_starts(o, SCHEME) || !is_domain(domain)) {
        snprintf(why, 256,
                 "the origin must be https://HOST or https://HOST:PORT in lower case, without a path");
        return GH_ERR_MALFORMED;
    }
    t->domain = domain;
    t->issuer = join(o, "/");
    t->management_audience = join(o, "/api/v2/");
    gh_record_set_management(t->management_audience);
    return t->issuer.ptr && t->management_audience.ptr ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_err explain(enum gh_err e, char why[256], const char *what, const char *path) {
    if (e && !why[0])
        snprintf(why, 256, "%s %s: %s", what, path,
                 e == GH_ERR_BUSY            ? "another process has it open"
                 : e == GH_ERR_NO_PERMISSION ? "others may read it; chmod 600 it"
                                             : gh_err_text(e));
    return e;
}

static enum gh_err open_files(struct gh_tenant *t, char why[256]) {
    const struct gh_tenant_config *c = t->config;
    enum gh_err e =
        explain(gh_sealer_open(c->kek_file, c->make_kek, &t->sealer), why, "key-encryption key", c->kek_file);
    /* The feed first: its lock tells whether another process serves this tenant. */
    if (!e)
        e = explain(gh_feed_writer_open(c->feed, &t->feed_writer), why, "feed", c->feed);
    if (!e)
        e = explain(gh_feed_open(c->feed, &t->feed), why, "feed", c->feed);
    if (!e)
        e = gh_store_open(c->database, &t->store, why);
    return explain(e, why, "database", c->database);
}

/* On the writer thread, which alone writes the feed. */
static enum gh_err catch_up(struct gh_db *db, void *data) {
    struct gh_rows rows;
    bool found = false;
    enum gh_err e = gh_db_query(db, GH_SQL_TIME_NEWEST, NULL, 0, &rows);
    if (e)
        return e;
    e = gh_rows_next(&rows, &found);
    if (!e && found)
        gh_moment_floor(gh_rows_int(&rows, 0));
    gh_rows_end(&rows);
    if (!e)
        e = gh_change_republish(db, data);
    return e ? e : gh_facts_republish(db, data);
}

static unsigned cores(void) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (unsigned)n;
}

static enum gh_err open_all(struct gh_tenant *t, char why[256]) {
    enum gh_err e = name(t, t->config->origin, why);
    if (!e)
        e = open_files(t, why);
    if (!e)
        e = explain(gh_store_write_wait(t->store, catch_up, t), why, "feed", t->config->feed);
    if (!e)
        e = gh_pools_open(cores(), &t->pools);
    if (!e)
        e = explain(gh_fresh_make(t), why, "database", t->config->database);
    if (!e)
        e = explain(gh_keys_open(t, &t->keys), why, "signing keys of", t->config->database);
    return e;
}

enum gh_err gh_tenant_open(const struct gh_tenant_config *config, struct gh_tenant **ret, char why[256]) {
    why[0] = '\0';
    mallopt(M_ARENA_MAX, MALLOC_ARENAS);
    struct gh_tenant *t = calloc(1, sizeof *t);
    if (!t)
        return GH_ERR_NOMEM;
    t->config = config;
    t->stop_fd = eventfd(0, EFD_CLOEXEC);
    json_object_seed(0); /* once, before there are threads */
    if (!gh_file_exists(config->database))
        gh_key_maker_start();
    enum gh_err e = t->stop_fd < 0 ? GH_ERR_IO : open_all(t, why);
    if (e) {
        if (!why[0])
            snprintf(why, 256, "%s", gh_err_text(e));
        gh_tenant_close(t);
        return e;
    }
    *ret = t;
    return GH_OK;
}

void gh_tenant_close(struct gh_tenant *t) {
    if (!t)
        return;
    gh_key_maker_discard();
    gh_keys_close(t->keys);
    gh_pools_close(t->pools);
    if (t->store)
        gh_store_close(t->store);
    if (t->feed)
        gh_feed_close(t->feed);
    if (t->feed_writer)
        gh_feed_writer_close(t->feed_writer);
    gh_sealer_close(t->sealer);
    if (t->stop_fd >= 0)
        close(t->stop_fd);
    free((char *)t->issuer.ptr);
    free((char *)t->management_audience.ptr);
    free(t);
}

enum gh_err gh_tenant_serve(struct gh_tenant *t, void (*ready)(void *), void *context) {
    struct gh_http *http = NULL;
    char why[256] = "";
    enum gh_err e = gh_http_start(t, &http, why);
    if (e) {
        gh_log(GH_LOG_ERROR, "tenant.start_failed", "why", "%s", why, NULL);
        return e;
    }
    gh_log(GH_LOG_INFO, "tenant.ready", "issuer", "%.*s", GH_STR_FMT(t->issuer), NULL);
    if (ready)
        ready(context);
    gh_keys_start_next(t->keys);
    malloc_trim(0); /* what the start needed, the rest does not */

    unsigned long long stops;
    while (read(t->stop_fd, &stops, sizeof stops) < 0 && errno == EINTR)
        ;
    gh_http_stop(http, GRACE_MS);
    gh_log(GH_LOG_INFO, "tenant.stopped", NULL);
    return GH_OK;
}

void gh_tenant_stop(struct gh_tenant *t) {
    const unsigned long long one = 1;
    int before = errno; /* this runs in signal handlers */
    if (write(t->stop_fd, &one, sizeof one) < 0)
        errno = before;
    errno = before;
}
