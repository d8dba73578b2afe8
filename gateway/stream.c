/* gateway/stream.c - answers that last: an event stream or a WebSocket was
 * admitted once and would go on after its token expired or was revoked. Where
 * gatehouse_stream_check says so, the decision is made again while it lasts,
 * and a refusal ends it. */

#include "gateway/ngx_http_gatehouse_module.h"

struct ngx_http_gatehouse_stream_s {
    ngx_event_t event;
    ngx_http_request_t *request; /* the main one */
    ngx_http_gatehouse_ctx_t *ctx;
    ngx_http_gatehouse_loc_conf_t *conf; /* that admitted it */
    ngx_uint_t loads; /* of the keyring: with other keys the token is opened
                         anew */
};

static void ngx_http_gatehouse_stream_check(ngx_event_t *ev);
static ngx_msec_t ngx_http_gatehouse_stream_next(
    ngx_http_gatehouse_stream_t *stream);
static void ngx_http_gatehouse_stream_end(ngx_http_gatehouse_stream_t *stream,
    enum gh_err err);


/* Called when a request is admitted; again after an internal redirect, and
 * then the last location counts. */

ngx_int_t
ngx_http_gatehouse_stream_watch(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, ngx_http_gatehouse_ctx_t *ctx)
{
    ngx_http_gatehouse_stream_t *stream = ctx->stream;

    if (conf->stream_check == 0 || conf->mode != NGX_HTTP_GATEHOUSE_ON) {
        ngx_http_gatehouse_stream_forget(ctx);
        return NGX_OK;
    }

    if (stream == NULL) {
        stream = ngx_pcalloc(r->pool, sizeof(ngx_http_gatehouse_stream_t));
        if (stream == NULL) {
            return NGX_ERROR;
        }
        ctx->stream = stream;
    }

    stream->request = r->main;
    stream->ctx = ctx;
    stream->conf = conf;
    stream->loads = conf->keyring->loads;
    stream->event.handler = ngx_http_gatehouse_stream_check;
    stream->event.data = stream;
    stream->event.log = r->connection->log;
    stream->event.cancelable = 1; /* a worker that ends waits for requests */

    ngx_add_timer(&stream->event, ngx_http_gatehouse_stream_next(stream));

    return NGX_OK;
}


void
ngx_http_gatehouse_stream_forget(ngx_http_gatehouse_ctx_t *ctx)
{
    if (ctx->stream && ctx->stream->event.timer_set) {
        ngx_del_timer(&ctx->stream->event);
    }
}


/* The interval, or less where the token expires before. */

static ngx_msec_t
ngx_http_gatehouse_stream_next(ngx_http_gatehouse_stream_t *stream)
{
    int64_t left;
    ngx_time_t *now = ngx_timeofday();

    left = ((int64_t) stream->ctx->claims.expires_at + stream->conf->leeway
            - now->sec) * 1000 - now->msec;

    if (left < 1) {
        return 1;
    }

    return (int64_t) stream->conf->stream_check < left
               ? stream->conf->stream_check : (ngx_msec_t) left;
}


static void
ngx_http_gatehouse_stream_check(ngx_event_t *ev)
{
    enum gh_err err;
    struct gh_str missing;
    struct gh_epochs epochs;
    struct gh_policy policy;
    ngx_http_gatehouse_ctx_t *ctx;
    ngx_http_gatehouse_stream_t *stream = ev->data;

    if (stream->request->done) { /* it only lingers */
        return;
    }

    ctx = stream->ctx;

    err = ngx_http_gatehouse_keyring_refresh(stream->conf->keyring, ev->log);

    if (err == GH_OK) {
        if (stream->loads != stream->conf->keyring->loads) {
            stream->loads = stream->conf->keyring->loads;
            ctx->keyring = NULL;
        }

        err = ngx_http_gatehouse_judge(stream->request, stream->conf, ctx,
                                       &policy, &epochs, &missing);
    }

    if (err) {
        ngx_http_gatehouse_stream_end(stream, err);
        return;
    }

    ngx_add_timer(ev, ngx_http_gatehouse_stream_next(stream));
}


/* Without the end that a whole answer has: the caller must not take what it
 * got for all there is. */

static void
ngx_http_gatehouse_stream_end(ngx_http_gatehouse_stream_t *stream,
    enum gh_err err)
{
    ngx_http_request_t *r = stream->request;
    ngx_connection_t *c = r->connection;
    ngx_http_core_loc_conf_t *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_log_error(NGX_LOG_WARN, clcf->error_log, 0,
                  "gatehouse: ended rule=%s request_id=%*s", gh_err_name(err),
                  stream->ctx->request_id.len, stream->ctx->request_id.ptr);

    ngx_http_gatehouse_count_ended(r, err);

    ngx_http_finalize_request(r, NGX_ERROR);
    ngx_http_run_posted_requests(c);
}
