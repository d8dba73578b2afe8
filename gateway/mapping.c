/* gateway/mapping.c - the mapped feeds: opened before the fork, looked after by
 * each worker, and read so that nothing which happens to the file ends more
 * than the request that meets it. */

#include "gateway/ngx_http_gatehouse_module.h"

#include <setjmp.h>
#include <signal.h>

#include "feed/epochs.h"

static ngx_int_t ngx_http_gatehouse_feed_open(
    ngx_http_gatehouse_feed_t *feed, ngx_log_t *log);
static ngx_int_t ngx_http_gatehouse_feed_replaced(
    ngx_http_gatehouse_feed_t *feed);
static void ngx_http_gatehouse_feed_cleanup(void *data);
static void ngx_http_gatehouse_bus_error(int signo);


/* Nobody shortens a feed, but a hand or a restored backup may: then a read
 * beyond the end is SIGBUS. Only reads of a feed are covered by this; they
 * hold no lock and own no memory, so that they can be left anywhere. */

static sigjmp_buf ngx_http_gatehouse_bus_jump;
static volatile sig_atomic_t ngx_http_gatehouse_bus_covered;

#define ngx_http_gatehouse_covered(ret, call)                                \
    if (sigsetjmp(ngx_http_gatehouse_bus_jump, 0) == 0) {                    \
        ngx_http_gatehouse_bus_covered = 1;                                  \
        ret = call;                                                          \
        ngx_http_gatehouse_bus_covered = 0;                                  \
    } else {                                                                 \
        ret = GH_ERR_FEED;                                                   \
    }


static void
ngx_http_gatehouse_bus_error(int signo)
{
    if (ngx_http_gatehouse_bus_covered) {
        ngx_http_gatehouse_bus_covered = 0;
        siglongjmp(ngx_http_gatehouse_bus_jump, 1);
    }

    /* somebody else's: it faults again, as if we had not been here */
    (void) signal(signo, SIG_DFL);
}


/* In each worker. */

ngx_int_t
ngx_http_gatehouse_feeds_cover(ngx_cycle_t *cycle)
{
    struct sigaction sa;

    ngx_memzero(&sa, sizeof(struct sigaction));
    sa.sa_handler = ngx_http_gatehouse_bus_error;
    sa.sa_flags = SA_NODEFER; /* the jump does not restore the mask */

    if (sigaction(SIGBUS, &sa, NULL) == -1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "sigaction(SIGBUS) failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


enum gh_err
ngx_http_gatehouse_feed_generation(ngx_http_gatehouse_feed_t *feed,
    unsigned long long *ret)
{
    enum gh_err err;

    ngx_http_gatehouse_covered(err, gh_feed_keys_generation(feed->feed, ret));

    return err;
}


enum gh_err
ngx_http_gatehouse_feed_keys(ngx_http_gatehouse_feed_t *feed,
    struct gh_arena *arena, struct gh_str issuer, struct gh_str *ret)
{
    enum gh_err err;

    ngx_http_gatehouse_covered(err,
                               gh_feed_keys(feed->feed, arena, issuer, ret));

    return err;
}


enum gh_err
ngx_http_gatehouse_feed_epochs(ngx_http_gatehouse_feed_t *feed,
    const struct gh_claims *claims, struct gh_str audience,
    struct gh_epochs *ret)
{
    enum gh_err err;

    ngx_http_gatehouse_covered(err,
                               gh_feed_epochs_of(feed->feed, claims, audience,
                                                 ret));

    return err;
}


/* Somebody came with a key that its issuer may have by now. */

void
ngx_http_gatehouse_feed_ring(ngx_http_gatehouse_feed_t *feed)
{
    enum gh_err err;

    if (feed->bell) {
        ngx_http_gatehouse_covered(err, (gh_bell_ring(feed->bell), GH_OK));
        if (err) {
            gh_bell_close(feed->bell);
            feed->bell = NULL;
        }
    }
}


enum gh_err
ngx_http_gatehouse_feed_fact(ngx_http_gatehouse_feed_t *feed,
    enum gh_fact_kind kind, struct gh_str issuer, struct gh_str name,
    struct gh_fact *ret)
{
    enum gh_err err;

    ngx_http_gatehouse_covered(
        err, gh_feed_fact(feed->feed, kind, issuer, name, ret));

    return err;
}


ngx_http_gatehouse_feed_t *
ngx_http_gatehouse_feed_add(ngx_conf_t *cf,
    ngx_http_gatehouse_main_conf_t *mcf, ngx_str_t *path)
{
    ngx_uint_t i;
    ngx_pool_cleanup_t *cln;
    ngx_http_gatehouse_feed_t *feed, **slot;

    slot = mcf->feeds.elts;
    for (i = 0; i < mcf->feeds.nelts; i++) {
        if (ngx_strcmp(slot[i]->path.data, path->data) == 0) {
            return slot[i];
        }
    }

    feed = ngx_pcalloc(cf->pool, sizeof(ngx_http_gatehouse_feed_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);
    slot = ngx_array_push(&mcf->feeds);
    if (feed == NULL || cln == NULL || slot == NULL) {
        return NULL;
    }

    feed->path = *path;
    cln->handler = ngx_http_gatehouse_feed_cleanup;
    cln->data = feed;
    *slot = feed;

    return feed;
}


/* In the master, as root: workers inherit the mapping of a file that only
 * root may read. */

ngx_int_t
ngx_http_gatehouse_feeds_open(ngx_cycle_t *cycle)
{
    ngx_uint_t i;
    ngx_http_gatehouse_feed_t **feeds;
    ngx_http_gatehouse_main_conf_t *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_gatehouse_module);
    if (mcf == NULL) {
        return NGX_OK;
    }

    feeds = mcf->feeds.elts;
    for (i = 0; i < mcf->feeds.nelts; i++) {
        (void) ngx_http_gatehouse_feed_open(feeds[i], cycle->log);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_gatehouse_feed_open(ngx_http_gatehouse_feed_t *feed, ngx_log_t *log)
{
    enum gh_err err;
    ngx_file_info_t fi;

    /* before the file: one that is replaced in between looks replaced */
    ngx_memzero(&fi, sizeof(ngx_file_info_t));
    (void) ngx_file_info(feed->path.data, &fi);

    ngx_http_gatehouse_covered(
        err, gh_feed_open((const char *) feed->path.data, &feed->feed));
    if (err == GH_OK) {
        feed->device = fi.st_dev;
        feed->inode = fi.st_ino;
        feed->size = fi.st_size;
        feed->checked = ngx_time();
        feed->serial++;

        if (gh_bell_open((const char *) feed->path.data, &feed->bell)
            != GH_OK)
        {
            feed->bell = NULL;
        }
        return NGX_OK;
    }

    feed->feed = NULL;
    feed->retry = ngx_time() + 1;
    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "gatehouse: the feed \"%V\" cannot be read (%s); "
                  "guarded locations answer 503 until it can",
                  &feed->path, gh_err_name(err));

    return NGX_ERROR;
}


/* Asked for every request: is there a feed, and still the whole one that its
 * writer writes? A mapping outlives its file's name, and would then say for
 * ever that nothing was revoked; one stat() a second finds out. */

enum gh_err
ngx_http_gatehouse_feed_check(ngx_http_gatehouse_feed_t *feed, ngx_log_t *log)
{
    if (feed->feed && feed->checked != ngx_time()) {
        feed->checked = ngx_time();

        if (ngx_http_gatehouse_feed_replaced(feed)) {
            ngx_log_error(NGX_LOG_ERR, log, 0,
                          "gatehouse: the feed \"%V\" is not the file that "
                          "was mapped",
                          &feed->path);
            ngx_http_gatehouse_feed_cleanup(feed);
            feed->retry = 0;
        }
    }

    if (feed->feed == NULL
        && (ngx_time() < feed->retry
            || ngx_http_gatehouse_feed_open(feed, log) != NGX_OK))
    {
        return GH_ERR_FEED;
    }

    return GH_OK;
}


static ngx_int_t
ngx_http_gatehouse_feed_replaced(ngx_http_gatehouse_feed_t *feed)
{
    ngx_file_info_t fi;

    if (ngx_file_info(feed->path.data, &fi) == NGX_FILE_ERROR) {
        /* a worker may not look into the folder: then it cannot know */
        return ngx_errno == NGX_ENOENT;
    }

    return fi.st_dev != feed->device || fi.st_ino != feed->inode
           || fi.st_size < feed->size;
}


static void
ngx_http_gatehouse_feed_cleanup(void *data)
{
    ngx_http_gatehouse_feed_t *feed = data;

    if (feed->feed) {
        gh_feed_close(feed->feed);
        feed->feed = NULL;
    }

    gh_bell_close(feed->bell);
    feed->bell = NULL;
}
