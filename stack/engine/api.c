#include "stack/engine/api.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/cleanup.h"
#include "stack/form.h"
#include "sys/clock.h"
#include "sys/http_client.h"

#define ARENA (64 << 20)
#define REPLY_MAX (32 << 20)
#define RATE_LIMITED_MOST 30 /* waits for one call */
#define FAILED_MOST 4        /* sends of one call that ended in 5xx or no answer */
#define PLACES 64            /* most calls at a time: one connection each */

struct gh_api {
    struct gh_api_settings settings;
    struct gh_http_client_options http;
    struct gh_http_client *clients[PLACES]; /* made when the place is first taken */
    struct gh_crew *crew;
    char *token; /* "Bearer …"; wiped when it goes */
    bool fetching;
    struct gh_crew_gate token_gate;
    unsigned long calls, answers;
    unsigned under_way;
    struct gh_api_budget budget;
    long long not_before; /* monotonic ns: the tenant said so */
    enum gh_err lost;     /* why there is no use in going on; GH_OK while there is */
    char lost_text[400];
    gh_api_waiting *waiting;
    void *context;
};

struct gh_api *gh_api_new(const struct gh_api_settings *settings, gh_api_waiting *waiting, void *context) {
    struct gh_api *api = calloc(1, sizeof *api);
    if (!api)
        return NULL;
    api->settings = *settings;
    api->waiting = waiting;
    api->context = context;
    api->http = (struct gh_http_client_options){
        .egress = GH_EGRESS_ANYWHERE, /* the operator named the host */
        .ca_file = api->settings.ca_file,
        .user_agent = "gatehouse-stack/0.1",
        .timeout_ms = 60000,
        .connect_timeout_ms = 10000,
        .max_response = REPLY_MAX,
    };
    api->clients[0] = gh_http_client_new(&api->http);
    if (!api->clients[0]) {
        free(api);
        return NULL;
    }
    return api;
}

void gh_api_set_crew(struct gh_api *api, struct gh_crew *crew) {
    api->crew = crew;
}

struct gh_crew *gh_api_crew(const struct gh_api *api) {
    return api->crew;
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
    for (size_t i = 0; i < PLACES; i++)
        gh_http_client_free(api->clients[i]);
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

static void give_up(struct gh_api *api, enum gh_err e, const struct gh_api_reply *ret) {
    api->lost = e;
    memcpy(api->lost_text, ret->error, sizeof api->lost_text);
}

/* Others go on meanwhile. */
static void sleep_until(struct gh_api *api, long long monotonic) {
    struct timespec until = { .tv_sec = monotonic / 1000000000, .tv_nsec = monotonic % 1000000000 };
    gh_crew_leave(api->crew);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
    gh_crew_return(api->crew);
}

static void pause_for(struct gh_api *api, unsigned seconds, const char *why) {
    if (api->waiting)
        api->waiting(api->context, seconds, why);
    sleep_until(api, gh_clock_monotonic_ns() + seconds * 1000000000LL);
}

/* All calls wait, and it is said once. */
static void hold_back(struct gh_api *api, unsigned seconds, const char *why) {
    long long until = gh_clock_monotonic_ns() + seconds * 1000000000LL;
    if (until - api->not_before < 500000000LL) /* another call was told the same */
        return;
    api->not_before = until;
    if (why && api->waiting)
        api->waiting(api->context, seconds, why);
}

static void wait_for_leave(struct gh_api *api) {
    for (;;) {
        unsigned seconds = gh_api_budget_wait(&api->budget, api->under_way, gh_clock_seconds());
        if (seconds)
            hold_back(api, seconds, seconds > 2 ? "room is left under the tenant's rate limit" : NULL);
        if (api->not_before <= gh_clock_monotonic_ns())
            return;
        sleep_until(api, api->not_before);
    }
}

static long long header_number(const struct gh_http_reply *reply, const char *name) {
    struct gh_str text;
    unsigned long long n;
    return gh_http_reply_header(reply, name, &text) && gh_str_to_u64(gh_str_trim(text), 1ULL << 40, &n)
               ? (long long)n
               : -1;
}

static void learn(struct gh_api *api, const struct gh_http_reply *reply) {
    struct gh_api_budget b = { .limit = header_number(reply, "x-ratelimit-limit"),
                               .remaining = header_number(reply, "x-ratelimit-remaining"),
                               .reset = header_number(reply, "x-ratelimit-reset") };
    if (b.limit <= 0 || b.remaining < 0 || b.reset < 0)
        return;
    if (b.reset == api->budget.reset && b.remaining > api->budget.remaining)
        b.remaining = api->budget.remaining; /* answers overtake each other */
    api->budget = b;
}

/* One send. Status 0: there was no answer, and *sent says whether it may have been done all the same. */
static enum gh_err send_once(struct gh_api *api, struct gh_arena *a, const struct gh_http_call *call,
                             struct gh_http_reply *reply, struct gh_api_reply *ret, bool *sent) {
    struct gh_http_failure failure = { 0 };
    unsigned place = gh_crew_take_place(api->crew);
    wait_for_leave(api);
    api->calls++;
    api->under_way++;
    gh_crew_leave(api->crew);
    if (!api->clients[place]) /* whose place it is, is alone with it */
        api->clients[place] = gh_http_client_new(&api->http);
    enum gh_err e =
        api->clients[place] ? gh_http_call(api->clients[place], a, call, reply, &failure) : GH_ERR_NOMEM;
    gh_crew_return(api->crew);
    gh_crew_give_place(api->crew, place);
    api->under_way--;
    ret->status = e ? 0 : reply->status;
    *sent = e && failure.sent;
    api->answers += !e;
    if (!e)
        learn(api, reply);
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
            hold_back(api, gh_api_retry_seconds(after, reset, gh_clock_seconds()),
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
    gh_auto(gh_form_wipe) struct gh_buf form = gh_buf_make(16384);
    if (!url.ptr || !audience.ptr)
        return GH_ERR_NOMEM;
    gh_form_add(&form, "grant_type", "client_credentials");
    gh_form_add(&form, "client_id", s->client_id);
    gh_form_add(&form, "client_secret", s->client_secret);
    gh_form_add(&form, "audience", audience.ptr);
    gh_form_add(&form, "organization", s->organization);
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

/* One worker asks; the others wait for what it gets. Without a token there is no use in going on. */
static enum gh_err need_token(struct gh_api *api, struct gh_arena *a, struct gh_api_reply *ret) {
    while (!api->token && !api->lost) {
        if (api->fetching) {
            gh_crew_wait(api->crew, &api->token_gate);
            continue;
        }
        api->fetching = true;
        enum gh_err e = fetch_token(api, a, ret);
        api->fetching = false;
        if (e)
            give_up(api, e, ret);
        gh_crew_open(api->crew, &api->token_gate, SIZE_MAX);
    }
    if (api->lost)
        memcpy(ret->error, api->lost_text, sizeof ret->error);
    return api->lost;
}

static void wipe_text(char **text) {
    if (*text)
        OPENSSL_cleanse(*text, strlen(*text));
    free(*text);
}

static enum gh_err call_with_token(struct gh_api *api, struct gh_arena *a, const char *method,
                                   const char *url, struct gh_str body, struct gh_api_reply *ret) {
    struct gh_http_header headers[] = { { GH_STR("Authorization"), { 0 } },
                                        { GH_STR("Content-Type"), GH_STR("application/json") } };
    struct gh_http_call call = {
        .method = method, .url = url, .headers = headers, .header_count = body.ptr ? 2 : 1, .body = body
    };
    struct gh_http_reply reply;
    enum gh_err e = need_token(api, a, ret);
    if (e)
        return e;
    gh_auto(wipe_text) char *token = strdup(api->token); /* another call may find that it has ended */
    if (!token)
        return GH_ERR_NOMEM;
    headers[0].value = gh_str_from(token);
    e = send_patiently(api, a, &call, &reply, ret);
    if (e)
        return e;
    take_body(ret, &reply);
    if (ret->status == 401 && api->token && strcmp(api->token, token) == 0 && !api->settings.token)
        forget_token(api);
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
    gh_auto(wipe_text) char *text =
        body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY) : NULL; /* a password? */
    if (!url.ptr || (body && !text))
        return GH_ERR_NOMEM;
    enum gh_err e = call_with_token(api, a, method, url.ptr, gh_str_from(text), ret);
    /* The token may have ended in a long run: a new one, once. */
    if (e == GH_ERR_NO_TOKEN && ret->status == 401 && !api->settings.token)
        e = call_with_token(api, a, method, url.ptr, gh_str_from(text), ret);
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
    gh_form_add(ret, "from", from);
    return ret->failed ? GH_ERR_NOMEM : GH_OK;
}

enum gh_err gh_api_list(struct gh_api *api, const char *path, const char *member, enum gh_paging paging,
                        json_t **items, struct gh_api_reply *ret) {
    size_t left = SIZE_MAX;
    return gh_api_list_within(api, path, member, paging, &left, items, ret);
}

enum gh_err gh_api_list_within(struct gh_api *api, const char *path, const char *member,
                               enum gh_paging paging, size_t *left, json_t **items,
                               struct gh_api_reply *ret) {
    json_t *all = json_array();
    enum gh_err e = all ? GH_OK : GH_ERR_NOMEM;
    char *from = NULL;
    bool more = true;
    for (unsigned page = 0; !e && more; page++) {
        gh_auto(gh_buf_release) struct gh_buf url = gh_buf_make(65536);
        size_t count = 0;
        e = *left ? page_path(path, paging, page, from, &url) : GH_ERR_TOO_LARGE;
        *left -= !e;
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
