/* stack/host_private.h - what the files of the language host share: one session per run of a program. */
#pragma once
#include "stack/host.h"
#include "stack/host_channel.h"
#include "stack/schema.h"

struct host_session {
    const struct gh_host *host;
    const struct gh_registrar *registrar;
    struct gh_diagnostics *d;
    struct host_channel channel;
    struct gh_position at; /* of the request at hand, until it makes a call; borrowed from `sources` */
    json_int_t last_id;    /* of requests: they grow */
    bool reading;          /* one worker at a time listens to the host, */
    struct gh_crew_gate
        idle; /* the others wait here; and here those whose turn the API has not come to yet */
    struct gh_crew_gate later;
    struct host_request *under_way;
    size_t arrived;     /* resources so far */
    json_t *sources;    /* by name as shown: the text of files that the diagnostics have */
    json_t *registered; /* "TYPE NAME" of each resource: the ledger knows no parents */
    json_t *outputs;
    enum gh_err error;     /* the first */
    enum gh_err transport; /* of the lines themselves: nothing is read after it */
    bool ended;
};

/* host_placeholder.c: puts in what the placeholders among the texts stand for, and tells each. False: one
 * stands for nothing. */
bool host_fill_placeholders(struct host_session *s, json_t *inputs);

/* A resource under way: the API wants some types before others. */
struct host_request {
    const char *type;
    size_t rank;
    struct host_request *next;
};

/* host_runtime.c: finds host and interpreter and starts them. Errors are diagnosed. */
enum gh_err host_start(struct host_session *s);

/* host_request.c: handles one request and answers it. MALFORMED when it is none: then the session is over. */
enum gh_err host_handle(struct host_session *s, json_t *message);

/* host_check.c: what the check of a YAML program does before the run. False: each error was diagnosed. */
bool host_check_inputs(struct host_session *s, const struct gh_resource_type *type, json_t *inputs);
