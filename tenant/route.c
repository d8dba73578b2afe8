/* tenant/route.c - which handler a request goes to. */
#include "tenant/changes.h"
#include "tenant/exchange_private.h"
#include "tenant/health.h"
#include "tenant/path.h"

struct table {
    const struct gh_route *routes;
    size_t count;
};

/* What the walk over the tables saw: the route, or the methods that the path has. */
struct found {
    const struct gh_route *route;
    unsigned methods; /* bits by enum gh_method */
    enum gh_err err;  /* the path fits but one of its segments is malformed */
};

static const char *const method_names[] = { "GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS" };

static void look_up(struct gh_exchange *x, const struct table *table, struct found *found) {
    for (size_t i = 0; i < table->count && !found->route && !found->err; i++) {
        const struct gh_route *r = &table->routes[i];
        struct gh_str args[GH_PATH_ARGS] = { 0 };
        enum gh_err e = gh_path_match(x->arena, r->path, x->path, args);
        if (e == GH_ERR_NOT_FOUND)
            continue;
        found->err = e;
        found->methods |= 1u << r->method;
        if (e || r->method != x->method)
            continue;
        found->route = r;
        memcpy(x->args, args, sizeof args);
    }
}

static void refuse_method(struct gh_exchange *x, unsigned methods) {
    struct gh_buf allow = gh_buf_make(128);
    if (methods & 1u << GH_GET)
        methods |= 1u << GH_HEAD;
    for (unsigned m = 0; m < GH_COUNT(method_names); m++)
        if (methods & 1u << m)
            gh_buf_addf(&allow, "%s%s", allow.len ? ", " : "", method_names[m]);
    gh_response_header(x, "Allow", gh_buf_str(&allow));
    gh_buf_release(&allow);
    gh_refuse(x, 405, "method_not_allowed", "This path has no such method.");
}

void gh_route(struct gh_exchange *x) {
    const struct table tables[] = {
        { gh_health_routes, gh_health_route_count },
        { gh_changes_routes, gh_changes_route_count },
        { gh_oauth_routes, gh_oauth_route_count },
        { gh_login_routes, gh_login_route_count },
    };
    struct found found = { 0 };
    if (gh_str_starts(x->path, GH_STR("/api/v2/"))) {
        gh_api_dispatch(x);
        return;
    }
    for (size_t i = 0; i < GH_COUNT(tables); i++)
        look_up(x, &tables[i], &found);

    if (found.route)
        found.route->handler(x);
    else if (found.err)
        gh_refuse(x, gh_err_status(found.err), gh_err_name(found.err), gh_err_text(found.err));
    else if (found.methods)
        refuse_method(x, found.methods);
    else
        gh_refuse(x, 404, "not_found", "There is nothing at this path.");
}
