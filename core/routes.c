#include "core/routes.h"

#include "core/model_names.h"

#define TEXT(literal)                                                                                        \
    { literal, sizeof(literal) - 1 }
#define ROW(api, method, path, permission, place)                                                            \
    { api, TEXT(method), TEXT(path), TEXT(permission), GH_MODEL_##place },

/* As the APIs were documented in the autumn of 2026. Permissions are named after what is used, not after
 * paths, so that a role is short. */
/* clang-format off */
const struct gh_api_route gh_api_routes[] = {
    ROW("openai", "POST",   "/v1/chat/completions",               "chat:invoke",       BODY)
    ROW("openai", "POST",   "/v1/responses",                      "responses:invoke",  BODY)
    ROW("openai", "POST",   "/v1/embeddings",                     "embeddings:invoke", BODY)
    ROW("openai", "GET",    "/v1/models",                         "models:list",       LIST)
    ROW("openai", "GET",    "/v1/models/<model>",                 "models:list",       PATH)
    ROW("openai", "POST",   "/v1/completions",                    "completions:invoke", BODY)
    ROW("openai", "POST",   "/v1/moderations",                    "moderations:invoke", BODY)
    ROW("openai", "POST",   "/v1/images/generations",             "images:invoke",     BODY)
    ROW("openai", "POST",   "/v1/images/edits",                   "images:invoke",     FORM)
    ROW("openai", "POST",   "/v1/images/variations",              "images:invoke",     FORM)
    ROW("openai", "POST",   "/v1/audio/speech",                   "audio:invoke",      BODY)
    ROW("openai", "POST",   "/v1/audio/transcriptions",           "audio:invoke",      FORM)
    ROW("openai", "POST",   "/v1/audio/translations",             "audio:invoke",      FORM)
    ROW("openai", "POST",   "/v1/videos",                         "videos:invoke",     FORM)
    ROW("openai", "GET",    "/v1/videos",                         "videos:read",       NONE)
    ROW("openai", "GET",    "/v1/videos/<id>",                    "videos:read",       NONE)
    ROW("openai", "GET",    "/v1/videos/<id>/content",            "videos:read",       NONE)
    ROW("openai", "DELETE", "/v1/videos/<id>",                    "videos:write",      NONE)
    ROW("openai", "GET",    "/v1/realtime",                       "realtime:invoke",   QUERY)
    ROW("openai", "POST",   "/v1/realtime/client_secrets",        "realtime:invoke",   HIDDEN)
    ROW("openai", "POST",   "/v1/realtime/calls",                 "realtime:invoke",   HIDDEN)
    ROW("openai", "GET",    "/v1/chat/completions",               "chat:read",         NONE)
    ROW("openai", "GET",    "/v1/chat/completions/<id>",          "chat:read",         NONE)
    ROW("openai", "GET",    "/v1/chat/completions/<id>/messages", "chat:read",         NONE)
    ROW("openai", "POST",   "/v1/chat/completions/<id>",          "chat:write",        NONE)
    ROW("openai", "DELETE", "/v1/chat/completions/<id>",          "chat:write",        NONE)
    ROW("openai", "POST",   "/v1/responses/input_tokens",         "responses:invoke",  BODY)
    ROW("openai", "POST",   "/v1/responses/compact",              "responses:invoke",  BODY)
    ROW("openai", "GET",    "/v1/responses/<id>",                 "responses:read",    NONE)
    ROW("openai", "GET",    "/v1/responses/<id>/input_items",     "responses:read",    NONE)
    ROW("openai", "POST",   "/v1/responses/<id>/cancel",          "responses:write",   NONE)
    ROW("openai", "DELETE", "/v1/responses/<id>",                 "responses:write",   NONE)
    ROW("openai", "POST",   "/v1/conversations",                  "responses:write",   NONE)
    ROW("openai", "GET",    "/v1/conversations/<id>",             "responses:read",    NONE)
    ROW("openai", "POST",   "/v1/conversations/<id>",             "responses:write",   NONE)
    ROW("openai", "DELETE", "/v1/conversations/<id>",             "responses:write",   NONE)
    ROW("openai", "GET",    "/v1/conversations/<id>/items",       "responses:read",    NONE)
    ROW("openai", "POST",   "/v1/conversations/<id>/items",       "responses:write",   NONE)
    ROW("openai", "GET",    "/v1/conversations/<id>/items/<id>",  "responses:read",    NONE)
    ROW("openai", "DELETE", "/v1/conversations/<id>/items/<id>",  "responses:write",   NONE)
    ROW("openai", "GET",    "/v1/files",                          "files:read",        NONE)
    ROW("openai", "POST",   "/v1/files",                          "files:write",       NONE)
    ROW("openai", "GET",    "/v1/files/<id>",                     "files:read",        NONE)
    ROW("openai", "GET",    "/v1/files/<id>/content",             "files:read",        NONE)
    ROW("openai", "DELETE", "/v1/files/<id>",                     "files:write",       NONE)
    ROW("openai", "POST",   "/v1/uploads",                        "files:write",       NONE)
    ROW("openai", "POST",   "/v1/uploads/<id>/parts",             "files:write",       NONE)
    ROW("openai", "POST",   "/v1/uploads/<id>/complete",          "files:write",       NONE)
    ROW("openai", "POST",   "/v1/uploads/<id>/cancel",            "files:write",       NONE)
    ROW("openai", "POST",   "/v1/batches",                        "batches:write",     HIDDEN)
    ROW("openai", "GET",    "/v1/batches",                        "batches:read",      NONE)
    ROW("openai", "GET",    "/v1/batches/<id>",                   "batches:read",      NONE)
    ROW("openai", "POST",   "/v1/batches/<id>/cancel",            "batches:write",     NONE)
    ROW("openai", "POST",   "/v1/fine_tuning/jobs",               "fine_tuning:write", BODY)
    ROW("openai", "GET",    "/v1/fine_tuning/jobs",               "fine_tuning:read",  NONE)
    ROW("openai", "GET",    "/v1/fine_tuning/jobs/<id>",          "fine_tuning:read",  NONE)
    ROW("openai", "GET",    "/v1/fine_tuning/jobs/<id>/events",   "fine_tuning:read",  NONE)
    ROW("openai", "POST",   "/v1/fine_tuning/jobs/<id>/cancel",   "fine_tuning:write", NONE)

    ROW("anthropic", "POST",   "/v1/messages",                       "messages:invoke",   BODY)
    ROW("anthropic", "POST",   "/v1/messages/count_tokens",          "messages:invoke",   BODY)
    ROW("anthropic", "POST",   "/v1/messages/batches",               "batches:write",     HIDDEN)
    ROW("anthropic", "GET",    "/v1/messages/batches",               "batches:read",      NONE)
    ROW("anthropic", "GET",    "/v1/messages/batches/<id>",          "batches:read",      NONE)
    ROW("anthropic", "GET",    "/v1/messages/batches/<id>/results",  "batches:read",      NONE)
    ROW("anthropic", "POST",   "/v1/messages/batches/<id>/cancel",   "batches:write",     NONE)
    ROW("anthropic", "DELETE", "/v1/messages/batches/<id>",          "batches:write",     NONE)
    ROW("anthropic", "GET",    "/v1/models",                         "models:list",       LIST)
    ROW("anthropic", "GET",    "/v1/models/<model>",                 "models:list",       PATH)

    ROW("gemini", "POST", "/v1beta/models/<model>:generateContent",       "chat:invoke",       PATH)
    ROW("gemini", "POST", "/v1beta/models/<model>:streamGenerateContent", "chat:invoke",       PATH)
    ROW("gemini", "POST", "/v1beta/models/<model>:countTokens",           "chat:invoke",       PATH)
    ROW("gemini", "POST", "/v1beta/models/<model>:embedContent",          "embeddings:invoke", PATH)
    ROW("gemini", "POST", "/v1/models/<model>:generateContent",           "chat:invoke",       PATH)
    ROW("gemini", "POST", "/v1/models/<model>:streamGenerateContent",     "chat:invoke",       PATH)
    ROW("gemini", "POST", "/models/<model>:generateContent",              "chat:invoke",       PATH)
    ROW("gemini", "POST", "/models/<model>:streamGenerateContent",        "chat:invoke",       PATH)

    ROW("azure", "POST", "/openai/deployments/<model>/chat/completions",     "chat:invoke",        PATH)
    ROW("azure", "POST", "/openai/deployments/<model>/completions",          "completions:invoke", PATH)
    ROW("azure", "POST", "/openai/deployments/<model>/embeddings",           "embeddings:invoke",  PATH)
    ROW("azure", "POST", "/openai/deployments/<model>/images/generations",   "images:invoke",      PATH)
    ROW("azure", "POST", "/openai/deployments/<model>/images/edits",         "images:invoke",      PATH)
    ROW("azure", "POST", "/openai/deployments/<model>/audio/speech",         "audio:invoke",       PATH)
    ROW("azure", "POST", "/openai/deployments/<model>/audio/transcriptions", "audio:invoke",       PATH)
    ROW("azure", "POST", "/openai/deployments/<model>/audio/translations",   "audio:invoke",       PATH)
};
const size_t gh_api_route_count = GH_COUNT(gh_api_routes);

static const struct { const char *word; enum gh_model_place place; } places[] = {
    { "none", GH_MODEL_NONE }, { "list",  GH_MODEL_LIST  }, { "body",   GH_MODEL_BODY   }, { "form", GH_MODEL_FORM },
    { "path", GH_MODEL_PATH }, { "query", GH_MODEL_QUERY }, { "hidden", GH_MODEL_HIDDEN },
};
/* clang-format on */

bool gh_model_place_parse(struct gh_str word, enum gh_model_place *ret) {
    for (size_t i = 0; i < GH_COUNT(places); i++)
        if (gh_str_is(word, places[i].word)) {
            *ret = places[i].place;
            return true;
        }
    return false;
}

/* --- paths ---------------------------------------------------------------------------------------------- */

static bool has(struct gh_str s, char c) {
    return s.len > 0 && memchr(s.ptr, c, s.len);
}

/* Splits "before<model>after". */
static bool has_mark(struct gh_str segment, struct gh_str *before, struct gh_str *after) {
    const struct gh_str mark = GH_STR("<model>");
    for (size_t i = 0; i + mark.len <= segment.len; i++)
        if (memcmp(segment.ptr + i, mark.ptr, mark.len) == 0) {
            *before = (struct gh_str){ segment.ptr, i };
            *after = gh_str_skip(segment, i + mark.len);
            return true;
        }
    return false;
}

static bool segment_matches(struct gh_str pattern, struct gh_str segment, struct gh_str *model) {
    struct gh_str before, after;
    if (has(pattern, '<')) {
        if (gh_str_is(pattern, "<id>"))
            return segment.len > 0;
        if (has_mark(pattern, &before, &after)) {
            if (segment.len <= before.len + after.len || !gh_str_starts(segment, before) ||
                !gh_str_ends(segment, after))
                return false;
            *model = (struct gh_str){ segment.ptr + before.len, segment.len - before.len - after.len };
            return true;
        }
    }
    return gh_str_eq(pattern, segment);
}

static bool path_matches(struct gh_str pattern, struct gh_str path, struct gh_str *model) {
    struct gh_str want, have;
    for (;;) {
        bool more = gh_str_cut(&pattern, '/', &want), has_more = gh_str_cut(&path, '/', &have);
        if (more != has_more)
            return false;
        if (!more)
            return segment_matches(pattern, path, model);
        if (!segment_matches(want, have, model))
            return false;
    }
}

const struct gh_api_route *gh_route_find(const struct gh_api_route *rows, size_t count, struct gh_str method,
                                         struct gh_str path, struct gh_str *ret_model) {
    if (gh_str_is(method, "HEAD"))
        method = GH_STR("GET");
    for (size_t i = 0; i < count; i++) {
        *ret_model = (struct gh_str){ 0 };
        if (gh_str_eq(rows[i].method, method) && path_matches(rows[i].path, path, ret_model))
            return &rows[i];
    }
    *ret_model = (struct gh_str){ 0 };
    return NULL;
}

static bool segment_ok(struct gh_str s, unsigned *models) {
    struct gh_str before, after;
    if (gh_str_is(s, "<id>"))
        return true;
    if (has_mark(s, &before, &after)) {
        ++*models;
        return !has(before, '<') && !has(after, '<') && !has(before, '>') && !has(after, '>');
    }
    return !has(s, '<') && !has(s, '>');
}

bool gh_route_path_ok(struct gh_str path) {
    struct gh_str rest = gh_str_skip(path, 1), segment;
    unsigned models = 0;
    if (!gh_str_starts(path, GH_STR("/")))
        return false;
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] <= ' ' || path.ptr[i] >= 0x7f || strchr("?#%*\\", path.ptr[i]))
            return false;
    while (gh_str_cut(&rest, '/', &segment))
        if (segment.len == 0 || !segment_ok(segment, &models))
            return false;
    return segment_ok(rest, &models) && models <= 1;
}

/* --- queries -------------------------------------------------------------------------------------------- */

/* Some readers part at ';' too, and all undo escapes in names: a name with one may be any. */
enum gh_err gh_query_model(struct gh_str query, struct gh_str *ret) {
    bool found = false;
    if (has(query, ';'))
        return GH_ERR_AMBIGUOUS_BODY;
    while (query.len) {
        struct gh_str part = query, name;
        if (!gh_str_cut(&query, '&', &part))
            query = (struct gh_str){ 0 };
        struct gh_str value = part;
        if (!gh_str_cut(&value, '=', &name)) {
            name = part;
            value = (struct gh_str){ 0 };
        }
        if (has(name, '%') || has(name, '+'))
            return GH_ERR_AMBIGUOUS_BODY;
        enum gh_model_word word = gh_model_word_find(name, true);
        if (word == GH_WORD_OTHER)
            continue;
        if (word != GH_WORD_MODEL || found)
            return GH_ERR_AMBIGUOUS_BODY;
        found = true;
        *ret = value;
    }
    return found ? GH_OK : GH_ERR_NO_MODEL;
}
