/* tenant/http.c - exchanges over libmicrohttpd; the one file that knows it.
 *
 * A connection belongs to one event loop for its life, and so does an exchange: its steps run on that loop's
 * thread. While it waits the connection is suspended and nobody but the waker touches it. MHD_stop_daemon
 * aborts the process while a connection is suspended, hence the order in gh_http_stop. */
#include "tenant/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/limits.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/random.h"
#include "tenant/exchange_private.h"
#include "tenant/form.h"
#include "tenant/listen.h"
#include "tenant/path.h"

#define THREAD_STACK (256 << 10)
#define CONNECTION_MEMORY (GH_LIMIT_HEADERS + (16 << 10)) /* headers in and out */
/* nginx keeps an upstream connection for 60 s; the side that sends requests should be the one that closes. */
#define IDLE_SECONDS 75
#define BODY_SECONDS 60                 /* from the request line to the last byte of the body */
#define DISCARD_MAX (8 * GH_LIMIT_BODY) /* of a body over the limit, read only to be able to say so */
#define REQUEST_ID_MAX 64

struct gh_http {
    struct gh_tenant *tenant;
    struct MHD_Daemon *daemon;
    struct gh_peers trusted;
    const char *socket; /* unlinked at the end; NULL on TCP */
    atomic_bool stopping;
    atomic_int working; /* exchanges between their first step and their answer */
    atomic_int open;    /* exchanges that exist */
};

/* An exchange with everything that belongs to it; lives in its own arena. */
struct call {
    struct gh_exchange x; /* first: the handlers' pointer is ours */
    struct gh_exchange_private p;
    struct gh_http *http;
    struct gh_str target;
    long long started; /* monotonic ns */
    size_t discarded;  /* bytes of the body that were thrown away */
    bool begun, working;
};

/* --- the life of an exchange */

static void resume(struct gh_exchange *x) {
    MHD_resume_connection(x->private->connection);
}

static struct call *call_new(struct gh_http *h, struct MHD_Connection *connection, struct gh_str target) {
    struct gh_arena *a = gh_arena_new(GH_LIMIT_REQUEST_ARENA);
    struct call *c = a ? GH_NEW(a, struct call) : NULL;
    if (!c) {
        gh_arena_free(a);
        return NULL;
    }
    c->x = (struct gh_exchange){ .tenant = h->tenant, .arena = a, .private = &c->p };
    c->p = (struct gh_exchange_private){
        .body = gh_buf_make(GH_LIMIT_BODY),
        .resume = resume,
        .connection = connection,
        .then = gh_route,
    };
    c->http = h;
    c->target = gh_arena_dup(a, target);
    c->started = gh_clock_monotonic_ns();
    atomic_fetch_add(&h->open, 1);
    return c;
}

static void call_free(struct call *c) {
    struct gh_http *h = c->http;
    if (c->p.body.ptr)
        explicit_bzero(c->p.body.ptr, c->p.body.len); /* passwords and client secrets came in here */
    gh_buf_release(&c->p.body);
    json_decref(c->p.json);
    free(c->p.answer);
    if (c->working)
        atomic_fetch_sub(&h->working, 1);
    atomic_fetch_sub(&h->open, 1);
    gh_arena_free(c->x.arena);
}

/* Called with the request line, before it is taken apart: the only place where the target is seen whole. */
static void *see_target(void *context, const char *target, struct MHD_Connection *connection) {
    return call_new(context, connection, gh_str_from(target));
}

static void completed(void *context, struct MHD_Connection *connection, void **data,
                      enum MHD_RequestTerminationCode why) {
    if (*data)
        call_free(*data);
    *data = NULL;
}

/* --- the head of the request */

static const struct {
    const char *name;
    enum gh_method method;
} methods[] = {
    { "GET", GH_GET },         { "POST", GH_POST }, { "PATCH", GH_PATCH }, { "PUT", GH_PUT },
    { "DELETE", GH_DELETE },   { "HEAD", GH_GET }, /* a GET whose body stays here: RFC 9110 9.3.2 */
    { "OPTIONS", GH_OPTIONS },
};

static enum gh_method method_from(const char *name) {
    for (size_t i = 0; i < GH_COUNT(methods); i++)
        if (strcmp(methods[i].name, name) == 0)
            return methods[i].method;
    return GH_METHOD_OTHER;
}

struct header_walk {
    struct gh_param *headers;
    size_t count, room, bytes;
};

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                   const char *value, size_t value_size) {
    struct header_walk *w = context;
    w->bytes += name_size + value_size + 4;
    if (w->count < w->room)
        w->headers[w->count++] = (struct gh_param){ { name, name_size }, { value, value_size } };
    return MHD_YES;
}

static bool take_headers(struct call *c, struct MHD_Connection *connection, size_t *bytes) {
    int count = MHD_get_connection_values(connection, MHD_HEADER_KIND, NULL, NULL);
    struct header_walk w = { .room = count > 0 ? (size_t)count : 0 };
    w.headers = gh_arena_calloc(c->x.arena, w.room, sizeof *w.headers);
    if (!w.headers)
        return false;
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, take_header, &w);
    c->p.headers = w.headers;
    c->p.header_count = w.count;
    *bytes = w.bytes;
    return true;
}

/* Headers that decide something: two of them could be read as two requests by two servers. */
static const char *repeated_header(const struct call *c) {
    static const char *const single[] = { "Authorization", "Host",           "Cookie",
                                          "Content-Type",  "Content-Length", "Transfer-Encoding" };
    for (size_t i = 0; i < GH_COUNT(single); i++) {
        size_t times = 0;
        for (size_t k = 0; k < c->p.header_count; k++)
            times += gh_str_eq_nocase(c->p.headers[k].name, gh_str_from(single[i]));
        if (times > 1)
            return single[i];
    }
    return NULL;
}

static bool is_request_id(struct gh_str s) {
    if (s.len < 8 || s.len > REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char ch = s.ptr[i];
        bool ok = (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                  ch == '-' || ch == '_' || ch == '.';
        if (!ok)
            return false;
    }
    return true;
}

/* The media type without its parameters, in lower case. */
static struct gh_str media_type(struct gh_arena *a, struct gh_str value) {
    struct gh_str head = value, rest = value;
    if (!gh_str_cut(&rest, ';', &head))
        head = value;
    char *copy = gh_arena_cstr(a, gh_str_trim(head));
    struct gh_str ret = gh_str_from(copy);
    for (size_t i = 0; i < ret.len; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] + ('a' - 'A'));
    return ret;
}

/* What is known about every request, refused or not. */
static void identify(struct call *c, struct MHD_Connection *connection) {
    struct gh_exchange *x = &c->x;
    struct gh_str value;
    const union MHD_ConnectionInfo *peer =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (gh_request_header(x, "X-Request-Id", &value) && is_request_id(value))
        x->request_id = value;
    else if (gh_random_hex(x->arena, 32, &x->request_id) != GH_OK)
        x->request_id = GH_STR("unknown");
    if (gh_request_header(x, "User-Agent", &value) && gh_utf8_is_text(value))
        x->user_agent = value;
    if (gh_request_header(x, "Content-Type", &value))
        x->content_type = media_type(x->arena, value);
    if (!gh_request_header(x, "X-Forwarded-For", &value))
        value = (struct gh_str){ 0 };
    x->client_ip = gh_client_address(x->arena, &c->http->trusted, peer ? peer->client_addr : NULL, value);
}

static void refuse_err(struct gh_exchange *x, enum gh_err e) {
    gh_refuse(x, gh_err_status(e), gh_err_name(e), gh_err_text(e));
}

static void check_target(struct call *c) {
    struct gh_exchange *x = &c->x;
    struct gh_str query;
    enum gh_err e = gh_tenant_target_check(x->arena, c->target, &x->path, &query);
    if (e == GH_ERR_TOO_LARGE)
        gh_refuse(x, 414, "too_large", "The request target is too long.");
    else if (e)
        refuse_err(x, e);
    else if ((e = gh_form_parse(x->arena, query, &x->query, &x->query_count)))
        refuse_err(x, e);
}

/* Message framing (RFC 9112 6): one reading or none. */
static void check_framing(struct call *c) {
    struct gh_str length, coding;
    unsigned long long bytes;
    bool has_length = gh_request_header(&c->x, "Content-Length", &length);
    if (gh_request_header(&c->x, "Transfer-Encoding", &coding) &&
        (has_length || !gh_str_eq_nocase(coding, GH_STR("chunked"))))
        gh_refuse(&c->x, 400, "malformed", "Transfer-Encoding is not understood.");
    else if (has_length && !gh_str_to_u64(length, DISCARD_MAX, &bytes))
        gh_refuse(&c->x, 413, "too_large", "The body is larger than the limit.");
    else if (has_length && bytes > GH_LIMIT_BODY)
        c->discarded =
            1; /* read on: a proxy that is cut off while it sends tells 502 instead of our answer */
}

/* Fills the exchange from the head; answers it at once when it is to be refused. */
static void begin(struct call *c, struct MHD_Connection *connection, const char *method) {
    size_t bytes = 0;
    c->x.method = method_from(method);
    if (!c->target.ptr || !take_headers(c, connection, &bytes)) {
        refuse_err(&c->x, GH_ERR_NOMEM);
        return;
    }
    identify(c, connection);
    const char *repeated = repeated_header(c);
    if (bytes > GH_LIMIT_HEADERS)
        gh_refuse(&c->x, 431, "too_large", "The headers are larger than the limit.");
    else if (repeated)
        gh_refuse(&c->x, 400, "malformed", "A header that may stand there once was repeated.");
    if (!c->p.answered)
        check_target(c);
    if (!c->p.answered)
        check_framing(c);
}

/* --- the answer */

static void add_default_headers(struct gh_exchange *x) {
    static const char *const defaults[][2] = {
        { "Cache-Control", "no-store" },
        { "Strict-Transport-Security", "max-age=31536000" },
        { "X-Content-Type-Options", "nosniff" },
    };
    for (size_t i = 0; i < GH_COUNT(defaults); i++)
        if (!gh_response_has(x, defaults[i][0]))
            gh_response_header(x, defaults[i][0], gh_str_from(defaults[i][1]));
    gh_response_header(x, "X-Request-Id", x->request_id);
}

static void add_headers(struct MHD_Response *r, const struct gh_header *h) {
    if (!h)
        return;
    add_headers(r, h->next); /* kept newest first, sent in order: two cookies' order can matter */
    if (h->value.len > 0 && MHD_add_response_header(r, h->name.ptr, h->value.ptr) != MHD_YES)
        gh_log(GH_LOG_WARN, "tenant.header_dropped", "header", "%s", h->name.ptr, NULL);
}

static enum MHD_Result send_answer(struct call *c, struct MHD_Connection *connection) {
    add_default_headers(&c->x);
    struct MHD_Response *r =
        c->p.answer ? MHD_create_response_from_buffer(c->p.answer_len, c->p.answer, MHD_RESPMEM_MUST_FREE)
                    : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (!r)
        return MHD_NO;
    c->p.answer = NULL; /* the response frees it */
    add_headers(r, c->p.answer_headers);
    enum MHD_Result sent = MHD_queue_response(connection, (unsigned)c->p.status, r);
    MHD_destroy_response(r);
    if (c->working) {
        c->working = false;
        atomic_fetch_sub(&c->http->working, 1);
    }
    return sent;
}

/* --- steps */

/* Runs the next step: it answers, or says what to wait for. */
static enum MHD_Result advance(struct call *c, struct MHD_Connection *connection) {
    struct gh_exchange *x = &c->x;
    gh_step *step = c->p.then;
    x->db = gh_store_reader(x->tenant->store);
    if (!x->db)
        refuse_err(x, GH_ERR_STORAGE);
    else
        step(x);

    if (!c->p.answered && c->p.wait == GH_WAIT_NONE) {
        gh_log(GH_LOG_ERROR, "tenant.step_without_end", "request_id", "%.*s", GH_STR_FMT(x->request_id),
               NULL);
        gh_refuse(x, 503, "internal", "This request has no answer.");
    }
    if (c->p.answered)
        return send_answer(c, connection);
    /* Suspended before anything starts: whoever ends first may resume it at once. */
    MHD_suspend_connection(connection);
    gh_wait_start(x);
    return MHD_YES;
}

/* The request is complete. Counted first, looked at the flag second: a stop that does not see the count has
 * set the flag already. */
static enum MHD_Result dispatch(struct call *c, struct MHD_Connection *connection) {
    atomic_fetch_add(&c->http->working, 1);
    c->working = true;
    if (c->discarded) {
        gh_refuse(&c->x, 413, "too_large", "The body is larger than the limit.");
    } else if (c->p.body.failed) {
        refuse_err(&c->x, GH_ERR_NOMEM);
    } else if (atomic_load(&c->http->stopping)) {
        gh_response_header(&c->x, "Connection", GH_STR("close"));
        refuse_err(&c->x, GH_ERR_BUSY);
    }
    if (c->p.answered)
        return send_answer(c, connection);
    c->x.body = gh_buf_str(&c->p.body);
    return advance(c, connection);
}

/* A part of the body. What is over the limit is dropped but read on, so that the answer can be 413. */
static enum MHD_Result take_body(struct call *c, const char *data, size_t *size) {
    bool late = gh_clock_monotonic_ns() - c->started > BODY_SECONDS * 1000000000LL;
    if (late || c->discarded > DISCARD_MAX)
        return MHD_NO; /* closes the connection */
    if (c->discarded || *size > GH_LIMIT_BODY - c->p.body.len)
        c->discarded += *size;
    else
        gh_buf_add(&c->p.body, (struct gh_str){ data, *size });
    *size = 0;
    return MHD_YES;
}

/* Called with the head, then with each part of the body, then with its end, then after each resume. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **data) {
    struct call *c = *data;
    if (!c)
        return MHD_NO; /* no memory even to refuse */
    if (!c->begun) {
        c->begun = true;
        begin(c, connection, method);
        return c->p.answered ? send_answer(c, connection) : MHD_YES;
    }
    if (*upload_size > 0)
        return take_body(c, upload, upload_size);
    return c->working ? advance(c, connection) : dispatch(c, connection);
}

/* --- start and stop */

/* Paths and queries stay as they came: we split first and decode after. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text) {
    return strlen(text);
}

/* What a stranger sends can make the library talk; it is told for debugging only and as one line. */
__attribute__((format(printf, 2, 0))) static void log_line(void *context, const char *format, va_list args) {
    char text[256];
    vsnprintf(text, sizeof text, format, args);
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    gh_log(GH_LOG_DEBUG, "tenant.http", "text", "%s", text, NULL);
}

static enum gh_err open_listener(const struct gh_tenant_config *config, int *fd, char why[256]) {
    const char *where = config->socket ? config->socket : config->listen;
    if (!where) {
        snprintf(why, 256, "neither a socket nor an address to listen on is given");
        return GH_ERR_MALFORMED;
    }
    enum gh_err e = config->socket ? gh_listen_unix(where, fd) : gh_listen_tcp(where, fd);
    if (e)
        snprintf(why, 256, "cannot listen on %s: %s", where,
                 e == GH_ERR_BUSY ? "another process does"
                 : e == GH_ERR_FORBIDDEN_ADDRESS
                     ? "only loopback addresses are allowed, a TLS terminator stands before them"
                     : gh_err_text(e));
    return e;
}

static struct MHD_Daemon *start_daemon(struct gh_http *h, int fd, unsigned threads) {
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    /* A pool of one is no pool: the library then wants none. */
    return MHD_start_daemon(
        flags, 0, NULL, NULL, handle, h, MHD_OPTION_EXTERNAL_LOGGER, log_line, NULL, MHD_OPTION_LISTEN_SOCKET,
        fd, MHD_OPTION_THREAD_POOL_SIZE, threads > 1 ? threads : 0, MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)THREAD_STACK, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)GH_LIMIT_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_SECONDS, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, see_target, h,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED, completed, h,
        MHD_OPTION_END);
}

enum gh_err gh_http_start(struct gh_tenant *t, struct gh_http **ret, char why[256]) {
    int fd = -1;
    struct gh_http *h = calloc(1, sizeof *h);
    if (!h)
        return GH_ERR_NOMEM;
    h->tenant = t;
    h->socket = t->config->socket;
    enum gh_err e = gh_peers_parse(t->config->trusted_peers, &h->trusted);
    if (e)
        snprintf(why, 256, "trusted peers: not a comma list of addresses");
    else
        e = open_listener(t->config, &fd, why);
    if (!e && !(h->daemon = start_daemon(h, fd, t->config->threads))) {
        snprintf(why, 256, "cannot start the HTTP server: %s", strerror(errno));
        close(fd);
        e = GH_ERR_IO;
    }
    if (e) {
        free(h);
        return e;
    }
    *ret = h;
    return GH_OK;
}

static void wait_for_zero(atomic_int *count, long long until) {
    const struct timespec pause = { .tv_nsec = 2000000 };
    while (atomic_load(count) > 0 && gh_clock_monotonic_ns() < until)
        nanosleep(&pause, NULL);
}

void gh_http_stop(struct gh_http *h, long long grace_ms) {
    if (!h)
        return;
    long long until = gh_clock_monotonic_ns() + grace_ms * 1000000;
    int fd = MHD_quiesce_daemon(h->daemon);
    if (h->socket)
        unlink(h->socket);
    if (fd >= 0)
        close(fd);
    atomic_store(&h->stopping, true);
    gh_pools_stop(h->tenant->pools);
    wait_for_zero(&h->working, until);
    wait_for_zero(&h->open, until); /* answers on their way out */
    if (atomic_load(&h->working) > 0) {
        /* Something still waits, so the library could not be stopped without an abort. What is committed is
         * safe; what is not was never acknowledged. */
        gh_log(GH_LOG_ERROR, "tenant.stop_unclean", "waiting", "%d", atomic_load(&h->working), NULL);
        _exit(1);
    }
    MHD_stop_daemon(h->daemon);
    free(h);
}
