/* A process that is killed at any moment has kept what it acknowledged. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/store/folder.h"

enum { ROUNDS = 20, MOST = 1 << 20 };

static int report; /* the child's end of the pipe */

static enum gh_err insert_number(struct gh_db *db, void *data) {
    char text[16];
    int len = snprintf(text, sizeof text, "%ld", (long)(intptr_t)data);
    return child_insert(db, (struct gh_str){ text, (size_t)len }, GH_STR("root"), 1);
}

static void acknowledge(enum gh_err result, void *data) {
    int number = (int)(intptr_t)data;
    if (result || write(report, &number, sizeof number) != sizeof number)
        _exit(3);
}

static void write_until_killed(int first) {
    struct gh_store *s;
    char why[256];
    if (gh_store_open(database, &s, why))
        _exit(2);
    for (int i = first;; i++)
        while (gh_store_write(s, insert_number, acknowledge, (void *)(intptr_t)i) == GH_ERR_BUSY)
            usleep(100);
}

static void check_all_there(const bool *acknowledged, int count) {
    static bool there[MOST];
    struct gh_store *s = store_open();
    struct gh_rows rows;
    bool has_row;
    memset(there, 0, sizeof there);
    CHECK(gh_db_query(gh_store_reader(s), GH_SQL_CHILDREN_ALL, NULL, 0, &rows) == GH_OK);
    while (gh_rows_next(&rows, &has_row) == GH_OK && has_row)
        there[atoi(gh_rows_text(&rows, 0).ptr)] = true;
    gh_rows_end(&rows);
    gh_store_close(s);
    for (int i = 0; i < count; i++)
        CHECK(there[i] || !acknowledged[i]);
}

TEST(every_acknowledged_row_survives_kill_9) {
    static bool acknowledged[MOST];
    unsigned seed = (unsigned)time(NULL);
    int next = 0, total = 0;
    print_message("seed %u\n", seed);
    folder_make();
    gh_store_close(store_open());
    for (int round = 0; round < ROUNDS; round++) {
        int ends[2], number, last = next;
        CHECK(pipe(ends) == 0);
        report = ends[1];
        pid_t child = fork();
        if (child == 0)
            write_until_killed(next);
        close(ends[1]);
        CHECK(read(ends[0], &number, sizeof number) == sizeof number); /* it is writing */
        acknowledged[number] = true;
        total++;
        usleep((useconds_t)rand_r(&seed) % 30000);
        CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
        while (read(ends[0], &number, sizeof number) == sizeof number && number < MOST - 8192) {
            acknowledged[number] = true;
            total++;
            last = number > last ? number : last;
        }
        close(ends[0]);
        next = last + 8192; /* beyond what may have been committed and not told */
        CHECK(next < MOST);
        check_all_there(acknowledged, next);
    }
    print_message("%d acknowledged writes, all there after each of %d kills\n", total, ROUNDS);
    folder_remove();
}

GH_TESTS(every_acknowledged_row_survives_kill_9)
