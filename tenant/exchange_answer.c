/* tenant/exchange_answer.c - how a handler answers. */
#include <stdlib.h>

#include "sys/log.h"
#include "tenant/exchange_private.h"

#define JSON_TYPE GH_STR("application/json; charset=utf-8")

static bool has_control(struct gh_str s) {
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7F)
            return true;
    return false;
}

static struct gh_header *find_header(const struct gh_exchange *x, struct gh_str name) {
    for (struct gh_header *h = x->private->answer_headers; h; h = h->next)
        if (gh_str_eq_nocase(h->name, name))
            return h;
    return NULL;
}

bool gh_response_has(const struct gh_exchange *x, const char *name) {
    return find_header(x, gh_str_from(name)) != NULL;
}

void gh_response_header(struct gh_exchange *x, const char *name, struct gh_str value) {
    struct gh_str n = gh_str_from(name);
    if (has_control(value)) {
        gh_log(GH_LOG_WARN, "tenant.header_dropped", "header", "%s", name, NULL);
        return;
    }
    /* Set-Cookie is the one header that may stand there several times (RFC 6265 3). */
    struct gh_header *h = gh_str_eq_nocase(n, GH_STR("Set-Cookie")) ? NULL : find_header(x, n);
    struct gh_str copy = gh_arena_dup(x->arena, value);
    if (h) {
        h->value = copy.ptr ? copy : h->value;
        return;
    }
    h = GH_NEW(x->arena, struct gh_header);
    struct gh_str name_copy = gh_arena_dup(x->arena, n);
    if (!h || !copy.ptr || !name_copy.ptr) {
        gh_log(GH_LOG_WARN, "tenant.header_dropped", "header", "%s", name, NULL);
        return;
    }
    *h = (struct gh_header){ name_copy, copy, x->private->answer_headers };
    x->private->answer_headers = h;
}

/* The first answer stands: a second one is our own mistake and must not mix with it. */
static bool begin(struct gh_exchange *x, int status) {
    if (x->private->answered) {
        gh_log(GH_LOG_ERROR, "tenant.answered_twice", "request_id", "%.*s", GH_STR_FMT(x->request_id), NULL);
        return false;
    }
    x->private->answered = true;
    x->private->status = status;
    return true;
}

static void unavailable(struct gh_exchange *x) {
    x->private->status = 503;
    gh_response_header(x, "Retry-After", GH_STR("1"));
}

void gh_respond_empty(struct gh_exchange *x, int status) {
    (void)begin(x, status);
}

void gh_respond_text(struct gh_exchange *x, int status, const char *content_type, struct gh_str body) {
    if (!begin(x, status))
        return;
    char *copy = malloc(body.len + 1);
    if (!copy) {
        unavailable(x);
        return;
    }
    if (body.len)
        memcpy(copy, body.ptr, body.len);
    copy[body.len] = '\0';
    x->private->answer = copy;
    x->private->answer_len = body.len;
    gh_response_header(x, "Content-Type", gh_str_from(content_type));
}

void gh_respond_json(struct gh_exchange *x, int status, json_t *body) {
    char *text = body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    json_decref(body);
    if (!begin(x, status)) {
        free(text);
        return;
    }
    if (!text) {
        unavailable(x);
        return;
    }
    x->private->answer = text;
    x->private->answer_len = strlen(text);
    if (!gh_response_has(x, "Content-Type"))
        gh_response_header(x, "Content-Type", JSON_TYPE);
}

void gh_respond_redirect(struct gh_exchange *x, int status, struct gh_str location) {
    gh_response_header(x, "Location", location);
    if (gh_response_has(x, "Location"))
        gh_respond_empty(x, status);
    else if (begin(x, 503)) /* controls or no memory: a redirect to nowhere helps nobody */
        unavailable(x);
}

static const char *reason(int status) {
    static const struct {
        int status;
        const char *phrase;
    } rows[] = {
        { 400, "Bad Request" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 408, "Request Timeout" },
        { 413, "Payload Too Large" },
        { 414, "URI Too Long" },
        { 431, "Request Header Fields Too Large" },
        { 503, "Service Unavailable" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        if (rows[i].status == status)
            return rows[i].phrase;
    return "Error";
}

void gh_refuse(struct gh_exchange *x, int status, const char *error, const char *description) {
    bool management = gh_str_starts(x->path, GH_STR("/api/v2"));
    if (status == 503)
        gh_response_header(x, "Retry-After", GH_STR("1"));
    gh_respond_json(x, status,
                    management ? json_pack("{s:i, s:s, s:s, s:s}", "statusCode", status, "error",
                                           reason(status), "message", description, "errorCode", error)
                               : json_pack("{s:s, s:s}", "error", error, "error_description", description));
}
