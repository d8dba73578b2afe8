/* gateway/forward_auth.c - another proxy asks about a request of its own. What
 * it tells takes the place of what it sent, the location that would serve that
 * is looked for anew, and access.c decides there as it does for our own; only
 * that the answer is then a yes in headers instead of an upstream's.
 *
 * Any 2xx but ours is withheld by the header filter. */

#include "gateway/ngx_http_gatehouse_module.h"

#include "core/target.h"
#include "gateway/wire.h"

static ngx_int_t ngx_http_gatehouse_forward_peer(ngx_http_request_t *r,
    ngx_array_t *peers);
static enum gh_err ngx_http_gatehouse_forward_read(ngx_http_request_t *r,
    ngx_uint_t dialect, ngx_str_t *method, ngx_str_t *target);
static enum gh_err ngx_http_gatehouse_forward_one(ngx_http_request_t *r,
    struct gh_str name, ngx_str_t *value);
static enum gh_err ngx_http_gatehouse_forward_below(ngx_http_request_t *r,
    ngx_str_t *target);
static ngx_uint_t ngx_http_gatehouse_forward_method(ngx_str_t *name);
static ngx_int_t ngx_http_gatehouse_forward_become(ngx_http_request_t *r,
    ngx_str_t *method, ngx_str_t *target);
static ngx_int_t ngx_http_gatehouse_forward_answer(ngx_http_request_t *r);


/* In the rewrite phase, which can lead to another location without the request
 * becoming "internal": locations of that kind stay closed. */

ngx_int_t
ngx_http_gatehouse_forward_handler(ngx_http_request_t *r)
{
    enum gh_err err;
    ngx_uint_t asking_method = r->method;
    ngx_str_t method, target;
    struct gh_str none = { NULL, 0 };
    ngx_http_gatehouse_ctx_t *ctx;
    ngx_http_gatehouse_loc_conf_t *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_gatehouse_module);
    if (conf->forward_auth == NGX_HTTP_GATEHOUSE_FORWARD_OFF) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_gatehouse_ctx_find(r);

    if (r != r->main || r->internal || ctx) {
        /* a redirect and a subrequest have the caller's headers, not those of
         * a proxy; and who asks about asking goes round in circles */
        err = GH_ERR_BAD_FORWARD;
    } else if (ngx_http_gatehouse_forward_peer(r, conf->peers) != NGX_OK) {
        err = GH_ERR_UNTRUSTED_PEER;
    } else {
        err = ngx_http_gatehouse_forward_read(r, conf->forward_auth, &method,
                                              &target);
        if (err == GH_OK
            && ngx_http_gatehouse_forward_become(r, &method, &target)
                   != NGX_OK)
        {
            return NGX_HTTP_SERVICE_UNAVAILABLE;
        }
    }

    ctx = ngx_http_gatehouse_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (err == GH_OK) {
        err = ctx->target;
    }

    /* what no location below gets to see, and the request's id */
    if (err
        && ngx_http_gatehouse_strip(r, ctx, NGX_HTTP_GATEHOUSE_COOKIES_STRIP)
               != NGX_OK)
    {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (r != r->main) {
        ngx_http_gatehouse_log_refusal(r, ctx, err, none);
        return gh_refusal_status(err);
    }

    if (!ctx->forwarded) {
        ctx->forwarded = 1;
        ctx->forwarded_uri = r->uri;
        ctx->asking_method = asking_method;
    }

    return err ? ngx_http_gatehouse_refuse(r, ctx, err, none) : NGX_DECLINED;
}


/* The address of the connection itself: the realip module may have replaced
 * the one that nginx remembers by what a header says. */

static ngx_int_t
ngx_http_gatehouse_forward_peer(ngx_http_request_t *r, ngx_array_t *peers)
{
    socklen_t len;
    ngx_sockaddr_t peer;

    len = sizeof(ngx_sockaddr_t);
    ngx_memzero(&peer, sizeof(ngx_sockaddr_t));

    if (getpeername(r->connection->fd, &peer.sockaddr, &len) == -1) {
        return NGX_DECLINED;
    }

    return ngx_cidr_match(&peer.sockaddr, peers);
}


static enum gh_err
ngx_http_gatehouse_forward_read(ngx_http_request_t *r, ngx_uint_t dialect,
    ngx_str_t *method, ngx_str_t *target)
{
    size_t i;
    enum gh_err err;

    static const struct {
        struct gh_str method, target;
    } names[] = {
        [NGX_HTTP_GATEHOUSE_FORWARD_ORIGINAL] = {
            { "x-original-method", 17 }, { "x-original-uri", 14 } },
        [NGX_HTTP_GATEHOUSE_FORWARD_FORWARDED] = {
            { "x-forwarded-method", 18 }, { "x-forwarded-uri", 15 } },
    };

    if (dialect == NGX_HTTP_GATEHOUSE_FORWARD_PATH) {
        *method = r->method_name;
        return ngx_http_gatehouse_forward_below(r, target);
    }

    err = ngx_http_gatehouse_forward_one(r, names[dialect].method, method);
    if (err) {
        return err;
    }

    for (i = 0; i < method->len; i++) {
        if (method->data[i] < 'A' || method->data[i] > 'Z') {
            return GH_ERR_BAD_FORWARD;
        }
    }

    return ngx_http_gatehouse_forward_one(r, names[dialect].target, target);
}


/* The value of the one header of a name. Said twice, or in two spellings, one
 * of the two may be the caller's. */

static enum gh_err
ngx_http_gatehouse_forward_one(ngx_http_request_t *r, struct gh_str name,
    ngx_str_t *value)
{
    ngx_uint_t found = 0;
    ngx_table_elt_t *h;
    ngx_http_gatehouse_walk_t walk = { &r->headers_in.headers.part, 0 };

    while ((h = ngx_http_gatehouse_next(&walk))) {
        if (gh_header_is(ngx_http_gatehouse_str(h->key), name)) {
            *value = h->value;
            found++;
        }
    }

    return found == 1 && value->len > 0 ? GH_OK : GH_ERR_BAD_FORWARD;
}


/* What stands behind the location's name in the target as it was sent. */

static enum gh_err
ngx_http_gatehouse_forward_below(ngx_http_request_t *r, ngx_str_t *target)
{
    ngx_str_t prefix;
    ngx_http_core_loc_conf_t *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    prefix = clcf->name;
    if (prefix.len && prefix.data[prefix.len - 1] == '/') {
        prefix.len--;
    }

    if (r->unparsed_uri.len <= prefix.len
        || ngx_memcmp(r->unparsed_uri.data, prefix.data, prefix.len) != 0)
    {
        return GH_ERR_BAD_FORWARD;
    }

    target->data = r->unparsed_uri.data + prefix.len;
    target->len = r->unparsed_uri.len - prefix.len;

    return GH_OK;
}


/* An unknown method is no method of any route. */

static ngx_uint_t
ngx_http_gatehouse_forward_method(ngx_str_t *name)
{
    size_t i;

    static const struct {
        struct gh_str name;
        ngx_uint_t method;
    } methods[] = {
        { { "GET", 3 }, NGX_HTTP_GET },
        { { "HEAD", 4 }, NGX_HTTP_HEAD },
        { { "POST", 4 }, NGX_HTTP_POST },
        { { "PUT", 3 }, NGX_HTTP_PUT },
        { { "PATCH", 5 }, NGX_HTTP_PATCH },
        { { "DELETE", 6 }, NGX_HTTP_DELETE },
        { { "OPTIONS", 7 }, NGX_HTTP_OPTIONS },
    };

    for (i = 0; i < GH_COUNT(methods); i++) {
        if (gh_str_eq(ngx_http_gatehouse_str(*name), methods[i].name)) {
            return methods[i].method;
        }
    }

    return NGX_HTTP_UNKNOWN;
}


/* Takes the place of the asking request in all that a location is found by and
 * a decision looks at. A target that means two paths is said by the check that
 * every request passes, before anything is looked for. */

static ngx_int_t
ngx_http_gatehouse_forward_become(ngx_http_request_t *r, ngx_str_t *method,
    ngx_str_t *target)
{
    u_char *to, *from;
    struct gh_str path, query = { NULL, 0 };

    r->unparsed_uri = *target;
    r->method_name = *method;
    r->method = ngx_http_gatehouse_forward_method(method);

    path = ngx_http_gatehouse_str(*target);
    if (gh_target_check(path, &path, &query) != GH_OK) {
        return NGX_OK;
    }

    to = ngx_pnalloc(r->pool, path.len + 1);
    if (to == NULL) {
        return NGX_ERROR;
    }

    r->uri.data = to;
    from = (u_char *) path.ptr;
    ngx_unescape_uri(&to, &from, path.len, 0);
    r->uri.len = to - r->uri.data;

    r->args.data = (u_char *) query.ptr;
    r->args.len = query.len;

    ngx_http_set_exten(r);
    r->valid_unparsed_uri = 0;
    r->uri_changed = 1;

    return NGX_OK;
}


/* For access.c: a location without an opinion is none that says yes. */

ngx_int_t
ngx_http_gatehouse_forward_off(ngx_http_request_t *r)
{
    struct gh_str none = { NULL, 0 };
    ngx_http_gatehouse_ctx_t *ctx;
    ngx_http_gatehouse_main_conf_t *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_gatehouse_module);
    if (!mcf->forward_auth || r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_gatehouse_ctx_find(r);
    if (ctx == NULL || !ctx->forwarded) {
        return NGX_DECLINED;
    }

    return ngx_http_gatehouse_refuse(r, ctx, GH_ERR_NO_ROUTE, none);
}


/* For access.c: this location says yes. It must be the one of the request that
 * was told, not where a rewrite or an error_page led (and a named location keeps
 * the URI): the proxy goes where it was told to. Other access rules of the
 * location still have their say. */

ngx_int_t
ngx_http_gatehouse_forward_admit(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx)
{
    struct gh_str none = { NULL, 0 };

    if (r->internal
        || !gh_str_eq(ngx_http_gatehouse_str(r->uri),
                      ngx_http_gatehouse_str(ctx->forwarded_uri)))
    {
        return ngx_http_gatehouse_refuse(r, ctx, GH_ERR_BAD_FORWARD, none);
    }

    r->content_handler = ngx_http_gatehouse_forward_answer;

    return NGX_DECLINED;
}


/* The identity headers that an upstream would have got. Those without a value
 * are said too: what a caller sent under that name must be overwritten. */

static ngx_int_t
ngx_http_gatehouse_forward_answer(ngx_http_request_t *r)
{
    size_t i;
    ngx_int_t rc;
    struct gh_str value;
    ngx_table_elt_t *h;
    ngx_http_gatehouse_ctx_t *ctx;
    ngx_http_gatehouse_walk_t walk;

    static char *names[] = {
        "X-Gatehouse-Subject",     "X-Gatehouse-Organization",
        "X-Gatehouse-Client",      "X-Gatehouse-Permissions",
        "X-Gatehouse-Request-Id",  "X-Gatehouse-Identity",
    };

    ctx = ngx_http_gatehouse_ctx_find(r);
    if (ctx == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_clean_header(r);

    for (i = 0; i < GH_COUNT(names); i++) {
        value = (struct gh_str){ "", 0 };

        walk = (ngx_http_gatehouse_walk_t){ &r->headers_in.headers.part, 0 };
        while ((h = ngx_http_gatehouse_next(&walk))) {
            if (gh_str_eq_nocase(ngx_http_gatehouse_str(h->key),
                                 gh_str_from(names[i])))
            {
                value = ngx_http_gatehouse_str(h->value);
            }
        }

        if (ngx_http_gatehouse_respond(r, names[i], value) != NGX_OK) {
            return NGX_HTTP_SERVICE_UNAVAILABLE;
        }
    }

    ctx->answered = 1;
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = 0;
    r->header_only = 1;

    return ngx_http_send_header(r);
}
