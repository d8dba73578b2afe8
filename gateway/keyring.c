/* gateway/keyring.c - the keys of the issuers that a policy believes, out of
 * its feeds. A worker parses them once for each state of the feeds: the price
 * per request is one read of a counter per feed. */

#include "gateway/ngx_http_gatehouse_module.h"

#include "feed/epochs.h"

/* A key without "alg": what every OpenID provider must sign with. */
#define NGX_HTTP_GATEHOUSE_FALLBACK_ALG GH_RS256

static ngx_int_t ngx_http_gatehouse_keyring_matches(
    ngx_http_gatehouse_keyring_t *keyring, ngx_array_t *feeds,
    ngx_array_t *issuers);
static ngx_http_gatehouse_keyring_t *ngx_http_gatehouse_keyring_create(
    ngx_conf_t *cf, ngx_http_gatehouse_main_conf_t *mcf, ngx_array_t *feeds,
    ngx_array_t *issuers);
static ngx_http_gatehouse_keyring_t *ngx_http_gatehouse_keyring_audience(
    ngx_http_gatehouse_keyring_t *keyring, struct gh_str audience);
static void ngx_http_gatehouse_keyring_cleanup(void *data);
static enum gh_err ngx_http_gatehouse_keyring_load(
    ngx_http_gatehouse_keyring_t *keyring);
static enum gh_err ngx_http_gatehouse_issuer_load(
    ngx_http_gatehouse_keyring_t *keyring, struct gh_str name,
    ngx_http_gatehouse_issuer_t *issuer, struct gh_arena *arena,
    struct gh_str *jwks);


ngx_http_gatehouse_keyring_t *
ngx_http_gatehouse_keyring_add(ngx_conf_t *cf,
    ngx_http_gatehouse_main_conf_t *mcf, ngx_array_t *feeds,
    ngx_array_t *issuers, struct gh_str audience)
{
    ngx_uint_t i;
    ngx_http_gatehouse_keyring_t *keyring, **slot;

    slot = mcf->keyrings.elts;
    for (i = 0; i < mcf->keyrings.nelts; i++) {
        if (ngx_http_gatehouse_keyring_matches(slot[i], feeds, issuers)) {
            return ngx_http_gatehouse_keyring_audience(slot[i], audience);
        }
    }

    keyring = ngx_http_gatehouse_keyring_create(cf, mcf, feeds, issuers);
    if (keyring == NULL) {
        return NULL;
    }

    return ngx_http_gatehouse_keyring_audience(keyring, audience);
}


static ngx_int_t
ngx_http_gatehouse_keyring_matches(ngx_http_gatehouse_keyring_t *keyring,
    ngx_array_t *feeds, ngx_array_t *issuers)
{
    ngx_uint_t i;
    ngx_str_t *path = feeds->elts;
    struct gh_str *name = issuers->elts, *known = keyring->names.elts;
    ngx_http_gatehouse_source_t *source = keyring->sources.elts;

    if (keyring->sources.nelts != feeds->nelts
        || keyring->names.nelts != issuers->nelts)
    {
        return 0;
    }

    for (i = 0; i < feeds->nelts; i++) {
        if (ngx_strcmp(source[i].feed->path.data, path[i].data) != 0) {
            return 0;
        }
    }

    for (i = 0; i < issuers->nelts; i++) {
        if (!gh_str_eq(known[i], name[i])) {
            return 0;
        }
    }

    return 1;
}


static ngx_http_gatehouse_keyring_t *
ngx_http_gatehouse_keyring_create(ngx_conf_t *cf,
    ngx_http_gatehouse_main_conf_t *mcf, ngx_array_t *feeds,
    ngx_array_t *issuers)
{
    ngx_uint_t i;
    ngx_str_t *path = feeds->elts;
    ngx_pool_cleanup_t *cln;
    ngx_http_gatehouse_source_t *source;
    ngx_http_gatehouse_keyring_t *keyring, **slot;

    keyring = ngx_pcalloc(cf->pool, sizeof(ngx_http_gatehouse_keyring_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (keyring == NULL || cln == NULL
        || ngx_array_init(&keyring->sources, cf->pool, feeds->nelts,
                          sizeof(ngx_http_gatehouse_source_t))
               != NGX_OK
        || ngx_array_init(&keyring->audiences, cf->pool, 1,
                          sizeof(struct gh_str))
               != NGX_OK)
    {
        return NULL;
    }

    for (i = 0; i < feeds->nelts; i++) {
        source = ngx_array_push(&keyring->sources);
        if (source == NULL) {
            return NULL;
        }
        ngx_memzero(source, sizeof(ngx_http_gatehouse_source_t));

        source->feed = ngx_http_gatehouse_feed_add(cf, mcf, &path[i]);
        if (source->feed == NULL) {
            return NULL;
        }
    }

    keyring->names = *issuers;
    keyring->issuers = ngx_pcalloc(
        cf->pool, issuers->nelts * sizeof(ngx_http_gatehouse_issuer_t));
    if (keyring->issuers == NULL) {
        return NULL;
    }

    for (i = 0; i < issuers->nelts; i++) {
        keyring->issuers[i].feeds = ngx_pcalloc(
            cf->pool, feeds->nelts * sizeof(ngx_http_gatehouse_feed_t *));
        if (keyring->issuers[i].feeds == NULL) {
            return NULL;
        }
    }

    slot = ngx_array_push(&mcf->keyrings);
    if (slot == NULL) {
        return NULL;
    }
    *slot = keyring;

    cln->handler = ngx_http_gatehouse_keyring_cleanup;
    cln->data = keyring;

    return keyring;
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
    ngx_uint_t i;
    ngx_http_gatehouse_keyring_t *keyring = data;

    for (i = 0; i < keyring->names.nelts; i++) {
        gh_keyset_free(keyring->issuers[i].keyset);
        keyring->issuers[i].keyset = NULL;
        keyring->issuers[i].nfeeds = 0;
    }

    keyring->loaded = 0;
    keyring->usable = 0;
}


/* Asked for every request. One feed that cannot be read is trouble for all
 * issuers: it may be the one that says who was revoked. */

enum gh_err
ngx_http_gatehouse_keyring_refresh(ngx_http_gatehouse_keyring_t *keyring,
    ngx_log_t *log)
{
    enum gh_err err;
    ngx_uint_t i;
    unsigned long long generation;
    struct gh_str *name = keyring->names.elts;
    ngx_http_gatehouse_source_t *source = keyring->sources.elts;

    for (i = 0; i < keyring->sources.nelts; i++) {
        if (ngx_http_gatehouse_feed_check(source[i].feed, log) != GH_OK
            || ngx_http_gatehouse_feed_generation(source[i].feed, &generation)
                   != GH_OK)
        {
            return GH_ERR_FEED;
        }

        if (source[i].generation != generation
            || source[i].serial != source[i].feed->serial)
        {
            /* read before the keys: a change in between is seen next time */
            source[i].generation = generation;
            source[i].serial = source[i].feed->serial;
            keyring->loaded = 0;
        }
    }

    if (keyring->loaded) {
        return keyring->usable ? GH_OK : GH_ERR_FEED;
    }

    ngx_http_gatehouse_keyring_cleanup(keyring);

    err = ngx_http_gatehouse_keyring_load(keyring);
    if (err) {
        return err; /* may pass: the next request tries again */
    }
    keyring->loaded = 1;
    keyring->loads++;

    for (i = 0; i < keyring->names.nelts; i++) {
        if (keyring->issuers[i].keyset) {
            keyring->usable = 1;
            continue;
        }

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "gatehouse: no usable keys of issuer \"%*s\" in the "
                      "feed \"%V\" (%s)",
                      name[i].len, name[i].ptr,
                      keyring->issuers[i].nfeeds
                          ? &keyring->issuers[i].feeds[0]->path
                          : &source[0].feed->path,
                      gh_err_name(keyring->issuers[i].err));
    }

    return keyring->usable ? GH_OK : GH_ERR_FEED;
}


static enum gh_err
ngx_http_gatehouse_keyring_load(ngx_http_gatehouse_keyring_t *keyring)
{
    ngx_uint_t i;
    enum gh_err err;
    struct gh_str *name = keyring->names.elts, *jwks;
    struct gh_arena *arena;

    arena = gh_arena_new((keyring->names.nelts * keyring->sources.nelts + 1)
                         * 2 * GH_LIMIT_JWKS);
    if (arena == NULL) {
        return GH_ERR_NOMEM;
    }

    jwks = gh_arena_calloc(arena, keyring->names.nelts,
                           sizeof(struct gh_str));
    err = jwks ? GH_OK : GH_ERR_NOMEM;

    for (i = 0; err == GH_OK && i < keyring->names.nelts; i++) {
        err = ngx_http_gatehouse_issuer_load(keyring, name[i],
                                             &keyring->issuers[i], arena,
                                             &jwks[i]);
    }

    if (err == GH_OK
        && ngx_http_gatehouse_cache_identify(keyring, jwks) != NGX_OK)
    {
        err = GH_ERR_NOMEM;
    }

    gh_arena_free(arena);
    return err;
}


/* The keys are those of the first feed that has some; every feed that has
 * some speaks about the issuer. What is wrong with its keys is told in
 * issuer->err and concerns no other issuer. */

static enum gh_err
ngx_http_gatehouse_issuer_load(ngx_http_gatehouse_keyring_t *keyring,
    struct gh_str name, ngx_http_gatehouse_issuer_t *issuer,
    struct gh_arena *arena, struct gh_str *jwks)
{
    ngx_uint_t i;
    enum gh_err err;
    struct gh_str text;
    ngx_http_gatehouse_source_t *source = keyring->sources.elts;

    issuer->err = GH_ERR_NOT_FOUND;

    for (i = 0; i < keyring->sources.nelts; i++) {
        err = ngx_http_gatehouse_feed_keys(source[i].feed, arena, name,
                                           &text);
        if (err == GH_ERR_NOT_FOUND) {
            continue;
        }
        if (err) {
            return err;
        }

        issuer->feeds[issuer->nfeeds++] = source[i].feed;

        if (issuer->nfeeds == 1) {
            *jwks = text;
            issuer->err = gh_keyset_parse_jwks(
                text, NGX_HTTP_GATEHOUSE_FALLBACK_ALG, &issuer->keyset);
            if (issuer->err == GH_ERR_NOMEM
                || issuer->err == GH_ERR_CRYPTO)
            {
                return issuer->err;
            }
        }
    }

    return GH_OK;
}


ngx_http_gatehouse_issuer_t *
ngx_http_gatehouse_keyring_find(ngx_http_gatehouse_keyring_t *keyring,
    struct gh_str issuer)
{
    ngx_uint_t i;
    struct gh_str *name = keyring->names.elts;

    for (i = 0; i < keyring->names.nelts; i++) {
        if (gh_str_eq(name[i], issuer)) {
            return &keyring->issuers[i];
        }
    }

    return NULL;
}


enum gh_err
ngx_http_gatehouse_issuer_epochs(ngx_http_gatehouse_issuer_t *issuer,
    const struct gh_claims *claims, struct gh_str audience,
    struct gh_epochs *ret)
{
    ngx_uint_t i;
    enum gh_err err;
    struct gh_epochs more;

    if (issuer->nfeeds == 0) {
        return GH_ERR_FEED;
    }

    err = ngx_http_gatehouse_feed_epochs(issuer->feeds[0], claims, audience,
                                         ret);

    for (i = 1; err == GH_OK && i < issuer->nfeeds; i++) {
        err = ngx_http_gatehouse_feed_epochs(issuer->feeds[i], claims,
                                             audience, &more);
        if (err == GH_OK) {
            gh_feed_epochs_join(ret, &more);
        }
    }

    return err;
}
