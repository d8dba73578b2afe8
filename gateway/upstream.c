/* gateway/upstream.c - may an upstream hear a secret? One of this machine, or one
 * that proves who it is. Asked when nginx starts. */

#include "gateway/ngx_http_gatehouse_module.h"

#include "gateway/settings.h"

extern ngx_module_t ngx_http_proxy_module;

typedef struct {
    ngx_http_upstream_srv_conf_t *upstream;
    ngx_http_upstream_init_peer_pt init;
} ngx_http_gatehouse_checked_t;

static ngx_uint_t ngx_http_gatehouse_upstream_local(
    ngx_http_upstream_srv_conf_t *upstream);
static ngx_int_t ngx_http_gatehouse_upstream_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *upstream);


/* The proxy module's own struct is not told to others, but it begins with this
 * one, as that of every module that speaks to upstreams. Its locations and its
 * upstreams were made ready before ours: nginx goes module by module. */

char *
ngx_http_gatehouse_upstream_prove(ngx_conf_t *cf,
    ngx_http_gatehouse_loc_conf_t *conf)
{
    ngx_uint_t i;
    ngx_http_upstream_conf_t *ucf;
    ngx_http_core_loc_conf_t *clcf;
    ngx_http_gatehouse_checked_t *checked;
    ngx_http_gatehouse_main_conf_t *mcf;

    ucf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_proxy_module);
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_gatehouse_module);

    if (ucf->upstream == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"gatehouse_upstream_credential\" in \"%V\" needs "
                           "\"proxy_pass\" to an address without variables",
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    conf->upstream_local = ngx_http_gatehouse_upstream_local(ucf->upstream);

    if (!conf->upstream_local
        && (ucf->ssl == NULL || ucf->ssl->ctx == NULL
            || ucf->ssl_verify != 1))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"gatehouse_upstream_credential\" in \"%V\" would "
                           "go to whoever answers: \"proxy_pass\" to https: "
                           "with \"proxy_ssl_verify on\" proves the upstream",
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    /* Locations with the same TLS settings share ucf->ssl, so that one with
     * http: looks like its neighbour here: asked again before connecting. */
    if (mcf->checked == NULL) {
        mcf->checked = ngx_array_create(cf->pool, 4,
                                        sizeof(ngx_http_gatehouse_checked_t));
        if (mcf->checked == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    checked = mcf->checked->elts;
    for (i = 0; i < mcf->checked->nelts; i++) {
        if (checked[i].upstream == ucf->upstream) {
            return NGX_CONF_OK;
        }
    }

    checked = ngx_array_push(mcf->checked);
    if (checked == NULL) {
        return NGX_CONF_ERROR;
    }
    checked->upstream = ucf->upstream;
    checked->init = ucf->upstream->peer.init;
    ucf->upstream->peer.init = ngx_http_gatehouse_upstream_peer;

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_http_gatehouse_upstream_local(ngx_http_upstream_srv_conf_t *upstream)
{
    ngx_uint_t any;
    struct sockaddr *sa;
    struct in6_addr *in6;
    ngx_http_upstream_rr_peer_t *peer;
    ngx_http_upstream_rr_peers_t *peers;

    any = 0;

    for (peers = upstream->peer.data; peers; peers = peers->next) {
#if (NGX_HTTP_UPSTREAM_ZONE && nginx_version >= 1027003)
        if (peers->resolve) {
            return 0; /* addresses that nobody has seen yet */
        }
#endif
        for (peer = peers->peer; peer; peer = peer->next) {
            sa = peer->sockaddr;
            any = 1;

            if (sa->sa_family == AF_UNIX) {
                continue;
            }
            if (sa->sa_family == AF_INET
                && ntohl(((struct sockaddr_in *) sa)->sin_addr.s_addr) >> 24
                       == 127)
            {
                continue;
            }
            in6 = &((struct sockaddr_in6 *) sa)->sin6_addr;
            if (sa->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(in6)) {
                continue;
            }
            return 0;
        }
    }

    return any;
}


static ngx_int_t
ngx_http_gatehouse_upstream_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *upstream)
{
    ngx_uint_t i;
    ngx_http_gatehouse_checked_t *checked;
    ngx_http_gatehouse_loc_conf_t *conf;
    ngx_http_gatehouse_main_conf_t *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_gatehouse_module);
    conf = ngx_http_get_module_loc_conf(r, ngx_http_gatehouse_module);

    if (conf->credentials && conf->mode == NGX_HTTP_GATEHOUSE_ON
        && !conf->upstream_local
        && !(r->upstream->ssl && r->upstream->conf->ssl_verify))
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "gatehouse: a credential was not sent to an upstream "
                      "that is not proven: is \"proxy_pass\" to https:?");
        return NGX_ERROR;
    }

    checked = mcf->checked->elts;
    for (i = 0; i < mcf->checked->nelts; i++) {
        if (checked[i].upstream == upstream) {
            return checked[i].init(r, upstream);
        }
    }

    return NGX_ERROR;
}
