/* The product's own schema and statements, as SQLite sees them. */
#include <sqlite3.h>
#include <string.h>

#include "store/store.h"
#include "tests/check.h"

#include <stdlib.h>
#include <unistd.h>

static char folder[64], database[96];

static sqlite3 *open_migrated(void) {
    struct gh_store *s = NULL;
    char why[256];
    strcpy(folder, "/tmp/gh-catalogue-XXXXXX");
    CHECK(mkdtemp(folder));
    snprintf(database, sizeof database, "%s/tenant.db", folder);
    enum gh_err e = gh_store_open(database, &s, why);
    CHECK_ROW(why, e == GH_OK);
    gh_store_close(s);
    sqlite3 *db;
    CHECK(sqlite3_open(database, &db) == SQLITE_OK);
    return db;
}

static void close_and_remove(sqlite3 *db) {
    CHECK(sqlite3_close(db) == SQLITE_OK);
    CHECK(unlink(database) == 0 && rmdir(folder) == 0);
}

TEST(every_statement_prepares_and_its_parameters_are_numbered_as_the_table_says) {
    sqlite3 *db = open_migrated();
    for (size_t i = 0; i < GH_SQL_COUNT; i++) {
        const struct gh_statement *s = &gh_catalogue[i];
        sqlite3_stmt *st = NULL;
        if (sqlite3_prepare_v2(db, s->text, -1, &st, NULL) != SQLITE_OK)
            print_error("%s\n", sqlite3_errmsg(db));
        CHECK_ROW(s->name, st != NULL);
        CHECK_ROW(s->name, sqlite3_bind_parameter_count(st) == (int)s->param_count);
        for (unsigned p = 0; p < s->param_count; p++)
            CHECK_ROW(s->name, strcmp(sqlite3_bind_parameter_name(st, (int)p + 1) + 1, s->params[p]) == 0);
        sqlite3_finalize(st);
    }
    close_and_remove(db);
}

/* Deletes cascade by foreign keys; without an index on the child column each one reads the whole table. */
TEST(every_foreign_key_has_an_index) {
    static const char missing[] =
        "SELECT m.name || '.' || f.\"from\" FROM sqlite_master m, pragma_foreign_key_list(m.name) f"
        " WHERE m.type = 'table' AND f.seq = 0 AND NOT EXISTS ("
        "  SELECT 1 FROM pragma_index_list(m.name) l, pragma_index_info(l.name) c"
        "  WHERE c.seqno = 0 AND c.name = f.\"from\")";
    sqlite3 *db = open_migrated();
    sqlite3_stmt *st;
    CHECK(sqlite3_prepare_v2(db, missing, -1, &st, NULL) == SQLITE_OK);
    int found = 0;
    for (; sqlite3_step(st) == SQLITE_ROW; found++)
        print_error("no index for %s\n", (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    CHECK(found == 0);
    close_and_remove(db);
}

/* A search for one user is asked for by every tool that adopts users: it must not read all of them. */
TEST(one_user_is_found_by_index) {
    static const enum gh_sql rows[] = { GH_SQL_USER_BY_ID_PAGE, GH_SQL_USER_BY_EMAIL_PAGE };
    sqlite3 *db = open_migrated();
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        const struct gh_statement *s = &gh_catalogue[rows[i]];
        char text[1024];
        sqlite3_stmt *st = NULL;
        snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", s->text);
        CHECK_ROW(s->name, sqlite3_prepare_v2(db, text, -1, &st, NULL) == SQLITE_OK);
        CHECK_ROW(s->name, sqlite3_step(st) == SQLITE_ROW);
        const char *plan = (const char *)sqlite3_column_text(st, 3);
        CHECK_ROW(s->name, plan && strncmp(plan, "SEARCH users USING", 18) == 0);
        sqlite3_finalize(st);
    }
    close_and_remove(db);
}

GH_TESTS(every_statement_prepares_and_its_parameters_are_numbered_as_the_table_says,
         every_foreign_key_has_an_index, one_user_is_found_by_index)
