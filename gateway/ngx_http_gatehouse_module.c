/* gateway/ngx_http_gatehouse_module.c - what nginx calls when: the command table
 * out of directives.h, and our handlers in its phases. */

#include "gateway/ngx_http_gatehouse_module.h"

#include "gateway/directives.h"
#include "gateway/settings.h"

static ngx_int_t ngx_http_gatehouse_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_gatehouse_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_gatehouse_init_process(ngx_cycle_t *cycle);

#define IN_ANY (NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF)
#define IN_HTTP NGX_HTTP_MAIN_CONF
#define IN_PLACE NGX_HTTP_LOC_CONF

#define LOCATION(member)                                                     \
    NGX_HTTP_LOC_CONF_OFFSET, offsetof(ngx_http_gatehouse_loc_conf_t, member)
#define IN_LOCATION NGX_HTTP_LOC_CONF_OFFSET, 0
#define IN_MAIN NGX_HTTP_MAIN_CONF_OFFSET, 0

#define NGX_HTTP_GATEHOUSE_COMMAND(name, arguments, where, count, setter,    \
                                   field, post, standard, text)              \
    { ngx_string(name), (where) | (count), setter, field, post },

static ngx_command_t ngx_http_gatehouse_commands[] = {
    NGX_HTTP_GATEHOUSE_DIRECTIVES(NGX_HTTP_GATEHOUSE_COMMAND)
    ngx_null_command
};


static ngx_http_module_t ngx_http_gatehouse_module_ctx = {
    ngx_http_gatehouse_cache_variable,    /* preconfiguration */
    ngx_http_gatehouse_postconfiguration, /* postconfiguration */

    ngx_http_gatehouse_create_main_conf, /* create main configuration */
    ngx_http_gatehouse_init_main_conf,   /* init main configuration */

    NULL, /* create server configuration */
    NULL, /* merge server configuration */

    ngx_http_gatehouse_create_loc_conf, /* create location configuration */
    ngx_http_gatehouse_merge_loc_conf   /* merge location configuration */
};


ngx_module_t ngx_http_gatehouse_module = {
    NGX_MODULE_V1,
    &ngx_http_gatehouse_module_ctx, /* module context */
    ngx_http_gatehouse_commands,    /* module directives */
    NGX_HTTP_MODULE,                /* module type */
    NULL,                           /* init master */
    ngx_http_gatehouse_init_module, /* init module */
    ngx_http_gatehouse_init_process, /* init process */
    NULL,                           /* init thread */
    NULL,                           /* exit thread */
    NULL,                           /* exit process */
    NULL,                           /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_gatehouse_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_handler_pt *h;
    ngx_str_t request_id = ngx_string("request_id");
    ngx_http_core_main_conf_t *cmcf;
    ngx_http_gatehouse_main_conf_t *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_gatehouse_module);
    mcf->request_id = ngx_http_get_variable_index(cf, &request_id);
    if (mcf->request_id == NGX_ERROR) {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }
    *h = ngx_http_gatehouse_access_handler;

    /* nginx skips the access phase for subrequests */
    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }
    *h = ngx_http_gatehouse_subrequest_handler;

    /* before the rewrite module's own, which was there first */
    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }
    *h = ngx_http_gatehouse_forward_handler;

    if (ngx_http_gatehouse_body_filter_init(cf) != NGX_OK
        || ngx_http_gatehouse_list_init(cf) != NGX_OK
        || ngx_http_gatehouse_cors_init(cf) != NGX_OK
        || ngx_http_gatehouse_credentials_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_gatehouse_header_filter_init(cf);
}


static ngx_int_t
ngx_http_gatehouse_init_module(ngx_cycle_t *cycle)
{
    if (ngx_http_gatehouse_feeds_open(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_gatehouse_cache_init(cycle);
}


static ngx_int_t
ngx_http_gatehouse_init_process(ngx_cycle_t *cycle)
{
    if (ngx_http_gatehouse_feeds_cover(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_gatehouse_request_id_init(cycle);
}
