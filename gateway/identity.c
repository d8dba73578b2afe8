/* gateway/identity.c - X-Gatehouse-Identity: who calls, as a token that the
 * gateway signs for the upstream, so that the upstream need not believe
 * everybody who reaches it. */

#include "gateway/identity.h"

#include <openssl/evp.h>

#include "core/json.h"
#include "core/jws.h"

#define NGX_HTTP_GATEHOUSE_SIGN_ARENA (1024 * 1024)

u_char ngx_http_gatehouse_identity_name[] = "x-gatehouse-identity";

static enum gh_err ngx_http_gatehouse_identity_hash(
    ngx_http_gatehouse_signer_t *signer, ngx_http_gatehouse_loc_conf_t *conf,
    ngx_http_gatehouse_ctx_t *ctx, u_char *key);
static enum gh_err ngx_http_gatehouse_identity_sign(
    ngx_http_gatehouse_signer_t *signer, ngx_http_gatehouse_loc_conf_t *conf,
    const struct gh_claims *claims, ngx_http_gatehouse_signed_t *kept);


/* Signs once for a caller's token and half a minute; a place is found by the
 * hash of what the caller sent, and taken over by whoever comes next. */

enum gh_err
ngx_http_gatehouse_identity_add(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, ngx_http_gatehouse_ctx_t *ctx)
{
    u_char key[32];
    ngx_uint_t hash;
    ngx_str_t value, name = ngx_string("X-Gatehouse-Identity");
    enum gh_err err;
    ngx_http_gatehouse_signed_t *kept;
    ngx_http_gatehouse_signer_t *signer = conf->signer;

    if (signer->kept == NULL) {
        signer->kept = ngx_calloc(NGX_HTTP_GATEHOUSE_SIGNED
                                      * sizeof(ngx_http_gatehouse_signed_t),
                                  r->connection->log);
    }
    if (signer->kept == NULL) {
        return GH_ERR_NOMEM;
    }

    err = ngx_http_gatehouse_identity_hash(signer, conf, ctx, key);
    if (err) {
        return err;
    }

    kept = &signer->kept[(key[0] << 8 | key[1]) % NGX_HTTP_GATEHOUSE_SIGNED];

    if (kept->renew <= ngx_time()
        || ngx_memcmp(kept->key, key, sizeof(key)) != 0)
    {
        err = ngx_http_gatehouse_identity_sign(signer, conf, &ctx->claims,
                                               kept);
        if (err) {
            return err;
        }
        ngx_memcpy(kept->key, key, sizeof(key));
    }

    hash = ngx_hash_key(ngx_http_gatehouse_identity_name, name.len);
    value.len = kept->token.len;
    value.data = ngx_pstrdup(r->pool, &kept->token);
    if (value.data == NULL
        || ngx_http_gatehouse_request_header(r, name,
                                             ngx_http_gatehouse_identity_name,
                                             hash, value)
               != NGX_OK)
    {
        return GH_ERR_NOMEM;
    }

    return GH_OK;
}


/* Of the audience, with its length, and Authorization. */

static enum gh_err
ngx_http_gatehouse_identity_hash(ngx_http_gatehouse_signer_t *signer,
    ngx_http_gatehouse_loc_conf_t *conf, ngx_http_gatehouse_ctx_t *ctx,
    u_char *key)
{
    int ok;
    EVP_MD_CTX *digest;

    if (signer->sha256 == NULL) {
        signer->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    }
    if (signer->sha256 == NULL) {
        return GH_ERR_NOMEM;
    }

    digest = EVP_MD_CTX_new();
    ok = digest && EVP_DigestInit_ex2(digest, signer->sha256, NULL)
         && EVP_DigestUpdate(digest, &conf->audience.len, sizeof(size_t))
         && EVP_DigestUpdate(digest, conf->audience.data, conf->audience.len)
         && EVP_DigestUpdate(digest, ctx->authorization.ptr,
                             ctx->authorization.len)
         && EVP_DigestFinal_ex(digest, key, NULL);
    EVP_MD_CTX_free(digest);

    return ok ? GH_OK : GH_ERR_CRYPTO;
}


static void
ngx_http_gatehouse_identity_claim(struct gh_buf *json, const char *name,
    struct gh_str value)
{
    if (value.len) {
        gh_buf_addf(json, ",\"%s\":", name);
        gh_json_quote(json, value);
    }
}


/* Empties the place first: a failure leaves nothing of somebody else there. */

static enum gh_err
ngx_http_gatehouse_identity_sign(ngx_http_gatehouse_signer_t *signer,
    ngx_http_gatehouse_loc_conf_t *conf, const struct gh_claims *claims,
    ngx_http_gatehouse_signed_t *kept)
{
    size_t i;
    time_t now = ngx_time(), expires;
    enum gh_err err;
    struct gh_buf json;
    struct gh_str token = { NULL, 0 };
    struct gh_arena *arena;

    ngx_free(kept->token.data);
    ngx_memzero(kept, sizeof(ngx_http_gatehouse_signed_t));

    /* never longer than the caller's own token is good for */
    expires = ngx_min(now + GH_LIMIT_IDENTITY_SECONDS,
                      (time_t) claims->expires_at + conf->leeway);

    json = gh_buf_make(NGX_HTTP_GATEHOUSE_SIGN_ARENA / 4);
    gh_buf_add(&json, GH_STR("{\"iss\":"));
    gh_json_quote(&json, ngx_http_gatehouse_str(signer->issuer));
    ngx_http_gatehouse_identity_claim(&json, "aud",
                                      ngx_http_gatehouse_str(conf->audience));
    ngx_http_gatehouse_identity_claim(&json, "sub", claims->subject);
    ngx_http_gatehouse_identity_claim(&json, "org_id", claims->organization);
    ngx_http_gatehouse_identity_claim(&json, "client_id", claims->client);

    gh_buf_addf(&json, ",\"iat\":%lld,\"exp\":%lld,\"permissions\":[",
                (long long) now, (long long) expires);
    for (i = 0; i < claims->permission_count; i++) {
        if (i > 0) {
            gh_buf_add_char(&json, ',');
        }
        gh_json_quote(&json, claims->permissions[i]);
    }
    gh_buf_add(&json, GH_STR("]}"));

    arena = gh_arena_new(NGX_HTTP_GATEHOUSE_SIGN_ARENA);
    err = arena == NULL || json.failed
              ? GH_ERR_NOMEM
              : gh_jws_sign(arena, &signer->key,
                            GH_STR("gatehouse-identity+jwt"),
                            gh_buf_str(&json), &token);

    if (err == GH_OK) {
        kept->token.data = ngx_alloc(token.len, ngx_cycle->log);
        if (kept->token.data) {
            ngx_memcpy(kept->token.data, token.ptr, token.len);
            kept->token.len = token.len;
            kept->renew = now + ngx_max((expires - now) / 2, 1);
        } else {
            err = GH_ERR_NOMEM;
        }
    }

    gh_arena_free(arena);
    gh_buf_release(&json);

    return err;
}
