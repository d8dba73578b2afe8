/* The table of routes, and what stands in a path or a query for the model. */
#include "core/routes.h"
#include "tests/check.h"

/* "permission place model", or "" for no route. */
static const char *find(const char *method, const char *path) {
    static char text[256];
    static const char *const names[] = { "none", "list", "body", "form", "path", "query", "hidden" };
    struct gh_str model;
    const struct gh_api_route *r =
        gh_route_find(gh_api_routes, gh_api_route_count, gh_str_from(method), gh_str_from(path), &model);
    if (!r)
        return "";
    snprintf(text, sizeof text, "%.*s %s%s%.*s", GH_STR_FMT(r->permission), names[r->place],
             model.len ? " " : "", GH_STR_FMT(model));
    return text;
}

TEST(a_route_is_found_by_method_and_whole_path) {
    static const struct {
        const char *method, *path, *want;
    } rows[] = {
        { "POST", "/v1/chat/completions", "chat:invoke body" },
        { "GET", "/v1/models", "models:list list" },
        { "HEAD", "/v1/models", "models:list list" },
        { "GET", "/v1/models/gpt-5", "models:list path gpt-5" },
        { "POST", "/v1/audio/transcriptions", "audio:invoke form" },
        { "GET", "/v1/realtime", "realtime:invoke query" },
        { "POST", "/v1/batches", "batches:write hidden" },
        { "GET", "/v1/responses/resp_1", "responses:read none" },
        { "POST", "/v1/responses/input_tokens", "responses:invoke body" },
        { "POST", "/v1/messages", "messages:invoke body" },
        { "POST", "/v1/messages/count_tokens", "messages:invoke body" },
        { "POST", "/v1beta/models/gemini-2:generateContent", "chat:invoke path gemini-2" },
        { "POST", "/v1beta/models/gemini-2:x:generateContent", "chat:invoke path gemini-2:x" },
        { "POST", "/openai/deployments/d1/chat/completions", "chat:invoke path d1" },
        { "DELETE", "/v1/files/f", "files:write none" },
        { "GET", "/v1/embeddings", "" },
        { "POST", "/v1/models", "" },
        { "post", "/v1/chat/completions", "" },
        { "OPTIONS", "/v1/chat/completions", "" },
        { "POST", "/v1/Chat/completions", "" },
        { "POST", "/v1/chat/completions/", "" },
        { "POST", "/v1/chat/completions/a/b", "" },
        { "POST", "/v1/chat", "" },
        { "POST", "/x/v1/chat/completions", "" },
        { "POST", "v1/chat/completions", "" },
        { "GET", "/v1/models/", "" },
        { "GET", "/v1/models/a/b", "" },
        { "GET", "/v1/files/", "" },
        { "POST", "/v1beta/models/:generateContent", "" },
        { "POST", "/v1beta/models/gemini-2:batchEmbedContents", "" },
        { "POST", "/v1beta/models/gemini-2", "" },
        { "POST", "/openai/deployments//chat/completions", "" },
        { "GET", "/", "" },
        { "GET", "", "" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i].path, strcmp(find(rows[i].method, rows[i].path), rows[i].want) == 0);
}

TEST(each_row_of_the_table_is_well_formed_and_can_be_reached) {
    for (size_t i = 0; i < gh_api_route_count; i++) {
        const struct gh_api_route *r = &gh_api_routes[i];
        struct gh_str model;
        char path[128];
        size_t n = 0;
        bool mark = false;
        for (const char *p = r->path.ptr; *p; p++) { /* one that the row stands for */
            if (*p == '<')
                n += (size_t)snprintf(path + n, sizeof path - n, "z9");
            mark = *p == '<' || (mark && *p != '>');
            if (!mark && *p != '>')
                path[n++] = *p;
        }
        CHECK_ROW(r->path.ptr, gh_route_path_ok(r->path));
        const struct gh_api_route *found =
            gh_route_find(gh_api_routes, gh_api_route_count, r->method, (struct gh_str){ path, n }, &model);
        CHECK_ROW(r->path.ptr, found && gh_str_eq(found->path, r->path) && found->place == r->place &&
                                   gh_str_eq(found->permission, r->permission));
        CHECK_ROW(r->path.ptr, (r->place == GH_MODEL_PATH) == gh_str_is(model, "z9"));
    }
}

TEST(a_path_of_the_configuration_is_plain) {
    static const char *const good[] = { "/",         "/a",         "/a/b/",
                                        "/a/<id>/b", "/a/<model>", "/m/x<model>:y",
                                        "/a-b.c_d~e" };
    static const char *const bad[] = { "",
                                       "a",
                                       "//",
                                       "/a//b",
                                       "/a?b",
                                       "/a#b",
                                       "/a%20",
                                       "/a*",
                                       "/a b",
                                       "/<x>",
                                       "/<id",
                                       "/id>",
                                       "/<model><model>",
                                       "/<model>/<model>",
                                       "/x<id>",
                                       "/\xc3\xa9",
                                       "/a\\b" };
    for (size_t i = 0; i < GH_COUNT(good); i++)
        CHECK_ROW(good[i], gh_route_path_ok(gh_str_from(good[i])));
    for (size_t i = 0; i < GH_COUNT(bad); i++)
        CHECK_ROW(bad[i], !gh_route_path_ok(gh_str_from(bad[i])));
}

TEST(a_query_names_one_model_plainly_or_is_refused) {
    static const struct {
        const char *query;
        enum gh_err want;
        const char *model;
    } rows[] = {
        { "model=gpt-realtime", GH_OK, "gpt-realtime" },
        { "a=1&model=m&b=2", GH_OK, "m" },
        { "model=a%2Fb", GH_OK, "a%2Fb" }, /* raw: the caller undoes it */
        { "model=", GH_OK, "" },
        { "model", GH_OK, "" },
        { "", GH_ERR_NO_MODEL, "" },
        { "a=model", GH_ERR_NO_MODEL, "" },
        { "a=1&b=model=x", GH_ERR_NO_MODEL, "" },
        { "model=a&model=a", GH_ERR_AMBIGUOUS_BODY, "" },
        { "model=a&Model=b", GH_ERR_AMBIGUOUS_BODY, "" },
        { "model=a&model[]=b", GH_ERR_AMBIGUOUS_BODY, "" },
        { "model=a&models=b", GH_ERR_AMBIGUOUS_BODY, "" },
        { "model=a&deployment=b", GH_ERR_AMBIGUOUS_BODY, "" },
        { "model=a&%6dodel=b", GH_ERR_AMBIGUOUS_BODY, "" },
        { "model=a&+model=b", GH_ERR_AMBIGUOUS_BODY, "" },
        { "model=a;model=b", GH_ERR_AMBIGUOUS_BODY, "" },
        { "x=1;model=b&model=a", GH_ERR_AMBIGUOUS_BODY, "" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_str model = { 0 };
        CHECK_ROW(rows[i].query, gh_query_model(gh_str_from(rows[i].query), &model) == rows[i].want);
        CHECK_ROW(rows[i].query, rows[i].want != GH_OK || gh_str_is(model, rows[i].model));
    }
}

GH_TESTS(a_route_is_found_by_method_and_whole_path, each_row_of_the_table_is_well_formed_and_can_be_reached,
         a_path_of_the_configuration_is_plain, a_query_names_one_model_plainly_or_is_refused)
