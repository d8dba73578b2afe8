/* Statements, closures and migrations, each alone. */
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

#include "tests/unit/store/folder.h"

static enum gh_err add_one(struct gh_db *db, void *data) {
    return child_insert(db, gh_str_from(data), GH_STR("root"), 7);
}

static enum gh_err add(struct gh_store *s, const char *id) {
    char copy[16];
    snprintf(copy, sizeof copy, "%s", id);
    return gh_store_write_wait(s, add_one, copy);
}

TEST(what_is_written_is_read_and_survives_closing) {
    folder_make();
    struct gh_store *s = store_open();
    CHECK(add(s, "b") == GH_OK && add(s, "a") == GH_OK);
    gh_store_close(s);
    struct stat st;
    CHECK(stat(database, &st) == 0 && (st.st_mode & 0777) == 0600);

    s = store_open();
    struct gh_rows rows;
    bool has_row;
    struct gh_db *db = gh_store_reader(s);
    CHECK(db && db == gh_store_reader(s));
    CHECK(gh_db_query(db, GH_SQL_CHILDREN_ALL, NULL, 0, &rows) == GH_OK);
    CHECK(gh_rows_next(&rows, &has_row) == GH_OK && has_row && gh_str_is(gh_rows_text(&rows, 0), "a"));
    CHECK(gh_rows_is_null(&rows, 1) && gh_rows_text(&rows, 1).ptr == NULL && gh_rows_int(&rows, 2) == 7);
    CHECK(gh_rows_next(&rows, &has_row) == GH_OK && has_row && gh_str_is(gh_rows_text(&rows, 0), "b"));
    CHECK(gh_rows_next(&rows, &has_row) == GH_OK && !has_row);
    CHECK(gh_rows_next(&rows, &has_row) == GH_OK && !has_row); /* and stays at its end */
    gh_rows_end(&rows);
    gh_rows_end(&rows);
    CHECK(gh_rows_next(&rows, &has_row) == GH_ERR_STORAGE && !has_row);
    gh_store_close(s);
    folder_remove();
}

/* --- one closure with many expectations -------------------------------------------------------------------
 */

static enum gh_err refusals(struct gh_db *db, void *data) {
    struct gh_str x = GH_STR("x"), root = GH_STR("root"), nul = { "a\0b", 3 };
    const struct gh_bind good[] = { GH_TEXT("id", x), GH_TEXT("parent_id", root), GH_NULL("note"),
                                    GH_INT("size", 1) };
    struct gh_bind bad[4];
    long long changes = -1;

    CHECK(gh_db_run(db, GH_SQL_CHILD_INSERT, good, 4, &changes) == GH_OK && changes == 1);
    CHECK(gh_db_run(db, GH_SQL_CHILD_INSERT, good, 4, &changes) == GH_ERR_CONFLICT);
    CHECK(child_insert(db, GH_STR("y"), GH_STR("nobody"), 1) == GH_ERR_NOT_FOUND);
    CHECK(child_insert(db, GH_STR("y"), root, -1) == GH_ERR_STORAGE); /* CHECK: our own mistake */
    CHECK(child_insert(db, nul, root, 1) == GH_ERR_MALFORMED);

    CHECK(gh_db_run(db, GH_SQL_CHILD_INSERT, good, 3, NULL) == GH_ERR_STORAGE); /* one is missing */
    memcpy(bad, good, sizeof bad);
    bad[3].name = "sizes"; /* unknown */
    CHECK(gh_db_run(db, GH_SQL_CHILD_INSERT, bad, 4, NULL) == GH_ERR_STORAGE);
    bad[3].name = "id"; /* twice, and so one is missing */
    CHECK(gh_db_run(db, GH_SQL_CHILD_INSERT, bad, 4, NULL) == GH_ERR_STORAGE);
    CHECK(gh_db_run(db, GH_SQL_CHILDREN_COUNT, good, 1, NULL) == GH_ERR_STORAGE); /* takes none */
    CHECK(gh_db_run(db, GH_SQL_CHILDREN_COUNT, NULL, 0, NULL) == GH_ERR_STORAGE); /* has rows */
    CHECK(gh_db_run(db, GH_SQL_CHILD_DELETE, GH_BINDS(GH_TEXT("parent_id", x)), &changes) == GH_OK &&
          changes == 0);
    CHECK(children_count(db) == 1);
    return GH_OK;
}

TEST(wrong_statements_are_refused_with_their_reason) {
    folder_make();
    struct gh_store *s = store_open();
    CHECK(gh_store_write_wait(s, refusals, NULL) == GH_OK);
    CHECK(children_count(gh_store_reader(s)) == 1);
    CHECK(child_insert(gh_store_reader(s), GH_STR("z"), GH_STR("root"), 1) ==
          GH_ERR_STORAGE); /* readers read */
    gh_store_close(s);
    folder_remove();
}

static enum gh_err returning(struct gh_db *db, void *data) {
    struct gh_rows rows, again;
    bool has_row;
    char id[] = "kid"; /* goes away before the rows do */
    const struct gh_bind binds[] = { GH_TEXT("id", gh_str_from(id)), GH_TEXT("parent_id", GH_STR("root")) };
    CHECK(gh_db_query(db, GH_SQL_CHILD_INSERT_RETURNING, binds, 2, &rows) == GH_OK);
    memset(id, 'x', 3);
    CHECK(gh_db_query(db, GH_SQL_CHILD_INSERT_RETURNING, binds, 2, &again) == GH_ERR_STORAGE); /* in use */
    gh_rows_end(&again);
    CHECK(gh_rows_next(&rows, &has_row) == GH_OK && has_row && gh_str_is(gh_rows_text(&rows, 0), "kid"));
    CHECK(gh_str_is(gh_rows_text(&rows, 1), "a;'$b")); /* what only looks like a parameter */
    gh_rows_end(&rows);
    memcpy(id, "kid", 3);
    CHECK(gh_db_query(db, GH_SQL_CHILD_INSERT_RETURNING, binds, 2, &rows) == GH_ERR_CONFLICT);
    return GH_OK;
}

TEST(an_insert_can_return_and_fails_at_once) {
    folder_make();
    struct gh_store *s = store_open();
    CHECK(gh_store_write_wait(s, returning, NULL) == GH_OK);
    gh_store_close(s);
    folder_remove();
}

static enum gh_err forgetful(struct gh_db *db, void *data) {
    struct gh_rows rows;
    enum gh_err e = child_insert(db, GH_STR("f"), GH_STR("root"), 1);
    return e ? e : gh_db_query(db, GH_SQL_CHILDREN_ALL, NULL, 0, &rows);
}

static enum gh_err failing(struct gh_db *db, void *data) {
    CHECK(child_insert(db, GH_STR("g"), GH_STR("root"), 1) == GH_OK);
    return GH_ERR_NO_PERMISSION;
}

TEST(a_closure_that_fails_or_forgets_leaves_nothing) {
    folder_make();
    struct gh_store *s = store_open();
    CHECK(gh_store_write_wait(s, forgetful, NULL) == GH_ERR_STORAGE);
    CHECK(gh_store_write_wait(s, failing, NULL) == GH_ERR_NO_PERMISSION);
    CHECK(children_count(gh_store_reader(s)) == 0);
    CHECK(add(s, "f") == GH_OK); /* and the writer lives on */
    gh_store_close(s);
    folder_remove();
}

TEST(a_snapshot_holds_while_others_write) {
    folder_make();
    struct gh_store *s = store_open();
    struct gh_db *db = gh_store_reader(s);
    CHECK(gh_db_read_begin(db) == GH_OK && gh_db_read_begin(db) == GH_OK && children_count(db) == 0);
    CHECK(add(s, "a") == GH_OK);
    CHECK(children_count(db) == 0);
    gh_db_read_end(db);
    CHECK(children_count(db) == 0); /* the outer one still holds it */
    gh_db_read_end(db);
    CHECK(children_count(db) == 1);
    gh_db_read_end(db); /* one too many is harmless */
    CHECK(children_count(db) == 1);
    gh_store_close(s);
    folder_remove();
}

static void *reader_thread(void *store) {
    struct gh_db *db = gh_store_reader(store);
    return db && children_count(db) == 0 ? db : NULL;
}

TEST(a_thread_has_a_reader_of_its_own_that_goes_with_it) {
    folder_make();
    struct gh_store *s = store_open();
    struct gh_db *mine = gh_store_reader(s);
    for (int i = 0; i < 50; i++) {
        pthread_t t;
        void *theirs = NULL;
        CHECK(pthread_create(&t, NULL, reader_thread, s) == 0 && pthread_join(t, &theirs) == 0);
        CHECK(theirs && theirs != mine);
    }
    gh_store_close(s);
    folder_remove();
}

/* --- migrations -------------------------------------------------------------------------------------------
 */

static void tamper(const char *sql) {
    sqlite3 *db;
    CHECK(sqlite3_open(database, &db) == SQLITE_OK && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
}

TEST(a_database_of_a_newer_program_is_refused_in_plain_words) {
    folder_make();
    gh_store_close(store_open());
    tamper("UPDATE schema_version SET version = 3");
    struct gh_store *s = NULL;
    char why[256];
    CHECK(gh_store_open(database, &s, why) == GH_ERR_STORAGE && !s);
    CHECK(strstr(why, "version 3") && strstr(why, "up to 2") && strstr(why, "newer"));
    tamper("UPDATE schema_version SET version = 2");
    gh_store_close(store_open());
    folder_remove();
}

TEST(a_failing_migration_leaves_the_version_before_it) {
    folder_make();
    gh_store_close(store_open());
    tamper("UPDATE schema_version SET version = 1"); /* so 0002 would insert 'root' again */
    struct gh_store *s = NULL;
    char why[256];
    CHECK(gh_store_open(database, &s, why) == GH_ERR_STORAGE);
    CHECK(strstr(why, "0002_more") && strstr(why, "UNIQUE"));
    tamper("DELETE FROM parents");
    gh_store_close(store_open());
    folder_remove();
}

TEST(what_is_not_a_database_is_refused) {
    folder_make();
    struct gh_store *s = NULL;
    char why[256];
    FILE *f = fopen(database, "w");
    for (int i = 0; i < 1000; i++)
        fputs("not a database", f);
    fclose(f);
    CHECK(gh_store_open(database, &s, why) == GH_ERR_STORAGE && strstr(why, "not a database"));
    CHECK(gh_store_open(folder, &s, why) == GH_ERR_STORAGE && why[0]);
    CHECK(gh_store_open("/nonexistent/x.db", &s, why) == GH_ERR_STORAGE && strstr(why, "No such file"));
    CHECK(!s);
    folder_remove();
}

GH_TESTS(what_is_written_is_read_and_survives_closing, wrong_statements_are_refused_with_their_reason,
         an_insert_can_return_and_fails_at_once, a_closure_that_fails_or_forgets_leaves_nothing,
         a_snapshot_holds_while_others_write, a_thread_has_a_reader_of_its_own_that_goes_with_it,
         a_database_of_a_newer_program_is_refused_in_plain_words,
         a_failing_migration_leaves_the_version_before_it, what_is_not_a_database_is_refused)
