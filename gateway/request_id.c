/* gateway/request_id.c - the name of a request: the caller's own where it is
 * a word, else $request_id. nginx asks OpenSSL's random generator for that,
 * which is one system call and some 3 us for each request; ours are the values
 * of a keyed hash at 1, 2, 3 ..., as hard to foretell and as different. Written
 * into the variable, so that access logs with $request_id agree. */

#include "gateway/ngx_http_gatehouse_module.h"

#include <openssl/rand.h>

#include "feed/siphash.h"
#include "gateway/wire.h"

static uint64_t ngx_http_gatehouse_request_id_key[2];
static uint64_t ngx_http_gatehouse_request_id_count;


/* In each worker, after the fork: no two may have the same key. */

ngx_int_t
ngx_http_gatehouse_request_id_init(ngx_cycle_t *cycle)
{
    if (RAND_bytes((u_char *) ngx_http_gatehouse_request_id_key,
                   sizeof(ngx_http_gatehouse_request_id_key))
        != 1)
    {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "RAND_bytes() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Chooses ctx->request_id, which holds what the caller sent, if anything. */

ngx_int_t
ngx_http_gatehouse_request_id(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx)
{
    u_char *p;
    uint64_t id[2];
    struct gh_siphash hash;
    ngx_http_variable_value_t *vv;
    ngx_http_gatehouse_main_conf_t *mcf;

    if (gh_request_id_ok(ctx->request_id)) {
        return NGX_OK;
    }
    ctx->request_id = (struct gh_str){ NULL, 0 };

    mcf = ngx_http_get_module_main_conf(r, ngx_http_gatehouse_module);
    vv = &r->variables[mcf->request_id];

    /* somebody asked for it before us: then it has its value */
    if (!vv->valid) {
        ngx_http_gatehouse_request_id_count++;
        gh_siphash_init(&hash, ngx_http_gatehouse_request_id_key);
        gh_siphash_add(&hash,
                       (struct gh_str){
                           (char *) &ngx_http_gatehouse_request_id_count,
                           sizeof(uint64_t) });
        gh_siphash_end(&hash, id);

        p = ngx_pnalloc(r->pool, 2 * sizeof(id));
        if (p == NULL) {
            return NGX_ERROR;
        }
        ngx_hex_dump(p, (u_char *) id, sizeof(id));

        vv->data = p;
        vv->len = 2 * sizeof(id);
        vv->valid = 1;
        vv->no_cacheable = 0;
        vv->not_found = 0;
    }

    ctx->request_id = (struct gh_str){ (char *) vv->data, vv->len };

    return NGX_OK;
}
