/* gateway/ngx_http_gatehouse_module.c - the directives: what may be written
 * in nginx.conf, how it is inherited, and what does not start. */

#include "gateway/ngx_http_gatehouse_module.h"

#include "gateway/wire.h"

static ngx_int_t ngx_http_gatehouse_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_gatehouse_init_module(ngx_cycle_t *cycle);
static void *ngx_http_gatehouse_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_gatehouse_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_gatehouse_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_gatehouse_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_gatehouse_check_policy(ngx_conf_t *cf,
    ngx_http_gatehouse_loc_conf_t *conf);
static char *ngx_http_gatehouse_make_policy(ngx_conf_t *cf,
    ngx_http_gatehouse_loc_conf_t *conf);
static char *ngx_http_gatehouse_text(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_gatehouse_organization(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_gatehouse_permission(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_gatehouse_feed_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_gatehouse_token_cache(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);

/* Room for some 35,000 tokens; memory is taken as it is used. */
#define NGX_HTTP_GATEHOUSE_CACHE_SIZE (8 * 1024 * 1024)
#define NGX_HTTP_GATEHOUSE_CACHE_SIZE_MIN (256 * 1024)


static ngx_conf_enum_t ngx_http_gatehouse_modes[] = {
    { ngx_string("off"), NGX_HTTP_GATEHOUSE_OFF },
    { ngx_string("on"), NGX_HTTP_GATEHOUSE_ON },
    { ngx_string("public"), NGX_HTTP_GATEHOUSE_PUBLIC },
    { ngx_null_string, 0 }
};

static ngx_conf_enum_t ngx_http_gatehouse_cookies[] = {
    { ngx_string("strip"), NGX_HTTP_GATEHOUSE_COOKIES_STRIP },
    { ngx_string("keep"), NGX_HTTP_GATEHOUSE_COOKIES_KEEP },
    { ngx_null_string, 0 }
};

/* GET admits HEAD, as with limit_except. */
static ngx_conf_bitmask_t ngx_http_gatehouse_methods[] = {
    { ngx_string("GET"), NGX_HTTP_GET | NGX_HTTP_HEAD },
    { ngx_string("HEAD"), NGX_HTTP_HEAD },
    { ngx_string("POST"), NGX_HTTP_POST },
    { ngx_string("PUT"), NGX_HTTP_PUT },
    { ngx_string("PATCH"), NGX_HTTP_PATCH },
    { ngx_string("DELETE"), NGX_HTTP_DELETE },
    { ngx_string("OPTIONS"), NGX_HTTP_OPTIONS },
    { ngx_null_string, 0 }
};

/* Clocks of issuer and gateway may differ; more than a minute is a mistake
 * (the policy of core/decide.h). */
static ngx_conf_num_bounds_t ngx_http_gatehouse_leeway_bounds = {
    ngx_conf_check_num_bounds, 0, 60
};

#define NGX_HTTP_GATEHOUSE_ANY_CONF                                          \
    (NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF)

#define NGX_HTTP_GATEHOUSE_FIELD(field)                                      \
    NGX_HTTP_LOC_CONF_OFFSET, offsetof(ngx_http_gatehouse_loc_conf_t, field)

/* None of them is allowed in "if": which location guards must not depend on
 * the request. docs/gateway.md explains each; a test compares the two. */
/* clang-format off */
static ngx_command_t ngx_http_gatehouse_commands[] = {

    /* gatehouse off | on | public */
    { ngx_string("gatehouse"),
      NGX_HTTP_GATEHOUSE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_GATEHOUSE_FIELD(mode),
      &ngx_http_gatehouse_modes },

    /* gatehouse_issuer URL */
    { ngx_string("gatehouse_issuer"),
      NGX_HTTP_GATEHOUSE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_gatehouse_text,
      NGX_HTTP_GATEHOUSE_FIELD(issuer),
      NULL },

    /* gatehouse_audience URI */
    { ngx_string("gatehouse_audience"),
      NGX_HTTP_GATEHOUSE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_gatehouse_text,
      NGX_HTTP_GATEHOUSE_FIELD(audience),
      NULL },

    /* gatehouse_organization any | none | ORG_ID */
    { ngx_string("gatehouse_organization"),
      NGX_HTTP_GATEHOUSE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_gatehouse_organization,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    /* gatehouse_permission none | NAME ... */
    { ngx_string("gatehouse_permission"),
      NGX_HTTP_GATEHOUSE_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_gatehouse_permission,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    /* gatehouse_methods METHOD ... */
    { ngx_string("gatehouse_methods"),
      NGX_HTTP_GATEHOUSE_ANY_CONF|NGX_CONF_1MORE,
      ngx_conf_set_bitmask_slot,
      NGX_HTTP_GATEHOUSE_FIELD(methods),
      &ngx_http_gatehouse_methods },

    /* gatehouse_feed FILE */
    { ngx_string("gatehouse_feed"),
      NGX_HTTP_GATEHOUSE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_gatehouse_feed_file,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    /* gatehouse_leeway TIME */
    { ngx_string("gatehouse_leeway"),
      NGX_HTTP_GATEHOUSE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_GATEHOUSE_FIELD(leeway),
      &ngx_http_gatehouse_leeway_bounds },

    /* gatehouse_cookies strip | keep */
    { ngx_string("gatehouse_cookies"),
      NGX_HTTP_GATEHOUSE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_GATEHOUSE_FIELD(cookies),
      &ngx_http_gatehouse_cookies },

    /* gatehouse_token_cache off | SIZE */
    { ngx_string("gatehouse_token_cache"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_gatehouse_token_cache,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    ngx_null_command
};
/* clang-format on */


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


static void *
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


static char *
ngx_http_gatehouse_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_gatehouse_main_conf_t *mcf = conf;

    ngx_conf_init_size_value(mcf->cache.shm.size,
                             NGX_HTTP_GATEHOUSE_CACHE_SIZE);

    return NGX_CONF_OK;
}


static void *
ngx_http_gatehouse_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_gatehouse_loc_conf_t *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_gatehouse_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /* set by ngx_pcalloc(): texts, methods, policy, scope, keyring */
    conf->mode = NGX_CONF_UNSET_UINT;
    conf->permissions = NGX_CONF_UNSET_PTR;
    conf->leeway = NGX_CONF_UNSET;
    conf->cookies = NGX_CONF_UNSET_UINT;

    return conf;
}


static char *
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
    ngx_conf_merge_str_value(conf->issuer, prev->issuer, "");
    ngx_conf_merge_str_value(conf->audience, prev->audience, "");
    ngx_conf_merge_str_value(conf->organization, prev->organization, "any");
    ngx_conf_merge_str_value(conf->feed, prev->feed, "");
    ngx_conf_merge_ptr_value(conf->permissions, prev->permissions, NULL);
    ngx_conf_merge_sec_value(conf->leeway, prev->leeway, 60);
    ngx_conf_merge_uint_value(conf->cookies, prev->cookies,
                              NGX_HTTP_GATEHOUSE_COOKIES_STRIP);
    if (conf->methods == 0) {
        conf->methods = prev->methods;
    }

    switch (conf->mode) {

    case NGX_HTTP_GATEHOUSE_OFF:

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

    case NGX_HTTP_GATEHOUSE_PUBLIC:
        return NGX_CONF_OK;

    default:
        return ngx_http_gatehouse_check_policy(cf, conf);
    }
}


/* Rule 1: what cannot decide does not start. */

static char *
ngx_http_gatehouse_check_policy(ngx_conf_t *cf,
    ngx_http_gatehouse_loc_conf_t *conf)
{
    ngx_uint_t i;
    ngx_http_core_loc_conf_t *clcf;

    struct {
        ngx_str_t *value;
        const char *directive;
    } needed[] = {
        { &conf->issuer, "gatehouse_issuer" },
        { &conf->audience, "gatehouse_audience" },
        { &conf->feed, "gatehouse_feed" },
    };

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    for (i = 0; i < GH_COUNT(needed); i++) {
        if (needed[i].value->len == 0) {
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

    policy->issuer = ngx_http_gatehouse_str(conf->issuer);
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
    conf->keyring = ngx_http_gatehouse_keyring_add(cf, mcf, &conf->feed,
                                                   &conf->issuer,
                                                   policy->audience);

    return conf->keyring ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* A text that is compared byte for byte and may be quoted in a challenge. */

static char *
ngx_http_gatehouse_text(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char *rv;
    ngx_str_t *value = cf->args->elts;

    rv = ngx_conf_set_str_slot(cf, cmd, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (value[1].len == 0
        || !gh_quotable(ngx_http_gatehouse_str(value[1])))
    {
        return "must be visible ASCII without quotes and backslashes, "
               "and not empty";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_gatehouse_organization(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_gatehouse_loc_conf_t *lcf = conf;
    ngx_str_t *value = cf->args->elts;
    struct gh_str id = ngx_http_gatehouse_str(value[1]);

    if (lcf->organization.data) {
        return "is duplicate";
    }

    /* the prefix tells an id from a misspelt word, and from a name: names can
     * be given to another organization later */
    if (!gh_str_is(id, "any") && !gh_str_is(id, "none")
        && !(gh_str_starts(id, GH_STR("org_")) && gh_scope_token_ok(id)))
    {
        return "takes \"any\", \"none\" or the id of an organization, "
               "\"org_...\"";
    }

    lcf->organization = value[1];

    return NGX_CONF_OK;
}


static char *
ngx_http_gatehouse_permission(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gatehouse_loc_conf_t *lcf = conf;
    ngx_uint_t i;
    ngx_str_t *value = cf->args->elts;
    struct gh_str *name;

    if (lcf->permissions != NGX_CONF_UNSET_PTR) {
        return "is duplicate; all permissions of a route stand in one line";
    }

    lcf->permissions = ngx_array_create(cf->pool, cf->args->nelts,
                                        sizeof(struct gh_str));
    if (lcf->permissions == NULL) {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "none") == 0) {
        return NGX_CONF_OK;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        if (!gh_scope_token_ok(ngx_http_gatehouse_str(value[i]))
            || ngx_strcmp(value[i].data, "none") == 0)
        {
            return "takes \"none\" alone, or names of visible ASCII without "
                   "quotes and backslashes";
        }

        name = ngx_array_push(lcf->permissions);
        if (name == NULL) {
            return NGX_CONF_ERROR;
        }
        *name = ngx_http_gatehouse_str(value[i]);
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_gatehouse_feed_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gatehouse_loc_conf_t *lcf = conf;
    ngx_str_t *value = cf->args->elts;

    if (lcf->feed.data) {
        return "is duplicate";
    }

    if (value[1].len == 0) {
        return "must not be empty";
    }

    lcf->feed = value[1];

    /* relative to nginx's prefix, like logs: it is data, not configuration */
    if (ngx_conf_full_name(cf->cycle, &lcf->feed, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_gatehouse_token_cache(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_gatehouse_main_conf_t *mcf = conf;
    ssize_t size;
    ngx_str_t *value = cf->args->elts;

    if (mcf->cache.shm.size != NGX_CONF_UNSET_SIZE) {
        return "is duplicate";
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {
        mcf->cache.shm.size = 0;
        return NGX_CONF_OK;
    }

    size = ngx_parse_size(&value[1]);
    if (size < NGX_HTTP_GATEHOUSE_CACHE_SIZE_MIN) {
        return "takes \"off\" or a size of at least 256k";
    }

    mcf->cache.shm.size = ngx_align((size_t) size, 4096);

    return NGX_CONF_OK;
}
