#include "sys/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "sys/address.h"

enum { MAX_HEADERS = 65536, IDLE_SECONDS = 30 };

typedef struct curl_slist curl_slist; /* GH_DEFINE_FREEP wants one word */
GH_DEFINE_FREEP(curl_slist, curl_slist_free_all)
GH_DEFINE_FREEP(CURLU, curl_url_cleanup)

struct gh_http_client {
    CURL *easy;
    struct gh_http_client_options options;
    char *ca_file, *unix_socket, *user_agent;
};

/* One call under way: what the callbacks write. */
struct transfer {
    const struct gh_http_client_options *options;
    struct gh_buf body, head;
    bool repeatable, sent, repeated, forbidden, too_large;
};

static void transfer_release(struct transfer *t) {
    gh_buf_release(&t->body);
    gh_buf_release(&t->head);
}

static bool dup_option(const char *from, char **to) {
    return !from || (*to = strdup(from));
}

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static bool curl_ready;

static void curl_start(void) {
    curl_ready = curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK;
}

struct gh_http_client *gh_http_client_new(const struct gh_http_client_options *options) {
    pthread_once(&curl_once, curl_start);
    struct gh_http_client *c = curl_ready ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return NULL;
    c->options = *options;
    c->easy = curl_easy_init();
    if (!c->easy || !dup_option(options->ca_file, &c->ca_file) ||
        !dup_option(options->unix_socket, &c->unix_socket) ||
        !dup_option(options->user_agent, &c->user_agent)) {
        gh_http_client_free(c);
        return NULL;
    }
    return c;
}

void gh_http_client_free(struct gh_http_client *c) {
    if (!c)
        return;
    curl_easy_cleanup(c->easy);
    free(c->ca_file);
    free(c->unix_socket);
    free(c->user_agent);
    free(c);
}

/* --- what curl asks ------------------------------------------------------------------------------------- */

/* The check is made on the address that is about to be connected to, so a name that resolves to something
 * else a moment later (DNS rebinding) gains nothing. */
static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *a) {
    struct transfer *t = data;
    if (t->options->egress == GH_EGRESS_PUBLIC &&
        (purpose != CURLSOCKTYPE_IPCXN || !gh_address_is_public(&a->addr, a->addrlen))) {
        t->forbidden = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* Called when a connection stands and the request is about to go. curl starts over when a kept connection
 * dies under it; for a request with an effect that would be a blind repetition. */
static int about_to_send(void *data, char *ip, char *local_ip, int port, int local_port) {
    struct transfer *t = data;
    if (t->sent && !t->repeatable) {
        t->repeated = true;
        return CURL_PREREQFUNC_ABORT;
    }
    t->sent = true;
    return CURL_PREREQFUNC_OK;
}

static size_t keep_body(char *bytes, size_t one, size_t len, void *data) {
    struct transfer *t = data;
    if (len > t->body.ceiling - t->body.len) {
        t->too_large = true;
        return 0;
    }
    gh_buf_add(&t->body, (struct gh_str){ bytes, len });
    return t->body.failed ? 0 : len;
}

static size_t keep_header(char *bytes, size_t one, size_t len, void *data) {
    struct transfer *t = data;
    struct gh_str line = { bytes, len };
    if (gh_str_starts(line, GH_STR("HTTP/"))) /* what came before was an interim answer (1xx) */
        gh_buf_reset(&t->head);
    if (len > t->head.ceiling - t->head.len) {
        t->too_large = true;
        return 0;
    }
    gh_buf_add(&t->head, line);
    return t->head.failed ? 0 : len;
}

/* --- asking curl ---------------------------------------------------------------------------------------- */

/* http or https with a host, nothing of a user in it: credentials in a URL end up in logs. */
static enum gh_err check_url(const char *url) {
    gh_auto(CURLU_freep) CURLU *u = curl_url();
    if (!u)
        return GH_ERR_NOMEM;
    if (curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        return GH_ERR_MALFORMED;
    char *scheme = NULL;
    if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        return GH_ERR_MALFORMED;
    bool ok = strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
    curl_free(scheme);
    return ok ? GH_OK : GH_ERR_MALFORMED;
}

static bool has_controls(struct gh_str s) {
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
            return true;
    return false;
}

static enum gh_err add_header(curl_slist **list, const char *line) {
    curl_slist *longer = curl_slist_append(*list, line);
    if (!longer)
        return GH_ERR_NOMEM;
    *list = longer;
    return GH_OK;
}

static enum gh_err add_headers(struct gh_arena *a, const struct gh_http_call *call, curl_slist **list) {
    bool typed = false;
    enum gh_err e = add_header(list, "Expect:"); /* no waiting for 100 Continue */
    for (size_t i = 0; i < call->header_count && !e; i++) {
        struct gh_str name = call->headers[i].name, value = call->headers[i].value;
        if (name.len == 0 || has_controls(name) || has_controls(value) || memchr(name.ptr, ':', name.len))
            return GH_ERR_MALFORMED;
        typed = typed || gh_str_eq_nocase(name, GH_STR("Content-Type"));
        /* "Name;" is how curl spells a header without a value */
        struct gh_str line =
            gh_arena_printf(a, value.len ? "%.*s: %.*s" : "%.*s;%.*s", GH_STR_FMT(name), GH_STR_FMT(value));
        e = line.ptr ? add_header(list, line.ptr) : GH_ERR_NOMEM;
    }
    if (!e && !typed)
        e = add_header(list, "Content-Type:"); /* curl would call every body a form */
    return e;
}

#define SET(option, value)                                                                                   \
    do {                                                                                                     \
        if (curl_easy_setopt(easy, option, value) != CURLE_OK)                                               \
            return GH_ERR_NOMEM;                                                                             \
    } while (0)

static enum gh_err set_rules(struct gh_http_client *c, struct transfer *t) {
    CURL *easy = c->easy;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_TIMEOUT_MS, c->options.timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, c->options.connect_timeout_ms);
    SET(CURLOPT_MAXAGE_CONN, (long)IDLE_SECONDS); /* below the idle time of usual servers */
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, t);
    SET(CURLOPT_PREREQFUNCTION, about_to_send);
    SET(CURLOPT_PREREQDATA, t);
    SET(CURLOPT_WRITEFUNCTION, keep_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_HEADERFUNCTION, keep_header);
    SET(CURLOPT_HEADERDATA, t);
    if (c->user_agent)
        SET(CURLOPT_USERAGENT, c->user_agent);
    if (c->ca_file)
        SET(CURLOPT_CAINFO, c->ca_file);
    if (c->unix_socket)
        SET(CURLOPT_UNIX_SOCKET_PATH, c->unix_socket);
    if (c->options.egress == GH_EGRESS_PUBLIC) {
        SET(CURLOPT_PROXY, ""); /* whatever the environment says: a proxy would connect for us, unchecked */
        SET(CURLOPT_NOPROXY, "*");
    }
    return GH_OK;
}

static bool takes_body(const char *method) {
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

static enum gh_err set_request(struct gh_http_client *c, const struct gh_http_call *call,
                               curl_slist *headers) {
    CURL *easy = c->easy;
    SET(CURLOPT_URL, call->url);
    SET(CURLOPT_HTTPHEADER, headers);
    if (call->body.ptr || takes_body(call->method)) {
        SET(CURLOPT_POSTFIELDS, call->body.ptr ? call->body.ptr : "");
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
    } else if (strcmp(call->method, "HEAD") == 0) {
        SET(CURLOPT_NOBODY, 1L);
        return GH_OK;
    }
    SET(CURLOPT_CUSTOMREQUEST, call->method);
    return GH_OK;
}

/* --- the answer ----------------------------------------------------------------------------------------- */

static enum gh_err take_headers(struct gh_arena *a, const struct transfer *t, struct gh_http_reply *ret) {
    struct gh_str rest = gh_arena_dup(a, gh_buf_str(&t->head)), line;
    size_t lines = 0;
    for (size_t i = 0; i < rest.len; i++)
        lines += rest.ptr[i] == '\n';
    struct gh_http_header *headers = gh_arena_calloc(a, lines, sizeof *headers);
    if (!rest.ptr || !headers)
        return GH_ERR_NOMEM;
    ret->headers = headers;
    ret->header_count = 0;
    while (gh_str_cut(&rest, '\n', &line)) {
        if (gh_str_ends(line, GH_STR("\r")))
            line.len--;
        struct gh_http_header h = { .value = line };
        if (!gh_str_cut(&h.value, ':', &h.name)) /* the status line, the empty one at the end */
            continue;
        h.value = gh_str_trim(h.value);
        headers[ret->header_count++] = h;
    }
    return GH_OK;
}

static enum gh_err take_reply(struct gh_http_client *c, struct gh_arena *a, const struct transfer *t,
                              struct gh_http_reply *ret) {
    struct gh_http_reply reply = { 0 };
    long status = 0;
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    reply.status = (int)status;
    reply.body = gh_arena_dup(a, gh_buf_str(&t->body));
    if (!reply.body.ptr)
        return GH_ERR_NOMEM;
    enum gh_err e = take_headers(a, t, &reply);
    if (!e)
        *ret = reply;
    return e;
}

static enum gh_err explain(CURLcode code, const struct transfer *t) {
    if (t->too_large)
        return GH_ERR_TOO_LARGE;
    if (t->body.failed || t->head.failed || code == CURLE_OUT_OF_MEMORY)
        return GH_ERR_NOMEM;
    if (code == CURLE_OPERATION_TIMEDOUT)
        return GH_ERR_TIMEOUT;
    if (t->forbidden && !t->sent)
        return GH_ERR_FORBIDDEN_ADDRESS;
    return GH_ERR_IO;
}

static enum gh_err perform(struct gh_http_client *c, struct gh_arena *a, const struct gh_http_call *call,
                           struct transfer *t, struct gh_http_reply *ret, struct gh_http_failure *failure) {
    gh_auto(curl_slist_freep) curl_slist *headers = NULL;
    enum gh_err e = check_url(call->url);
    if (!e)
        e = add_headers(a, call, &headers);
    if (!e)
        e = set_rules(c, t);
    if (!e)
        e = set_request(c, call, headers);
    if (e)
        return e;
    char detail[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, detail);
    CURLcode code = curl_easy_perform(c->easy);
    curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, NULL);
    if (code == CURLE_OK)
        return take_reply(c, a, t, ret);
    const char *text = t->repeated ? "the kept connection ended without an answer"
                       : *detail   ? detail
                                   : curl_easy_strerror(code);
    snprintf(failure->error, sizeof failure->error, "%s", text);
    return explain(code, t);
}

enum gh_err gh_http_call(struct gh_http_client *c, struct gh_arena *a, const struct gh_http_call *call,
                         struct gh_http_reply *ret, struct gh_http_failure *failure) {
    struct gh_http_failure why = { 0 };
    gh_auto(transfer_release) struct transfer t = {
        .options = &c->options,
        .body = gh_buf_make(c->options.max_response),
        .head = gh_buf_make(MAX_HEADERS),
        .repeatable = strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0,
    };
    enum gh_err e = GH_ERR_FORBIDDEN_ADDRESS;
    if (!(c->unix_socket && c->options.egress == GH_EGRESS_PUBLIC)) {
        curl_easy_reset(c->easy); /* options only: connections stay */
        e = perform(c, a, call, &t, ret, &why);
    }
    why.sent = t.sent;
    if (e && !why.error[0])
        snprintf(why.error, sizeof why.error, "%s", gh_err_text(e));
    if (e && failure)
        *failure = why;
    return e;
}

bool gh_http_reply_header(const struct gh_http_reply *reply, const char *name, struct gh_str *ret) {
    for (size_t i = 0; i < reply->header_count; i++)
        if (gh_str_eq_nocase(reply->headers[i].name, gh_str_from(name))) {
            *ret = reply->headers[i].value;
            return true;
        }
    return false;
}
