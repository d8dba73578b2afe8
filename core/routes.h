/* core/routes.h - the routes of the AI APIs: which permission each needs and where it names its model. */
#pragma once
#include "core/err.h"
#include "core/str.h"

enum gh_model_place {
    GH_MODEL_NONE,   /* no model is used */
    GH_MODEL_LIST,   /* tells which models there are */
    GH_MODEL_BODY,   /* the member `model` of a JSON body */
    GH_MODEL_FORM,   /* ... or the field of a multipart form */
    GH_MODEL_PATH,   /* the segment <model>; a body may name others too */
    GH_MODEL_QUERY,  /* ?model= */
    GH_MODEL_HIDDEN, /* where a gateway cannot look: refused while the model rule binds */
};

struct gh_api_route {
    const char *api;                        /* which table: "openai", "anthropic", "gemini", "azure" */
    struct gh_str method, path, permission; /* no permission: any good token will do */
    enum gh_model_place place;
};

/* A path of plain segments; <model>, perhaps with text around it in its segment, and <id> stand for one
 * segment, not empty. */
bool gh_route_path_ok(struct gh_str path);

/* "body", "path", ... False for other words. */
bool gh_model_place_parse(struct gh_str word, enum gh_model_place *ret);

/* The first row for the method (GET serves HEAD too) and the path, or NULL. *ret_model is what stands for
 * <model>, a view of `path`; empty when the row has none. */
const struct gh_api_route *gh_route_find(const struct gh_api_route *rows, size_t count, struct gh_str method,
                                         struct gh_str path, struct gh_str *ret_model);

extern const struct gh_api_route gh_api_routes[];
extern const size_t gh_api_route_count;

/* The parameter of a query. NO_MODEL when it is absent, AMBIGUOUS_BODY when it is there twice, in another
 * spelling, or with an escape that hides it. *ret is raw. */
enum gh_err gh_query_model(struct gh_str query, struct gh_str *ret);
