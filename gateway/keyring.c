/* gateway/keyring.c - the keys of an issuer out of a feed. A worker parses them
 * once for each generation of the feed: the price per request is one read of a
 * counter. */

#include "gateway/ngx_http_gatehouse_module.h"

/* A key without "alg": what every OpenID provider must sign with. */
#define NGX_HTTP_GATEHOUSE_FALLBACK_ALG GH_RS256

static ngx_http_gatehouse_keyring_t *ngx_http_gatehouse_keyring_audience(
    ngx_http_gatehouse_keyring_t *keyring, struct gh_str audience);
static void ngx_http_gatehouse_keyring_cleanup(void *data);
static enum gh_err ngx_http_gatehouse_keyring_load(
    ngx_http_gatehouse_keyring_t *keyring);


ngx_http_gatehouse_keyring_t *
ngx_http_gatehouse_keyring_add(ngx_conf_t *cf,
    ngx_http_gatehouse_main_conf_t *mcf, ngx_str_t *path, ngx_str_t *issuer,
    struct gh_str audience)
{
    ngx_uint_t i;
    ngx_pool_cleanup_t *cln;
    ngx_http_gatehouse_feed_t *feed;
    ngx_http_gatehouse_keyring_t *keyring, **slot;

    feed = ngx_http_gatehouse_feed_add(cf, mcf, path);
    if (feed == NULL) {
        return NULL;
    }

    slot = mcf->keyrings.elts;
    for (i = 0; i < mcf->keyrings.nelts; i++) {
        if (slot[i]->feed == feed && slot[i]->issuer.len == issuer->len
            && ngx_memcmp(slot[i]->issuer.data, issuer->data, issuer->len)
                   == 0)
        {
            return ngx_http_gatehouse_keyring_audience(slot[i], audience);
        }
    }

    keyring = ngx_pcalloc(cf->pool, sizeof(ngx_http_gatehouse_keyring_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);
    slot = ngx_array_push(&mcf->keyrings);
    if (keyring == NULL || cln == NULL || slot == NULL
        || ngx_array_init(&keyring->audiences, cf->pool, 1,
                          sizeof(struct gh_str))
               != NGX_OK)
    {
        return NULL;
    }

    keyring->feed = feed;
    keyring->issuer = *issuer;
    cln->handler = ngx_http_gatehouse_keyring_cleanup;
    cln->data = keyring;
    *slot = keyring;

    return ngx_http_gatehouse_keyring_audience(keyring, audience);
}


static ngx_http_gatehouse_keyring_t *
ngx_http_gatehouse_keyring_audience(ngx_http_gatehouse_keyring_t *keyring,
    struct gh_str audience)
{
    ngx_uint_t i;
    struct gh_str *known = keyring->audiences.elts;

    for (i = 0; i < keyring->audiences.nelts; i++) {
        if (gh_str_eq(known[i], audience)) {
            return keyring;
        }
    }

    known = ngx_array_push(&keyring->audiences);
    if (known == NULL) {
        return NULL;
    }
    *known = audience;

    return keyring;
}


static void
ngx_http_gatehouse_keyring_cleanup(void *data)
{
    ngx_http_gatehouse_keyring_t *keyring = data;

    gh_keyset_free(keyring->keyset);
    keyring->keyset = NULL;
    keyring->loaded = 0;
}


enum gh_err
ngx_http_gatehouse_keyset(ngx_http_gatehouse_keyring_t *keyring,
    ngx_log_t *log, const struct gh_keyset **ret)
{
    unsigned long long generation;
    ngx_http_gatehouse_feed_t *feed = keyring->feed;

    if (ngx_http_gatehouse_feed_check(feed, log) != GH_OK
        || ngx_http_gatehouse_feed_generation(feed, &generation) != GH_OK)
    {
        return GH_ERR_FEED;
    }

    if (!keyring->loaded || keyring->generation != generation
        || keyring->serial != feed->serial)
    {
        ngx_http_gatehouse_keyring_cleanup(keyring);

        keyring->err = ngx_http_gatehouse_keyring_load(keyring);
        if (keyring->err == GH_ERR_NOMEM || keyring->err == GH_ERR_FEED) {
            return keyring->err; /* may pass: the next request tries again */
        }

        /* read before the keys: a change in between is seen next time */
        keyring->generation = generation;
        keyring->serial = feed->serial;
        keyring->loaded = 1;

        if (keyring->err) {
            ngx_log_error(NGX_LOG_ERR, log, 0,
                          "gatehouse: no usable keys of issuer \"%V\" in "
                          "the feed \"%V\" (%s)",
                          &keyring->issuer, &feed->path,
                          gh_err_name(keyring->err));
        }
    }

    *ret = keyring->keyset;
    return keyring->err == GH_OK ? GH_OK : GH_ERR_FEED;
}


static enum gh_err
ngx_http_gatehouse_keyring_load(ngx_http_gatehouse_keyring_t *keyring)
{
    enum gh_err err;
    struct gh_str jwks;
    struct gh_arena *arena;

    arena = gh_arena_new(2 * GH_LIMIT_JWKS);
    if (arena == NULL) {
        return GH_ERR_NOMEM;
    }

    err = ngx_http_gatehouse_feed_keys(
        keyring->feed, arena, ngx_http_gatehouse_str(keyring->issuer), &jwks);
    if (err == GH_OK) {
        err = gh_keyset_parse_jwks(jwks, NGX_HTTP_GATEHOUSE_FALLBACK_ALG,
                                   &keyring->keyset);
    }
    if (err == GH_OK
        && ngx_http_gatehouse_cache_identify(keyring, jwks) != NGX_OK)
    {
        err = GH_ERR_NOMEM;
    }

    gh_arena_free(arena);
    return err;
}
