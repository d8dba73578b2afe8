/* gateway/body.c - reads the body of a request whose model must be known, into
 * memory and never to disk, before the decision goes on.
 *
 * A body that fits into nginx's own buffer stays there. Of a longer one, or of
 * unknown length, a filter takes what nginx has read out of the buffer, so
 * that the buffer is never full (a full one is written to a file), and gives
 * all of it on at the end. */

#include "gateway/ngx_http_gatehouse_module.h"

/* The first piece of a body whose length was not told; each is twice as long
 * as the one before. */
#define NGX_HTTP_GATEHOUSE_PIECE 16384

static void ngx_http_gatehouse_body_is_read(ngx_http_request_t *r);
static ngx_int_t ngx_http_gatehouse_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_gatehouse_body_copy(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_buf_t *from);
static ngx_buf_t *ngx_http_gatehouse_body_piece(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx);

static ngx_http_request_body_filter_pt ngx_http_next_request_body_filter;


/* NGX_OK: the body is there, as short ones mostly are. NGX_DONE: the access
 * handler returns it, and is called again when the body is there (as the mirror
 * module does it). Else a status. */

ngx_int_t
ngx_http_gatehouse_read_body(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx)
{
    ngx_int_t rc;
    ngx_http_core_loc_conf_t *clcf;
    ngx_http_gatehouse_loc_conf_t *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_gatehouse_module);

    ctx->reading_body = 1;
    ctx->starting = 1;
    ctx->body_limit = conf->body_size;

    /* nginx takes a buffer of the body's size then, in HTTP/1 and HTTP/2 alike,
     * which is full when the body is there and not before: nothing to take out
     * of it, and no file but on demand */
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    ctx->body_fits = !r->headers_in.chunked
                     && r->headers_in.content_length_n >= 0
                     && r->headers_in.content_length_n
                            <= (off_t) clcf->client_body_buffer_size;

    r->request_body_in_file_only = 0;
    r->request_body_in_single_buf = 0;

    rc = ngx_http_read_client_request_body(r, ngx_http_gatehouse_body_is_read);
    ctx->starting = 0;
    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    if (!ctx->reading_body) {
        r->main->count--; /* nobody waits */
        return NGX_OK;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


static void
ngx_http_gatehouse_body_is_read(ngx_http_request_t *r)
{
    ngx_http_gatehouse_ctx_t *ctx;

    /* a second location may decide on it, and get it */
    r->preserve_body = 1;

    ctx = ngx_http_gatehouse_ctx_find(r);
    if (ctx) {
        ctx->reading_body = 0;
        if (ctx->starting) {
            return;
        }
        ctx->resumed = 1;
    }

    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}


ngx_int_t
ngx_http_gatehouse_body_filter_init(ngx_conf_t *cf)
{
    ngx_http_next_request_body_filter = ngx_http_top_request_body_filter;
    ngx_http_top_request_body_filter = ngx_http_gatehouse_body_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_http_gatehouse_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_buf_t *b;
    ngx_uint_t last = 0;
    ngx_chain_t *cl;
    ngx_http_gatehouse_ctx_t *ctx;

    ctx = ngx_http_gatehouse_ctx_find(r);
    if (ctx == NULL || !ctx->reading_body || ctx->body_fits) {
        return ngx_http_next_request_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {
        ctx->body_length += cl->buf->last - cl->buf->pos;
        last |= cl->buf->last_buf;
    }

    if (ctx->body_length > ctx->body_limit) {
        ctx->body_over = 1;
    }

    /* all at once, as short bodies are: nothing to keep */
    if (!ctx->body_over && ctx->body == NULL && last) {
        return ngx_http_next_request_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {
        if (!ctx->body_over
            && ngx_http_gatehouse_body_copy(r, ctx, cl->buf) != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
        cl->buf->pos = cl->buf->last;
    }

    if (!last) {
        return NGX_OK;
    }

    /* one that is too large has no bytes any more, and is refused */
    if (ctx->body == NULL || ctx->body_over) {
        ctx->body = NULL;
        ctx->body_end = &ctx->body;
        b = ngx_http_gatehouse_body_piece(r, ctx);
    } else {
        for (cl = ctx->body; cl->next; cl = cl->next) { /* void */ }
        b = cl->buf;
    }
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    b->last_buf = 1;

    return ngx_http_next_request_body_filter(r, ctx->body);
}


static ngx_int_t
ngx_http_gatehouse_body_copy(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_buf_t *from)
{
    size_t n;
    u_char *p;
    ngx_buf_t *to;

    if (ctx->body == NULL) {
        ctx->body_end = &ctx->body;
    }

    for (p = from->pos; p < from->last; p += n) {
        to = ctx->body_last;
        if (to == NULL || to->last == to->end) {
            to = ngx_http_gatehouse_body_piece(r, ctx);
            if (to == NULL) {
                return NGX_ERROR;
            }
        }

        n = ngx_min(from->last - p, to->end - to->last);
        to->last = ngx_cpymem(to->last, p, n);
    }

    return NGX_OK;
}


/* Of the whole length when that is known, which it is but for chunks. */

static ngx_buf_t *
ngx_http_gatehouse_body_piece(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx)
{
    size_t size;
    ngx_chain_t *cl;

    if (ctx->body_over) {
        size = 1;
    } else if (!r->headers_in.chunked && ctx->body == NULL
               && r->headers_in.content_length_n > 0
               && r->headers_in.content_length_n <= ctx->body_limit)
    {
        size = r->headers_in.content_length_n;
    } else {
        size = ctx->body ? 2 * (ctx->body_last->end - ctx->body_last->start)
                         : NGX_HTTP_GATEHOUSE_PIECE;
    }

    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL) {
        return NULL;
    }

    cl->buf = ngx_create_temp_buf(r->pool, size);
    cl->next = NULL;
    if (cl->buf == NULL) {
        return NULL;
    }

    *ctx->body_end = cl;
    ctx->body_end = &cl->next;
    ctx->body_last = cl->buf;

    return cl->buf;
}
