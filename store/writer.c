/* store/writer.c - the store: its one writer thread with group commit, and a reader for each thread.
 *
 * What waits is committed together: one fsync for the batch. Each closure runs in a savepoint of its own, so
 * that one that fails takes nothing with it; nobody hears of success before COMMIT returned. */
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "store/db.h"
#include "sys/log.h"

enum { BATCH = 256 }; /* closures in one transaction: bounds how long the first one waits for the last */

struct job {
    gh_write_fn *write;
    gh_written_fn *written;
    void *data;
};

struct gh_store {
    char *path;
    struct gh_db *db; /* the writer's */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job queue[GH_LIMIT_WRITE_QUEUE]; /* a ring */
    size_t head, waiting;
    bool stopping;

    pthread_key_t reader_key;
    struct gh_db *readers;
};

/* --- the writer ----------------------------------------------------------------------------------------- */

/* COMMIT failed, or SQLite rolled the transaction back on its own (disk full, I/O error): then released
 * savepoints are gone too. */
static bool transaction_is_gone(struct gh_db *db) {
    return sqlite3_get_autocommit(db->handle);
}

/* Leaves the transaction as it was before unless the closure succeeded. False when the transaction is lost.
 */
static bool run_one(struct gh_db *db, const struct job *j, enum gh_err *result) {
    if (gh_db_exec(db, "SAVEPOINT closure"))
        return false;
    *result = j->write(db, j->data);
    db->read_depth = 0;
    if (gh_db_end_all(db)) {
        gh_log(GH_LOG_ERROR, "store.misuse", "what", "%s", "a write left a statement open", NULL);
        *result = *result ? *result : GH_ERR_STORAGE;
    }
    if (transaction_is_gone(db))
        return false;
    if (*result && gh_db_exec(db, "ROLLBACK TO closure"))
        return false;
    return gh_db_exec(db, "RELEASE closure") == GH_OK;
}

static bool run_all(struct gh_db *db, const struct job *jobs, size_t count, enum gh_err *results) {
    if (gh_db_exec(db, "BEGIN IMMEDIATE"))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!run_one(db, &jobs[i], &results[i]))
            return false;
    return gh_db_exec(db, "COMMIT") == GH_OK;
}

static void run_batch(struct gh_db *db, const struct job *jobs, size_t count) {
    enum gh_err results[BATCH];
    if (!run_all(db, jobs, count, results)) {
        if (!transaction_is_gone(db) && gh_db_exec(db, "ROLLBACK"))
            gh_log(GH_LOG_ERROR, "store.rollback_failed", NULL);
        gh_log(GH_LOG_ERROR, "store.batch_lost", "writes", "%zu", count, NULL);
        /* Also those that had failed on their own: a CONFLICT may have been with a row that never came to be.
         */
        for (size_t i = 0; i < count; i++)
            results[i] = GH_ERR_STORAGE;
    }
    for (size_t i = 0; i < count; i++)
        if (jobs[i].written)
            jobs[i].written(results[i], jobs[i].data);
}

/* The number of jobs taken; 0 when the store is closing and nothing waits. */
static size_t take_batch(struct gh_store *s, struct job *jobs) {
    size_t count = 0;
    pthread_mutex_lock(&s->lock);
    while (s->waiting == 0 && !s->stopping)
        pthread_cond_wait(&s->wake, &s->lock);
    for (; count < BATCH && s->waiting > 0; count++, s->waiting--) {
        jobs[count] = s->queue[s->head];
        s->head = (s->head + 1) % GH_LIMIT_WRITE_QUEUE;
    }
    pthread_mutex_unlock(&s->lock);
    return count;
}

static void *writer_main(void *data) {
    struct gh_store *s = data;
    struct job jobs[BATCH];
    for (size_t count; (count = take_batch(s, jobs)) > 0;)
        run_batch(s->db, jobs, count);
    return NULL;
}

enum gh_err gh_store_write(struct gh_store *s, gh_write_fn *write, gh_written_fn *written, void *data) {
    enum gh_err e = GH_ERR_BUSY;
    pthread_mutex_lock(&s->lock);
    if (s->waiting < GH_LIMIT_WRITE_QUEUE && !s->stopping) {
        s->queue[(s->head + s->waiting++) % GH_LIMIT_WRITE_QUEUE] = (struct job){ write, written, data };
        if (s->waiting == 1) /* otherwise the writer is busy and looks again by itself */
            pthread_cond_signal(&s->wake);
        e = GH_OK;
    }
    pthread_mutex_unlock(&s->lock);
    return e;
}

struct waiter {
    gh_write_fn *write;
    void *data;
    enum gh_err result;
    bool done;
    pthread_mutex_t lock;
    pthread_cond_t told;
};

static enum gh_err waiter_write(struct gh_db *db, void *data) {
    struct waiter *w = data;
    return w->write(db, w->data);
}

static void waiter_written(enum gh_err result, void *data) {
    struct waiter *w = data;
    pthread_mutex_lock(&w->lock);
    w->result = result;
    w->done = true;
    pthread_cond_signal(&w->told);
    pthread_mutex_unlock(&w->lock);
}

enum gh_err gh_store_write_wait(struct gh_store *s, gh_write_fn *write, void *data) {
    assert(!pthread_equal(pthread_self(), s->thread)); /* it would wait for itself */
    struct waiter w = { .write = write, .data = data };
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.told, NULL);
    enum gh_err e = gh_store_write(s, waiter_write, waiter_written, &w);
    if (!e) {
        pthread_mutex_lock(&w.lock);
        while (!w.done)
            pthread_cond_wait(&w.told, &w.lock);
        pthread_mutex_unlock(&w.lock);
        e = w.result;
    }
    pthread_cond_destroy(&w.told);
    pthread_mutex_destroy(&w.lock);
    return e;
}

/* --- readers -------------------------------------------------------------------------------------------- */

static void reader_end(void *data) {
    struct gh_db *db = data;
    struct gh_store *s = db->store;
    pthread_mutex_lock(&s->lock);
    struct gh_db **at = &s->readers;
    while (*at && *at != db)
        at = &(*at)->next;
    if (*at)
        *at = db->next;
    pthread_mutex_unlock(&s->lock);
    gh_db_close(db);
}

struct gh_db *gh_store_reader(struct gh_store *s) {
    struct gh_db *db = pthread_getspecific(s->reader_key);
    if (db)
        return db;
    char why[256] = "";
    if (gh_db_open(s->path, false, &db, why)) {
        gh_log(GH_LOG_ERROR, "store.reader_failed", "why", "%s", why, NULL);
        return NULL;
    }
    db->store = s;
    if (pthread_setspecific(s->reader_key, db) != 0) {
        gh_db_close(db);
        return NULL;
    }
    pthread_mutex_lock(&s->lock);
    db->next = s->readers;
    s->readers = db;
    pthread_mutex_unlock(&s->lock);
    return db;
}

/* --- life ----------------------------------------------------------------------------------------------- */

static void store_free(struct gh_store *s) {
    gh_db_close(s->db);
    free(s->path);
    free(s);
}

/* Signals are for the threads of the program: none may end an fsync early or run a handler here. */
static bool start_thread(struct gh_store *s) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&s->thread, NULL, writer_main, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static enum gh_err start(struct gh_store *s, const char *path, char why[256]) {
    s->path = strdup(path);
    if (!s->path)
        return GH_ERR_NOMEM;
    enum gh_err e = gh_db_open(path, true, &s->db, why);
    if (!e)
        e = gh_db_migrate(s->db, why);
    if (e)
        return e;
    s->db->store = s;
    if (pthread_key_create(&s->reader_key, reader_end) != 0)
        return GH_ERR_NOMEM;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    if (start_thread(s))
        return GH_OK;
    pthread_key_delete(s->reader_key);
    return GH_ERR_NOMEM;
}

enum gh_err gh_store_open(const char *path, struct gh_store **ret, char why[256]) {
    struct gh_store *s = calloc(1, sizeof *s);
    snprintf(why, 256, "%s", gh_err_text(GH_ERR_NOMEM));
    if (!s)
        return GH_ERR_STORAGE;
    if (start(s, path, why)) {
        store_free(s);
        return GH_ERR_STORAGE;
    }
    why[0] = 0;
    *ret = s;
    return GH_OK;
}

void gh_store_close(struct gh_store *s) {
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_key_delete(s->reader_key);
    for (struct gh_db *db = s->readers, *next; db; db = next) {
        next = db->next;
        gh_db_close(db);
    }
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    store_free(s);
}
