/* store/migrate.c - brings a database up to the schema this program knows. */
#include <stdio.h>

#include "store/db.h"

static enum gh_err version_of(struct gh_db *db, long long *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows;
    bool has_row = false;
    enum gh_err e = gh_db_query(db, GH_SQL_SCHEMA_VERSION_GET, NULL, 0, &rows);
    if (!e)
        e = gh_rows_next(&rows, &has_row);
    if (e)
        return e;
    *ret = has_row ? gh_rows_int(&rows, 0) : 0;
    return has_row ? GH_OK : GH_ERR_STORAGE;
}

/* Inside the transaction: the version is read there, so that two processes that start together do not both
 * apply. */
static enum gh_err apply(struct gh_db *db, const struct gh_migration *m) {
    long long version;
    enum gh_err e = version_of(db, &version);
    if (e || version >= m->version)
        return e;
    e = gh_db_exec(db, m->text);
    return e ? e : gh_db_run(db, GH_SQL_SCHEMA_VERSION_SET, GH_BINDS(GH_INT("version", m->version)), NULL);
}

/* `why` is written before ROLLBACK takes the message away. */
static enum gh_err in_transaction(struct gh_db *db, const struct gh_migration *m, char why[256]) {
    enum gh_err e = gh_db_exec(db, "BEGIN IMMEDIATE");
    if (!e)
        e = m->version == 0 ? gh_db_exec(db, m->text) : apply(db, m);
    if (!e)
        e = gh_db_exec(db, "COMMIT");
    if (!e)
        return GH_OK;
    snprintf(why, 256, "migration %s failed: %s", m->name, sqlite3_errmsg(db->handle));
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return GH_ERR_STORAGE;
}

static enum gh_err refuse_newer(struct gh_db *db, char why[256]) {
    long long version = 0, known = gh_migrations[gh_migration_count - 1].version;
    enum gh_err e = gh_db_exec(db, "BEGIN");
    if (!e)
        e = version_of(db, &version);
    sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    if (e || version <= known)
        return e;
    snprintf(why, 256,
             "the database has schema version %lld and this program knows only up to %lld: it was written by "
             "a newer "
             "gatehouse, use that one",
             version, known);
    return GH_ERR_STORAGE;
}

enum gh_err gh_db_migrate(struct gh_db *db, char why[256]) {
    enum gh_err e = GH_OK;
    for (size_t i = 0; i < gh_migration_count && !e; i++) {
        e = in_transaction(db, &gh_migrations[i], why);
        if (!e && i == 0)
            e = refuse_newer(db, why);
    }
    return e;
}
