/* Group commit: what was acknowledged is there, what was not is not; whatever closures, disk and the queue
 * do. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>

#include "core/limits.h"
#include "store/db.h"
#include "tests/unit/store/folder.h"

/* --- a disk that fails when told to: SQLite's calls end here --- */

static atomic_int fail_writes_in, fail_syncs_in; /* 1: now and from then on; n > 1: after n - 1 more calls */
static atomic_int failures;

static bool fails(atomic_int *in) {
    int n = atomic_load(in);
    if (n == 0)
        return false;
    if (n > 1) {
        atomic_store(in, n - 1);
        return false;
    }
    failures++;
    return true;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at) {
    if (fails(&fail_writes_in)) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, len, at);
}

int fdatasync(int fd) {
    if (fails(&fail_syncs_in)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

/* --- closures whose end is known --- */

enum { MANY = 20000 };

static enum gh_err results[MANY]; /* by number; -1 while nobody was told */
static atomic_int told;
static long long order[MANY]; /* when each was told */

struct plan {
    int number;
    enum { INSERTS, REFUSES, CONFLICTS, HAS_NO_PARENT, FORGETS } ending;
    size_t note; /* bytes beside */
};
static struct plan plans[MANY];

static struct gh_str id_of(int number, char text[16]) {
    return (struct gh_str){ text, (size_t)snprintf(text, 16, "%d", number) };
}

static enum gh_err insert_with_note(struct gh_db *db, struct gh_str id, size_t len) {
    static const char note[65536] = { [0 ... 65535] = 'n' };
    return gh_db_run(db, GH_SQL_CHILD_INSERT,
                     GH_BINDS(GH_TEXT("id", id), GH_TEXT("parent_id", GH_STR("root")),
                              GH_TEXT("note", ((struct gh_str){ note, len })), GH_INT("size", 1)),
                     NULL);
}

static enum gh_err carry_out(struct gh_db *db, void *data) {
    const struct plan *p = data;
    struct gh_rows rows;
    char text[16];
    struct gh_str id = id_of(p->number, text);
    enum gh_err e = insert_with_note(db, id, p->note);
    if (e || p->ending == INSERTS)
        return e;
    switch (p->ending) {
    case CONFLICTS:
        return child_insert(db, id, GH_STR("root"), 1);
    case HAS_NO_PARENT:
        return child_insert(db, GH_STR("other"), GH_STR("nobody"), 1);
    case FORGETS:
        return gh_db_query(db, GH_SQL_CHILDREN_ALL, NULL, 0, &rows);
    default:
        return GH_ERR_NO_PERMISSION;
    }
}

static void note_result(enum gh_err result, void *data) {
    const struct plan *p = data;
    results[p->number] = result;
    order[p->number] = told++;
}

static void forget_all(void) {
    for (int i = 0; i < MANY; i++) {
        results[i] = (enum gh_err) - 1;
        plans[i] = (struct plan){ .number = i };
    }
    told = 0;
}

/* Exactly the acknowledged ones are there; all others were told so. */
static void check_rows(struct gh_store *s, int count) {
    static bool there[MANY];
    struct gh_rows rows;
    bool has_row;
    memset(there, 0, sizeof there);
    CHECK(gh_db_query(gh_store_reader(s), GH_SQL_CHILDREN_ALL, NULL, 0, &rows) == GH_OK);
    while (gh_rows_next(&rows, &has_row) == GH_OK && has_row)
        there[atoi(gh_rows_text(&rows, 0).ptr)] = true;
    gh_rows_end(&rows);
    for (int i = 0; i < count; i++)
        if (there[i] != (results[i] == GH_OK)) {
            print_error("write %d: told %d, %s\n", i, (int)results[i], there[i] ? "there" : "not there");
            fail();
        }
}

static sem_t at_gate, gate;

static enum gh_err wait_at_gate(struct gh_db *db, void *data) {
    sem_post(&at_gate);
    while (sem_wait(&gate) != 0)
        ;
    return GH_OK;
}

static void stop_writer(struct gh_store *s) {
    sem_init(&at_gate, 0, 0);
    sem_init(&gate, 0, 0);
    CHECK(gh_store_write(s, wait_at_gate, NULL, NULL) == GH_OK);
    while (sem_wait(&at_gate) != 0)
        ;
}

/* Queues plans [from, to) while the writer stands still, so that they make one batch. */
static void write_batch(struct gh_store *s, int from, int to) {
    int before = told;
    stop_writer(s);
    for (int i = from; i < to; i++)
        CHECK(gh_store_write(s, carry_out, note_result, &plans[i]) == GH_OK);
    sem_post(&gate);
    while (told < before + to - from)
        sched_yield();
}

/* --- random closures from several threads --- */

enum { THREADS = 4, EACH = 1500 };
static struct gh_store *shared;

static void *submit(void *data) {
    int first = *(int *)data;
    for (int i = first; i < first + EACH; i++)
        while (gh_store_write(shared, carry_out, note_result, &plans[i]) == GH_ERR_BUSY)
            sched_yield();
    return NULL;
}

static unsigned seed_of_the_day(void) {
    const char *given = getenv("GH_SEED");
    unsigned seed = given ? (unsigned)atoi(given) : (unsigned)time(NULL);
    print_message("seed %u (repeat with GH_SEED=%u)\n", seed, seed);
    return seed;
}

static void random_plans(unsigned seed, int count) {
    static const int endings[] = { INSERTS, INSERTS,   INSERTS,       INSERTS,
                                   REFUSES, CONFLICTS, HAS_NO_PARENT, FORGETS };
    for (int i = 0; i < count; i++) {
        plans[i].ending = endings[(unsigned)rand_r(&seed) % GH_COUNT(endings)];
        plans[i].note = (unsigned)rand_r(&seed) % 300;
    }
}

TEST(rows_are_exactly_the_acknowledged_writes_whatever_closures_do) {
    static const enum gh_err want[] = { [INSERTS] = GH_OK,
                                        [REFUSES] = GH_ERR_NO_PERMISSION,
                                        [CONFLICTS] = GH_ERR_CONFLICT,
                                        [HAS_NO_PARENT] = GH_ERR_NOT_FOUND,
                                        [FORGETS] = GH_ERR_STORAGE };
    folder_make();
    forget_all();
    random_plans(seed_of_the_day(), THREADS * EACH);
    shared = store_open();
    pthread_t threads[THREADS];
    int first[THREADS];
    for (int t = 0; t < THREADS; t++) {
        first[t] = t * EACH;
        CHECK(pthread_create(&threads[t], NULL, submit, &first[t]) == 0);
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    gh_store_close(shared); /* finishes what is queued */
    CHECK(told == THREADS * EACH);
    for (int i = 0; i < THREADS * EACH; i++)
        CHECK(results[i] == want[plans[i].ending]);
    shared = store_open();
    check_rows(shared, THREADS * EACH);
    gh_store_close(shared);
    folder_remove();
}

TEST(answers_come_in_the_order_of_the_queue_and_the_second_of_two_loses) {
    folder_make();
    forget_all();
    struct gh_store *s = store_open();
    plans[7].number = 6; /* the same row twice in one batch */
    plans[6].number = 6;
    write_batch(s, 0, 7);
    CHECK(results[6] == GH_OK);
    write_batch(s, 7, 8);
    CHECK(results[6] == GH_ERR_CONFLICT);
    for (int i = 1; i < 6; i++)
        CHECK(results[i] == GH_OK && order[i] == order[i - 1] + 1);
    gh_store_close(s);
    folder_remove();
}

TEST(a_full_queue_is_busy_and_calls_nobody) {
    folder_make();
    forget_all();
    struct gh_store *s = store_open();
    int accepted = 0;
    stop_writer(s);
    enum gh_err e = GH_OK;
    for (; accepted < MANY; accepted++)
        if ((e = gh_store_write(s, carry_out, note_result, &plans[accepted])))
            break;
    CHECK(e == GH_ERR_BUSY && accepted == GH_LIMIT_WRITE_QUEUE);
    sem_post(&gate);
    gh_store_close(s);
    CHECK(told == accepted && results[accepted] == (enum gh_err) - 1);
    folder_remove();
}

/* --- a full database --- */

static enum gh_err set_limit(struct gh_db *db, void *pages) {
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA max_page_count=%d", *(int *)pages);
    return gh_db_exec(db, sql);
}

static enum gh_err stubborn(struct gh_db *db, void *data) {
    enum gh_err e = GH_OK;
    char text[16];
    for (int i = 0; i < 100 && !e; i++)
        e = insert_with_note(db, id_of(1000 + i, text), 60000);
    CHECK(e == GH_ERR_STORAGE);
    CHECK(child_insert(db, GH_STR("999"), GH_STR("root"), 1) ==
          GH_ERR_STORAGE); /* would be committed alone */
    return GH_OK;          /* and says all is well */
}

TEST(a_full_database_loses_its_batch_and_nothing_else) {
    folder_make();
    forget_all();
    struct gh_store *s = store_open();
    int few = 60, many = 1 << 30;
    CHECK(gh_store_write_wait(s, set_limit, &few) == GH_OK);
    for (int i = 0; i < 90; i++)
        plans[i].note = i % 7 == 6 ? 60000 : 10;
    int lost = 0, kept = 0;
    for (int i = 0; i < 90; i += 10)
        write_batch(s, i, i + 10);
    for (int i = 0; i < 90; i++) {
        lost += results[i] == GH_ERR_STORAGE;
        kept += results[i] == GH_OK;
    }
    CHECK(lost > 0 && lost % 10 == 0 && kept > 0 && lost + kept == 90);
    check_rows(s, 90);
    CHECK(gh_store_write_wait(s, stubborn, NULL) == GH_ERR_STORAGE);
    check_rows(s, 1100);
    CHECK(gh_store_write_wait(s, set_limit, &many) == GH_OK);
    write_batch(s, 1100, 1110);
    check_rows(s, 1110);
    CHECK(results[1109] == GH_OK);
    gh_store_close(s);
    folder_remove();
}

/* --- a failing disk --- */

TEST(a_failing_disk_is_storage_trouble_and_never_a_lost_acknowledgement) {
    folder_make();
    forget_all();
    unsigned seed = seed_of_the_day();
    struct gh_store *s = store_open();
    int next = 0, lost = 0;
    failures = 0;
    for (int round = 0; round < 60; round++) {
        atomic_int *what = rand_r(&seed) % 2 ? &fail_writes_in : &fail_syncs_in;
        int size = 1 + rand_r(&seed) % 20;
        atomic_store(what, 1 + rand_r(&seed) % (what == &fail_syncs_in ? 2 : 8));
        for (int i = next; i < next + size; i++)
            plans[i].note = (unsigned)rand_r(&seed) % 9000;
        write_batch(s, next, next + size); /* fails, or the one after it */
        write_batch(s, next + size, next + size + 1);
        atomic_store(what, 0);
        next += size + 1;
        write_batch(s, next, next + 1);
        CHECK(results[next++] == GH_OK); /* the disk is back, and so are we */
        check_rows(s, next);
    }
    for (int i = 0; i < next; i++) {
        CHECK(results[i] == GH_OK || results[i] == GH_ERR_STORAGE);
        lost += results[i] != GH_OK;
    }
    CHECK(failures > 0 && lost > 0); /* the disk did fail */
    gh_store_close(s);
    s = store_open();
    check_rows(s, next);
    gh_store_close(s);
    folder_remove();
}

GH_TESTS(rows_are_exactly_the_acknowledged_writes_whatever_closures_do,
         answers_come_in_the_order_of_the_queue_and_the_second_of_two_loses,
         a_full_queue_is_busy_and_calls_nobody, a_full_database_loses_its_batch_and_nothing_else,
         a_failing_disk_is_storage_trouble_and_never_a_lost_acknowledgement)
