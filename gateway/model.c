/* gateway/model.c - the model rule: does it bind, where is the model named, and
 * may this caller use it. What a request names is found in core; here is what
 * nginx knows of the request. */

#include "gateway/ngx_http_gatehouse_module.h"

#include "core/model_form.h"
#include "core/model_scan.h"
#include "core/target.h"
#include "gateway/wire.h"

static enum gh_err ngx_http_gatehouse_binds(
    ngx_http_gatehouse_loc_conf_t *conf, ngx_http_gatehouse_ctx_t *ctx);
static enum gh_err ngx_http_gatehouse_fact(ngx_http_gatehouse_ctx_t *ctx,
    enum gh_fact_kind kind, struct gh_str name, struct gh_fact *ret);
static enum gh_err ngx_http_gatehouse_named(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, const struct gh_api_route *route,
    struct gh_str segment);
static ngx_uint_t ngx_http_gatehouse_rerouted(ngx_http_request_t *r);
static enum gh_err ngx_http_gatehouse_named_in_query(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx);
static enum gh_err ngx_http_gatehouse_named_in_body(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_uint_t forms);
static enum gh_err ngx_http_gatehouse_body_kind(ngx_http_request_t *r,
    ngx_uint_t forms, struct gh_str *boundary);
static enum gh_err ngx_http_gatehouse_scan(ngx_http_request_t *r,
    struct gh_model_names *names, struct gh_str boundary);


/* After all other rules. GH_OK with ctx->wants_body: the body has to be waited
 * for. Then the whole decision is made anew, on what holds by then. */

enum gh_err
ngx_http_gatehouse_judge_model(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, ngx_http_gatehouse_ctx_t *ctx,
    struct gh_policy *policy, const struct gh_epochs *epochs,
    struct gh_str *missing)
{
    enum gh_err err;
    struct gh_str segment;
    struct gh_fact list __attribute__((uninitialized));
    struct gh_models models;
    struct gh_decision decision;
    const struct gh_api_route *route;

    if (r == r->main) {
        ctx->lists = 0; /* a subrequest does not speak for the answer */
    }

    err = ngx_http_gatehouse_binds(conf, ctx);
    if (err) {
        return err == GH_ERR_NOT_FOUND ? GH_OK : err;
    }

    route = ngx_http_gatehouse_route(r, conf, 1, &segment);
    if (route == NULL) {
        return GH_ERR_NO_ROUTE; /* nobody knows what is used here */
    }

    if (route->place == GH_MODEL_NONE) {
        return GH_OK;
    }

    if (route->place == GH_MODEL_LIST) {
        if (r != r->main || ctx->forwarded) {
            return GH_ERR_HIDDEN_MODEL; /* the answer is not ours to filter */
        }
        ctx->lists = 1;
        ngx_http_gatehouse_list_ask(r);
        return GH_OK;
    }

    err = ngx_http_gatehouse_named(r, ctx, route, segment);
    if (err || ctx->wants_body) {
        return err;
    }

    ngx_memzero(&models, sizeof(models));
    models.names = ctx->names->name;
    models.count = ctx->names->count;

    err = ngx_http_gatehouse_organization_models(ctx, &list);
    if (err == GH_OK) {
        models.has_list = true;
        models.list = gh_fact_text(&list);
    } else if (err != GH_ERR_NOT_FOUND) {
        return err;
    }

    policy->models = &models;
    decision = gh_decide(policy, &ctx->claims, epochs, ngx_time());
    policy->models = NULL;
    *missing = decision.missing;

    return decision.err;
}


/* NOT_FOUND: the rule does not bind here. */

static enum gh_err
ngx_http_gatehouse_binds(ngx_http_gatehouse_loc_conf_t *conf,
    ngx_http_gatehouse_ctx_t *ctx)
{
    enum gh_err err;
    struct gh_fact fact __attribute__((uninitialized));

    if (conf->models == NGX_HTTP_GATEHOUSE_MODELS_OFF) {
        return GH_ERR_NOT_FOUND;
    }
    if (conf->models == NGX_HTTP_GATEHOUSE_MODELS_REQUIRED) {
        return GH_OK;
    }

    err = ngx_http_gatehouse_fact(ctx, GH_FACT_MODELS_BIND,
                                  ngx_http_gatehouse_str(conf->audience),
                                  &fact);

    return err == GH_OK || err == GH_ERR_NOT_FOUND ? err : GH_ERR_FEED;
}


enum gh_err
ngx_http_gatehouse_organization_models(ngx_http_gatehouse_ctx_t *ctx,
    struct gh_fact *ret)
{
    enum gh_err err;

    if (ctx->claims.organization.len == 0) {
        return GH_ERR_NOT_FOUND;
    }

    err = ngx_http_gatehouse_fact(ctx, GH_FACT_MODELS,
                                  ctx->claims.organization, ret);

    return err == GH_OK || err == GH_ERR_NOT_FOUND ? err : GH_ERR_FEED;
}


/* What the first feed that speaks about the issuer says. */

static enum gh_err
ngx_http_gatehouse_fact(ngx_http_gatehouse_ctx_t *ctx, enum gh_fact_kind kind,
    struct gh_str name, struct gh_fact *ret)
{
    ngx_uint_t i;
    enum gh_err err = GH_ERR_FEED;

    for (i = 0; i < ctx->issuer->nfeeds; i++) {
        err = ngx_http_gatehouse_feed_fact(ctx->issuer->feeds[i], kind,
                                           ctx->claims.issuer, name, ret);
        if (err != GH_ERR_NOT_FOUND) {
            break;
        }
    }

    return err;
}


/* Gathers ctx->names: for this pass alone, since another location may look
 * elsewhere. */

static enum gh_err
ngx_http_gatehouse_named(ngx_http_request_t *r, ngx_http_gatehouse_ctx_t *ctx,
    const struct gh_api_route *route, struct gh_str segment)
{
    enum gh_err err;
    ngx_uint_t has_body;

    if (ctx->names == NULL) {
        ctx->names = ngx_palloc(r->pool, sizeof(struct gh_model_names));
        if (ctx->names == NULL) {
            return GH_ERR_NOMEM;
        }
    }
    ctx->names->count = ctx->names->used = 0;
    ctx->names->named = false;

    if (ngx_http_gatehouse_rerouted(r)) {
        return GH_ERR_HIDDEN_MODEL;
    }

    has_body = r->main->headers_in.content_length_n > 0
               || r->main->headers_in.chunked;

    switch (route->place) {

    case GH_MODEL_QUERY:
        return ngx_http_gatehouse_named_in_query(r, ctx);

    case GH_MODEL_BODY:
    case GH_MODEL_FORM:
        if (ctx->forwarded) {
            return GH_ERR_HIDDEN_MODEL; /* whoever asks keeps the body */
        }
        if (!has_body) {
            return GH_ERR_NO_MODEL;
        }
        err = ngx_http_gatehouse_named_in_body(r, ctx,
                                               route->place == GH_MODEL_FORM);
        if (err || ctx->wants_body) {
            return err;
        }
        return ctx->names->named ? GH_OK : GH_ERR_NO_MODEL;

    case GH_MODEL_PATH:
        if (ctx->forwarded && !gh_str_is(route->method, "GET")) {
            return GH_ERR_HIDDEN_MODEL; /* a body may name others */
        }
        if (has_body) {
            err = ngx_http_gatehouse_named_in_body(r, ctx, 1);
            if (err || ctx->wants_body) {
                return err;
            }
        }
        return gh_model_names_add(ctx->names, segment);

    default:
        return GH_ERR_HIDDEN_MODEL;
    }
}


/* Is there a header by which a router would take another model? */

static ngx_uint_t
ngx_http_gatehouse_rerouted(ngx_http_request_t *r)
{
    size_t i;
    ngx_table_elt_t *h;
    ngx_http_gatehouse_walk_t walk = { &r->headers_in.headers.part, 0 };

    static const struct gh_str routers[] = {
        { "x-portkey-config", 16 }, { "helicone-fallbacks", 18 },
        { "helicone-model-override", 23 },
    };

    while ((h = ngx_http_gatehouse_next(&walk))) {
        for (i = 0; i < GH_COUNT(routers); i++) {
            if (gh_header_is(ngx_http_gatehouse_str(h->key), routers[i])) {
                return 1;
            }
        }
    }

    return 0;
}


static enum gh_err
ngx_http_gatehouse_named_in_query(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx)
{
    enum gh_err err;
    struct gh_str model;

    err = gh_query_model(ngx_http_gatehouse_str(r->args), &model);
    if (err) {
        return err;
    }

    /* in full, so that what is compared is what the upstream makes of it */
    if (memchr(model.ptr, '+', model.len)
        || gh_percent_decode(ctx->arena, model, false, &model) != GH_OK)
    {
        return GH_ERR_AMBIGUOUS_BODY;
    }

    return gh_model_names_add(ctx->names, model);
}


static enum gh_err
ngx_http_gatehouse_named_in_body(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_uint_t forms)
{
    enum gh_err err;
    struct gh_str boundary;
    ngx_http_gatehouse_loc_conf_t *conf;

    err = ngx_http_gatehouse_body_kind(r, forms, &boundary);
    if (err) {
        return err;
    }

    if (r->request_body == NULL) {
        if (r != r->main) {
            return GH_ERR_HIDDEN_MODEL; /* a subrequest that has no body */
        }
        conf = ngx_http_get_module_loc_conf(r, ngx_http_gatehouse_module);
        if (r->headers_in.content_length_n > conf->body_size) {
            return GH_ERR_BODY_TOO_LARGE; /* before anything is read */
        }
        ctx->body_rc = ngx_http_gatehouse_read_body(r, ctx);
        if (ctx->body_rc != NGX_OK) {
            ctx->wants_body = 1;
            return GH_OK;
        }
    }

    if (ctx->body_over) {
        return GH_ERR_BODY_TOO_LARGE;
    }

    return ngx_http_gatehouse_scan(r, ctx->names, boundary);
}


/* One Content-Type that says what we read, and no encoding. */

static enum gh_err
ngx_http_gatehouse_body_kind(ngx_http_request_t *r, ngx_uint_t forms,
    struct gh_str *boundary)
{
    ngx_uint_t types = 0;
    struct gh_str name, value, type = { NULL, 0 };
    ngx_table_elt_t *h;
    ngx_http_gatehouse_walk_t walk = { &r->headers_in.headers.part, 0 };

    while ((h = ngx_http_gatehouse_next(&walk))) {
        name = ngx_http_gatehouse_str(h->key);
        value = ngx_http_gatehouse_str(h->value);

        if (gh_header_is(name, GH_STR("content-type"))) {
            type = value;
            types++;
        } else if (gh_header_is(name, GH_STR("content-encoding"))
                   && !gh_str_eq_nocase(value, GH_STR("identity")))
        {
            return GH_ERR_BODY_TYPE;
        }
    }

    *boundary = (struct gh_str){ NULL, 0 };

    if (types == 1 && gh_is_json_type(type)) {
        return GH_OK;
    }

    return types == 1 && forms ? gh_form_boundary(type, boundary)
                               : GH_ERR_BODY_TYPE;
}


/* The bytes that the upstream will get. A body that another reader passes on
 * in pieces is not all there any more. */

static enum gh_err
ngx_http_gatehouse_scan(ngx_http_request_t *r, struct gh_model_names *names,
    struct gh_str boundary)
{
    enum gh_err err = GH_OK;
    struct gh_str bytes;
    ngx_chain_t *cl;

    union {
        struct gh_model_scan json;
        struct gh_model_form form;
    } scan __attribute__((uninitialized));

    if (r->main->reading_body || r->main->request_body_no_buffering
        || r->request_body->temp_file)
    {
        return GH_ERR_BODY_TOO_LARGE;
    }

    if (boundary.len) {
        gh_model_form_begin(&scan.form, names, boundary);
    } else {
        gh_model_scan_begin(&scan.json, names);
    }

    for (cl = r->request_body->bufs; cl && err == GH_OK; cl = cl->next) {
        if (cl->buf->in_file) {
            return GH_ERR_BODY_TOO_LARGE;
        }
        if (cl->buf->last == cl->buf->pos) {
            continue;
        }
        bytes.ptr = (const char *) cl->buf->pos;
        bytes.len = cl->buf->last - cl->buf->pos;
        err = boundary.len ? gh_model_form_feed(&scan.form, bytes)
                           : gh_model_scan_feed(&scan.json, bytes);
    }

    return boundary.len ? gh_model_form_end(&scan.form)
                        : gh_model_scan_end(&scan.json);
}
