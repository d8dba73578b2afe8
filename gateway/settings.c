/* gateway/settings.c - reads what stands behind each directive. */

#include "gateway/settings.h"

#include "gateway/wire.h"

#define NGX_HTTP_GATEHOUSE_CACHE_SIZE_MIN (256 * 1024)


ngx_conf_enum_t ngx_http_gatehouse_modes[] = {
    { ngx_string("off"), NGX_HTTP_GATEHOUSE_OFF },
    { ngx_string("on"), NGX_HTTP_GATEHOUSE_ON },
    { ngx_string("public"), NGX_HTTP_GATEHOUSE_PUBLIC },
    { ngx_null_string, 0 }
};

ngx_conf_enum_t ngx_http_gatehouse_cookies[] = {
    { ngx_string("strip"), NGX_HTTP_GATEHOUSE_COOKIES_STRIP },
    { ngx_string("keep"), NGX_HTTP_GATEHOUSE_COOKIES_KEEP },
    { ngx_null_string, 0 }
};

ngx_conf_enum_t ngx_http_gatehouse_forward_auths[] = {
    { ngx_string("off"), NGX_HTTP_GATEHOUSE_FORWARD_OFF },
    { ngx_string("nginx"), NGX_HTTP_GATEHOUSE_FORWARD_ORIGINAL },
    { ngx_string("traefik"), NGX_HTTP_GATEHOUSE_FORWARD_FORWARDED },
    { ngx_string("caddy"), NGX_HTTP_GATEHOUSE_FORWARD_FORWARDED },
    { ngx_string("envoy"), NGX_HTTP_GATEHOUSE_FORWARD_PATH },
    { ngx_null_string, 0 }
};

ngx_conf_enum_t ngx_http_gatehouse_model_rules[] = {
    { ngx_string("off"), NGX_HTTP_GATEHOUSE_MODELS_OFF },
    { ngx_string("auto"), NGX_HTTP_GATEHOUSE_MODELS_AUTO },
    { ngx_string("required"), NGX_HTTP_GATEHOUSE_MODELS_REQUIRED },
    { ngx_null_string, 0 }
};

/* The names of core/routes.c; "off" is a bit too, so that it ends what was
 * inherited. */
ngx_conf_bitmask_t ngx_http_gatehouse_apis[] = {
    { ngx_string("off"), NGX_CONF_BITMASK_SET },
    { ngx_string("openai"), 0x02 },
    { ngx_string("anthropic"), 0x04 },
    { ngx_string("gemini"), 0x08 },
    { ngx_string("azure"), 0x10 },
    { ngx_null_string, 0 }
};

/* GET admits HEAD, as with limit_except. */
ngx_conf_bitmask_t ngx_http_gatehouse_methods[] = {
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
ngx_conf_num_bounds_t ngx_http_gatehouse_leeway_bounds = {
    ngx_conf_check_num_bounds, 0, 60
};


char *
ngx_http_gatehouse_issuer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gatehouse_loc_conf_t *lcf = conf;
    ngx_uint_t i;
    ngx_str_t *value = cf->args->elts;
    struct gh_str issuer = ngx_http_gatehouse_str(value[1]), *known;

    if (issuer.len == 0 || !gh_quotable(issuer)) {
        return "must be visible ASCII without quotes and backslashes, "
               "and not empty";
    }

    if (lcf->issuers == NGX_CONF_UNSET_PTR) {
        lcf->issuers = ngx_array_create(cf->pool, 1, sizeof(struct gh_str));
        if (lcf->issuers == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    known = lcf->issuers->elts;
    for (i = 0; i < lcf->issuers->nelts; i++) {
        if (gh_str_eq(known[i], issuer)) {
            return "is duplicate";
        }
    }

    known = ngx_array_push(lcf->issuers);
    if (known == NULL) {
        return NGX_CONF_ERROR;
    }
    *known = issuer;

    return NGX_CONF_OK;
}


/* A text that is compared byte for byte and may be quoted in a challenge. */

char *
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


char *
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


char *
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


char *
ngx_http_gatehouse_own_route(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gatehouse_loc_conf_t *lcf = conf;
    ngx_str_t *value = cf->args->elts;
    struct gh_str segment, place;
    struct gh_api_route *route, row;

    ngx_memzero(&row, sizeof(row));
    row.api = "";
    row.method = ngx_http_gatehouse_str(value[1]);
    row.path = ngx_http_gatehouse_str(value[2]);
    row.permission = ngx_http_gatehouse_str(value[3]);
    row.place = gh_str_is(row.method, "POST") ? GH_MODEL_BODY : GH_MODEL_NONE;

    if (!gh_str_is(row.method, "GET") && !gh_str_is(row.method, "POST")
        && !gh_str_is(row.method, "PUT") && !gh_str_is(row.method, "PATCH")
        && !gh_str_is(row.method, "DELETE"))
    {
        return "takes GET, POST, PUT, PATCH or DELETE; GET serves HEAD too";
    }

    if (!gh_route_path_ok(row.path)) {
        return "takes a plain path from \"/\" on, in which \"<id>\" and one "
               "\"<model>\" stand for segments";
    }

    if (!gh_scope_token_ok(row.permission)) {
        return "takes \"none\" or a permission of visible ASCII";
    }
    if (gh_str_is(row.permission, "none")) {
        row.permission = (struct gh_str){ NULL, 0 };
    }

    if (cf->args->nelts == 5) {
        place = ngx_http_gatehouse_str(value[4]);
        if (!gh_str_starts(place, GH_STR("model="))
            || !gh_model_place_parse(gh_str_skip(place, 6), &row.place))
        {
            return "takes model=body, form, path, query, list, none or "
                   "hidden";
        }
    }

    segment = (struct gh_str){ NULL, 0 };
    (void) gh_route_find(&row, 1, row.method, row.path, &segment);
    if ((row.place == GH_MODEL_PATH) != (segment.len != 0)) {
        return "needs a segment \"<model>\" exactly with model=path";
    }

    if (lcf->routes == NGX_CONF_UNSET_PTR) {
        lcf->routes = ngx_array_create(cf->pool, 4,
                                       sizeof(struct gh_api_route));
        if (lcf->routes == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    route = ngx_array_push(lcf->routes);
    if (route == NULL) {
        return NGX_CONF_ERROR;
    }
    *route = row;

    return NGX_CONF_OK;
}


char *
ngx_http_gatehouse_cors_origins(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_gatehouse_loc_conf_t *lcf = conf;
    ngx_uint_t i, any = 0;
    ngx_str_t *value = cf->args->elts;
    struct gh_str *origin;

    if (lcf->cors != NGX_CONF_UNSET_PTR) {
        return "is duplicate; all origins stand in one line";
    }

    lcf->cors = ngx_array_create(cf->pool, cf->args->nelts,
                                 sizeof(struct gh_str));
    if (lcf->cors == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        if (i > 1 && i == cf->args->nelts - 1
            && ngx_strcmp(value[i].data, "credentials") == 0)
        {
            lcf->cors_credentials = 1;
            continue;
        }

        any |= ngx_strcmp(value[i].data, "*") == 0;
        if (!any && !gh_origin_ok(ngx_http_gatehouse_str(value[i]))) {
            return "takes origins as browsers write them: "
                   "https://HOST or https://HOST:PORT in lower case, "
                   "without a path";
        }

        origin = ngx_array_push(lcf->cors);
        if (origin == NULL) {
            return NGX_CONF_ERROR;
        }
        *origin = ngx_http_gatehouse_str(value[i]);
    }

    if (any && (lcf->cors->nelts > 1 || lcf->cors_credentials)) {
        return "takes \"*\" alone: every site could act with a visitor's "
               "cookies";
    }

    return NGX_CONF_OK;
}


char *
ngx_http_gatehouse_feed_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gatehouse_loc_conf_t *lcf = conf;
    ngx_uint_t i;
    ngx_str_t *value = cf->args->elts, *file;

    if (value[1].len == 0) {
        return "must not be empty";
    }

    /* relative to nginx's prefix, like logs: it is data, not configuration */
    if (ngx_conf_full_name(cf->cycle, &value[1], 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (lcf->feeds == NGX_CONF_UNSET_PTR) {
        lcf->feeds = ngx_array_create(cf->pool, 1, sizeof(ngx_str_t));
        if (lcf->feeds == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    file = lcf->feeds->elts;
    for (i = 0; i < lcf->feeds->nelts; i++) {
        if (ngx_strcmp(file[i].data, value[1].data) == 0) {
            return "is duplicate";
        }
    }

    file = ngx_array_push(lcf->feeds);
    if (file == NULL) {
        return NGX_CONF_ERROR;
    }
    *file = value[1];

    return NGX_CONF_OK;
}


char *
ngx_http_gatehouse_peers(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gatehouse_loc_conf_t *lcf = conf;
    ngx_int_t rc;
    ngx_uint_t i;
    ngx_cidr_t *cidr;
    ngx_str_t *value = cf->args->elts;

    if (lcf->peers != NGX_CONF_UNSET_PTR) {
        return "is duplicate; all peers stand in one line";
    }

    lcf->peers = ngx_array_create(cf->pool, cf->args->nelts,
                                  sizeof(ngx_cidr_t));
    if (lcf->peers == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        cidr = ngx_array_push(lcf->peers);
        if (cidr == NULL) {
            return NGX_CONF_ERROR;
        }
        ngx_memzero(cidr, sizeof(ngx_cidr_t));

        if (ngx_strcmp(value[i].data, "unix:") == 0) {
            cidr->family = AF_UNIX;
            continue;
        }

        rc = ngx_ptocidr(&value[i], cidr);
        if (rc == NGX_ERROR) {
            return "takes addresses, CIDR blocks and \"unix:\"";
        }
        if (rc == NGX_DONE) {
            return "has a CIDR block with bits beyond its prefix";
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_gatehouse_stream_interval(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_gatehouse_loc_conf_t *lcf = conf;
    ngx_int_t interval;
    ngx_str_t *value = cf->args->elts;

    if (lcf->stream_check != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {
        lcf->stream_check = 0;
        return NGX_CONF_OK;
    }

    interval = ngx_parse_time(&value[1], 0);
    if (interval < 100 || interval > 3600000) {
        return "takes \"off\" or a time from 100ms to 1h";
    }

    lcf->stream_check = interval;

    return NGX_CONF_OK;
}


char *
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
