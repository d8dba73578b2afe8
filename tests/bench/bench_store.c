/* tests/bench/bench_store.c - durable writes a second by the number that wait at once, and the cost of a
 * read. `ninja -C build tests/bench/bench_store && build/tests/bench/bench_store [folder]` */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"

enum { WRITES = 20000 };

static struct gh_store *store;
static atomic_int started, finished, count_of_run;
static double waited; /* the writer thread adds, before it counts */

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void stop(const char *what, enum gh_err e) {
    if (e) {
        fprintf(stderr, "%s: %s\n", what, gh_err_text(e));
        exit(1);
    }
}

struct submitter {
    double since;
    char name[32], doc[64]; /* always another one: SQLite writes nothing for what is there already */
};

static enum gh_err put(struct gh_db *db, void *data) {
    struct submitter *s = data;
    return gh_db_run(db, GH_SQL_SETTING_PUT,
                     GH_BINDS(GH_TEXT("name", gh_str_from(s->name)), GH_TEXT("doc", gh_str_from(s->doc))),
                     NULL);
}

/* Each submitter has one write under way, as a request has: the next one starts when it was told. */
static void next(struct submitter *s);

static void told(enum gh_err e, void *data) {
    struct submitter *s = data;
    stop("write", e);
    waited += seconds() - s->since;
    finished++;
    next(s);
}

static void next(struct submitter *s) {
    int n = started++;
    if (n >= WRITES)
        return;
    snprintf(s->name, sizeof s->name, "setting-%d", n % 5000);
    snprintf(s->doc, sizeof s->doc, "{\"friendly_name\":\"%d.%d\"}", count_of_run, n);
    s->since = seconds();
    stop("queue", gh_store_write(store, put, told, s));
}

static void measure_writes(int count) {
    static struct submitter submitters[64];
    started = finished = 0;
    count_of_run = count;
    waited = 0;
    double from = seconds();
    for (int i = 0; i < count; i++)
        next(&submitters[i]);
    while (finished < WRITES)
        usleep(1000);
    printf("%3d waiting at once  %8.0f writes/s  %6.2f ms each\n", count, WRITES / (seconds() - from),
           waited / WRITES * 1e3);
}

static void measure_reads(void) {
    struct gh_db *db = gh_store_reader(store);
    char name[32];
    enum { READS = 300000 };
    double from = seconds();
    for (int i = 0; i < READS; i++) {
        struct gh_rows rows;
        bool has_row;
        snprintf(name, sizeof name, "setting-%d", i % 5000);
        stop("query",
             gh_db_query(db, GH_SQL_SETTING_GET, GH_BINDS(GH_TEXT("name", gh_str_from(name))), &rows));
        stop("row", gh_rows_next(&rows, &has_row));
        gh_rows_end(&rows);
    }
    printf("one read by key      %8.2f us\n", (seconds() - from) / READS * 1e6);
}

static long resident_kib(void) {
    long pages = 0, ignored;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &ignored, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char **argv) {
    char folder[256], path[300], why[256];
    snprintf(folder, sizeof folder, "%s/gh-bench-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/tenant.db", folder);
    double from = seconds();
    if (gh_store_open(path, &store, why)) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    printf("open a new database  %8.2f ms\n", (seconds() - from) * 1e3);
    static const int counts[] = { 1, 8, 32, 64 };
    for (size_t i = 0; i < GH_COUNT(counts); i++)
        measure_writes(counts[i]);
    measure_reads();
    printf("resident             %8ld KiB\n", resident_kib());
    gh_store_close(store);
    unlink(path);
    rmdir(folder);
    return 0;
}
