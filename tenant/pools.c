#include "tenant/pools.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/limits.h"
#include "sys/clock.h"

#define THREADS_MAX 64
#define STACK_SIZE (256 << 10)
#define HASH_NICE 10
#define NS_PER_MS 1000000LL

struct queue {
    struct gh_job *first, **last;
    size_t length, limit;
    pthread_cond_t filled;
    pthread_t threads[THREADS_MAX];
    unsigned started, idle, wanted;
    int nice;
    struct gh_pools *pools;
};

struct gh_pools {
    pthread_mutex_t lock;
    bool stopping;          /* hashes that have not begun end with BUSY */
    bool closing;           /* threads end when their queue is empty */
    struct queue queues[2]; /* by enum gh_pool */
    struct queue timer;     /* sorted by job->at; one thread */
};

static void queue_init(struct gh_pools *p, struct queue *q, size_t limit, unsigned threads, int nice) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->filled, &monotonic);
    pthread_condattr_destroy(&monotonic);
    q->last = &q->first;
    q->limit = limit;
    q->wanted = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
    q->nice = nice;
    q->pools = p;
}

enum gh_err gh_pools_open(unsigned cores, struct gh_pools **ret) {
    struct gh_pools *p = calloc(1, sizeof *p);
    if (!p)
        return GH_ERR_NOMEM;
    pthread_mutex_init(&p->lock, NULL);
    queue_init(p, &p->queues[GH_POOL_HASH], GH_LIMIT_HASH_QUEUE, cores > 1 ? cores - 1 : 1, HASH_NICE);
    queue_init(p, &p->queues[GH_POOL_SIGN], GH_LIMIT_CONNECTIONS, cores, 0);
    queue_init(p, &p->timer, GH_LIMIT_CONNECTIONS, 1, 0);
    *ret = p;
    return GH_OK;
}

static struct gh_job *take_first(struct queue *q) {
    struct gh_job *job = q->first;
    q->first = job->next;
    if (!q->first)
        q->last = &q->first;
    q->length--;
    return job;
}

static void *work(void *arg) {
    struct queue *q = arg;
    struct gh_pools *p = q->pools;
    if (q->nice) /* on Linux the nice value is a thread's; failing to be polite is no failure */
        setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), q->nice);

    pthread_mutex_lock(&p->lock);
    while (q->first || !p->closing) {
        if (!q->first) {
            q->idle++;
            pthread_cond_wait(&q->filled, &p->lock);
            q->idle--;
            continue;
        }
        struct gh_job *job = take_first(q);
        bool late = p->stopping && q == &p->queues[GH_POOL_HASH];
        pthread_mutex_unlock(&p->lock);
        job->done(late ? GH_ERR_BUSY : job->run(job->data), job->data);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void wait_until(struct queue *q, long long at) {
    struct timespec when = { at / (1000 * NS_PER_MS), at % (1000 * NS_PER_MS) };
    pthread_cond_timedwait(&q->filled, &q->pools->lock, &when);
}

static void *tick(void *arg) {
    struct queue *q = arg;
    struct gh_pools *p = q->pools;
    pthread_mutex_lock(&p->lock);
    while (q->first || !p->closing) {
        if (!q->first)
            pthread_cond_wait(&q->filled, &p->lock);
        else if (q->first->at > gh_clock_monotonic_ns())
            wait_until(q, q->first->at);
        else {
            struct gh_job *job = take_first(q);
            pthread_mutex_unlock(&p->lock);
            job->done(GH_OK, job->data);
            pthread_mutex_lock(&p->lock);
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Under the lock. A thread is added only when all idle ones have work already; GH_OK as soon as there is at
 * least one. */
static enum gh_err need_thread(struct queue *q, void *(*run)(void *)) {
    if (q->length < q->idle || q->started == q->wanted)
        return GH_OK;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    if (pthread_create(&q->threads[q->started], &attr, run, q) == 0)
        q->started++;
    pthread_attr_destroy(&attr);
    return q->started > 0 ? GH_OK : GH_ERR_IO;
}

/* Under the lock: may the queue take one more? */
static enum gh_err admit(struct gh_pools *p, struct queue *q, void *(*run)(void *)) {
    bool refused = p->closing || (p->stopping && q == &p->queues[GH_POOL_HASH]);
    return refused || q->length == q->limit ? GH_ERR_BUSY : need_thread(q, run);
}

enum gh_err gh_pools_submit(struct gh_pools *p, enum gh_pool pool, struct gh_job *job) {
    struct queue *q = &p->queues[pool];
    pthread_mutex_lock(&p->lock);
    enum gh_err e = admit(p, q, work);
    if (!e) {
        job->next = NULL;
        *q->last = job;
        q->last = &job->next;
        q->length++;
        pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&p->lock);
    return e;
}

enum gh_err gh_pools_after(struct gh_pools *p, long long after_ms, struct gh_job *job) {
    struct queue *q = &p->timer;
    pthread_mutex_lock(&p->lock);
    enum gh_err e = admit(p, q, tick);
    if (!e) {
        job->at = gh_clock_monotonic_ns() + after_ms * NS_PER_MS;
        struct gh_job **spot = &q->first;
        while (*spot && (*spot)->at <= job->at)
            spot = &(*spot)->next;
        job->next = *spot;
        *spot = job;
        if (!job->next)
            q->last = &job->next;
        q->length++;
        pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&p->lock);
    return e;
}

void gh_pools_stop(struct gh_pools *p) {
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_mutex_unlock(&p->lock);
}

static void queue_join(struct queue *q) {
    pthread_cond_broadcast(&q->filled);
    for (unsigned i = 0; i < q->started; i++)
        pthread_join(q->threads[i], NULL);
    pthread_cond_destroy(&q->filled);
}

void gh_pools_close(struct gh_pools *p) {
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = p->closing = true;
    pthread_mutex_unlock(&p->lock);
    queue_join(&p->queues[GH_POOL_HASH]);
    queue_join(&p->queues[GH_POOL_SIGN]);
    queue_join(&p->timer);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
