/* gateway/identity_keys.c - the keys of X-Gatehouse-Identity: read when nginx
 * starts, and published for the upstream. */

#include "gateway/ngx_http_gatehouse_module.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "core/jwk.h"
#include "gateway/identity.h"
#include "gateway/settings.h"
#include "gateway/wire.h"

static char *ngx_http_gatehouse_identity_pem(ngx_conf_t *cf, ngx_str_t *file,
    ngx_uint_t old, EVP_PKEY **ret);
static char *ngx_http_gatehouse_identity_publish(ngx_conf_t *cf,
    EVP_PKEY **pkeys, ngx_uint_t n, ngx_http_gatehouse_signer_t *signer);
static void ngx_http_gatehouse_identity_cleanup(void *data);
static ngx_int_t ngx_http_gatehouse_identity_handler(ngx_http_request_t *r);


char *
ngx_http_gatehouse_identity_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char *rv;
    ngx_uint_t i, n;
    ngx_str_t *value = cf->args->elts;
    EVP_PKEY **pkeys;
    ngx_pool_cleanup_t *cln;
    ngx_http_gatehouse_loc_conf_t *lcf = conf;
    ngx_http_gatehouse_signer_t *signer;

    if (lcf->signer != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    if (value[2].len == 0 || !gh_quotable(ngx_http_gatehouse_str(value[2]))) {
        return "takes an issuer of visible ASCII without quotes and "
               "backslashes";
    }

    signer = ngx_pcalloc(cf->pool, sizeof(ngx_http_gatehouse_signer_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);
    pkeys = ngx_pcalloc(cf->pool, cf->args->nelts * sizeof(EVP_PKEY *));
    if (signer == NULL || cln == NULL || pkeys == NULL
        || ngx_http_gatehouse_credentials_take_away(cf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    signer->issuer = value[2];
    cln->handler = ngx_http_gatehouse_identity_cleanup;
    cln->data = signer;

    n = 0;
    rv = NGX_CONF_OK;
    for (i = 1; i < cf->args->nelts && rv == NGX_CONF_OK; i++) {
        if (i != 2) {
            rv = ngx_http_gatehouse_identity_pem(cf, &value[i], n > 0,
                                                 &pkeys[n]);
            n += rv == NGX_CONF_OK;
        }
    }

    if (rv == NGX_CONF_OK) {
        rv = ngx_http_gatehouse_identity_publish(cf, pkeys, n, signer);
    }

    for (i = 0; i < n; i++) {
        if (pkeys[i] != signer->key.pkey) {
            EVP_PKEY_free(pkeys[i]);
        }
    }

    lcf->signer = signer;

    return rv;
}


/* nginx must not stop at its start to ask for a passphrase. */

static int
ngx_http_gatehouse_identity_no_passphrase(char *buf, int size, int rwflag,
    void *data)
{
    return 0;
}


static char *
ngx_http_gatehouse_identity_pem(ngx_conf_t *cf, ngx_str_t *file,
    ngx_uint_t old, EVP_PKEY **ret)
{
    BIO *bio;
    ngx_str_t pem;

    if (ngx_http_gatehouse_secret_read(cf, file, GH_LIMIT_KEY_FILE, &pem)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    *ret = NULL;
    bio = pem.len > GH_LIMIT_KEY_FILE ? NULL
                                      : BIO_new_mem_buf(pem.data, pem.len);
    if (bio) {
        *ret = PEM_read_bio_PrivateKey(
            bio, NULL, ngx_http_gatehouse_identity_no_passphrase, NULL);
        BIO_free(bio);
    }

    if (bio && *ret == NULL && old) {
        bio = BIO_new_mem_buf(pem.data, pem.len);
        *ret = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
        BIO_free(bio);
    }

    explicit_bzero(pem.data, pem.len);

    if (*ret == NULL || gh_jwk_check(GH_ES256, *ret) != GH_OK) {
        EVP_PKEY_free(*ret);
        *ret = NULL;
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the key \"%V\" must be a P-256 key in PEM, "
                           "without a passphrase: openssl genpkey -algorithm "
                           "EC -pkeyopt ec_paramgen_curve:P-256",
                           file);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* The JWK set of all keys; the first one becomes the signer's. */

static char *
ngx_http_gatehouse_identity_publish(ngx_conf_t *cf, EVP_PKEY **pkeys,
    ngx_uint_t n, ngx_http_gatehouse_signer_t *signer)
{
    char *rv;
    ngx_uint_t i;
    struct gh_buf text;
    struct gh_key key;
    struct gh_str kid;
    struct gh_arena *arena;

    rv = NGX_CONF_ERROR;
    text = gh_buf_make(GH_LIMIT_JWKS);
    arena = gh_arena_new(GH_LIMIT_JWKS);

    gh_buf_add(&text, GH_STR("{\"keys\":["));
    for (i = 0; arena && i < n; i++) {
        if (gh_jwk_thumbprint(arena, pkeys[i], &kid) != GH_OK) {
            goto done;
        }

        ngx_memzero(&key, sizeof(key));
        key.alg = GH_ES256;
        key.kid = kid;
        key.pkey = pkeys[i];

        if (i > 0) {
            gh_buf_add_char(&text, ',');
        }
        if (gh_jwk_format(&key, &text) != GH_OK) {
            goto done;
        }

        if (i == 0) {
            signer->key = key;
            signer->key.kid.ptr = ngx_pnalloc(cf->pool, kid.len);
            if (signer->key.kid.ptr == NULL) {
                signer->key.pkey = NULL;
                goto done;
            }
            ngx_memcpy((char *) signer->key.kid.ptr, kid.ptr, kid.len);
        }
    }
    gh_buf_add(&text, GH_STR("]}"));

    signer->jwks.data = arena && !text.failed ? ngx_pnalloc(cf->pool, text.len)
                                              : NULL;
    if (signer->jwks.data) {
        ngx_memcpy(signer->jwks.data, text.ptr, text.len);
        signer->jwks.len = text.len;
        rv = NGX_CONF_OK;
    }

done:

    gh_arena_free(arena);
    gh_buf_release(&text);

    return rv;
}


static void
ngx_http_gatehouse_identity_cleanup(void *data)
{
    ngx_uint_t i;
    ngx_http_gatehouse_signer_t *signer = data;

    EVP_PKEY_free(signer->key.pkey);
    EVP_MD_free(signer->sha256);

    for (i = 0; signer->kept && i < NGX_HTTP_GATEHOUSE_SIGNED; i++) {
        ngx_free(signer->kept[i].token.data);
    }
    ngx_free(signer->kept);
}


char *
ngx_http_gatehouse_identity_jwks(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t *value = cf->args->elts;
    ngx_http_core_loc_conf_t *clcf;
    ngx_http_gatehouse_loc_conf_t *lcf = conf;

    if (lcf->jwks) {
        return "is duplicate";
    }

    if (ngx_strcasecmp(value[1].data, (u_char *) "off") == 0) {
        return NGX_CONF_OK;
    }
    if (ngx_strcasecmp(value[1].data, (u_char *) "on") != 0) {
        return "takes \"on\" or \"off\"";
    }

    lcf->jwks = 1;
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_gatehouse_identity_handler;

    return NGX_CONF_OK;
}


char *
ngx_http_gatehouse_identity_merge(ngx_conf_t *cf,
    ngx_http_gatehouse_loc_conf_t *prev, ngx_http_gatehouse_loc_conf_t *conf)
{
    ngx_uint_t i;
    struct gh_str *issuer;
    ngx_http_core_loc_conf_t *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    ngx_conf_merge_ptr_value(conf->signer, prev->signer, NULL);

    if (conf->jwks && conf->signer == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"gatehouse_identity_jwks\" in \"%V\" needs "
                           "\"gatehouse_identity_key\"",
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (conf->signer == NULL || conf->issuers == NULL) {
        return NGX_CONF_OK;
    }

    /* nobody may take what we sign for what the tenant signed */
    issuer = conf->issuers->elts;
    for (i = 0; i < conf->issuers->nelts; i++) {
        if (gh_str_eq(issuer[i],
                      ngx_http_gatehouse_str(conf->signer->issuer)))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"gatehouse_identity_key\" in \"%V\" needs an "
                               "issuer of its own, not a \"gatehouse_issuer\"",
                               &clcf->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_gatehouse_identity_handler(ngx_http_request_t *r)
{
    ngx_int_t rc;
    ngx_buf_t *b;
    ngx_chain_t out;
    ngx_http_gatehouse_loc_conf_t *conf;

    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    conf = ngx_http_get_module_loc_conf(r, ngx_http_gatehouse_module);

    ngx_str_set(&r->headers_out.content_type, "application/jwk-set+json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = conf->signer->jwks.len;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL
        || ngx_http_gatehouse_respond(r, "Cache-Control",
                                      GH_STR("public, max-age=300"))
               != NGX_OK)
    {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->pos = conf->signer->jwks.data;
    b->last = b->pos + conf->signer->jwks.len;
    b->memory = 1;
    b->last_buf = r == r->main;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}
