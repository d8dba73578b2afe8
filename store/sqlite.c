/* store/sqlite.c - the SQLite driver: connections, statements, errors. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/db.h"
#include "sys/log.h"

/* mmap_size 0: a bad sector under a mapping is SIGBUS, not an error to answer with 503. The caches are small
 * on purpose; the kernel keeps the file's pages once for all connections. */
static const char settings[] =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;" /* NORMAL loses acknowledged writes at a power cut */
    "PRAGMA foreign_keys=ON;"
    "PRAGMA busy_timeout=5000;"
    "PRAGMA journal_size_limit=8388608;"
    "PRAGMA mmap_size=0;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA trusted_schema=OFF;";
static const char writer_settings[] = "PRAGMA cache_size=-2048;";
static const char reader_settings[] = "PRAGMA cache_size=-512;PRAGMA query_only=ON;";

/* --- errors --------------------------------------------------------------------------------------------- */

static const struct {
    int code; /* extended */
    enum gh_err err;
} known_errors[] = {
    { SQLITE_CONSTRAINT_UNIQUE, GH_ERR_CONFLICT },
    { SQLITE_CONSTRAINT_PRIMARYKEY, GH_ERR_CONFLICT },
    { SQLITE_CONSTRAINT_FOREIGNKEY, GH_ERR_NOT_FOUND },
    { SQLITE_NOMEM, GH_ERR_NOMEM },
    { SQLITE_IOERR_NOMEM, GH_ERR_NOMEM },
};

/* What is not a usual answer of a database is told to the operator; bound values never are. */
static enum gh_err explain(struct gh_db *db, const char *what) {
    int code = sqlite3_extended_errcode(db->handle);
    for (size_t i = 0; i < GH_COUNT(known_errors); i++)
        if (known_errors[i].code == code)
            return known_errors[i].err;
    gh_log(GH_LOG_ERROR, "store.failed", "statement", "%s", what, "code", "%d", code, "message", "%s",
           sqlite3_errmsg(db->handle), NULL);
    return (code & 0xff) == SQLITE_BUSY ? GH_ERR_BUSY : GH_ERR_STORAGE;
}

static enum gh_err our_mistake(enum gh_sql sql, const char *what, const char *detail) {
    gh_log(GH_LOG_ERROR, "store.misuse", "statement", "%s", gh_catalogue[sql].name, "what", "%s", what,
           "detail", "%s", detail, NULL);
    return GH_ERR_STORAGE;
}

/* --- connections ---------------------------------------------------------------------------------------- */

static void configure_once(void) {
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD); /* a connection is one thread's: no locks in them */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static void sync_folder_of(const char *path) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* SQLite would make it 0644; its -wal and -shm take the mode of this one. */
static bool make_file(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == EEXIST;
    close(fd);
    sync_folder_of(path); /* the name, too, must survive a power cut */
    return true;
}

static enum gh_err say(char why[256], const char *path, const char *text) {
    if (why)
        snprintf(why, 256, "%s: %s", path, text);
    return GH_ERR_STORAGE;
}

enum gh_err gh_db_open(const char *path, bool writer, struct gh_db **ret, char why[256]) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure_once);
    if (writer && !make_file(path))
        return say(why, path, strerror(errno));
    gh_auto(gh_db_closep) struct gh_db *db = calloc(1, sizeof *db);
    if (!db)
        return GH_ERR_NOMEM;
    db->writer = writer;
    if (sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return say(why, path, db->handle ? sqlite3_errmsg(db->handle) : "out of memory");
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (sqlite3_exec(db->handle, settings, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(db->handle, writer ? writer_settings : reader_settings, NULL, NULL, NULL) != SQLITE_OK)
        return say(why, path, sqlite3_errmsg(db->handle));
    *ret = db;
    db = NULL;
    return GH_OK;
}

void gh_db_close(struct gh_db *db) {
    if (!db)
        return;
    for (size_t i = 0; i < GH_SQL_COUNT; i++)
        sqlite3_finalize(db->statements[i].statement);
    sqlite3_close(db->handle);
    free(db);
}

enum gh_err gh_db_exec(struct gh_db *db, const char *sql) {
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? GH_OK : explain(db, "exec");
}

bool gh_db_end_all(struct gh_db *db) {
    bool any = false;
    for (size_t i = 0; i < GH_SQL_COUNT; i++) {
        struct gh_cached *c = &db->statements[i];
        if (!c->in_use)
            continue;
        sqlite3_reset(c->statement);
        sqlite3_clear_bindings(c->statement);
        c->in_use = false;
        any = true;
    }
    return any;
}

enum gh_err gh_db_read_begin(struct gh_db *db) {
    if (db->read_depth == 0 && !db->writer) { /* a closure is in a transaction already */
        enum gh_err e = gh_db_exec(db, "BEGIN");
        if (e)
            return e;
    }
    db->read_depth++;
    return GH_OK;
}

void gh_db_read_end(struct gh_db *db) {
    if (db->read_depth == 0 || --db->read_depth > 0 || db->writer)
        return;
    if (gh_db_exec(db, "COMMIT") != GH_OK)
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* --- statements ----------------------------------------------------------------------------------------- */

static enum gh_err prepare(struct gh_db *db, enum gh_sql sql, struct gh_cached **ret) {
    struct gh_cached *c = &db->statements[sql];
    if (c->in_use)
        return our_mistake(sql, "used again before it ended", "");
    /* After SQLITE_FULL and its like the transaction is gone, and what a closure does next would be committed
     * on its own. */
    if (db->writer && sqlite3_get_autocommit(db->handle))
        return GH_ERR_STORAGE;
    if (!c->statement && sqlite3_prepare_v3(db->handle, gh_catalogue[sql].text, -1, SQLITE_PREPARE_PERSISTENT,
                                            &c->statement, NULL) != SQLITE_OK)
        return explain(db, gh_catalogue[sql].name);
    *ret = c;
    return GH_OK;
}

static unsigned parameter_index(const struct gh_statement *s, const char *name) {
    for (unsigned i = 0; i < s->param_count; i++)
        if (strcmp(s->params[i], name) == 0)
            return i + 1;
    return 0;
}

static int bind_one(sqlite3_stmt *st, int index, const struct gh_bind *b, sqlite3_destructor_type life) {
    const char *bytes = b->text.len ? b->text.ptr : ""; /* NULL would bind NULL */
    switch (b->type) {
    case GH_BIND_NULL:
        return sqlite3_bind_null(st, index);
    case GH_BIND_TEXT:
        return sqlite3_bind_text64(st, index, bytes, b->text.len, life, SQLITE_UTF8);
    case GH_BIND_BLOB:
        return sqlite3_bind_blob64(st, index, bytes, b->text.len, life);
    case GH_BIND_INTEGER:
        return sqlite3_bind_int64(st, index, b->integer);
    }
    return SQLITE_MISUSE;
}

static enum gh_err bind_all(struct gh_db *db, enum gh_sql sql, sqlite3_stmt *st, const struct gh_bind *binds,
                            size_t count, sqlite3_destructor_type life) {
    const struct gh_statement *s = &gh_catalogue[sql];
    unsigned long long seen =
        0; /* names are distinct and all known, so equal counts mean that all are bound */
    if (count != s->param_count || count > 64)
        return our_mistake(sql, "wrong number of binds", "");
    for (size_t i = 0; i < count; i++) {
        unsigned index = parameter_index(s, binds[i].name);
        if (index == 0)
            return our_mistake(sql, "no such parameter", binds[i].name);
        if (seen >> (index - 1) & 1)
            return our_mistake(sql, "bound twice", binds[i].name);
        seen |= 1ULL << (index - 1);
        /* No text of either database may hold a NUL; such a key cannot be there, such a value cannot be kept.
         */
        if (binds[i].type == GH_BIND_TEXT && binds[i].text.len &&
            memchr(binds[i].text.ptr, 0, binds[i].text.len))
            return GH_ERR_MALFORMED;
        if (bind_one(st, (int)index, &binds[i], life) != SQLITE_OK)
            return explain(db, s->name);
    }
    return GH_OK;
}

static void end(struct gh_cached *c) {
    sqlite3_reset(c->statement);
    sqlite3_clear_bindings(c->statement);
    c->in_use = false;
}

/* Prepares, binds and takes the first step: what can fail, fails here. */
static enum gh_err start(struct gh_db *db, enum gh_sql sql, const struct gh_bind *binds, size_t count,
                         sqlite3_destructor_type life, struct gh_cached **ret, bool *ret_has_row) {
    struct gh_cached *c;
    enum gh_err e = prepare(db, sql, &c);
    if (e)
        return e;
    c->in_use = true;
    e = bind_all(db, sql, c->statement, binds, count, life);
    if (!e) {
        int code = sqlite3_step(c->statement);
        *ret_has_row = code == SQLITE_ROW;
        if (code != SQLITE_ROW && code != SQLITE_DONE)
            e = explain(db, gh_catalogue[sql].name);
    }
    if (e)
        end(c);
    *ret = c;
    return e;
}

enum gh_err gh_db_query(struct gh_db *db, enum gh_sql sql, const struct gh_bind *binds, size_t count,
                        struct gh_rows *ret) {
    struct gh_cached *c;
    bool has_row;
    *ret = (struct gh_rows){ 0 }; /* so that ending it is harmless, whatever happens */
    /* The rows outlive this call and perhaps the bound texts: SQLite copies them. */
    enum gh_err e = start(db, sql, binds, count, SQLITE_TRANSIENT, &c, &has_row);
    if (!e)
        *ret = (struct gh_rows){ .db = db, .statement = c, .sql = sql, .fetched = true, .has_row = has_row };
    return e;
}

enum gh_err gh_rows_next(struct gh_rows *r, bool *ret_has_row) {
    struct gh_cached *c = r->statement;
    *ret_has_row = false;
    if (!c)
        return GH_ERR_STORAGE;
    if (r->short_of_memory)
        return GH_ERR_NOMEM;
    if (!r->fetched && r->has_row) {
        int code = sqlite3_step(c->statement);
        r->has_row = code == SQLITE_ROW;
        if (code != SQLITE_ROW && code != SQLITE_DONE)
            return explain(r->db, gh_catalogue[r->sql].name);
    }
    r->fetched = false;
    *ret_has_row = r->has_row;
    return GH_OK;
}

void gh_rows_end(struct gh_rows *r) {
    if (r->statement)
        end(r->statement);
    r->statement = NULL;
}

struct gh_str gh_rows_text(struct gh_rows *r, int column) {
    sqlite3_stmt *st = ((struct gh_cached *)r->statement)->statement;
    int type = sqlite3_column_type(st, column);
    if (type == SQLITE_NULL)
        return (struct gh_str){ 0 };
    const char *p =
        type == SQLITE_BLOB ? sqlite3_column_blob(st, column) : (const char *)sqlite3_column_text(st, column);
    size_t len = (size_t)sqlite3_column_bytes(st, column);
    if (!p && len) { /* told at the next row */
        r->short_of_memory = true;
        return (struct gh_str){ 0 };
    }
    return (struct gh_str){ p ? p : "", len };
}

long long gh_rows_int(struct gh_rows *r, int column) {
    return sqlite3_column_int64(((struct gh_cached *)r->statement)->statement, column);
}

bool gh_rows_is_null(struct gh_rows *r, int column) {
    return sqlite3_column_type(((struct gh_cached *)r->statement)->statement, column) == SQLITE_NULL;
}

enum gh_err gh_db_run(struct gh_db *db, enum gh_sql sql, const struct gh_bind *binds, size_t count,
                      long long *ret_changes) {
    struct gh_cached *c;
    bool has_row;
    enum gh_err e = start(db, sql, binds, count, SQLITE_STATIC, &c, &has_row);
    if (e)
        return e;
    end(c);
    if (has_row)
        return our_mistake(sql, "has rows: use gh_db_query", "");
    if (ret_changes)
        *ret_changes = sqlite3_changes64(db->handle);
    return GH_OK;
}
