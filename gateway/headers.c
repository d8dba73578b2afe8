/* gateway/headers.c - what the upstream learns about the caller comes from us
 * alone, and what it answers says nothing in our name. */

#include "gateway/ngx_http_gatehouse_module.h"

#include "core/target.h"
#include "gateway/wire.h"

static ngx_int_t ngx_http_gatehouse_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_gatehouse_add(ngx_http_request_t *r, char *name,
    char *lowcase, struct gh_str value);
static struct gh_str ngx_http_gatehouse_words(ngx_http_request_t *r,
    const struct gh_str *words, size_t count);

static ngx_http_output_header_filter_pt ngx_http_next_header_filter;

/* Walks a header list: its parts are arrays, chained. */
typedef struct {
    ngx_list_part_t *part;
    ngx_uint_t i;
} ngx_http_gatehouse_walk_t;


static ngx_table_elt_t *
ngx_http_gatehouse_next(ngx_http_gatehouse_walk_t *walk)
{
    ngx_table_elt_t *h;

    while (walk->i >= walk->part->nelts) {
        if (walk->part->next == NULL) {
            return NULL;
        }
        walk->part = walk->part->next;
        walk->i = 0;
    }

    h = walk->part->elts;
    return &h[walk->i++];
}


/* What we need of the request as it came, before anything is taken away. */

ngx_int_t
ngx_http_gatehouse_capture(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx)
{
    struct gh_str name, path, query;
    ngx_table_elt_t *h;
    ngx_http_variable_value_t *vv;
    ngx_http_gatehouse_walk_t walk = { &r->headers_in.headers.part, 0 };
    ngx_http_gatehouse_main_conf_t *mcf;

    ctx->target = gh_target_check(ngx_http_gatehouse_str(r->unparsed_uri),
                                  &path, &query);

    while ((h = ngx_http_gatehouse_next(&walk))) {
        name = ngx_http_gatehouse_str(h->key);

        if (gh_header_classify(name) == GH_HEADER_AUTHORIZATION) {
            if (ctx->authorizations++ == 0) {
                ctx->authorization = ngx_http_gatehouse_str(h->value);
            }
        } else if (gh_str_eq_nocase(name, GH_STR("x-request-id"))
                   && ctx->request_id.len == 0)
        {
            ctx->request_id = ngx_http_gatehouse_str(h->value);
        }
    }

    if (gh_request_id_ok(ctx->request_id)) {
        return NGX_OK;
    }

    /* nginx's own, so that access logs with $request_id agree */
    mcf = ngx_http_get_module_main_conf(r, ngx_http_gatehouse_module);
    vv = ngx_http_get_indexed_variable(r, mcf->request_id);
    if (vv == NULL || vv->not_found) {
        return NGX_ERROR;
    }
    ctx->request_id = (struct gh_str){ (char *) vv->data, vv->len };

    return NGX_OK;
}


/* Rule 6. nginx keeps pointers into the list (Host, Content-Length, ...) and
 * proxy_pass copies the list without asking for its marks: what is kept moves
 * to a new list, and the old one stays as it is for those pointers. */

ngx_int_t
ngx_http_gatehouse_strip(ngx_http_request_t *r, ngx_uint_t cookies)
{
    ngx_list_t kept;
    ngx_uint_t strip_cookies;
    ngx_table_elt_t *h, *copy;
    ngx_http_gatehouse_walk_t walk = { &r->headers_in.headers.part, 0 };

    strip_cookies = cookies == NGX_HTTP_GATEHOUSE_COOKIES_STRIP;

    /* room for ours too: one allocation for nearly all requests */
    if (ngx_list_init(&kept, r->pool, 24, sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    while ((h = ngx_http_gatehouse_next(&walk))) {
        switch (gh_header_classify(ngx_http_gatehouse_str(h->key))) {
        case GH_HEADER_FOREIGN:
            break;
        case GH_HEADER_CONNECTION:
            if (gh_connection_names_identity(
                    ngx_http_gatehouse_str(h->value)))
            {
                continue;
            }
            break;
        case GH_HEADER_COOKIE:
            if (strip_cookies) {
                continue;
            }
            break;
        default:
            continue;
        }

        copy = ngx_list_push(&kept);
        if (copy == NULL) {
            return NGX_ERROR;
        }
        *copy = *h;
    }

    r->headers_in.headers = kept;
    if (kept.last == &kept.part) {
        r->headers_in.headers.last = &r->headers_in.headers.part;
    }

    r->headers_in.authorization = NULL;

    if (strip_cookies) {
#if (nginx_version >= 1023000)
        r->headers_in.cookie = NULL;
#else
        r->headers_in.cookies.nelts = 0;
#endif
    }

    return NGX_OK;
}


/* Says who the caller is. On a public route nobody was proven: only the
 * request id is said. */

ngx_int_t
ngx_http_gatehouse_identify(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_uint_t public)
{
    size_t i;
    struct gh_str value;
    const struct gh_claims *c = &ctx->claims;

    const struct {
        char *name, *lowcase;
        const struct gh_str *words;
        size_t count;
    } identity[] = {
        { "X-Gatehouse-Request-Id",
          "x-gatehouse-request-id", &ctx->request_id, 1 },
        { "X-Gatehouse-Subject", "x-gatehouse-subject",
          &c->subject, 1 },
        { "X-Gatehouse-Organization",
          "x-gatehouse-organization", &c->organization, 1 },
        { "X-Gatehouse-Client", "x-gatehouse-client",
          &c->client, 1 },
        { "X-Gatehouse-Permissions",
          "x-gatehouse-permissions", c->permissions,
          c->permission_count },
    };

    for (i = 0; i < (public ? 1 : GH_COUNT(identity)); i++) {
        value = ngx_http_gatehouse_words(r, identity[i].words,
                                         identity[i].count);
        if (value.ptr == NULL) {
            return NGX_ERROR;
        }

        /* an absent claim is an absent header */
        if (value.len
            && ngx_http_gatehouse_add(r, identity[i].name,
                                      identity[i].lowcase, value)
                   != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* The words behind each other with a blank between; ptr is NULL when there
 * is no memory. */

static struct gh_str
ngx_http_gatehouse_words(ngx_http_request_t *r, const struct gh_str *words,
    size_t count)
{
    size_t i, len;
    u_char *p, *start;
    struct gh_str none = { NULL, 0 };

    len = 1; /* never nothing: an empty list is no shortage of memory */
    for (i = 0; i < count; i++) {
        len += gh_wire_word_length(words[i]) + 1;
    }

    start = p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return none;
    }

    for (i = 0; i < count; i++) {
        if (i > 0) {
            *p++ = ' ';
        }
        p = (u_char *) gh_wire_word_write((char *) p, words[i]);
    }

    return (struct gh_str){ (char *) start, (size_t) (p - start) };
}


static ngx_int_t
ngx_http_gatehouse_add(ngx_http_request_t *r, char *name, char *lowcase,
    struct gh_str value)
{
    ngx_table_elt_t *h;

    h = ngx_list_push(&r->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->lowcase_key = (u_char *) lowcase;
    h->hash = ngx_hash_key(h->lowcase_key, h->key.len);
    h->value.data = (u_char *) value.ptr;
    h->value.len = value.len;

    return NGX_OK;
}


/* Adds a response header; `name` and `value` must live as long as r->pool. */

ngx_int_t
ngx_http_gatehouse_respond(ngx_http_request_t *r, char *name,
    struct gh_str value)
{
    ngx_table_elt_t *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));
    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = (u_char *) value.ptr;
    h->value.len = value.len;

    return NGX_OK;
}


ngx_int_t
ngx_http_gatehouse_header_filter_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_gatehouse_header_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_http_gatehouse_header_filter(ngx_http_request_t *r)
{
    struct gh_str name;
    ngx_uint_t has_id;
    ngx_table_elt_t *h;
    ngx_http_gatehouse_ctx_t *ctx;
    ngx_http_gatehouse_walk_t walk = { &r->headers_out.headers.part, 0 };
    ngx_http_gatehouse_loc_conf_t *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_gatehouse_module);
    ctx = ngx_http_get_module_ctx(r, ngx_http_gatehouse_module);

    /* The rewrite module's "return" answers before any access rule is asked.
     * From a guarded location nothing good comes without a decision. */
    if (r == r->main && conf->mode == NGX_HTTP_GATEHOUSE_ON && ctx == NULL
        && r->headers_out.status < NGX_HTTP_SPECIAL_RESPONSE)
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "gatehouse: an answer from a guarded location without "
                      "a decision (\"return\"?) was withheld");
        return ngx_http_filter_finalize_request(r, &ngx_http_gatehouse_module,
                                                NGX_HTTP_FORBIDDEN);
    }

    /* a redirect may have led from a guarded location to an open one */
    if (ctx == NULL) {
        ctx = ngx_http_gatehouse_ctx_find(r);
    }
    if (ctx == NULL) {
        return ngx_http_next_header_filter(r);
    }

    has_id = 0;

    while ((h = ngx_http_gatehouse_next(&walk))) {
        if (h->hash == 0) {
            continue;
        }

        name = ngx_http_gatehouse_str(h->key);

        if (gh_header_classify(name) == GH_HEADER_IDENTITY
            || (ctx->guarded && !ctx->keep_cookies
                && (gh_str_eq_nocase(name, GH_STR("set-cookie"))
                    || gh_str_eq_nocase(name, GH_STR("set-cookie2")))))
        {
            h->hash = 0;
        } else if (gh_str_eq_nocase(name, GH_STR("x-request-id"))) {
            has_id = 1;
        }
    }

    if (!has_id && r == r->main
        && ngx_http_gatehouse_respond(r, "X-Request-Id",
                                      ctx->request_id)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}
