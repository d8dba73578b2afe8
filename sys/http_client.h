/* sys/http_client.h - outbound HTTP over libcurl, and the rules on where it may go. Blocking: never on an
 * event loop. One client is one thread's; it keeps connections alive between calls. No redirects are
 * followed. */
#pragma once
#include "core/arena.h"
#include "core/err.h"

enum gh_egress {
    GH_EGRESS_PUBLIC,   /* only to global unicast: the very address of each connect is checked; no proxies */
    GH_EGRESS_ANYWHERE, /* the operator named the host (stack engine, configured upstreams) */
};

struct gh_http_client_options {
    enum gh_egress egress;
    const char *ca_file;     /* NULL: the system's; SSL_CERT_FILE is the caller's business */
    const char *unix_socket; /* NULL: TCP */
    const char *user_agent;
    long timeout_ms, connect_timeout_ms;
    size_t max_response; /* bytes of the body; above: TOO_LARGE */
};

struct gh_http_client;
struct gh_http_client *
gh_http_client_new(const struct gh_http_client_options *options); /* NULL when out of memory */
void gh_http_client_free(struct gh_http_client *c);

struct gh_http_header {
    struct gh_str name, value;
};

struct gh_http_call {
    const char *method, *url;
    const struct gh_http_header *headers;
    size_t header_count;
    struct gh_str body; /* sent when ptr is not NULL */
};

struct gh_http_reply {
    int status;
    struct gh_str body; /* in the arena, NUL-terminated */
    const struct gh_http_header *headers;
    size_t header_count;
};

/* Any HTTP status is GH_OK. MALFORMED (URL that is not plain http(s)://host, header with controls), IO (no
 * connection, TLS; `error` then says why), TIMEOUT, TOO_LARGE, FORBIDDEN_ADDRESS, NOMEM. `sent` in the
 * failure case tells whether the request may have reached the server: a POST is never blindly repeated. */
struct gh_http_failure {
    bool sent;
    char error[256];
};
enum gh_err gh_http_call(struct gh_http_client *c, struct gh_arena *a, const struct gh_http_call *call,
                         struct gh_http_reply *ret, struct gh_http_failure *failure);

/* The value of a reply header, name in any case; false when absent. */
bool gh_http_reply_header(const struct gh_http_reply *reply, const char *name, struct gh_str *ret);

static inline void gh_http_client_freep(struct gh_http_client **c) {
    gh_http_client_free(*c);
}
