/* tenant/api/call.c - answers, refusals and the few things about JSON that every collection needs. */
#include "tenant/api/call.h"

#include <stdarg.h>

#include "core/utf8.h"
#include "sys/clock.h"
#include "sys/log.h"

enum gh_err gh_call_refuse(struct gh_call *c, int status, const char *code, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    c->failure.message =
        gh_arena_cstr(c->x->arena, (struct gh_str){ text, gh_utf8_whole(text, strlen(text)) });
    if (!c->failure.message)
        return GH_ERR_NOMEM;
    c->failure.status = status;
    c->failure.code = code;
    return status == 404 ? GH_ERR_NOT_FOUND : status == 409 ? GH_ERR_CONFLICT : GH_ERR_MALFORMED;
}

enum gh_err gh_call_answer(struct gh_call *c, json_t *answer) {
    json_decref(c->answer);
    c->answer = answer;
    return answer ? GH_OK : GH_ERR_NOMEM;
}

enum gh_err gh_call_answer_empty_object(struct gh_call *c) {
    return gh_call_answer(c, json_object());
}

static const char *phrase(int status) {
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        { 400, "Bad Request" },       { 401, "Unauthorized" },       { 403, "Forbidden" },
        { 404, "Not Found" },         { 405, "Method Not Allowed" }, { 409, "Conflict" },
        { 413, "Payload Too Large" }, { 429, "Too Many Requests" },  { 503, "Service Unavailable" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        if (rows[i].status == status)
            return rows[i].text;
    return "Internal Server Error";
}

json_t *gh_error_body(int status, const char *message, const char *code) {
    return json_pack("{s:i, s:s, s:s, s:s*}", "statusCode", status, "error", phrase(status), "message",
                     message, "errorCode", code);
}

enum gh_err gh_row_doc(struct gh_rows *row, int column, json_t **ret) {
    struct gh_str text = gh_rows_text(row, column);
    json_error_t error;
    json_t *doc = text.ptr ? json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error) : NULL;
    if (!json_is_object(doc)) {
        gh_log(GH_LOG_ERROR, "api.document", "column", "%d", column, "why", "%s",
               text.ptr ? error.text : "null", NULL);
        json_decref(doc);
        return GH_ERR_STORAGE;
    }
    *ret = doc;
    return GH_OK;
}

enum gh_err gh_doc_dump(struct gh_call *c, const json_t *doc, struct gh_str *ret) {
    size_t size = json_dumpb(doc, NULL, 0, JSON_COMPACT);
    char *text = size ? gh_arena_alloc(c->x->arena, size) : NULL;
    if (!text || json_dumpb(doc, text, size, JSON_COMPACT) != size)
        return GH_ERR_NOMEM;
    *ret = (struct gh_str){ text, size };
    return GH_OK;
}

json_t *gh_json_time(long long unix_ms) {
    char text[25];
    gh_clock_format_iso(unix_ms, text);
    return json_string(text);
}

enum gh_err gh_doc_merge(json_t *doc, const json_t *patch) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)patch, key, value) {
        if (json_is_null(value))
            json_object_del(doc, key);
        else if (json_object_set(doc, key, value))
            return GH_ERR_NOMEM;
    }
    return GH_OK;
}

enum gh_err gh_doc_default(json_t *doc, const char *defaults) {
    json_auto_t *wanted = json_loads(defaults, 0, NULL);
    return wanted && json_object_update_missing(doc, wanted) == 0 ? GH_OK : GH_ERR_NOMEM;
}
