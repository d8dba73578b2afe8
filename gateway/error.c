/* gateway/error.c - refusals: what the caller reads (bodies as clients of the
 * OpenAI API know them, challenges of RFC 6750) and what the operator reads
 * (one line that names the rule, never the token). */

#include "gateway/ngx_http_gatehouse_module.h"

#include "gateway/wire.h"

#define NGX_HTTP_GATEHOUSE_TEXT_MAX 65536

static ngx_int_t ngx_http_gatehouse_send(ngx_http_request_t *r,
    struct gh_str body);
static struct gh_str ngx_http_gatehouse_scope(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, enum gh_err err,
    struct gh_str missing);
static struct gh_str ngx_http_gatehouse_keep(ngx_http_request_t *r,
    struct gh_buf *text);


/* Answers itself instead of giving nginx a status, so that no error_page can
 * turn a refusal into something else. */

ngx_int_t
ngx_http_gatehouse_refuse(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, enum gh_err err, struct gh_str missing)
{
    int status;
    ngx_int_t rc;
    struct gh_buf text;
    struct gh_str challenge, body;
    ngx_http_gatehouse_loc_conf_t *conf;

    status = gh_refusal_status(err);
    conf = ngx_http_get_module_loc_conf(r, ngx_http_gatehouse_module);

    ngx_http_gatehouse_log_refusal(r, ctx, err, missing);

    if (r->post_action) { /* the caller has its answer already */
        return status;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    text = gh_buf_make(NGX_HTTP_GATEHOUSE_TEXT_MAX);
    gh_challenge_format(&text, err, ngx_http_gatehouse_str(conf->audience),
                        ngx_http_gatehouse_scope(r, conf, err, missing));
    challenge = ngx_http_gatehouse_keep(r, &text);

    gh_error_body_format(&text, err, missing);
    body = ngx_http_gatehouse_keep(r, &text);

    if (challenge.ptr == NULL || body.ptr == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    /* of an error that led here by error_page */
    r->err_status = 0;
    ngx_http_clean_header(r);
    r->headers_out.status = status;

    if (challenge.len
        && ngx_http_gatehouse_respond(r, "WWW-Authenticate",
                                      challenge)
               != NGX_OK)
    {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE
        && ngx_http_gatehouse_respond(r, "Retry-After", GH_STR("1"))
               != NGX_OK)
    {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    ngx_http_set_ctx(r, ctx, ngx_http_gatehouse_module);
    ngx_http_finalize_request(r, ngx_http_gatehouse_send(r, body));

    return NGX_DONE;
}


/* What a token would have to permit. */

static struct gh_str
ngx_http_gatehouse_scope(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, enum gh_err err,
    struct gh_str missing)
{
    u_char *p;
    struct gh_str none = { NULL, 0 };

    if (err == GH_ERR_NO_PERMISSION) {
        return conf->permissions ? ngx_http_gatehouse_str(conf->scope)
                                 : missing;
    }

    if (err != GH_ERR_MODEL_NOT_ALLOWED || !gh_scope_token_ok(missing)) {
        return none;
    }

    p = ngx_pnalloc(r->pool, missing.len + sizeof("model:") - 1);
    if (p == NULL) {
        return none;
    }
    ngx_memcpy(ngx_cpymem(p, "model:", sizeof("model:") - 1), missing.ptr,
               missing.len);

    return (struct gh_str){ (char *) p, missing.len + sizeof("model:") - 1 };
}


static ngx_int_t
ngx_http_gatehouse_send(ngx_http_request_t *r, struct gh_str body)
{
    ngx_int_t rc;
    ngx_buf_t *b;
    ngx_chain_t out;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.content_length_n = body.len;

    rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = (u_char *) body.ptr;
    b->last = b->pos + body.len;
    b->memory = 1;
    b->last_buf = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


/* Moves a text into the request's pool and empties the buffer; ptr is NULL
 * when there was no memory for it. */

static struct gh_str
ngx_http_gatehouse_keep(ngx_http_request_t *r, struct gh_buf *text)
{
    u_char *p;
    struct gh_str kept = { NULL, 0 };

    p = text->failed ? NULL : ngx_pnalloc(r->pool, text->len + 1);
    if (p) {
        ngx_memcpy(p, text->ptr, text->len);
        kept = (struct gh_str){ (char *) p, text->len };
    }

    gh_buf_release(text);
    *text = gh_buf_make(NGX_HTTP_GATEHOUSE_TEXT_MAX);

    return kept;
}


/* To the location's log but without its handler, which would add the request
 * line: a query may hold a secret. Values are words, so that none forges a
 * field or a line. */

void
ngx_http_gatehouse_log_refusal(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, enum gh_err err, struct gh_str missing)
{
    size_t i;
    u_char *p, *last, line[NGX_MAX_ERROR_STR / 2];
    struct gh_str path, rest, none = { NULL, 0 };
    ngx_uint_t status, level, known;
    ngx_http_core_loc_conf_t *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    ngx_http_gatehouse_count_refused(r, ctx, err);

    path = rest = ngx_http_gatehouse_str(r->unparsed_uri);
    (void) gh_str_cut(&rest, '?', &path); /* no '?': stays whole */

    known = ctx->keyring != NULL && ctx->opened == GH_OK;

    const struct {
        const char *key;
        struct gh_str value;
    } fields[] = {
        { "rule", gh_str_from(gh_err_name(err)) },
        { err == GH_ERR_NO_PERMISSION ? "permission" : "model", missing },
        { "reason", err == GH_ERR_MODEL_NOT_LISTED
                        ? GH_STR("organization")
                        : none },
        { "organization", known ? ctx->claims.organization : none },
        { "subject", known ? ctx->claims.subject : none },
        { "client", known ? ctx->claims.client : none },
        { "location", ngx_http_gatehouse_str(clcf->name) },
        { "peer", ngx_http_gatehouse_str(r->connection->addr_text) },
        { "method", ngx_http_gatehouse_str(r->method_name) },
        { "path", path },
        { "request_id", ctx->request_id },
    };

    status = gh_refusal_status(err);
    p = line;
    last = line + sizeof(line);

    /* what does not fit is left out, whole: a cut value would be a lie */
    for (i = 0; i < GH_COUNT(fields); i++) {
        if (fields[i].value.len == 0
            || gh_wire_word_length(fields[i].value)
                       + ngx_strlen(fields[i].key) + 2
                   > (size_t) (last - p))
        {
            continue;
        }
        p = ngx_sprintf(p, " %s=", fields[i].key);
        p = (u_char *) gh_wire_word_write((char *) p, fields[i].value);
    }

    /* one name may stand for two reasons; the texts are ours, and plain */
    if ((size_t) (last - p) > ngx_strlen(gh_err_text(err)) + 8) {
        p = ngx_sprintf(p, " why=\"%s\"", gh_err_text(err));
    }

    level = status == NGX_HTTP_SERVICE_UNAVAILABLE ? NGX_LOG_ERR
                                                   : NGX_LOG_WARN;
    ngx_log_error(level, clcf->error_log, 0,
                  "gatehouse: refused status=%ui%*s", status,
                  (size_t) (p - line), line);
}
