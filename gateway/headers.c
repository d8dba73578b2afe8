/* gateway/headers.c - what the upstream learns about the caller comes from us
 * alone, and what it answers says nothing in our name. */

#include "gateway/ngx_http_gatehouse_module.h"

#include "gateway/wire.h"

static ngx_int_t ngx_http_gatehouse_header_filter(ngx_http_request_t *r);
static size_t ngx_http_gatehouse_words_length(const struct gh_str *words,
    size_t count);
static u_char *ngx_http_gatehouse_words(u_char *p,
    const struct gh_str *words, size_t count);

static ngx_http_output_header_filter_pt ngx_http_next_header_filter;

/* How many of ours there may be; see ngx_http_gatehouse_identify(). */
#define NGX_HTTP_GATEHOUSE_IDENTITY 5

/* What we need to know of a header that came, before it is taken away. */

static void
ngx_http_gatehouse_capture(ngx_http_gatehouse_ctx_t *ctx, ngx_table_elt_t *h,
    enum gh_header_class class)
{
    if (class == GH_HEADER_AUTHORIZATION) {
        if (ctx->authorizations++ == 0) {
            ctx->authorization = ngx_http_gatehouse_str(h->value);
        }
    } else if (class == GH_HEADER_FOREIGN && ctx->request_id.len == 0
               && gh_str_eq_nocase(ngx_http_gatehouse_str(h->key),
                                   GH_STR("x-request-id")))
    {
        ctx->request_id = ngx_http_gatehouse_str(h->value);
    }
}


static ngx_uint_t
ngx_http_gatehouse_keeps(ngx_table_elt_t *h, enum gh_header_class class,
    ngx_uint_t cookies)
{
    switch (class) {
    case GH_HEADER_FOREIGN:
        return 1;
    case GH_HEADER_CONNECTION:
        return !gh_connection_names_identity(ngx_http_gatehouse_str(h->value));
    case GH_HEADER_COOKIE:
        return cookies == NGX_HTTP_GATEHOUSE_COOKIES_KEEP;
    default:
        return 0;
    }
}


/* Rule 6. nginx keeps pointers into the list (Host, Content-Length, ...) and
 * proxy_pass copies the list without asking for its marks: what is kept moves
 * to a new list, and the old one stays as it is for those pointers. The first
 * walk of a request also reads what only the headers as they came tell. */

ngx_int_t
ngx_http_gatehouse_strip(ngx_http_request_t *r, ngx_http_gatehouse_ctx_t *ctx,
    ngx_uint_t cookies)
{
    ngx_list_t kept;
    ngx_uint_t count, first;
    ngx_list_part_t *part;
    ngx_table_elt_t *h, *copy;
    enum gh_header_class class;
    ngx_http_gatehouse_walk_t walk = { &r->headers_in.headers.part, 0 };

    count = NGX_HTTP_GATEHOUSE_IDENTITY;
    for (part = walk.part; part; part = part->next) {
        count += part->nelts;
    }

    if (ngx_list_init(&kept, r->pool, count, sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    first = !ctx->captured;

    while ((h = ngx_http_gatehouse_next(&walk))) {
        class = gh_header_classify(ngx_http_gatehouse_str(h->key));

        if (first) {
            ngx_http_gatehouse_capture(ctx, h, class);
        }

        if (ngx_http_gatehouse_keeps(h, class, cookies)) {
            copy = ngx_list_push(&kept);
            if (copy == NULL) {
                return NGX_ERROR;
            }
            *copy = *h;
        }
    }

    /* nothing above fails halfway: there is room for all */
    if (first) {
        ctx->captured = 1;
        if (ngx_http_gatehouse_request_id(r, ctx) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    r->headers_in.headers = kept;
    if (kept.last == &kept.part) {
        r->headers_in.headers.last = &r->headers_in.headers.part;
    }

    r->headers_in.authorization = NULL;

    if (cookies == NGX_HTTP_GATEHOUSE_COOKIES_STRIP) {
#if (nginx_version >= 1023000)
        r->headers_in.cookie = NULL;
#else
        r->headers_in.cookies.nelts = 0;
#endif
    }

    return NGX_OK;
}


/* Names with their hash, by which the proxy module looks up its own. */

static struct {
    ngx_str_t name;
    char *lowcase;
    ngx_uint_t hash;
} ngx_http_gatehouse_identities[NGX_HTTP_GATEHOUSE_IDENTITY] = {
    { ngx_string("X-Gatehouse-Request-Id"), "x-gatehouse-request-id", 0 },
    { ngx_string("X-Gatehouse-Subject"), "x-gatehouse-subject", 0 },
    { ngx_string("X-Gatehouse-Organization"), "x-gatehouse-organization", 0 },
    { ngx_string("X-Gatehouse-Client"), "x-gatehouse-client", 0 },
    { ngx_string("X-Gatehouse-Permissions"), "x-gatehouse-permissions", 0 },
};


/* Says who the caller is. On a public route nobody was proven: only the
 * request id is said. */

ngx_int_t
ngx_http_gatehouse_identify(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_uint_t public)
{
    size_t i, len, count;
    u_char *p;
    ngx_str_t value;
    const struct gh_claims *c = &ctx->claims;

    const struct {
        const struct gh_str *words;
        size_t count;
    } values[NGX_HTTP_GATEHOUSE_IDENTITY] = {
        { &ctx->request_id, 1 },
        { &c->subject, 1 },
        { &c->organization, 1 },
        { &c->client, 1 },
        { c->permissions, c->permission_count },
    };

    count = public ? 1 : NGX_HTTP_GATEHOUSE_IDENTITY;
    len = 0;
    for (i = 0; i < count; i++) {
        len += ngx_http_gatehouse_words_length(values[i].words,
                                               values[i].count);
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < count; i++) {
        value.data = p;
        p = ngx_http_gatehouse_words(p, values[i].words, values[i].count);
        value.len = p - value.data;

        /* an absent claim is an absent header */
        if (value.len
            && ngx_http_gatehouse_request_header(
                   r, ngx_http_gatehouse_identities[i].name,
                   (u_char *) ngx_http_gatehouse_identities[i].lowcase,
                   ngx_http_gatehouse_identities[i].hash, value)
                   != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* An upper bound that is exact but for the blanks. */

static size_t
ngx_http_gatehouse_words_length(const struct gh_str *words, size_t count)
{
    size_t i, len;

    len = count;
    for (i = 0; i < count; i++) {
        len += gh_wire_word_length(words[i]);
    }

    return len;
}


/* The words behind each other with a blank between. */

static u_char *
ngx_http_gatehouse_words(u_char *p, const struct gh_str *words, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (i > 0) {
            *p++ = ' ';
        }
        p = (u_char *) gh_wire_word_write((char *) p, words[i]);
    }

    return p;
}


/* Adds a request header; all of it must live as long as r->pool. */

ngx_int_t
ngx_http_gatehouse_request_header(ngx_http_request_t *r, ngx_str_t name,
    u_char *lowcase, ngx_uint_t hash, ngx_str_t value)
{
    ngx_table_elt_t *h;

    h = ngx_list_push(&r->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));
    h->key = name;
    h->lowcase_key = lowcase;
    h->hash = hash;
    h->value = value;

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
    size_t i;

    for (i = 0; i < NGX_HTTP_GATEHOUSE_IDENTITY; i++) {
        ngx_http_gatehouse_identities[i].hash = ngx_hash_key(
            (u_char *) ngx_http_gatehouse_identities[i].lowcase,
            ngx_http_gatehouse_identities[i].name.len);
    }

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_gatehouse_header_filter;

    return NGX_OK;
}


/* True when the answer has a request id of its own. */

static ngx_uint_t
ngx_http_gatehouse_answer_strip(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx)
{
    struct gh_str name;
    ngx_uint_t has_id;
    ngx_table_elt_t *h;
    ngx_http_gatehouse_walk_t walk = { &r->headers_out.headers.part, 0 };

    has_id = 0;

    while ((h = ngx_http_gatehouse_next(&walk))) {
        if (h->hash == 0) {
            continue;
        }

        name = ngx_http_gatehouse_str(h->key);

        if ((gh_header_classify(name) == GH_HEADER_IDENTITY
             && !ctx->answered)
            || (ctx->guarded && !ctx->keep_cookies
                && (gh_str_eq_nocase(name, GH_STR("set-cookie"))
                    || gh_str_eq_nocase(name, GH_STR("set-cookie2")))))
        {
            h->hash = 0;
        } else if (gh_str_eq_nocase(name, GH_STR("x-request-id"))) {
            has_id = 1;
        }
    }

    return has_id;
}


static ngx_int_t
ngx_http_gatehouse_withhold(ngx_http_request_t *r, const char *what)
{
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "gatehouse: %s (\"return\"?) was withheld", what);
    ngx_http_gatehouse_count_withheld(r);

    return ngx_http_filter_finalize_request(r, &ngx_http_gatehouse_module,
                                            NGX_HTTP_FORBIDDEN);
}


static ngx_int_t
ngx_http_gatehouse_header_filter(ngx_http_request_t *r)
{
    ngx_uint_t has_id;
    ngx_http_gatehouse_ctx_t *ctx;
    ngx_http_gatehouse_loc_conf_t *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_gatehouse_module);
    ctx = ngx_http_get_module_ctx(r, ngx_http_gatehouse_module);

    /* The rewrite module's "return" answers before any access rule is asked.
     * From a guarded location nothing good comes without a decision. */
    if (r == r->main && conf->mode == NGX_HTTP_GATEHOUSE_ON && ctx == NULL
        && r->headers_out.status < NGX_HTTP_SPECIAL_RESPONSE)
    {
        return ngx_http_gatehouse_withhold(
            r, "an answer from a guarded location without a decision");
    }

    /* a redirect may have led from a guarded location to an open one */
    if (ctx == NULL) {
        ctx = ngx_http_gatehouse_ctx_find(r);
    }
    if (ctx == NULL) {
        return ngx_http_next_header_filter(r);
    }

    if (ctx->forwarded && r == r->main) {
        /* the asking request's: a body belongs to GET, whatever is asked */
        r->method = ctx->asking_method;

        if (!ctx->answered
            && r->headers_out.status < NGX_HTTP_SPECIAL_RESPONSE)
        {
            return ngx_http_gatehouse_withhold(
                r, "an answer to another proxy that is not the decision");
        }
    }

    has_id = ngx_http_gatehouse_answer_strip(r, ctx);

    if (!has_id && r == r->main && ctx->request_id.len
        && ngx_http_gatehouse_respond(r, "X-Request-Id",
                                      ctx->request_id)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}
