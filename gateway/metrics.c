/* gateway/metrics.c - what the workers count, in memory that they share, and how
 * Prometheus reads it. A decision costs one relaxed addition (two when it is a
 * refusal); each worker has lines of memory of its own. */

#include "gateway/ngx_http_gatehouse_module.h"

#include "core/buf.h"
#include "gateway/settings.h"

/* Workers beyond share the rows: additions stay atomic. */
#define NGX_HTTP_GATEHOUSE_ROWS 32
#define NGX_HTTP_GATEHOUSE_METRICS_MAX (256 * 1024)

enum {
#define ROW(symbol, status, name, text) NGX_HTTP_GATEHOUSE_ERR_##symbol,
    GH_ERR_TABLE(ROW)
#undef ROW
    NGX_HTTP_GATEHOUSE_ERRS
};

/* By how the token was found: NGX_HTTP_GATEHOUSE_CACHE_... */
#define NGX_HTTP_GATEHOUSE_FINDS 4

typedef struct {
    uint64_t admitted[NGX_HTTP_GATEHOUSE_FINDS];
    uint64_t found_refused[NGX_HTTP_GATEHOUSE_FINDS];
    uint64_t public;
    uint64_t withheld;
    uint64_t refused[NGX_HTTP_GATEHOUSE_ERRS];
    uint64_t ended[NGX_HTTP_GATEHOUSE_ERRS];
} __attribute__((aligned(64))) ngx_http_gatehouse_row_t;

static ngx_int_t ngx_http_gatehouse_metrics_init(ngx_shm_zone_t *zone,
    void *old);
static ngx_http_gatehouse_row_t *ngx_http_gatehouse_row(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_gatehouse_metrics_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_gatehouse_metrics_local(ngx_connection_t *c);
static void ngx_http_gatehouse_metrics_text(struct gh_buf *text,
    ngx_http_gatehouse_main_conf_t *mcf);


char *
ngx_http_gatehouse_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    size_t size;
    ngx_str_t name = ngx_string("gatehouse_metrics");
    ngx_str_t *value = cf->args->elts;
    ngx_http_core_loc_conf_t *clcf;
    ngx_http_gatehouse_loc_conf_t *lcf = conf;
    ngx_http_gatehouse_main_conf_t *mcf;

    if (lcf->metrics) {
        return "is duplicate";
    }

    if (ngx_strcmp(value[1].data, "local") == 0) {
        lcf->metrics = NGX_HTTP_GATEHOUSE_METRICS_LOCAL;
    } else if (ngx_strcmp(value[1].data, "any") == 0) {
        lcf->metrics = NGX_HTTP_GATEHOUSE_METRICS_ANY;
    } else {
        return "takes \"local\" or \"any\"";
    }

    /* the slab allocator's own pages, and a row's alignment */
    size = ngx_align(NGX_HTTP_GATEHOUSE_ROWS
                         * sizeof(ngx_http_gatehouse_row_t),
                     ngx_pagesize)
           + 16 * ngx_pagesize;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_gatehouse_module);
    mcf->metrics = ngx_shared_memory_add(cf, &name, size,
                                         &ngx_http_gatehouse_module);
    if (mcf->metrics == NULL) {
        return NGX_CONF_ERROR;
    }
    mcf->metrics->init = ngx_http_gatehouse_metrics_init;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_gatehouse_metrics_handler;

    return NGX_CONF_OK;
}


/* nginx gives the old memory only to the same module at the same address with
 * the same size: another build begins anew. */

static ngx_int_t
ngx_http_gatehouse_metrics_init(ngx_shm_zone_t *zone, void *old)
{
    ngx_slab_pool_t *pool;

    if (old) {
        zone->data = old;
        return NGX_OK;
    }

    pool = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) { /* Windows only */
        zone->data = pool->data;
        return NGX_OK;
    }

    zone->data = ngx_slab_calloc(pool, NGX_HTTP_GATEHOUSE_ROWS
                                           * sizeof(ngx_http_gatehouse_row_t));
    if (zone->data == NULL) {
        return NGX_ERROR;
    }
    pool->data = zone->data;

    return NGX_OK;
}


static ngx_http_gatehouse_row_t *
ngx_http_gatehouse_row(ngx_http_request_t *r)
{
    ngx_http_gatehouse_row_t *rows;
    ngx_http_gatehouse_main_conf_t *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_gatehouse_module);
    if (mcf->metrics == NULL) {
        return NULL;
    }

    rows = mcf->metrics->data;
    return &rows[ngx_worker % NGX_HTTP_GATEHOUSE_ROWS];
}


static inline void
ngx_http_gatehouse_increment(uint64_t *counter)
{
    (void) __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}


void
ngx_http_gatehouse_count_admitted(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_uint_t mode)
{
    ngx_http_gatehouse_row_t *row;

    row = ngx_http_gatehouse_row(r);
    if (row) {
        ngx_http_gatehouse_increment(mode == NGX_HTTP_GATEHOUSE_PUBLIC
                                         ? &row->public
                                         : &row->admitted[ctx->cached]);
    }
}


void
ngx_http_gatehouse_count_refused(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, enum gh_err err)
{
    ngx_http_gatehouse_row_t *row;

    row = ngx_http_gatehouse_row(r);
    if (row) {
        ngx_http_gatehouse_increment(&row->refused[err]);
        ngx_http_gatehouse_increment(&row->found_refused[ctx->cached]);
    }
}


void
ngx_http_gatehouse_count_ended(ngx_http_request_t *r, enum gh_err err)
{
    ngx_http_gatehouse_row_t *row;

    row = ngx_http_gatehouse_row(r);
    if (row) {
        ngx_http_gatehouse_increment(&row->ended[err]);
    }
}


void
ngx_http_gatehouse_count_withheld(ngx_http_request_t *r)
{
    ngx_http_gatehouse_row_t *row;

    row = ngx_http_gatehouse_row(r);
    if (row) {
        ngx_http_gatehouse_increment(&row->withheld);
    }
}


static ngx_int_t
ngx_http_gatehouse_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t rc;
    ngx_buf_t *b;
    ngx_chain_t out;
    struct gh_buf text;
    ngx_http_gatehouse_loc_conf_t *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_gatehouse_module);

    if (conf->metrics != NGX_HTTP_GATEHOUSE_METRICS_ANY
        && ngx_http_gatehouse_metrics_local(r->connection) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "gatehouse: metrics are for local callers");
        return NGX_HTTP_FORBIDDEN;
    }

    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    text = gh_buf_make(NGX_HTTP_GATEHOUSE_METRICS_MAX);
    ngx_http_gatehouse_metrics_text(
        &text, ngx_http_get_module_main_conf(r, ngx_http_gatehouse_module));

    b = text.failed ? NULL : ngx_create_temp_buf(r->pool, text.len);
    if (b == NULL) {
        gh_buf_release(&text);
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }
    b->last = ngx_cpymem(b->last, text.ptr, text.len);
    b->last_buf = r == r->main;
    b->last_in_chain = 1;
    gh_buf_release(&text);

    ngx_str_set(&r->headers_out.content_type,
                "text/plain; version=0.0.4; charset=utf-8");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = b->last - b->pos;

    rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


/* Both ends of the connection itself, whatever the realip module made of it. */

static ngx_int_t
ngx_http_gatehouse_metrics_local(ngx_connection_t *c)
{
    int i;
    socklen_t len;
    struct in6_addr *in6;
    ngx_sockaddr_t end[2];

    for (i = 0; i < 2; i++) {
        len = sizeof(ngx_sockaddr_t);
        ngx_memzero(&end[i], sizeof(ngx_sockaddr_t));

        if ((i == 0 ? getpeername(c->fd, &end[i].sockaddr, &len)
                    : getsockname(c->fd, &end[i].sockaddr, &len))
            == -1)
        {
            return NGX_DECLINED;
        }

        in6 = &end[i].sockaddr_in6.sin6_addr;

        switch (end[i].sockaddr.sa_family) {
        case AF_UNIX:
            continue;
        case AF_INET:
            if (ntohl(end[i].sockaddr_in.sin_addr.s_addr) >> 24 == 127) {
                continue;
            }
            return NGX_DECLINED;
        case AF_INET6:
            if (IN6_IS_ADDR_LOOPBACK(in6)
                || (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == 127))
            {
                continue;
            }
            return NGX_DECLINED;
        default:
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/* In relaxed reads: each counter is right, all of them are of about one time. */

static void
ngx_http_gatehouse_metrics_sum(ngx_http_gatehouse_main_conf_t *mcf,
    ngx_http_gatehouse_row_t *sum)
{
    size_t i, n;
    uint64_t *from, *to = (uint64_t *) sum;
    ngx_http_gatehouse_row_t *rows = mcf->metrics->data;

    ngx_memzero(sum, sizeof(ngx_http_gatehouse_row_t));

    for (i = 0; i < NGX_HTTP_GATEHOUSE_ROWS; i++) {
        from = (uint64_t *) &rows[i];
        for (n = 0; n < sizeof(ngx_http_gatehouse_row_t) / 8; n++) {
            to[n] += __atomic_load_n(&from[n], __ATOMIC_RELAXED);
        }
    }
}


/* By rule; two refusals may have one name, and one name is one line. */

static void
ngx_http_gatehouse_metrics_rules(struct gh_buf *text, const char *result,
    const uint64_t *counters)
{
    size_t i, n;
    uint64_t count;
    ngx_uint_t first;
    const char *name;

    for (i = GH_OK + 1; i < NGX_HTTP_GATEHOUSE_ERRS; i++) {
        name = gh_err_name((enum gh_err) i);
        count = 0;
        first = 1;
        for (n = GH_OK + 1; n < NGX_HTTP_GATEHOUSE_ERRS; n++) {
            if (strcmp(gh_err_name((enum gh_err) n), name) == 0) {
                count += counters[n];
                first = first && n >= i;
            }
        }
        if (first && count) {
            gh_buf_addf(text,
                        "gatehouse_decisions_total{result=\"%s\","
                        "rule=\"%s\"} %llu\n",
                        result, name, (unsigned long long) count);
        }
    }
}


static void
ngx_http_gatehouse_metrics_text(struct gh_buf *text,
    ngx_http_gatehouse_main_conf_t *mcf)
{
    size_t i;
    uint64_t count;
    ngx_http_gatehouse_row_t sum;

    static const char *finds[NGX_HTTP_GATEHOUSE_FINDS] = {
        [NGX_HTTP_GATEHOUSE_CACHE_NONE] = "none",
        [NGX_HTTP_GATEHOUSE_CACHE_MISS] = "miss",
        [NGX_HTTP_GATEHOUSE_CACHE_HIT] = "hit",
        [NGX_HTTP_GATEHOUSE_CACHE_REFUSED] = "refused",
    };

    ngx_http_gatehouse_metrics_sum(mcf, &sum);

    gh_buf_addf(text, "# HELP gatehouse_build_info The version that runs.\n"
                      "# TYPE gatehouse_build_info gauge\n"
                      "gatehouse_build_info{version=\"" GH_VERSION "\"} 1\n"
                      "# HELP gatehouse_decisions_total What was decided, by "
                      "the rule that refused (docs/errors.md).\n"
                      "# TYPE gatehouse_decisions_total counter\n");

    count = 0;
    for (i = 0; i < NGX_HTTP_GATEHOUSE_FINDS; i++) {
        count += sum.admitted[i];
    }
    gh_buf_addf(text,
                "gatehouse_decisions_total{result=\"admitted\",rule=\"\"} %llu\n"
                "gatehouse_decisions_total{result=\"public\",rule=\"\"} %llu\n"
                "gatehouse_decisions_total{result=\"withheld\",rule=\"\"} %llu\n",
                (unsigned long long) count, (unsigned long long) sum.public,
                (unsigned long long) sum.withheld);

    ngx_http_gatehouse_metrics_rules(text, "refused", sum.refused);
    ngx_http_gatehouse_metrics_rules(text, "ended", sum.ended);

    gh_buf_addf(text,
                "# HELP gatehouse_token_lookups_total Decisions, by what the "
                "cache of tokens knew; none: not asked.\n"
                "# TYPE gatehouse_token_lookups_total counter\n");
    for (i = 0; i < NGX_HTTP_GATEHOUSE_FINDS; i++) {
        gh_buf_addf(text, "gatehouse_token_lookups_total{cache=\"%s\"} %llu\n",
                    finds[i],
                    (unsigned long long) (sum.admitted[i]
                                          + sum.found_refused[i]));
    }

    ngx_http_gatehouse_metrics_feeds(text, mcf);
}
