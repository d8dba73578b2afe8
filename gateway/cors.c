/* gateway/cors.c - browsers of other origins: the gateway answers their
 * preflights itself, which carry no token and so must not reach the upstream,
 * and says on each answer who may read it. What the upstream says of that is
 * taken away. */

#include "gateway/ngx_http_gatehouse_module.h"

#include "gateway/wire.h"

/* What a script may ask to send: more is no honest request. */
#define NGX_HTTP_GATEHOUSE_CORS_HEADERS 2048

static ngx_int_t ngx_http_gatehouse_cors_answer(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_table_elt_t *headers);
static ngx_table_elt_t *ngx_http_gatehouse_cors_one(ngx_http_request_t *r,
    struct gh_str name, ngx_uint_t *count);
static ngx_int_t ngx_http_gatehouse_cors_allows(
    ngx_http_gatehouse_loc_conf_t *conf, struct gh_str origin);
static ngx_int_t ngx_http_gatehouse_cors_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_gatehouse_cors_say(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, struct gh_str origin);

static ngx_http_output_header_filter_pt ngx_http_next_header_filter;


ngx_int_t
ngx_http_gatehouse_cors_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_gatehouse_cors_header;

    return NGX_OK;
}


/* For the access phase, before a token is asked for. NGX_DECLINED: it is no
 * preflight, and needs a token like everything else. */

ngx_int_t
ngx_http_gatehouse_cors_preflight(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_http_gatehouse_loc_conf_t *conf)
{
    ngx_int_t rc;
    ngx_uint_t origins, methods, lists;
    ngx_table_elt_t *origin, *headers;
    struct gh_str none = { NULL, 0 };

    if (conf->cors == NULL || r->method != NGX_HTTP_OPTIONS || r != r->main
        || ctx->forwarded)
    {
        return NGX_DECLINED;
    }

    origin = ngx_http_gatehouse_cors_one(r, GH_STR("origin"), &origins);
    (void) ngx_http_gatehouse_cors_one(
        r, GH_STR("access-control-request-method"), &methods);
    headers = ngx_http_gatehouse_cors_one(
        r, GH_STR("access-control-request-headers"), &lists);

    if (origins == 0 || methods == 0) {
        return NGX_DECLINED;
    }

    if (ngx_http_gatehouse_strip(r, ctx, NGX_HTTP_GATEHOUSE_COOKIES_STRIP)
        != NGX_OK)
    {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (ctx->target) {
        return ngx_http_gatehouse_refuse(r, ctx, ctx->target, none);
    }

    if (origins > 1 || methods > 1 || lists > 1
        || !ngx_http_gatehouse_cors_allows(
            conf, ngx_http_gatehouse_str(origin->value))
        || (headers
            && !gh_cors_headers_ok(ngx_http_gatehouse_str(headers->value),
                                   NGX_HTTP_GATEHOUSE_CORS_HEADERS)))
    {
        return ngx_http_gatehouse_refuse(r, ctx, GH_ERR_WRONG_ORIGIN, none);
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_gatehouse_cors_answer(r, ctx, headers);
}


/* Says yes to what is asked, and to the methods that a location may take. */

static ngx_int_t
ngx_http_gatehouse_cors_answer(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_table_elt_t *headers)
{
    if ((headers
         && ngx_http_gatehouse_respond(r, "Access-Control-Allow-Headers",
                                       ngx_http_gatehouse_str(headers->value))
                != NGX_OK)
        || ngx_http_gatehouse_respond(r, "Access-Control-Allow-Methods",
                                      GH_STR("GET, HEAD, POST, PUT, PATCH, "
                                             "DELETE"))
               != NGX_OK
        || ngx_http_gatehouse_respond(r, "Access-Control-Max-Age",
                                      GH_STR("600"))
               != NGX_OK)
    {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    ctx->preflight = 1;
    r->headers_out.status = NGX_HTTP_NO_CONTENT;
    r->header_only = 1;
    ngx_http_set_ctx(r, ctx, ngx_http_gatehouse_module);
    ngx_http_finalize_request(r, ngx_http_send_header(r));

    return NGX_DONE;
}


/* How often a header stands there, and the last of them. */

static ngx_table_elt_t *
ngx_http_gatehouse_cors_one(ngx_http_request_t *r, struct gh_str name,
    ngx_uint_t *count)
{
    ngx_table_elt_t *h, *found = NULL;
    ngx_http_gatehouse_walk_t walk = { &r->headers_in.headers.part, 0 };

    *count = 0;

    while ((h = ngx_http_gatehouse_next(&walk))) {
        if (gh_str_eq_nocase(ngx_http_gatehouse_str(h->key), name)) {
            found = h;
            (*count)++;
        }
    }

    return found;
}


static ngx_int_t
ngx_http_gatehouse_cors_allows(ngx_http_gatehouse_loc_conf_t *conf,
    struct gh_str origin)
{
    ngx_uint_t i;
    struct gh_str *known = conf->cors->elts;

    for (i = 0; i < conf->cors->nelts; i++) {
        if (gh_str_is(known[i], "*") || gh_str_eq(known[i], origin)) {
            return 1;
        }
    }

    return 0;
}


/* On every answer of such a location, refusals too: a script must be able to
 * read why. */

static ngx_int_t
ngx_http_gatehouse_cors_header(ngx_http_request_t *r)
{
    ngx_uint_t origins;
    ngx_table_elt_t *h, *origin;
    ngx_http_gatehouse_ctx_t *ctx;
    ngx_http_gatehouse_walk_t walk = { &r->headers_out.headers.part, 0 };
    ngx_http_gatehouse_loc_conf_t *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_gatehouse_module);
    if (conf->cors == NULL || conf->mode == NGX_HTTP_GATEHOUSE_OFF
        || r != r->main)
    {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_gatehouse_ctx_find(r);

    while ((h = ngx_http_gatehouse_next(&walk))) {
        if (!(ctx && ctx->preflight) && h->hash
            && h->key.len > sizeof("access-control-") - 1
            && ngx_strncasecmp(h->key.data, (u_char *) "access-control-",
                               sizeof("access-control-") - 1)
                   == 0)
        {
            h->hash = 0;
        }
    }

    origin = ngx_http_gatehouse_cors_one(r, GH_STR("origin"), &origins);

    if (ngx_http_gatehouse_cors_say(
            r, conf,
            origins == 1 ? ngx_http_gatehouse_str(origin->value)
                         : (struct gh_str){ NULL, 0 })
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_gatehouse_cors_say(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, struct gh_str origin)
{
    ngx_uint_t any;
    struct gh_str *known = conf->cors->elts;

    any = gh_str_is(known[0], "*");

    /* also on answers to others, or a cache gives them to everybody */
    if (!any
        && ngx_http_gatehouse_respond(r, "Vary", GH_STR("Origin")) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (origin.len == 0 || !ngx_http_gatehouse_cors_allows(conf, origin)) {
        return NGX_OK;
    }

    if (ngx_http_gatehouse_respond(r, "Access-Control-Allow-Origin",
                                   any ? GH_STR("*") : origin)
            != NGX_OK
        || ngx_http_gatehouse_respond(
               r, "Access-Control-Expose-Headers",
               GH_STR("X-Request-Id, WWW-Authenticate, Retry-After"))
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    return conf->cors_credentials
               ? ngx_http_gatehouse_respond(
                   r, "Access-Control-Allow-Credentials", GH_STR("true"))
               : NGX_OK;
}
