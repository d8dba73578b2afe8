#include "stack/crew.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* As many as a batch holds, and some that fill the next one meanwhile. */
enum { WORKERS = GH_CREW_BATCH + 28, STACK = 512 << 10, PARALLEL = 64 };

struct gh_crew_waiter {
    pthread_cond_t cond;
    bool open, alone;
    struct gh_crew_waiter *next, *earlier, *later; /* at its gate; among all that wait */
    struct gh_crew_gate *gate;
};

/* Of one key, until it is closed: then nobody joins it any more. */
struct batch {
    const char *key;
    void *items[GH_CREW_BATCH];
    size_t count, most, left; /* left: those that know that it is done; the last one frees it */
    bool closed, done;
    struct gh_crew_gate leader, others;
    struct batch *next;
};

struct gh_crew {
    pthread_mutex_t turn;
    bool running;
    unsigned active; /* workers that neither wait at a gate nor listen */
    unsigned listening;
    unsigned parallel;
    bool taken[PARALLEL];
    unsigned calls;
    struct gh_crew_gate places;
    struct batch *batches; /* open ones, the oldest first */
    struct gh_crew_waiter *waiters;
    void (*work)(void *context);
    void *context;
};

struct gh_crew *gh_crew_new(unsigned parallel) {
    struct gh_crew *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->parallel = parallel < 1 ? 1 : parallel > PARALLEL ? PARALLEL : parallel;
    pthread_mutex_init(&c->turn, NULL);
    return c;
}

void gh_crew_free(struct gh_crew *c) {
    if (!c)
        return;
    pthread_mutex_destroy(&c->turn);
    free(c);
}

static bool at_work(const struct gh_crew *c) {
    return c && c->running;
}

/* --- gates --- */

static void join(struct gh_crew_gate *gate, struct gh_crew_waiter *w) {
    *(gate->first ? &gate->last->next : &gate->first) = w;
    gate->last = w;
    w->gate = gate;
}

static void release(struct gh_crew *c, struct gh_crew_waiter *w) {
    w->open = true;
    c->active++; /* on its behalf: from now on somebody is at work */
    pthread_cond_signal(&w->cond);
}

void gh_crew_open(struct gh_crew *c, struct gh_crew_gate *gate, size_t most) {
    for (; at_work(c) && gate->first && most; most--) {
        struct gh_crew_waiter *w = gate->first;
        gate->first = w->next;
        release(c, w);
    }
}

static void close_batch(struct gh_crew *c, struct batch *b) {
    struct batch **at = &c->batches;
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    b->closed = true;
    gh_crew_open(c, &b->leader, 1);
}

/* Nobody is at work. A batch that waits for more will get none: it goes. Without one, nothing that somebody
 * waits for will ever come, and they are told. */
static void stir(struct gh_crew *c) {
    if (c->batches) {
        close_batch(c, c->batches);
        return;
    }
    for (struct gh_crew_waiter *w = c->listening ? NULL : c->waiters; w; w = w->later)
        if (!w->open) {
            w->alone = true;
            w->gate->first = NULL;
            release(c, w);
        }
}

static void list_waiter(struct gh_crew *c, struct gh_crew_waiter *w) {
    w->later = c->waiters;
    if (w->later)
        w->later->earlier = w;
    c->waiters = w;
}

static void unlist_waiter(struct gh_crew *c, struct gh_crew_waiter *w) {
    *(w->earlier ? &w->earlier->later : &c->waiters) = w->later;
    if (w->later)
        w->later->earlier = w->earlier;
}

bool gh_crew_wait(struct gh_crew *c, struct gh_crew_gate *gate) {
    if (!at_work(c))
        return false;
    struct gh_crew_waiter w = { .cond = PTHREAD_COND_INITIALIZER };
    join(gate, &w);
    list_waiter(c, &w);
    if (--c->active == 0)
        stir(c);
    while (!w.open)
        pthread_cond_wait(&w.cond, &c->turn);
    unlist_waiter(c, &w);
    pthread_cond_destroy(&w.cond);
    return !w.alone;
}

/* --- calls --- */

void gh_crew_leave(struct gh_crew *c) {
    if (at_work(c))
        pthread_mutex_unlock(&c->turn);
}

void gh_crew_return(struct gh_crew *c) {
    if (c && c->running) /* set before the workers begin and cleared after they ended: no race */
        pthread_mutex_lock(&c->turn);
}

void gh_crew_listen(struct gh_crew *c) {
    if (!at_work(c))
        return;
    c->listening++;
    if (--c->active == 0)
        stir(c);
    pthread_mutex_unlock(&c->turn);
}

void gh_crew_heard(struct gh_crew *c) {
    if (!c || !c->running)
        return;
    pthread_mutex_lock(&c->turn);
    c->listening--;
    c->active++;
}

/* Whoever has a place is at work, so somebody will open the gate. */
unsigned gh_crew_take_place(struct gh_crew *c) {
    unsigned place = 0;
    if (!at_work(c))
        return 0;
    while (c->calls == c->parallel)
        gh_crew_wait(c, &c->places);
    while (c->taken[place])
        place++;
    c->taken[place] = true;
    c->calls++;
    return place;
}

void gh_crew_give_place(struct gh_crew *c, unsigned place) {
    if (!at_work(c))
        return;
    c->taken[place] = false;
    c->calls--;
    gh_crew_open(c, &c->places, 1);
}

/* --- batches --- */

static struct batch *find_batch(struct gh_crew *c, const char *key) {
    for (struct batch *b = c->batches; b; b = b->next)
        if (strcmp(b->key, key) == 0)
            return b;
    return NULL;
}

static void part(struct batch *b) {
    if (++b->left == b->count)
        free(b);
}

static void follow(struct gh_crew *c, struct batch *b, void *item) {
    b->items[b->count++] = item;
    if (b->count == b->most)
        close_batch(c, b);
    while (!b->done)
        gh_crew_wait(c, &b->others);
    part(b);
}

static void lead(struct gh_crew *c, struct batch *b, gh_crew_batch *run, void *context) {
    struct batch **end = &c->batches;
    while (*end)
        end = &(*end)->next;
    *end = b;
    while (!b->closed)
        gh_crew_wait(c, &b->leader);
    run(context, b->items, b->count);
    b->done = true;
    gh_crew_open(c, &b->others, b->count);
    part(b);
}

void gh_crew_gather(struct gh_crew *c, const char *key, size_t most, void *item, gh_crew_batch *run,
                    void *context) {
    if (!at_work(c) || most < 2) {
        run(context, &item, 1);
        return;
    }
    struct batch *b = find_batch(c, key);
    if (b) {
        follow(c, b, item);
        return;
    }
    struct batch *own = calloc(1, sizeof *own);
    if (!own) {
        run(context, &item, 1);
        return;
    }
    *own = (struct batch){
        .key = key, .items = { item }, .count = 1, .most = most < GH_CREW_BATCH ? most : GH_CREW_BATCH
    };
    lead(c, own, run, context);
}

/* --- the run --- */

static void *worker(void *data) {
    struct gh_crew *c = data;
    pthread_mutex_lock(&c->turn);
    c->work(c->context);
    if (--c->active == 0 && c->waiters)
        stir(c);
    pthread_mutex_unlock(&c->turn);
    return NULL;
}

void gh_crew_run(struct gh_crew *c, void (*work)(void *context), void *context) {
    pthread_t threads[WORKERS];
    pthread_attr_t attr;
    unsigned count = 0;
    if (!c || c->running || pthread_attr_init(&attr) != 0) {
        work(context);
        return;
    }
    pthread_attr_setstacksize(&attr, STACK);
    c->work = work;
    c->context = context;
    pthread_mutex_lock(&c->turn);
    c->running = true;
    while (count < WORKERS && pthread_create(&threads[count], &attr, worker, c) == 0)
        count++;
    c->active = count;
    if (!count)
        c->running = false;
    pthread_mutex_unlock(&c->turn);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    c->running = false;
    pthread_attr_destroy(&attr);
    if (!count)
        work(context);
}
