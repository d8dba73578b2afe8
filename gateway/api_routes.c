/* gateway/api_routes.c - which row of core/routes.c, or of a location's own, a
 * request is for. */

#include "gateway/ngx_http_gatehouse_module.h"


/* The location's own rows, then those of the APIs whose permissions it takes.
 * `place_only`: then any row that knows the path. */

const struct gh_api_route *
ngx_http_gatehouse_route(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, ngx_uint_t place_only,
    struct gh_str *segment)
{
    size_t i, first;
    const char *api;
    struct gh_str method, path;
    const struct gh_api_route *route;

    method = ngx_http_gatehouse_str(r->method_name);
    path = ngx_http_gatehouse_str(r->uri);
    *segment = (struct gh_str){ NULL, 0 };

    if (conf->routes) {
        route = gh_route_find(conf->routes->elts, conf->routes->nelts, method,
                              path, segment);
        if (route) {
            return route;
        }
    }

    for (first = 0;
         (conf->apis & ~NGX_CONF_BITMASK_SET) && first < gh_api_route_count;
         first = i)
    {
        api = gh_api_routes[first].api;
        for (i = first; i < gh_api_route_count
                        && (gh_api_routes[i].api == api
                            || ngx_strcmp(gh_api_routes[i].api, api) == 0);
             i++)
        { /* void */ }

        if (!(conf->apis & ngx_http_gatehouse_api(api))) {
            continue;
        }

        route = gh_route_find(&gh_api_routes[first], i - first, method, path,
                              segment);
        if (route) {
            return route;
        }
    }

    return place_only ? gh_route_find(gh_api_routes, gh_api_route_count,
                                      method, path, segment)
                      : NULL;
}


ngx_uint_t
ngx_http_gatehouse_api(const char *name)
{
    ngx_conf_bitmask_t *api;

    for (api = ngx_http_gatehouse_apis; api->name.len; api++) {
        if (ngx_strcmp(api->name.data, name) == 0) {
            return api->mask;
        }
    }

    return 0;
}
