/* gateway/access.c - one decision for every pass of a request through the
 * phases: the first, each internal redirect, each named location, each
 * subrequest. We say NGX_DECLINED or refuse, never NGX_OK: with NGX_OK we
 * would speak for other access modules too. */

#include "gateway/ngx_http_gatehouse_module.h"

#include <stdalign.h>

#include "core/bearer.h"
#include "core/target.h"
#include "gateway/wire.h"

/* Bounds what one token may cost: a token of GH_LIMIT_TOKEN bytes, decoded,
 * with its lists of views. */
#define NGX_HTTP_GATEHOUSE_ARENA (16 * GH_LIMIT_TOKEN)

typedef struct {
    ngx_http_gatehouse_keyring_t *keyring;
    enum gh_err err; /* why there was no key, when the kid is not to blame */
} ngx_http_gatehouse_finder_t;

static enum gh_err ngx_http_gatehouse_enter(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, ngx_http_gatehouse_ctx_t *ctx,
    struct gh_str *missing);
static enum gh_err ngx_http_gatehouse_decide(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, ngx_http_gatehouse_ctx_t *ctx,
    struct gh_str *missing);
static enum gh_err ngx_http_gatehouse_open(ngx_http_request_t *r,
    ngx_http_gatehouse_keyring_t *keyring, ngx_http_gatehouse_ctx_t *ctx);
static enum gh_err ngx_http_gatehouse_look_up(ngx_http_request_t *r,
    ngx_http_gatehouse_keyring_t *keyring, ngx_http_gatehouse_ctx_t *ctx,
    struct gh_str token);
static gh_key_finder ngx_http_gatehouse_find_key;
static void ngx_http_gatehouse_ctx_cleanup(void *data);


ngx_int_t
ngx_http_gatehouse_access_handler(ngx_http_request_t *r)
{
    enum gh_err err;
    ngx_int_t rc;
    struct gh_str missing = { NULL, 0 };
    ngx_http_gatehouse_ctx_t *ctx;
    ngx_http_gatehouse_loc_conf_t *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_gatehouse_module);
    if (conf->mode == NGX_HTTP_GATEHOUSE_OFF) {
        return ngx_http_gatehouse_forward_off(r);
    }

    ctx = ngx_http_gatehouse_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    rc = ngx_http_gatehouse_cors_preflight(r, ctx, conf);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    err = ngx_http_gatehouse_enter(r, conf, ctx, &missing);
    if (err) {
        return ngx_http_gatehouse_refuse(r, ctx, err, missing);
    }

    if (ctx->wants_body) {
        ctx->wants_body = 0;
        return ctx->body_rc;
    }

    if (ngx_http_gatehouse_stream_watch(r, conf, ctx) != NGX_OK) {
        return ngx_http_gatehouse_refuse(r, ctx, GH_ERR_NOMEM, missing);
    }

    ngx_http_gatehouse_count_admitted(r, ctx, conf->mode);

    /* what the header filter demands: see there */
    ngx_http_set_ctx(r, ctx, ngx_http_gatehouse_module);

    return ctx->forwarded ? ngx_http_gatehouse_forward_admit(r, ctx)
                          : NGX_DECLINED;
}


/* A subrequest's answer goes to another module, which knows statuses. */

ngx_int_t
ngx_http_gatehouse_subrequest_handler(ngx_http_request_t *r)
{
    enum gh_err err;
    struct gh_str missing = { NULL, 0 };
    ngx_http_gatehouse_ctx_t *ctx;
    ngx_http_gatehouse_loc_conf_t *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_gatehouse_module);
    if (r == r->main || conf->mode == NGX_HTTP_GATEHOUSE_OFF) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_gatehouse_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    err = ngx_http_gatehouse_enter(r, conf, ctx, &missing);
    if (err) {
        ngx_http_gatehouse_log_refusal(r, ctx, err, missing);
        return gh_refusal_status(err);
    }

    ngx_http_gatehouse_count_admitted(r, ctx, conf->mode);

    return NGX_DECLINED;
}


/* The headers change before the decision too: a refused request may still
 * reach an error_page or a logger of the operator. */

static enum gh_err
ngx_http_gatehouse_enter(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, ngx_http_gatehouse_ctx_t *ctx,
    struct gh_str *missing)
{
    enum gh_err err;
    ngx_uint_t public, cookies;

    public = conf->mode == NGX_HTTP_GATEHOUSE_PUBLIC;
    cookies = public ? NGX_HTTP_GATEHOUSE_COOKIES_KEEP : conf->cookies;

    if (!public) {
        ctx->guarded = 1;
    }
    /* of the answer: a subrequest has no say where the request was decided */
    if (r == r->main
        || ngx_http_get_module_ctx(r->main, ngx_http_gatehouse_module) == NULL)
    {
        ctx->keep_cookies = cookies == NGX_HTTP_GATEHOUSE_COOKIES_KEEP;
    }

    if (ctx->resumed) {
        ctx->resumed = 0;
    } else if (ngx_http_gatehouse_strip(r, ctx, cookies) != NGX_OK) {
        return GH_ERR_NOMEM;
    }

    if (ctx->target) {
        return ctx->target;
    }

    if (!public) {
        err = ngx_http_gatehouse_decide(r, conf, ctx, missing);
        if (err || ctx->wants_body) {
            return err;
        }
    }

    if (ngx_http_gatehouse_identify(r, ctx, public) != NGX_OK
        || ngx_http_gatehouse_credentials_add(r, conf) != NGX_OK)
    {
        return GH_ERR_NOMEM;
    }

    if (!public && conf->signer) {
        return ngx_http_gatehouse_identity_add(r, conf, ctx);
    }

    return GH_OK;
}


static enum gh_err
ngx_http_gatehouse_decide(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, ngx_http_gatehouse_ctx_t *ctx,
    struct gh_str *missing)
{
    enum gh_err err;
    struct gh_epochs epochs;
    struct gh_policy policy;

    err = ngx_http_gatehouse_judge(r, conf, ctx, &policy, &epochs, missing);
    if (err) {
        return err;
    }

    return ngx_http_gatehouse_judge_model(r, conf, ctx, &policy, &epochs,
                                          missing);
}


/* All rules but that of the model. `policy` and `epochs` are what it judged
 * by. */

enum gh_err
ngx_http_gatehouse_judge(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, ngx_http_gatehouse_ctx_t *ctx,
    struct gh_policy *policy, struct gh_epochs *epochs,
    struct gh_str *missing)
{
    enum gh_err err;
    struct gh_str segment;
    struct gh_decision decision;
    const struct gh_api_route *route = NULL;

    /* also for a request without a token: trouble of ours is said first, a
     * caller must not throw a good token away for it */
    err = ngx_http_gatehouse_open(r, conf->keyring, ctx);
    if (err) {
        return err;
    }

    err = ngx_http_gatehouse_issuer_epochs(ctx->issuer, &ctx->claims,
                                           conf->policy.audience, epochs);
    if (err) {
        return GH_ERR_FEED;
    }

    *policy = conf->policy;
    policy->issuer = ctx->claims.issuer; /* one of the keyring's: see open */

    if (conf->permissions == NULL) {
        route = ngx_http_gatehouse_route(r, conf, 0, &segment);
        if (route && route->permission.len) {
            policy->permissions = &route->permission;
            policy->permission_count = 1;
        }
    }

    decision = gh_decide(policy, &ctx->claims, epochs, ngx_time());
    if (decision.err) {
        *missing = decision.missing;
        return decision.err;
    }

    /* default-deny: a guarded location, or a route that it takes, says which
     * permission it needs, or "none" in words */
    if ((conf->permissions == NULL && route == NULL)
        || (conf->methods && !(r->method & conf->methods)))
    {
        return GH_ERR_NO_ROUTE;
    }

    return GH_OK;
}


/* Opens the token once for each keyring that a request meets, mostly once. */

static enum gh_err
ngx_http_gatehouse_open(ngx_http_request_t *r,
    ngx_http_gatehouse_keyring_t *keyring, ngx_http_gatehouse_ctx_t *ctx)
{
    enum gh_err err;
    struct gh_str token;

    err = ngx_http_gatehouse_keyring_refresh(keyring, r->connection->log);
    if (err) {
        return err;
    }

    if (ctx->keyring == keyring) {
        return ctx->opened;
    }

    if (ctx->authorizations == 0) {
        return GH_ERR_NO_TOKEN;
    }
    if (ctx->authorizations > 1) {
        return GH_ERR_MALFORMED;
    }

    err = gh_bearer_parse(ctx->authorization, &token);
    if (err) {
        return err;
    }

    ctx->keyring = NULL;
    err = ngx_http_gatehouse_look_up(r, keyring, ctx, token);
    if (err) {
        return err;
    }
    ctx->keyring = keyring;

    if (ctx->opened == GH_OK) {
        ctx->issuer = ngx_http_gatehouse_keyring_find(keyring,
                                                      ctx->claims.issuer);
        if (ctx->issuer == NULL) {
            ctx->opened = GH_ERR_WRONG_ISSUER;
        }
    }

    return ctx->opened;
}


/* The verdict on the token is ctx->opened, out of the cache or by its
 * signature; what is returned is trouble of ours, and may pass: nothing is
 * remembered. */

static enum gh_err
ngx_http_gatehouse_look_up(ngx_http_request_t *r,
    ngx_http_gatehouse_keyring_t *keyring, ngx_http_gatehouse_ctx_t *ctx,
    struct gh_str token)
{
    u_char *scratch, key[GH_TOKEN_KEY];
    ngx_http_gatehouse_finder_t finder = { keyring, GH_OK };

    gh_arena_free(ctx->arena);
    scratch = ngx_align_ptr(ctx->scratch, alignof(max_align_t));
    ctx->arena = gh_arena_new_in(scratch,
                                 ctx->scratch + sizeof(ctx->scratch) - scratch,
                                 NGX_HTTP_GATEHOUSE_ARENA);
    if (ctx->arena == NULL) {
        return GH_ERR_NOMEM;
    }

    ctx->opened = ngx_http_gatehouse_cache_get(r, keyring, token, key, ctx);

    if (ctx->cached == NGX_HTTP_GATEHOUSE_CACHE_HIT
        || ctx->cached == NGX_HTTP_GATEHOUSE_CACHE_REFUSED)
    {
        return GH_OK;
    }

    ctx->opened = gh_token_open(ctx->arena, token,
                                ngx_http_gatehouse_find_key, &finder,
                                &ctx->claims);
    if (ctx->opened == GH_ERR_UNKNOWN_KEY && finder.err) {
        ctx->opened = finder.err;
    }
    if (ctx->opened == GH_ERR_FEED) {
        return GH_ERR_FEED;
    }
    if (ctx->cached == NGX_HTTP_GATEHOUSE_CACHE_MISS) {
        ngx_http_gatehouse_cache_put(r, keyring, key, ctx);
    }

    return GH_OK;
}


/* Rule 2: a key belongs to an issuer; there is no pool to try. */

static const struct gh_key *
ngx_http_gatehouse_find_key(void *context, struct gh_str issuer,
    struct gh_str kid)
{
    ngx_uint_t i;
    const struct gh_key *key;
    ngx_http_gatehouse_issuer_t *known;
    ngx_http_gatehouse_finder_t *finder = context;

    known = ngx_http_gatehouse_keyring_find(finder->keyring, issuer);
    if (known == NULL) {
        finder->err = GH_ERR_WRONG_ISSUER;
        return NULL;
    }

    if (known->keyset == NULL) {
        finder->err = GH_ERR_FEED;
        return NULL;
    }

    key = gh_keyset_find(known->keyset, kid);
    if (key == NULL) {
        for (i = 0; i < known->nfeeds; i++) {
            ngx_http_gatehouse_feed_ring(known->feeds[i]);
        }
    }

    return key;
}


/* Found by its cleanup, as realip does: the pool is what internal redirects
 * and subrequests of one request share. */

ngx_http_gatehouse_ctx_t *
ngx_http_gatehouse_ctx_find(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t *cln;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_gatehouse_ctx_cleanup) {
            return cln->data;
        }
    }

    return NULL;
}


ngx_http_gatehouse_ctx_t *
ngx_http_gatehouse_ctx(ngx_http_request_t *r)
{
    struct gh_str path, query;
    ngx_pool_cleanup_t *cln;
    ngx_http_gatehouse_ctx_t *ctx;

    ctx = ngx_http_gatehouse_ctx_find(r);
    if (ctx) {
        return ctx;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_gatehouse_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, offsetof(ngx_http_gatehouse_ctx_t, scratch));

    ctx->target = gh_target_check(ngx_http_gatehouse_str(r->unparsed_uri),
                                  &path, &query);
    if (ctx->target == GH_ERR_TOO_LARGE) {
        ctx->target = GH_ERR_TARGET_TOO_LONG; /* not the token is */
    }

    cln->handler = ngx_http_gatehouse_ctx_cleanup;

    return ctx;
}


static void
ngx_http_gatehouse_ctx_cleanup(void *data)
{
    ngx_http_gatehouse_ctx_t *ctx = data;

    ngx_http_gatehouse_stream_forget(ctx);
    gh_arena_free(ctx->arena);
}
