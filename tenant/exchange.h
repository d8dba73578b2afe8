/* tenant/exchange.h - one request and its answer. A handler is a chain of steps: read, then perhaps wait for
 * a write, a hash, a signature or a moment, then answer. No step blocks; while an exchange waits it holds no
 * thread. All memory of an exchange is its arena; `state` belongs to the handler. */
#pragma once
#include <jansson.h>

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"
#include "store/store.h"
#include "tenant/tenant.h"

enum gh_method { GH_GET, GH_POST, GH_PATCH, GH_PUT, GH_DELETE, GH_HEAD, GH_OPTIONS, GH_METHOD_OTHER };

struct gh_param {
    struct gh_str name, value; /* percent-decoded */
};

struct gh_exchange;
typedef void gh_step(struct gh_exchange *x);

struct gh_exchange {
    struct gh_tenant *tenant;
    struct gh_arena *arena;
    struct gh_db *db; /* reader of this thread; valid in steps, not in write closures */

    enum gh_method method;
    struct gh_str path; /* raw, as on the wire, already checked by gh_target_check */
    const struct gh_param *query;
    size_t query_count;
    struct gh_str body;
    struct gh_str content_type; /* without parameters, lower case; empty when absent */
    struct gh_str request_id;   /* from X-Request-Id when well formed, else ours; echoed */
    struct gh_str client_ip;    /* of the user, through trusted peers only */
    struct gh_str user_agent;

    struct gh_str args[8]; /* path parameters, decoded after splitting */
    void *state;           /* the handler's own */
    enum gh_err err;       /* result of what was waited for; set before `then` runs */

    struct gh_exchange_private *private; /* http.c's */
};

/* --- the request --- */

/* A header by name in any case. Repeated Authorization, Host, Cookie and Content-Type were refused with 400
 * before the first step. */
bool gh_request_header(struct gh_exchange *x, const char *name, struct gh_str *ret);
bool gh_request_cookie(struct gh_exchange *x, const char *name,
                       struct gh_str *ret); /* false when absent or sent twice */
bool gh_request_query(struct gh_exchange *x, const char *name,
                      struct gh_str *ret); /* the first of that name */

/* The JSON body, duplicates refused, depth <= GH_LIMIT_BODY_DEPTH, reference kept by the exchange. *why:
 * jansson's words for people. */
enum gh_err gh_request_json(struct gh_exchange *x, json_t **ret, const char **why);

/* The parameters of an OAuth request: form or JSON body (string members; numbers and booleans as text). A
 * repeated parameter is MALFORMED (RFC 6749 3.2). An empty body gives none. */
enum gh_err gh_request_params(struct gh_exchange *x, const struct gh_param **ret, size_t *count);
bool gh_param_find(const struct gh_param *params, size_t count, const char *name, struct gh_str *ret);

/* --- the answer: exactly one gh_respond_* per exchange
 * ------------------------------------------------------------------------------ */

void gh_response_header(struct gh_exchange *x, const char *name,
                        struct gh_str value); /* controls in the value: dropped header, logged */
void gh_respond_json(struct gh_exchange *x, int status,
                     json_t *body); /* steals the reference; NULL body = out of memory = 503 */
void gh_respond_text(struct gh_exchange *x, int status, const char *content_type,
                     struct gh_str body); /* body is copied */
void gh_respond_empty(struct gh_exchange *x, int status);
void gh_respond_redirect(struct gh_exchange *x, int status, struct gh_str location);

/* --- waiting: the last call of a step --- */

/* The closure runs on the writer thread in its savepoint; x->state is its data (data == x). Changes that it
 * noted with gh_change_bump are published before `then`. x->err is the closure's result, or STORAGE/BUSY. */
void gh_await_write(struct gh_exchange *x, enum gh_err (*write)(struct gh_db *db, struct gh_exchange *x),
                    gh_step *then);

/* CPU work off the event loop. HASH: argon2id, nice 10, bounded queue; SIGN: signatures. x->err is the job's
 * result or BUSY. */
enum gh_pool { GH_POOL_HASH, GH_POOL_SIGN };
void gh_await_work(struct gh_exchange *x, enum gh_pool pool, enum gh_err (*work)(struct gh_exchange *x),
                   gh_step *then);

/* Continues at a moment (unix ms), at most 2 s ahead. */
void gh_await_time(struct gh_exchange *x, long long unix_ms, gh_step *then);

/* --- routes --- */

/* One row per route; the access rule stands beside the path. `path` segments in {braces} land decoded in
 * x->args in order. */
struct gh_route {
    enum gh_method method;
    const char *path;
    gh_step *handler;
};

/* The tables that http.c walks, in this order: health, authentication (oauth/routes.c), pages
 * (login/routes.c); everything below /api/v2/ goes to gh_api_dispatch (api/dispatch.c) whole. A path known
 * with another method is 405 with Allow. */
extern const struct gh_route gh_oauth_routes[];
extern const size_t gh_oauth_route_count;
extern const struct gh_route gh_login_routes[];
extern const size_t gh_login_route_count;
void gh_api_dispatch(struct gh_exchange *x);
