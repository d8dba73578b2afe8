#include "stack/device.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/buf.h"
#include "core/cleanup.h"
#include "stack/form.h"
#include "sys/clock.h"
#include "sys/http_client.h"

#define ARENA (1 << 20)
#define GRANT "urn:ietf:params:oauth:grant-type:device_code"
enum {
    INTERVAL = 5,
    INTERVAL_MOST = 60,
    LIFE_MOST = 1800
}; /* seconds; RFC 8628 3.2: 5 where nothing is said */

struct flow {
    const struct gh_device_request *r;
    struct gh_http_client *http;
    char *error;
};

static enum gh_err fail(struct flow *f, enum gh_err e, const char *what, const char *more) {
    snprintf(f->error, 400, "%s%s%s", what, more ? ": " : "", more ? more : "");
    return e;
}

/* *body is new, or NULL when the answer is no JSON object. */
static enum gh_err post(struct flow *f, const char *path, const struct gh_buf *form, int *status,
                        json_t **body) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(ARENA);
    struct gh_str url = a ? gh_arena_printf(a, "https://%s%s", f->r->domain, path) : (struct gh_str){ 0 };
    struct gh_http_header header = { GH_STR("Content-Type"), GH_STR("application/x-www-form-urlencoded") };
    struct gh_http_failure failure = { 0 };
    struct gh_http_reply reply;
    if (form->failed || !url.ptr)
        return fail(f, GH_ERR_NOMEM, "out of memory", NULL);
    struct gh_http_call call = {
        .method = "POST", .url = url.ptr, .headers = &header, .header_count = 1, .body = gh_buf_str(form)
    };
    enum gh_err e = gh_http_call(f->http, a, &call, &reply, &failure);
    if (e)
        return fail(f, e == GH_ERR_TIMEOUT ? GH_ERR_IO : e, "the tenant cannot be reached",
                    failure.error[0] ? failure.error : gh_err_text(e));
    *status = reply.status;
    *body = json_loadb(reply.body.ptr, reply.body.len, JSON_REJECT_DUPLICATES, NULL);
    if (reply.body.len)
        OPENSSL_cleanse((char *)(uintptr_t)reply.body.ptr, reply.body.len); /* it may hold the token */
    if (*body && !json_is_object(*body)) {
        json_decref(*body);
        *body = NULL;
    }
    return GH_OK;
}

/* What a person is shown must not be able to do anything to the terminal: ASCII from `lowest` on. */
static const char *harmless(const json_t *body, const char *member, char lowest) {
    const char *text = json_string_value(json_object_get(body, member));
    for (const char *c = text; c && *c; c++)
        if (*c < lowest || *c > '~')
            return NULL;
    return text && *text && strlen(text) < 2048 ? text : NULL;
}

static const char *printable(const json_t *body, const char *member) {
    return harmless(body, member, '!');
}

static long long number(const json_t *body, const char *member, long long otherwise, long long most) {
    const json_t *value = json_object_get(body, member);
    double n = json_is_number(value) ? json_number_value(value) : (double)otherwise;
    return n < 1 ? 1 : n > (double)most ? most : (long long)n; /* 1e300 is a number, too */
}

static const char *reason(const json_t *body, int status, char room[64]) {
    const char *text = harmless(body, "error_description", ' ');
    text = text ? text : printable(body, "error");
    snprintf(room, 64, "HTTP %d", status);
    return text ? text : room;
}

/* The answer to the first question: codes, where, and for how long. */
static enum gh_err begin(struct flow *f, json_t **ret) {
    gh_auto(gh_form_wipe) struct gh_buf form = gh_buf_make(16384);
    char room[64];
    int status = 0;
    gh_form_add(&form, "client_id", f->r->client_id);
    gh_form_add(&form, "client_secret", f->r->client_secret); /* RFC 8628 3.1: as at the token endpoint */
    gh_form_add(&form, "audience", f->r->audience);
    gh_form_add(&form, "scope", f->r->scope);
    gh_form_add(&form, "organization", f->r->organization);
    enum gh_err e = post(f, "/oauth/device/code", &form, &status, ret);
    if (e)
        return e;
    if (status == 404)
        return fail(f, GH_ERR_NOT_FOUND, "this tenant does not serve the device flow", NULL);
    if (status != 200)
        return fail(f, GH_ERR_NO_TOKEN, "the tenant refused to begin", reason(*ret, status, room));
    const char *uri = printable(*ret, "verification_uri");
    bool whole = printable(*ret, "device_code") && printable(*ret, "user_code") && uri;
    if (!whole || strncmp(uri, "https://", 8) != 0)
        return fail(f, GH_ERR_MALFORMED, "the tenant's answer is none of the device flow", NULL);
    return GH_OK;
}

static void sleep_for(long long seconds) {
    struct timespec left = { .tv_sec = seconds };
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

/* One question of many. CONFLICT: not decided yet; *interval grows where the tenant says so (RFC 8628 3.5).
 */
static enum gh_err poll_once(struct flow *f, const struct gh_buf *form, long long *interval, char **token) {
    json_t *body = NULL;
    char room[64];
    int status = 0;
    enum gh_err e = post(f, "/oauth/token", form, &status, &body);
    const char *error = printable(body, "error"), *access = printable(body, "access_token");
    if (e == GH_ERR_IO) { /* the way there, not the tenant: RFC 8628 3.5 asks to wait longer */
        *interval = *interval * 2 > INTERVAL_MOST ? INTERVAL_MOST : *interval * 2;
        return GH_ERR_CONFLICT;
    }
    if (!e && status == 200 && access) {
        *token = strdup(access);
        e = *token ? GH_OK : fail(f, GH_ERR_NOMEM, "out of memory", NULL);
    } else if (!e && error && strcmp(error, "authorization_pending") == 0)
        e = GH_ERR_CONFLICT;
    else if (!e && error && strcmp(error, "slow_down") == 0) {
        *interval = *interval + 5 > INTERVAL_MOST ? INTERVAL_MOST : *interval + 5;
        e = GH_ERR_CONFLICT;
    } else if (!e && error && strcmp(error, "expired_token") == 0)
        e = fail(f, GH_ERR_TIMEOUT, "nobody typed the code in time", NULL);
    else if (!e && status >= 500)
        e = GH_ERR_CONFLICT;
    else if (!e)
        e = fail(f, status == 200 ? GH_ERR_MALFORMED : GH_ERR_NO_TOKEN, "no token",
                 status == 200 ? "the answer holds none" : reason(body, status, room));
    json_decref(body);
    return e;
}

static enum gh_err wait_for_token(struct flow *f, const json_t *begun, char **token) {
    gh_auto(gh_form_wipe) struct gh_buf form = gh_buf_make(16384);
    long long interval = number(begun, "interval", INTERVAL, INTERVAL_MOST);
    long long end = gh_clock_monotonic_ns() / 1000000000 + number(begun, "expires_in", 900, LIFE_MOST);
    gh_form_add(&form, "grant_type", GRANT);
    gh_form_add(&form, "device_code", json_string_value(json_object_get(begun, "device_code")));
    gh_form_add(&form, "client_id", f->r->client_id);
    gh_form_add(&form, "client_secret", f->r->client_secret);
    for (;;) {
        sleep_for(interval);
        enum gh_err e = poll_once(f, &form, &interval, token);
        if (e != GH_ERR_CONFLICT)
            return e;
        if (gh_clock_monotonic_ns() / 1000000000 >= end)
            return fail(f, GH_ERR_TIMEOUT, "nobody typed the code in time", NULL);
    }
}

enum gh_err gh_device_token(const struct gh_device_request *r, gh_device_prompt *prompt, void *context,
                            char **token, char error[400]) {
    const struct gh_http_client_options options = { .egress = GH_EGRESS_ANYWHERE,
                                                    .ca_file = r->ca_file,
                                                    .user_agent = "gatehouse-token/" GH_VERSION,
                                                    .timeout_ms = 30000,
                                                    .connect_timeout_ms = 10000,
                                                    .max_response = 1 << 16 };
    gh_auto(gh_http_client_freep) struct gh_http_client *http = gh_http_client_new(&options);
    struct flow f = { .r = r, .http = http, .error = error };
    json_t *begun = NULL;
    *token = NULL;
    error[0] = '\0';
    if (!http)
        return fail(&f, GH_ERR_NOMEM, "the HTTP client could not be set up; is SSL_CERT_FILE readable?",
                    NULL);
    enum gh_err e = begin(&f, &begun);
    if (!e) {
        prompt(context, printable(begun, "user_code"), printable(begun, "verification_uri"),
               printable(begun, "verification_uri_complete"));
        e = wait_for_token(&f, begun, token);
    }
    json_decref(begun);
    return e;
}
