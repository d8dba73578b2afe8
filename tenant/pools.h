/* tenant/pools.h - work off the event loop: threads for password hashes (nice 10, a bounded queue), threads
 * for signatures, and a timer. */
#pragma once
#include "core/err.h"
#include "tenant/exchange.h" /* enum gh_pool */

struct gh_pools;

/* One piece of work, owned by whoever submits it and untouched by him until `done`. */
struct gh_job {
    enum gh_err (*run)(void *data);               /* on a thread of the pool; NULL for the timer */
    void (*done)(enum gh_err result, void *data); /* on that thread; never blocks */
    void *data;
    struct gh_job *next; /* the pool's */
    long long at;        /* the timer's: monotonic nanoseconds */
};

/* Hashing gets max(1, cores - 1) threads, signing max(1, cores). Threads start at first use. NOMEM, IO. */
enum gh_err gh_pools_open(unsigned cores, struct gh_pools **ret);

/* BUSY when the queue is full or the pools are stopping: then neither function is called. */
enum gh_err gh_pools_submit(struct gh_pools *p, enum gh_pool pool, struct gh_job *job);

/* Calls done(GH_OK) `after_ms` from now. BUSY, IO. */
enum gh_err gh_pools_after(struct gh_pools *p, long long after_ms, struct gh_job *job);

/* From here on hashes that have not begun end with BUSY, so that a stop never waits for a full queue of them.
 * Signatures and timers go on: an exchange that has spent a code must still get its token. */
void gh_pools_stop(struct gh_pools *p);

/* Ends what is queued and joins every thread; takes NULL. */
void gh_pools_close(struct gh_pools *p);
