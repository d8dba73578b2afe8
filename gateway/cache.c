/* gateway/cache.c - tokens that were opened before, in memory that the
 * workers share. A hit spares gh_token_open; the decision is made anew each
 * time. */

#include "gateway/ngx_http_gatehouse_module.h"

#include <openssl/evp.h>

static void ngx_http_gatehouse_cache_cleanup(void *data);
static ngx_int_t
ngx_http_gatehouse_cache_key(ngx_http_gatehouse_cache_t *cache,
                             ngx_http_gatehouse_keyring_t *keyring,
                             struct gh_str token, u_char *key);
static ngx_int_t ngx_http_gatehouse_cache_status(ngx_http_request_t *r,
                                                 ngx_http_variable_value_t *v,
                                                 uintptr_t data);


/* In the master. Each configuration has memory of its own, so that nothing in
 * it was written by another one; without it tokens are opened each time. */

ngx_int_t
ngx_http_gatehouse_cache_init(ngx_cycle_t *cycle)
{
    size_t refused;
    ngx_pool_cleanup_t *cln;
    ngx_http_gatehouse_cache_t *cache;
    ngx_http_gatehouse_main_conf_t *mcf;

    mcf =
        ngx_http_cycle_get_module_main_conf(cycle, ngx_http_gatehouse_module);
    if (mcf == NULL || mcf->keyrings.nelts == 0 || mcf->cache.shm.size == 0) {
        return NGX_OK;
    }

    cache = &mcf->cache;
    cache->shm.log = cycle->log;
    ngx_str_set(&cache->shm.name, "gatehouse_token_cache");

    cln = ngx_pool_cleanup_add(cycle->pool, 0);
    if (cln == NULL || ngx_shm_alloc(&cache->shm) != NGX_OK) {
        return NGX_ERROR;
    }
    cln->handler = ngx_http_gatehouse_cache_cleanup;
    cln->data = cache;

    /* apart: no number of bad tokens takes the place of a good one */
    refused = ngx_max(cache->shm.size / 16, GH_TOKEN_TABLE_MIN);

    cache->usable = gh_token_table_view(&cache->good, cache->shm.addr,
                                        cache->shm.size - refused)
                    && gh_token_table_view(
                        &cache->refused,
                        cache->shm.addr + cache->shm.size - refused, refused);

    return cache->usable ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_gatehouse_cache_cleanup(void *data)
{
    ngx_http_gatehouse_cache_t *cache = data;

    EVP_MD_CTX_free(cache->digest);
    EVP_MD_free(cache->sha256);
    ngx_shm_free(&cache->shm);
}


/* What is the same for all tokens of a keyring: whose they are, and the very
 * keys. Other keys, another identity: what was opened with the old ones is
 * not found any more. */

ngx_int_t
ngx_http_gatehouse_cache_identify(ngx_http_gatehouse_keyring_t *keyring,
                                  const struct gh_str *jwks)
{
    int ok;
    size_t i;
    EVP_MD_CTX *digest;
    struct gh_str *audience = keyring->audiences.elts;
    struct gh_str *issuer = keyring->names.elts;

    digest = EVP_MD_CTX_new();
    if (digest == NULL) {
        return NGX_ERROR;
    }

    ok = EVP_DigestInit_ex(digest, EVP_sha256(), NULL)
         && EVP_DigestUpdate(digest, &keyring->names.nelts,
                             sizeof(ngx_uint_t));

    for (i = 0; ok && i < keyring->names.nelts; i++) {
        ok = EVP_DigestUpdate(digest, &issuer[i].len, sizeof(size_t))
             && EVP_DigestUpdate(digest, issuer[i].ptr, issuer[i].len)
             && EVP_DigestUpdate(digest, &jwks[i].len, sizeof(size_t))
             && EVP_DigestUpdate(digest, jwks[i].ptr, jwks[i].len);
    }

    for (i = 0; ok && i < keyring->audiences.nelts; i++) {
        ok = EVP_DigestUpdate(digest, &audience[i].len, sizeof(size_t))
             && EVP_DigestUpdate(digest, audience[i].ptr, audience[i].len);
    }

    ok = ok && EVP_DigestFinal_ex(digest, keyring->identity, NULL);
    EVP_MD_CTX_free(digest);

    return ok ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_gatehouse_cache_key(ngx_http_gatehouse_cache_t *cache,
                             ngx_http_gatehouse_keyring_t *keyring,
                             struct gh_str token, u_char *key)
{
    if (!cache->usable) {
        return NGX_DECLINED;
    }

    /* fetched once: asking OpenSSL by name costs more than the hash */
    if (cache->digest == NULL) {
        if (cache->sha256 == NULL) {
            cache->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        }
        cache->digest = EVP_MD_CTX_new();
        if (cache->sha256 == NULL || cache->digest == NULL) {
            EVP_MD_CTX_free(cache->digest);
            cache->digest = NULL;
            return NGX_DECLINED;
        }
    }

    if (!EVP_DigestInit_ex2(cache->digest, cache->sha256, NULL)
        || !EVP_DigestUpdate(cache->digest, keyring->identity, GH_TOKEN_KEY)
        || !EVP_DigestUpdate(cache->digest, token.ptr, token.len)
        || !EVP_DigestFinal_ex(cache->digest, key, NULL)) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static struct gh_token_scope
ngx_http_gatehouse_cache_scope(ngx_http_gatehouse_keyring_t *keyring)
{
    return (struct gh_token_scope){
        .issuers = keyring->names.elts,
        .issuer_count = keyring->names.nelts,
        .audiences = keyring->audiences.elts,
        .audience_count = keyring->audiences.nelts,
    };
}


/* Says in ctx->cached what became of it; the verdict is valid unless that is
 * NONE or MISS. `key` is for ngx_http_gatehouse_cache_put(). */

enum gh_err
ngx_http_gatehouse_cache_get(ngx_http_request_t *r,
                             ngx_http_gatehouse_keyring_t *keyring,
                             struct gh_str token, u_char *key,
                             ngx_http_gatehouse_ctx_t *ctx)
{
    enum gh_err err;
    struct gh_token_scope scope = ngx_http_gatehouse_cache_scope(keyring);
    ngx_http_gatehouse_cache_t *cache;
    ngx_http_gatehouse_main_conf_t *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_gatehouse_module);
    cache = &mcf->cache;

    ctx->cached = NGX_HTTP_GATEHOUSE_CACHE_NONE;
    if (ngx_http_gatehouse_cache_key(cache, keyring, token, key) != NGX_OK) {
        return GH_OK;
    }

    err = gh_token_table_find(&cache->good, key, ctx->arena, &scope,
                              &ctx->claims);
    if (err == GH_OK) {
        ctx->cached = NGX_HTTP_GATEHOUSE_CACHE_HIT;
        return GH_OK;
    }

    err = gh_token_table_refusal(&cache->refused, key);
    ctx->cached = err ? NGX_HTTP_GATEHOUSE_CACHE_REFUSED
                      : NGX_HTTP_GATEHOUSE_CACHE_MISS;

    return err;
}


void
ngx_http_gatehouse_cache_put(ngx_http_request_t *r,
                             ngx_http_gatehouse_keyring_t *keyring,
                             const u_char *key, ngx_http_gatehouse_ctx_t *ctx)
{
    struct gh_token_scope scope = ngx_http_gatehouse_cache_scope(keyring);
    ngx_http_gatehouse_main_conf_t *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_gatehouse_module);

    switch (ctx->opened) {

    case GH_OK:
        /* who collects dead tokens must not fill it with them */
        if (ctx->claims.expires_at > ngx_time()) {
            gh_token_table_put(&mcf->cache.good, key, &scope, &ctx->claims);
        }
        return;

    case GH_ERR_NOMEM:
    case GH_ERR_CRYPTO:
        return; /* ours, not the token's: may pass */

    default:
        gh_token_table_put_refusal(&mcf->cache.refused, key, ctx->opened);
        return;
    }
}


/* $gatehouse_cache_status, for access logs as $upstream_cache_status is. */

ngx_int_t
ngx_http_gatehouse_cache_variable(ngx_conf_t *cf)
{
    ngx_http_variable_t *var;
    ngx_str_t name = ngx_string("gatehouse_cache_status");

    var = ngx_http_add_variable(cf, &name, 0);
    if (var == NULL) {
        return NGX_ERROR;
    }
    var->get_handler = ngx_http_gatehouse_cache_status;
    var->flags |= NGX_HTTP_VAR_NOCACHEABLE;

    return NGX_OK;
}


static ngx_int_t
ngx_http_gatehouse_cache_status(ngx_http_request_t *r,
                                ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_gatehouse_ctx_t *ctx;
    static ngx_str_t words[] = {
        [NGX_HTTP_GATEHOUSE_CACHE_NONE] = ngx_null_string,
        [NGX_HTTP_GATEHOUSE_CACHE_MISS] = ngx_string("MISS"),
        [NGX_HTTP_GATEHOUSE_CACHE_HIT] = ngx_string("HIT"),
        [NGX_HTTP_GATEHOUSE_CACHE_REFUSED] = ngx_string("REFUSED"),
    };

    ctx = ngx_http_gatehouse_ctx_find(r);
    if (ctx == NULL || ctx->cached == NGX_HTTP_GATEHOUSE_CACHE_NONE) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = words[ctx->cached].data;
    v->len = words[ctx->cached].len;
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}
