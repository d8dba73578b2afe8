#include "follow/machine.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/json.h"
#include "core/limits.h"
#include "sys/clock.h"
#include "sys/file.h"

enum { TIMEOUT_MS = 30000, CONNECT_MS = 3000, ANSWER_MAX = 8 << 20, SECRET_MAX = 1024, EARLY_SECONDS = 60 };

struct gh_machine {
    const char *issuer, *client_id, *secret_file;
    struct gh_http_client *client;
    char *token; /* NULL: none yet */
    long long expires;
};

struct gh_machine *gh_machine_new(const char *issuer, const char *ca_file, const char *client_id,
                                  const char *secret_file) {
    struct gh_machine *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    *m = (struct gh_machine){ .issuer = issuer, .client_id = client_id, .secret_file = secret_file };
    m->client = gh_http_client_new(&(struct gh_http_client_options){
        .egress = GH_EGRESS_ANYWHERE,
        .ca_file = ca_file,
        .user_agent = "gatehouse",
        .timeout_ms = TIMEOUT_MS,
        .connect_timeout_ms = CONNECT_MS,
        .max_response = ANSWER_MAX,
    });
    if (!m->client) {
        free(m);
        return NULL;
    }
    return m;
}

static void forget(struct gh_machine *m) {
    if (m->token) {
        OPENSSL_cleanse(m->token, strlen(m->token));
        free(m->token);
    }
    m->token = NULL;
}

void gh_machine_free(struct gh_machine *m) {
    if (!m)
        return;
    forget(m);
    gh_http_client_free(m->client);
    free(m);
}

/* An issuer may or may not end with a slash; its API is below one. */
static struct gh_str below(const struct gh_machine *m, struct gh_arena *a, const char *path) {
    struct gh_str issuer = gh_str_from(m->issuer);
    return gh_arena_printf(a, "%s%s%s", m->issuer, gh_str_ends(issuer, GH_STR("/")) ? "" : "/", path);
}

static enum gh_err request_body(struct gh_machine *m, struct gh_arena *a, struct gh_buf *ret) {
    struct gh_str secret, audience = below(m, a, "api/v2/");
    enum gh_err e = audience.ptr ? gh_file_read(a, m->secret_file, SECRET_MAX, &secret) : GH_ERR_NOMEM;
    if (e)
        return e;
    while (secret.len > 0 && (secret.ptr[secret.len - 1] == '\n' || secret.ptr[secret.len - 1] == '\r'))
        secret.len--;
    gh_buf_add(ret, GH_STR("{\"grant_type\":\"client_credentials\",\"client_id\":"));
    gh_json_quote(ret, gh_str_from(m->client_id));
    gh_buf_add(ret, GH_STR(",\"audience\":"));
    gh_json_quote(ret, audience);
    gh_buf_add(ret, GH_STR(",\"client_secret\":"));
    gh_json_quote(ret, secret);
    gh_buf_add(ret, GH_STR("}"));
    OPENSSL_cleanse((char *)secret.ptr, secret.len);
    return ret->failed ? GH_ERR_NOMEM : GH_OK;
}

static enum gh_err take_token(struct gh_machine *m, struct gh_arena *a, struct gh_str body) {
    struct gh_json document, value;
    struct gh_str token;
    long long life = 0;
    enum gh_err e = gh_json_parse(body, GH_LIMIT_JSON_DEPTH, &document);
    if (e || !gh_json_member(document, GH_STR("access_token"), &value) || gh_json_string(a, value, &token))
        return e ? e : GH_ERR_MALFORMED;
    if (token.len == 0 || token.len > GH_LIMIT_TOKEN)
        return GH_ERR_MALFORMED;
    if (!gh_json_member(document, GH_STR("expires_in"), &value) || gh_json_integer(value, &life) || life < 0)
        life = 0;
    forget(m);
    m->token = strndup(token.ptr, token.len);
    m->expires = gh_clock_seconds() + life;
    return m->token ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_err get_token(struct gh_machine *m, struct gh_arena *a, char why[256]) {
    static const struct gh_http_header json = { { "Content-Type", 12 }, { "application/json", 16 } };
    struct gh_buf body = gh_buf_make(8192);
    struct gh_str url = below(m, a, "oauth/token");
    struct gh_http_reply reply;
    struct gh_http_failure failure = { 0 };
    enum gh_err e = url.ptr ? request_body(m, a, &body) : GH_ERR_NOMEM;
    if (e)
        snprintf(why, 256, "%.200s: %s", m->secret_file, gh_err_text(e));
    struct gh_http_call call = {
        .method = "POST", .url = url.ptr, .headers = &json, .header_count = 1, .body = gh_buf_str(&body)
    };
    if (!e && (e = gh_http_call(m->client, a, &call, &reply, &failure)))
        snprintf(why, 256, "%.120s: %.100s", url.ptr, failure.error);
    else if (!e && reply.status != 200) {
        e = reply.status == 401 || reply.status == 403 ? GH_ERR_NO_PERMISSION : GH_ERR_IO;
        snprintf(why, 256, "%.200s: answered %d", url.ptr, reply.status);
    } else if (!e && (e = take_token(m, a, reply.body)))
        snprintf(why, 256, "%.200s: no token in the answer", url.ptr);
    if (body.ptr)
        OPENSSL_cleanse(body.ptr, body.len);
    gh_buf_release(&body);
    return e;
}

static enum gh_err get(struct gh_machine *m, struct gh_arena *a, const char *url, struct gh_http_reply *reply,
                       char why[256]) {
    struct gh_str bearer = gh_arena_printf(a, "Bearer %s", m->token);
    struct gh_http_header header = { GH_STR("Authorization"), bearer };
    struct gh_http_call call = { .method = "GET", .url = url, .headers = &header, .header_count = 1 };
    struct gh_http_failure failure = { 0 };
    enum gh_err e = bearer.ptr ? gh_http_call(m->client, a, &call, reply, &failure) : GH_ERR_NOMEM;
    if (e)
        snprintf(why, 256, "%.120s: %.100s", url, failure.error);
    return e;
}

enum gh_err gh_machine_get(struct gh_machine *m, struct gh_arena *a, const char *path, struct gh_str *ret,
                           char why[256]) {
    struct gh_str url = below(m, a, path);
    struct gh_http_reply reply = { 0 };
    why[0] = '\0';
    if (!url.ptr)
        return GH_ERR_NOMEM;
    for (int attempt = 0; attempt < 2; attempt++) {
        long long left = m->expires - gh_clock_seconds();
        enum gh_err e = m->token && left > EARLY_SECONDS ? GH_OK : get_token(m, a, why);
        if (!e)
            e = get(m, a, url.ptr, &reply, why);
        if (e)
            return e;
        if (reply.status == 200) {
            *ret = reply.body;
            return GH_OK;
        }
        snprintf(why, 256, "%.200s: answered %d", url.ptr, reply.status);
        if (reply.status != 401)
            break;
        forget(m); /* revoked, perhaps because our own grant was changed */
    }
    return reply.status == 401 || reply.status == 403 ? GH_ERR_NO_PERMISSION : GH_ERR_IO;
}
