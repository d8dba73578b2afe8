#include "stack/engine/api.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/cleanup.h"
#include "sys/clock.h"
#include "sys/http_client.h"

#define ARENA (64 << 20)
#define REPLY_MAX (32 << 20)
#define RATE_LIMITED_MOST 30 /* waits for one call */
#define FAILED_MOST 4        /* sends of one call that ended in 5xx or no answer */

struct gh_api {
    struct gh_api_settings settings;
    struct gh_http_client *http;
    char *token; /* "Bearer …"; wiped when it goes */
    unsigned long calls, answers;
    enum gh_err lost; /* why there is no use in going on; GH_OK while there is */
    char lost_text[400];
    gh_api_waiting *waiting;
    void *context;
};

struct gh_api *gh_api_new(const struct gh_api_settings *settings, gh_api_waiting *waiting, void *context) {
    struct gh_http_client_options options = {
        .egress = GH_EGRESS_ANYWHERE, /* the operator named the host */
        .ca_file = settings->ca_file,
        .user_agent = "gatehouse-stack/0.1",
        .timeout_ms = 60000,
        .connect_timeout_ms = 10000,
        .max_response = REPLY_MAX,
    };
    struct gh_api *api = calloc(1, sizeof *api);
    if (api && !(api->http = gh_http_client_new(&options))) {
        free(api);
        return NULL;
    }
    if (api) {
        api->settings = *settings;
        api->waiting = waiting;
        api->context = context;
    }
    return api;
}

static void forget_token(struct gh_api *api) {
    if (api->token)
        OPENSSL_cleanse(api->token, strlen(api->token));
    free(api->token);
    api->token = NULL;
}

void gh_api_free(struct gh_api *api) {
    if (!api)
        return;
    forget_token(api);
    gh_http_client_free(api->http);
    free(api);
}

unsigned long gh_api_calls(const struct gh_api *api) {
    return api->calls;
}

void gh_api_reply_release(struct gh_api_reply *r) {
    json_decref(r->body);
    *r = (struct gh_api_reply){ 0 };
}

bool gh_api_is_lost(const struct gh_api *api) {
    return api->lost != GH_OK;
}

static enum gh_err give_up(struct gh_api *api, enum gh_err e, const struct gh_api_reply *ret) {
    api->lost = e;
    memcpy(api->lost_text, ret->error, sizeof api->lost_text);
    return e;
}

static void pause_for(struct gh_api *api, unsigned seconds, const char *why) {
    if (api->waiting)
        api->waiting(api->context, seconds, why);
    struct timespec left = { .tv_sec = seconds };
    nanosleep(&left, NULL);
}

/* One send. Status 0: there was no answer, and *sent says whether it may have been done all the same. */
static enum gh_err send_once(struct gh_api *api, struct gh_arena *a, const struct gh_http_call *call,
                             struct gh_http_reply *reply, struct gh_api_reply *ret, bool *sent) {
    struct gh_http_failure failure = { 0 };
    api->calls++;
    enum gh_err e = gh_http_call(api->http, a, call, reply, &failure);
    ret->status = e ? 0 : reply->status;
    *sent = e && failure.sent;
    api->answers += !e;
    if (e)
        snprintf(ret->error, sizeof ret->error, "no answer from %s: %s", api->settings.domain,
                 failure.error[0] ? failure.error : gh_err_text(e));
    return e;
}

/* Sends until there is an answer that sending again would not better. */
static enum gh_err send_patiently(struct gh_api *api, struct gh_arena *a, const struct gh_http_call *call,
                                  struct gh_http_reply *reply, struct gh_api_reply *ret) {
    bool once = strcmp(call->method, "POST") == 0;
    unsigned limited = 0, failed = 0;
    for (;;) {
        bool sent;
        enum gh_err e = send_once(api, a, call, reply, ret, &sent);
        if (!e && reply->status == 429 && limited++ < RATE_LIMITED_MOST) {
            struct gh_str after = { 0 }, reset = { 0 };
            gh_http_reply_header(reply, "retry-after", &after);
            gh_http_reply_header(reply, "x-ratelimit-reset", &reset);
            pause_for(api, gh_api_retry_seconds(after, reset, gh_clock_seconds()),
                      "the tenant's rate limit is reached");
            continue;
        }
        bool broken = e || reply->status >= 500;
        if (!broken)
            return GH_OK;
        bool final = e == GH_ERR_TOO_LARGE || e == GH_ERR_NOMEM || ++failed >= FAILED_MOST;
        if (once && (sent || !e)) {
            ret->uncertain = true;
            return e;
        }
        if (final)
            return e;
        pause_for(api, 1u << (failed - 1), e ? "the tenant does not answer" : "the tenant has trouble");
    }
}

static void add_form(struct gh_buf *out, const char *name, const char *value) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
    gh_buf_addf(out, "%s%s=", out->len ? "&" : "", name);
    for (; *value; value++)
        if (strchr(plain, *value))
            gh_buf_add_char(out, *value);
        else
            gh_buf_addf(out, "%%%02X", (unsigned char)*value);
}

static void wipe_buf(struct gh_buf *b) {
    if (b->ptr)
        OPENSSL_cleanse(b->ptr, b->len);
    gh_buf_release(b);
}

/* What the server said, for people: "409 Conflict: The role already exists. (auth0_code)". */
static void describe(struct gh_api_reply *ret) {
    const char *word = NULL, *message = NULL, *code = NULL;
    const char *description = json_string_value(json_object_get(ret->body, "error_description"));
    json_unpack(ret->body, "{s?s, s?s, s?s}", "error", &word, "message", &message, "errorCode", &code);
    snprintf(ret->error, sizeof ret->error, "%d%s%s%s%s%s%s%s", ret->status, word ? " " : "",
             word ? word : "", message || description ? ": " : "",
             message       ? message
             : description ? description
                           : "",
             code ? " (" : "", code ? code : "", code ? ")" : "");
}

static enum gh_err outcome(int status) {
    static const struct {
        int status;
        enum gh_err e;
    } rows[] = { { 401, GH_ERR_NO_TOKEN },
                 { 403, GH_ERR_NO_PERMISSION },
                 { 404, GH_ERR_NOT_FOUND },
                 { 409, GH_ERR_CONFLICT } };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        if (rows[i].status == status)
            return rows[i].e;
    return status >= 200 && status < 300 ? GH_OK : GH_ERR_MALFORMED;
}

static void take_body(struct gh_api_reply *ret, const struct gh_http_reply *reply) {
    json_decref(ret->body);
    ret->body = reply->body.len ? json_loadb(reply->body.ptr, reply->body.len, JSON_DECODE_ANY, NULL) : NULL;
    if (outcome(ret->status) != GH_OK)
        describe(ret);
}

static enum gh_err take_token(struct gh_api *api, struct gh_api_reply *ret) {
    const char *token = json_string_value(json_object_get(ret->body, "access_token"));
    int len = token ? asprintf(&api->token, "Bearer %s", token) : -1;
    if (len < 0)
        api->token = NULL;
    if (!token)
        snprintf(ret->error, sizeof ret->error, "%s answered without an access_token", api->settings.domain);
    return token && api->token ? GH_OK : GH_ERR_NO_TOKEN;
}

/* RFC 6749 4.4, credentials in the body; asking twice does no harm, so it is no POST to be careful with. */
static enum gh_err fetch_token(struct gh_api *api, struct gh_arena *a, struct gh_api_reply *ret) {
    const struct gh_api_settings *s = &api->settings;
    if (s->token) {
        if (asprintf(&api->token, "Bearer %s", s->token) < 0)
            api->token = NULL;
        return api->token ? GH_OK : GH_ERR_NOMEM;
    }
    struct gh_str url = gh_arena_printf(a, "https://%s/oauth/token", s->domain);
    struct gh_str audience =
        s->audience ? gh_str_from(s->audience) : gh_arena_printf(a, "https://%s/api/v2/", s->domain);
    gh_auto(wipe_buf) struct gh_buf form = gh_buf_make(16384);
    if (!url.ptr || !audience.ptr)
        return GH_ERR_NOMEM;
    add_form(&form, "grant_type", "client_credentials");
    add_form(&form, "client_id", s->client_id);
    add_form(&form, "client_secret", s->client_secret);
    add_form(&form, "audience", audience.ptr);
    if (s->organization)
        add_form(&form, "organization", s->organization);
    struct gh_http_header header = { GH_STR("Content-Type"), GH_STR("application/x-www-form-urlencoded") };
    struct gh_http_call call = {
        .method = "POST", .url = url.ptr, .headers = &header, .header_count = 1, .body = gh_buf_str(&form)
    };
    struct gh_http_reply reply;
    enum gh_err e = form.failed ? GH_ERR_NOMEM : send_patiently(api, a, &call, &reply, ret);
    for (int again = 0; ret->uncertain && again < 2; again++) {
        ret->uncertain = false;
        pause_for(api, 1, "no token yet");
        e = send_patiently(api, a, &call, &reply, ret);
    }
    ret->uncertain = false;
    if (e)
        return e;
    take_body(ret, &reply);
    if (ret->status != 200)
        return ret->status < 500 ? GH_ERR_NO_TOKEN : GH_ERR_IO;
    return take_token(api, ret);
}

static enum gh_err call_with_token(struct gh_api *api, struct gh_arena *a, const char *method,
                                   const char *url, struct gh_str body, struct gh_api_reply *ret) {
    struct gh_http_header headers[] = { { GH_STR("Authorization"), { 0 } },
                                        { GH_STR("Content-Type"), GH_STR("application/json") } };
    struct gh_http_call call = {
        .method = method, .url = url, .headers = headers, .header_count = body.ptr ? 2 : 1, .body = body
    };
    struct gh_http_reply reply;
    enum gh_err e = api->token ? GH_OK : fetch_token(api, a, ret);
    if (e)
        return e == GH_ERR_NO_TOKEN || api->answers == 0 ? give_up(api, e, ret) : e;
    headers[0].value = gh_str_from(api->token);
    e = send_patiently(api, a, &call, &reply, ret);
    if (e)
        return e;
    take_body(ret, &reply);
    return ret->status >= 500 ? GH_ERR_IO : outcome(ret->status);
}

enum gh_err gh_api_token(struct gh_api *api, const char **ret, struct gh_api_reply *reply) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(ARENA);
    *reply = (struct gh_api_reply){ 0 };
    enum gh_err e = !a ? GH_ERR_NOMEM : api->token ? GH_OK : fetch_token(api, a, reply);
    if (!e)
        *ret = api->token + strlen("Bearer ");
    return e;
}

enum gh_err gh_api_call(struct gh_api *api, const char *method, const char *path, json_t *body,
                        struct gh_api_reply *ret) {
    *ret = (struct gh_api_reply){ 0 };
    if (api->lost) {
        memcpy(ret->error, api->lost_text, sizeof ret->error);
        return api->lost;
    }
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(ARENA);
    struct gh_str url =
        a ? gh_arena_printf(a, "https://%s/api/v2%s", api->settings.domain, path) : (struct gh_str){ 0 };
    char *text = body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    enum gh_err e = GH_ERR_NOMEM;
    if (url.ptr && (!body || text)) {
        e = call_with_token(api, a, method, url.ptr, gh_str_from(text), ret);
        /* The token may have ended in a long run: a new one, once. */
        if (e == GH_ERR_NO_TOKEN && ret->status == 401 && api->token && !api->settings.token) {
            forget_token(api);
            e = call_with_token(api, a, method, url.ptr, gh_str_from(text), ret);
        }
    }
    if (text)
        OPENSSL_cleanse(text, strlen(text)); /* it may hold a password */
    free(text);
    return e;
}

static enum gh_err add_page(const struct gh_api_reply *page, const char *member, json_t *items,
                            size_t *count) {
    json_t *list = json_is_array(page->body) ? page->body : json_object_get(page->body, member);
    *count = json_array_size(list);
    return json_is_array(list) && json_array_extend(items, list) == 0 ? GH_OK : GH_ERR_MALFORMED;
}

static enum gh_err page_path(const char *path, enum gh_paging paging, unsigned page, const char *from,
                             struct gh_buf *ret) {
    gh_buf_addf(ret, "%s%c", path, strchr(path, '?') ? '&' : '?');
    if (paging == GH_PAGING_PAGE)
        gh_buf_addf(ret, "include_totals=true&per_page=100&page=%u", page);
    else
        gh_buf_addf(ret, "take=100");
    if (from)
        add_form(ret, "from", from);
    return ret->failed ? GH_ERR_NOMEM : GH_OK;
}

enum gh_err gh_api_list(struct gh_api *api, const char *path, const char *member, enum gh_paging paging,
                        json_t **items, struct gh_api_reply *ret) {
    json_t *all = json_array();
    enum gh_err e = all ? GH_OK : GH_ERR_NOMEM;
    char *from = NULL;
    bool more = true;
    for (unsigned page = 0; !e && more; page++) {
        gh_auto(gh_buf_release) struct gh_buf url = gh_buf_make(65536);
        size_t count = 0;
        e = page_path(path, paging, page, from, &url);
        free(from);
        from = NULL;
        e = e ? e : gh_api_call(api, "GET", url.ptr, NULL, ret);
        e = e ? e : add_page(ret, member, all, &count);
        const char *next = json_string_value(json_object_get(ret->body, "next"));
        json_int_t total = json_integer_value(json_object_get(ret->body, "total"));
        if (paging == GH_PAGING_PAGE)
            more = count > 0 && (json_int_t)json_array_size(all) < total;
        else
            more = next && *next && (from = strdup(next));
        if (!e)
            gh_api_reply_release(ret);
    }
    free(from);
    if (e)
        json_decref(all);
    else
        *items = all;
    return e;
}
