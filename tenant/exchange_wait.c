/* tenant/exchange_wait.c - waiting without a thread: docs/internals/exchange.md tells the whole way. */
#include <string.h>

#include "sys/clock.h"
#include "sys/log.h"
#include "tenant/exchange_private.h"

#define WAIT_MAX_MS 2000

static void wait_for(struct gh_exchange *x, enum gh_wait what, gh_step *then) {
    x->private->wait = what;
    x->private->then = then;
}

void gh_await_write(struct gh_exchange *x, enum gh_err (*write)(struct gh_db *db, struct gh_exchange *x),
                    gh_step *then) {
    x->private->write = write;
    wait_for(x, GH_WAIT_WRITE, then);
}

void gh_await_work(struct gh_exchange *x, enum gh_pool pool, enum gh_err (*work)(struct gh_exchange *x),
                   gh_step *then) {
    x->private->pool = pool;
    x->private->work = work;
    wait_for(x, GH_WAIT_WORK, then);
}

void gh_await_time(struct gh_exchange *x, long long unix_ms, gh_step *then) {
    long long after = unix_ms - gh_clock_milliseconds();
    x->private->after_ms = after < 0 ? 0 : after > WAIT_MAX_MS ? WAIT_MAX_MS : after;
    wait_for(x, GH_WAIT_TIME, then);
}

static void resume(struct gh_exchange *x, enum gh_err result) {
    x->err = result;
    x->private->resume(x);
}

static enum gh_err write_in_savepoint(struct gh_db *db, void *data) {
    struct gh_exchange *x = data;
    return x->private->write(db, x);
}

/* After COMMIT, on the writer thread: what the write revoked is in the feed before anybody is told (rule 7).
 */
static void written(enum gh_err result, void *data) {
    struct gh_exchange *x = data;
    enum gh_err e = result ? result : gh_change_publish(x);
    if (!result && x->private->facts) {
        enum gh_err told = gh_facts_publish(x);
        e = e ? e : told;
    }
    if (!e)
        gh_change_told(x);
    x->private->changes = NULL;
    x->private->facts = NULL;
    resume(x, e);
}

static enum gh_err work(void *data) {
    struct gh_exchange *x = data;
    return x->private->work(x);
}

static void done(enum gh_err result, void *data) {
    resume(data, result);
}

void gh_wait_start(struct gh_exchange *x) {
    struct gh_exchange_private *p = x->private;
    enum gh_wait what = p->wait;
    enum gh_err e = GH_ERR_UNSUPPORTED;
    p->wait = GH_WAIT_NONE;
    p->job = (struct gh_job){ .run = work, .done = done, .data = x };

    switch (what) {
    case GH_WAIT_WRITE:
        p->changes = NULL;
        p->facts = NULL;
        e = gh_store_write(x->tenant->store, write_in_savepoint, written, x);
        break;
    case GH_WAIT_WORK:
        e = gh_pools_submit(x->tenant->pools, p->pool, &p->job);
        break;
    case GH_WAIT_TIME:
        e = gh_pools_after(x->tenant->pools, p->after_ms, &p->job);
        break;
    case GH_WAIT_NONE:
        break;
    }
    if (e) /* nothing was started, so nobody else resumes */
        resume(x, e);
}
