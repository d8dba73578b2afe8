/* gateway/models_list.c - a list of models shows those that the caller may use.
 * The answer is held back until it is whole; what cannot be read is withheld,
 * never passed on. */

#include "gateway/ngx_http_gatehouse_module.h"

#include "core/model_list.h"
#include "core/models.h"
#include "gateway/wire.h"

/* An answer that is longer is no list of models. */
#define NGX_HTTP_GATEHOUSE_LIST_MAX (1024 * 1024)

typedef struct {
    const struct gh_claims *claims;
    enum gh_err has_list; /* NOT_FOUND: the organization has none */
    struct gh_fact list;
} ngx_http_gatehouse_lister_t;

static ngx_int_t ngx_http_gatehouse_list_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_gatehouse_list_body(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_gatehouse_list_gather(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_chain_t *in, ngx_uint_t *last);
static ngx_int_t ngx_http_gatehouse_list_send(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx);
static bool ngx_http_gatehouse_list_allows(void *context, struct gh_str id);
static ngx_int_t ngx_http_gatehouse_list_withhold(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, char *why);

static ngx_http_output_header_filter_pt ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt ngx_http_next_body_filter;


ngx_int_t
ngx_http_gatehouse_list_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_gatehouse_list_header;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_gatehouse_list_body;

    return NGX_OK;
}


/* The upstream is asked for the whole list, as it is: no encoding, no range,
 * and no "as you know it", since the same list is another one when permissions
 * change. The list of headers is strip()'s own. */

void
ngx_http_gatehouse_list_ask(ngx_http_request_t *r)
{
    size_t k;
    ngx_uint_t i, n, drop;
    ngx_list_part_t *part;
    ngx_table_elt_t *h;

    static const struct gh_str names[] = {
        { "accept-encoding", 15 }, { "te", 2 },
        { "range", 5 },            { "if-range", 8 },
        { "if-none-match", 13 },   { "if-modified-since", 17 },
    };

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;
        n = 0;

        for (i = 0; i < part->nelts; i++) {
            drop = 0;
            for (k = 0; k < GH_COUNT(names); k++) {
                drop |= gh_header_is(ngx_http_gatehouse_str(h[i].key),
                                     names[k]);
            }
            if (!drop) {
                h[n++] = h[i];
            }
        }

        part->nelts = n;
    }

    /* for nginx's own filters too */
    r->headers_in.range = NULL;
    r->headers_in.if_range = NULL;
    r->headers_in.if_none_match = NULL;
    r->headers_in.if_modified_since = NULL;
}


static ngx_int_t
ngx_http_gatehouse_list_header(ngx_http_request_t *r)
{
    ngx_http_gatehouse_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_gatehouse_module);
    if (ctx == NULL || !ctx->lists || r != r->main
        || r->headers_out.status >= NGX_HTTP_SPECIAL_RESPONSE)
    {
        return ngx_http_next_header_filter(r);
    }

    if (r->headers_out.status != NGX_HTTP_OK
        || r->headers_out.content_encoding
        || !gh_is_json_type(
            ngx_http_gatehouse_str(r->headers_out.content_type)))
    {
        return ngx_http_gatehouse_list_withhold(r, ctx, "not a plain list");
    }

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);

    if (r->header_only || r->method == NGX_HTTP_HEAD) {
        return ngx_http_next_header_filter(r);
    }

    ctx->listing = 1;
    r->main_filter_need_in_memory = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_gatehouse_list_body(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t rc;
    ngx_uint_t last = 0;
    ngx_http_gatehouse_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_gatehouse_module);
    if (ctx == NULL || !ctx->listing || r != r->main || in == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    rc = ngx_http_gatehouse_list_gather(r, ctx, in, &last);
    if (rc == NGX_DECLINED) {
        return ngx_http_gatehouse_list_withhold(r, ctx, "too large");
    }
    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    return last ? ngx_http_gatehouse_list_send(r, ctx) : NGX_OK;
}


static ngx_int_t
ngx_http_gatehouse_list_gather(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_chain_t *in, ngx_uint_t *last)
{
    size_t n;
    u_char *p;

    for ( /* void */ ; in; in = in->next) {
        if (in->buf->in_file && !ngx_buf_in_memory(in->buf)) {
            return NGX_ERROR;
        }

        n = ngx_buf_in_memory(in->buf) ? in->buf->last - in->buf->pos : 0;
        if (n > NGX_HTTP_GATEHOUSE_LIST_MAX - ctx->list.len) {
            return NGX_DECLINED;
        }

        if (n > ctx->list_room - ctx->list.len) {
            ctx->list_room = ngx_max(ctx->list.len + n, 2 * ctx->list_room);
            ctx->list_room = ngx_max(ctx->list_room, 4096);
            p = ngx_palloc(r->pool, ctx->list_room);
            if (p == NULL) {
                return NGX_ERROR;
            }
            ngx_memcpy(p, ctx->list.data, ctx->list.len);
            ctx->list.data = p;
        }

        if (n) {
            ngx_memcpy(ctx->list.data + ctx->list.len, in->buf->pos, n);
            ctx->list.len += n;
            in->buf->pos = in->buf->last;
        }

        *last |= in->buf->last_buf;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_gatehouse_list_send(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx)
{
    u_char *p;
    ngx_int_t rc;
    ngx_buf_t *b;
    enum gh_err err;
    ngx_chain_t out;
    struct gh_buf text;
    struct gh_str missing;
    struct gh_epochs epochs;
    struct gh_policy policy;
    ngx_http_gatehouse_loc_conf_t *conf;
    ngx_http_gatehouse_lister_t lister __attribute__((uninitialized));

    /* a subrequest may have opened the token for other issuers */
    conf = ngx_http_get_module_loc_conf(r, ngx_http_gatehouse_module);
    if (ctx->keyring != conf->keyring
        && ngx_http_gatehouse_judge(r, conf, ctx, &policy, &epochs, &missing)
               != GH_OK)
    {
        return ngx_http_gatehouse_list_withhold(r, ctx, "no token");
    }

    lister.claims = &ctx->claims;
    lister.has_list = ngx_http_gatehouse_organization_models(ctx,
                                                             &lister.list);
    if (lister.has_list && lister.has_list != GH_ERR_NOT_FOUND) {
        return ngx_http_gatehouse_list_withhold(r, ctx, "no feed");
    }

    text = gh_buf_make(NGX_HTTP_GATEHOUSE_LIST_MAX + 1024);
    err = gh_model_list_filter(&text, ngx_http_gatehouse_str(ctx->list),
                               ngx_http_gatehouse_list_allows, &lister);

    p = err ? NULL : ngx_pnalloc(r->pool, text.len);
    b = ngx_calloc_buf(r->pool);
    if (p && b) {
        b->last = ngx_cpymem(p, text.ptr, text.len);
        b->pos = p;
        b->memory = 1;
        b->last_buf = 1;
        r->headers_out.content_length_n = text.len;
    }
    gh_buf_release(&text);

    if (p == NULL || b == NULL) {
        return ngx_http_gatehouse_list_withhold(r, ctx, "not a list");
    }

    ctx->listing = 0;
    rc = ngx_http_next_header_filter(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_next_body_filter(r, &out);
}


static bool
ngx_http_gatehouse_list_allows(void *context, struct gh_str id)
{
    ngx_http_gatehouse_lister_t *lister = context;

    return gh_claims_allow_model(lister->claims, id)
           && (lister->has_list != GH_OK
               || gh_model_list_allows(gh_fact_text(&lister->list), id));
}


static ngx_int_t
ngx_http_gatehouse_list_withhold(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, char *why)
{
    ctx->lists = 0;
    ctx->listing = 0;

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "gatehouse: an answer that lists models was withheld: %s",
                  why);
    ngx_http_gatehouse_count_withheld(r);

    return ngx_http_filter_finalize_request(r, &ngx_http_gatehouse_module,
                                            NGX_HTTP_BAD_GATEWAY);
}
