/* tenant/exchange_private.h - the inside of an exchange: what http.c fills in and sends, and what the waiting
 * machinery keeps. Only http.c and the exchange_*.c files include it; none of them but http.c knows the HTTP
 * library. */
#pragma once
#include "feed/feed.h"
#include "tenant/exchange.h"
#include "tenant/keys.h"
#include "tenant/pools.h"

struct gh_header {
    struct gh_str name, value; /* NUL-terminated */
    struct gh_header *next;
};

/* An epoch that a write closure stored: published after its COMMIT (tenant/change.h). */
struct gh_change {
    enum gh_epoch_kind kind;
    struct gh_str a, b;
    long long epoch;
    long long seq; /* its place in the order of all changes */
    struct gh_change *next;
};

/* A fact that a write closure changed, in the order of the changes (tenant/facts.h). */
struct gh_fact_change {
    enum gh_fact_kind kind;
    struct gh_str name, text; /* ptr NULL: taken away */
    long long seq;
    struct gh_fact_change *next;
};

enum gh_wait { GH_WAIT_NONE, GH_WAIT_WRITE, GH_WAIT_WORK, GH_WAIT_TIME };

struct gh_exchange_private {
    /* the request */
    const struct gh_param *headers;
    size_t header_count;
    struct gh_buf body;
    json_t *json; /* of the body, once asked for */

    /* the answer */
    bool answered;
    int status;
    char *answer; /* malloc'd; NULL when empty */
    size_t answer_len;
    struct gh_header *answer_headers;

    /* what is waited for, and then */
    gh_step *then;
    enum gh_wait wait;
    enum gh_err (*write)(struct gh_db *db, struct gh_exchange *x);
    enum gh_err (*work)(struct gh_exchange *x);
    enum gh_pool pool;
    long long after_ms;
    struct gh_job job;
    struct gh_sign_job *sign_jobs;
    size_t sign_count;
    struct gh_change *changes; /* newest first */
    struct gh_fact_change *facts;

    /* http.c's */
    void (*resume)(struct gh_exchange *x); /* from any thread; x may be gone on return */
    void *connection;
};

/* Starts what the step asked for; the exchange is suspended already. Calls `resume` exactly once, perhaps
 * before it returns. */
void gh_wait_start(struct gh_exchange *x);

/* Stores the notes of gh_change_bump in the feed; on the writer thread. (tenant/change.c) */
enum gh_err gh_change_publish(struct gh_exchange *x);

/* Stores the notes of gh_facts_of_... in the feed; on the writer thread. (tenant/facts.c) */
enum gh_err gh_facts_publish(struct gh_exchange *x);

/* After both: marks in the feed how far it was told, and lets those know who follow. (tenant/change.c) */
void gh_change_told(struct gh_exchange *x);

/* Finds the route and runs its first step (tenant/route.c). */
void gh_route(struct gh_exchange *x);

/* Answers with an error in the shape that this part of the API uses: Auth0's Management envelope below
 * /api/v2, RFC 6749's elsewhere. */
void gh_refuse(struct gh_exchange *x, int status, const char *error, const char *description);

/* True when the answer has a header of that name. */
bool gh_response_has(const struct gh_exchange *x, const char *name);
