/* store/db.h - one connection, as the files of this room see it. */
#pragma once
#include <sqlite3.h>

#include "store/store.h"

/* What a driver keeps of a statement: prepared at first use, reset between uses. */
struct gh_cached {
    sqlite3_stmt *statement;
    bool in_use;
};

struct gh_db {
    sqlite3 *handle;
    struct gh_store *store;
    struct gh_db *next; /* the store's readers */
    bool writer;        /* runs closures: every statement must be inside their transaction */
    int read_depth;     /* of gh_db_read_begin */
    struct gh_cached statements[GH_SQL_COUNT];
};

/* A connection with our settings, the file made (0600) when absent. STORAGE, NOMEM; `why` (may be NULL) says
 * it. */
enum gh_err gh_db_open(const char *path, bool writer, struct gh_db **ret, char why[256]);
void gh_db_close(struct gh_db *db); /* takes NULL */

/* Transaction control and schema: SQL without parameters and rows. */
enum gh_err gh_db_exec(struct gh_db *db, const char *sql);

/* Ends what a closure forgot to end; true when there was something. */
bool gh_db_end_all(struct gh_db *db);
enum gh_err gh_db_migrate(struct gh_db *db, char why[256]);

static inline void gh_db_closep(struct gh_db **db) {
    gh_db_close(*db);
}
