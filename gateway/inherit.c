/* gateway/inherit.c - what a location has from above, and what does not start
 * (rule 1: what cannot decide is no configuration). */

#include "gateway/ngx_http_gatehouse_module.h"

#include "gateway/settings.h"

/* Room for some 35,000 tokens; memory is taken as it is used. */
#define NGX_HTTP_GATEHOUSE_CACHE_SIZE (8 * 1024 * 1024)

#define NGX_HTTP_GATEHOUSE_BODY_SIZE_MAX (64 * 1024 * 1024)

static char *ngx_http_gatehouse_check_off(ngx_conf_t *cf,
    ngx_uint_t guarded_parent, ngx_uint_t own_permissions);
static char *ngx_http_gatehouse_check_policy(ngx_conf_t *cf,
    ngx_http_gatehouse_loc_conf_t *conf);
static char *ngx_http_gatehouse_merge_forward_auth(ngx_conf_t *cf,
    ngx_http_gatehouse_loc_conf_t *prev, ngx_http_gatehouse_loc_conf_t *conf);
static char *ngx_http_gatehouse_make_policy(ngx_conf_t *cf,
    ngx_http_gatehouse_loc_conf_t *conf);


void *
ngx_http_gatehouse_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_gatehouse_main_conf_t *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_gatehouse_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    mcf->cache.shm.size = NGX_CONF_UNSET_SIZE;

    if (ngx_array_init(&mcf->feeds, cf->pool, 1, sizeof(void *)) != NGX_OK
        || ngx_array_init(&mcf->keyrings, cf->pool, 1, sizeof(void *))
               != NGX_OK)
    {
        return NULL;
    }

    return mcf;
}


char *
ngx_http_gatehouse_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_gatehouse_main_conf_t *mcf = conf;

    ngx_conf_init_size_value(mcf->cache.shm.size,
                             NGX_HTTP_GATEHOUSE_CACHE_SIZE);

    return NGX_CONF_OK;
}


void *
ngx_http_gatehouse_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_gatehouse_loc_conf_t *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_gatehouse_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /* set by ngx_pcalloc(): texts, methods, apis, what is not inherited, and
     * policy, scope, keyring */
    conf->mode = NGX_CONF_UNSET_UINT;
    conf->issuers = NGX_CONF_UNSET_PTR;
    conf->feeds = NGX_CONF_UNSET_PTR;
    conf->permissions = NGX_CONF_UNSET_PTR;
    conf->leeway = NGX_CONF_UNSET;
    conf->cookies = NGX_CONF_UNSET_UINT;
    conf->models = NGX_CONF_UNSET_UINT;
    conf->body_size = NGX_CONF_UNSET;
    conf->routes = NGX_CONF_UNSET_PTR;
    conf->stream_check = NGX_CONF_UNSET_MSEC;
    conf->cors = NGX_CONF_UNSET_PTR;
    conf->forward_auth = NGX_CONF_UNSET_UINT;
    conf->peers = NGX_CONF_UNSET_PTR;
    conf->credentials = NGX_CONF_UNSET_PTR;
    conf->signer = NGX_CONF_UNSET_PTR;

    return conf;
}


char *
ngx_http_gatehouse_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_gatehouse_loc_conf_t *prev = parent;
    ngx_http_gatehouse_loc_conf_t *conf = child;

    ngx_uint_t guarded_parent, own_permissions;
    ngx_http_core_loc_conf_t *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    guarded_parent = prev->mode != NGX_CONF_UNSET_UINT
                     && prev->mode != NGX_HTTP_GATEHOUSE_OFF;
    own_permissions = conf->permissions != NGX_CONF_UNSET_PTR;

    ngx_conf_merge_uint_value(conf->mode, prev->mode, NGX_HTTP_GATEHOUSE_OFF);
    ngx_conf_merge_ptr_value(conf->issuers, prev->issuers, NULL);
    ngx_conf_merge_str_value(conf->audience, prev->audience, "");
    ngx_conf_merge_str_value(conf->organization, prev->organization, "any");
    ngx_conf_merge_ptr_value(conf->feeds, prev->feeds, NULL);
    ngx_conf_merge_ptr_value(conf->permissions, prev->permissions, NULL);
    ngx_conf_merge_sec_value(conf->leeway, prev->leeway, 60);
    ngx_conf_merge_msec_value(conf->stream_check, prev->stream_check, 0);
    ngx_conf_merge_uint_value(conf->cookies, prev->cookies,
                              NGX_HTTP_GATEHOUSE_COOKIES_STRIP);
    if (conf->methods == 0) {
        conf->methods = prev->methods;
    }
    ngx_conf_merge_uint_value(conf->models, prev->models,
                              NGX_HTTP_GATEHOUSE_MODELS_AUTO);
    ngx_conf_merge_off_value(conf->body_size, prev->body_size, 1024 * 1024);
    ngx_conf_merge_ptr_value(conf->routes, prev->routes, NULL);
    if (conf->cors == NGX_CONF_UNSET_PTR) {
        conf->cors_credentials = prev->cors_credentials;
    }
    ngx_conf_merge_ptr_value(conf->cors, prev->cors, NULL);
    ngx_conf_merge_bitmask_value(conf->apis, prev->apis,
                                 NGX_CONF_BITMASK_SET);

    if (conf->body_size > NGX_HTTP_GATEHOUSE_BODY_SIZE_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"gatehouse_body_size\" in \"%V\" is more than "
                           "64m: bodies are kept in memory",
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_gatehouse_merge_forward_auth(cf, prev, conf) != NGX_CONF_OK
        || ngx_http_gatehouse_credentials_merge(cf, prev, conf)
               != NGX_CONF_OK
        || ngx_http_gatehouse_identity_merge(cf, prev, conf) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    switch (conf->mode) {

    case NGX_HTTP_GATEHOUSE_OFF:
        return ngx_http_gatehouse_check_off(cf, guarded_parent,
                                            own_permissions);

    case NGX_HTTP_GATEHOUSE_PUBLIC:
        return NGX_CONF_OK;

    default:
        return ngx_http_gatehouse_check_policy(cf, conf);
    }
}


static char *
ngx_http_gatehouse_check_off(ngx_conf_t *cf, ngx_uint_t guarded_parent,
    ngx_uint_t own_permissions)
{
    ngx_http_core_loc_conf_t *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (guarded_parent) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"gatehouse off\" in \"%V\" would open a "
                           "part of what is guarded around it; a route "
                           "for everybody is \"gatehouse public\"",
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (own_permissions) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"gatehouse_permission\" in \"%V\" has no "
                           "effect without \"gatehouse on\"",
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_gatehouse_merge_forward_auth(ngx_conf_t *cf,
    ngx_http_gatehouse_loc_conf_t *prev, ngx_http_gatehouse_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t *clcf;
    ngx_http_gatehouse_main_conf_t *mcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    ngx_conf_merge_ptr_value(conf->peers, prev->peers, NULL);
    ngx_conf_init_uint_value(conf->forward_auth,
                             NGX_HTTP_GATEHOUSE_FORWARD_OFF);

    if (conf->forward_auth == NGX_HTTP_GATEHOUSE_FORWARD_OFF) {
        return NGX_CONF_OK;
    }

    if (conf->peers == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"gatehouse_forward_auth\" in \"%V\" needs "
                           "\"gatehouse_forward_auth_from\": others would be "
                           "believed what they say of their requests",
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (conf->forward_auth == NGX_HTTP_GATEHOUSE_FORWARD_PATH
        && (clcf->named || clcf->noname || clcf->exact_match
#if (NGX_PCRE)
            || clcf->regex
#endif
            ))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"gatehouse_forward_auth envoy\" in \"%V\" needs "
                           "a location by prefix",
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_gatehouse_module);
    mcf->forward_auth = 1;

    return NGX_CONF_OK;
}


/* Rule 1: what cannot decide does not start. */

static char *
ngx_http_gatehouse_check_policy(ngx_conf_t *cf,
    ngx_http_gatehouse_loc_conf_t *conf)
{
    ngx_uint_t i;
    ngx_http_core_loc_conf_t *clcf;

    struct {
        ngx_uint_t given;
        const char *directive;
    } needed[] = {
        { conf->issuers != NULL, "gatehouse_issuer" },
        { conf->audience.len != 0, "gatehouse_audience" },
        { conf->feeds != NULL, "gatehouse_feed" },
    };

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    for (i = 0; i < GH_COUNT(needed); i++) {
        if (!needed[i].given) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"gatehouse on\" in \"%V\" needs \"%s\"",
                               &clcf->name, needed[i].directive);
            return NGX_CONF_ERROR;
        }
    }

    if (clcf->satisfy == NGX_HTTP_SATISFY_ANY) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"satisfy any\" in \"%V\" would let other access "
                           "rules overrule \"gatehouse on\"",
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    return ngx_http_gatehouse_make_policy(cf, conf);
}


static char *
ngx_http_gatehouse_make_policy(ngx_conf_t *cf,
    ngx_http_gatehouse_loc_conf_t *conf)
{
    u_char *p;
    size_t len;
    ngx_uint_t i;
    struct gh_str *name;
    struct gh_policy *policy = &conf->policy;
    ngx_http_gatehouse_main_conf_t *mcf;

    policy->audience = ngx_http_gatehouse_str(conf->audience);
    policy->leeway = conf->leeway;
    policy->organization = ngx_http_gatehouse_str(conf->organization);

    if (gh_str_is(policy->organization, "any")) {
        policy->organization_rule = GH_ORG_ANY;
    } else if (gh_str_is(policy->organization, "none")) {
        policy->organization_rule = GH_ORG_NONE;
    } else {
        policy->organization_rule = GH_ORG_EXACTLY;
    }

    if (conf->permissions && conf->permissions->nelts) {
        policy->permissions = conf->permissions->elts;
        policy->permission_count = conf->permissions->nelts;

        name = conf->permissions->elts;
        len = 0;
        for (i = 0; i < conf->permissions->nelts; i++) {
            len += name[i].len + 1;
        }

        p = ngx_pnalloc(cf->pool, len);
        if (p == NULL) {
            return NGX_CONF_ERROR;
        }

        conf->scope.data = p;
        for (i = 0; i < conf->permissions->nelts; i++) {
            p = ngx_cpymem(p, name[i].ptr, name[i].len);
            *p++ = ' ';
        }
        conf->scope.len = len - 1;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_gatehouse_module);
    conf->keyring = ngx_http_gatehouse_keyring_add(cf, mcf, conf->feeds,
                                                   conf->issuers,
                                                   policy->audience);

    return conf->keyring ? NGX_CONF_OK : NGX_CONF_ERROR;
}
