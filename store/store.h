/* store/store.h - what we remember: SQLite in WAL mode, synchronous=FULL, one writer thread with group
 * commit.
 *
 * Readers: each thread takes a connection of its own and sees the last committed state. Writers: a closure is
 * queued, runs on the writer thread in a SAVEPOINT of its own, and is told after COMMIT. A batch whose COMMIT
 * fails is STORAGE for each of its closures: nothing was done (DESIGN, Decisions). The text of every
 * statement is in store/catalogue/, named; nothing else builds SQL. */
#pragma once
#include "core/arena.h"
#include "core/err.h"
#include "store/catalogue.h" /* generated: enum gh_sql { GH_SQL_ORGANIZATION_BY_ID, … } */

struct gh_store;
struct gh_db; /* one connection */

/* Opens or creates the database file (0600) and applies the numbered migrations. STORAGE; `why` says it for
 * the operator. */
enum gh_err gh_store_open(const char *path, struct gh_store **ret, char why[256]);
void gh_store_close(struct gh_store *s); /* finishes what is queued */

/* A read connection for the calling thread, made at first use and kept; NULL on STORAGE trouble. Each
 * statement is a snapshot of its own; gh_db_read_begin/end hold one snapshot over several statements; they
 * nest, and are harmless in a write closure. The connection goes with its thread, or with gh_store_close when
 * no other thread uses the store any more. */
struct gh_db *gh_store_reader(struct gh_store *s);
enum gh_err gh_db_read_begin(struct gh_db *db);
void gh_db_read_end(struct gh_db *db);

/* Runs on the writer thread inside a savepoint. Anything but GH_OK rolls this closure back and leaves the
 * others alone. It is not called when the batch is lost before its turn. */
typedef enum gh_err gh_write_fn(struct gh_db *db, void *data);

/* Runs on the writer thread after COMMIT (or failure), in the order of the queue; it publishes and wakes, it
 * never blocks. */
typedef void gh_written_fn(enum gh_err result, void *data);

/* BUSY when GH_LIMIT_WRITE_QUEUE closures wait already: then neither function is called. `written` may be
 * NULL. */
enum gh_err gh_store_write(struct gh_store *s, gh_write_fn *write, gh_written_fn *written, void *data);

/* The same and waits; for start-up, the command line and tests, never on an event loop. */
enum gh_err gh_store_write_wait(struct gh_store *s, gh_write_fn *write, void *data);

/* --- statements --- */

enum gh_bind_type { GH_BIND_NULL, GH_BIND_TEXT, GH_BIND_BLOB, GH_BIND_INTEGER };

struct gh_bind {
    const char *name; /* without the '$' */
    enum gh_bind_type type;
    struct gh_str text;
    long long integer;
};

#define GH_TEXT(n, s) ((struct gh_bind){ .name = (n), .type = GH_BIND_TEXT, .text = (s) })
#define GH_BLOB(n, s) ((struct gh_bind){ .name = (n), .type = GH_BIND_BLOB, .text = (s) })
#define GH_INT(n, i) ((struct gh_bind){ .name = (n), .type = GH_BIND_INTEGER, .integer = (i) })
#define GH_NULL(n) ((struct gh_bind){ .name = (n), .type = GH_BIND_NULL })
/* NULL for an absent text */
#define GH_TEXT_OR_NULL(n, s) ((s).ptr ? GH_TEXT(n, s) : GH_NULL(n))

/* A statement under way. One at a time per (connection, statement name); always ended. */
struct gh_rows {
    struct gh_db *db;
    void *statement;
    enum gh_sql sql;
    bool fetched, has_row, short_of_memory; /* the driver's */
};

/* Every parameter of the statement must be bound and every bind must exist: otherwise STORAGE, logged (our
 * own mistake). CONFLICT on a unique key, NOT_FOUND on a missing foreign key, MALFORMED for a text with a NUL
 * in it, BUSY when another process keeps the database locked, NOMEM, STORAGE on the rest. The first step is
 * taken here, so an INSERT … RETURNING fails here. Bound texts may go once this returns. */
enum gh_err gh_db_query(struct gh_db *db, enum gh_sql sql, const struct gh_bind *binds, size_t count,
                        struct gh_rows *ret);
enum gh_err gh_rows_next(struct gh_rows *r, bool *ret_has_row);
void gh_rows_end(struct gh_rows *r); /* idempotent; also the gh_auto function */

/* Columns count from 0; text views live until the next gh_rows_next or gh_rows_end. NULL columns: empty with
 * ptr NULL, 0. */
struct gh_str gh_rows_text(struct gh_rows *r, int column);
long long gh_rows_int(struct gh_rows *r, int column);
bool gh_rows_is_null(struct gh_rows *r, int column);

/* Runs a statement without rows; *ret_changes (may be NULL) is the number of changed rows. */
enum gh_err gh_db_run(struct gh_db *db, enum gh_sql sql, const struct gh_bind *binds, size_t count,
                      long long *ret_changes);

#define GH_BINDS(...)                                                                                        \
    (const struct gh_bind[]){ __VA_ARGS__ },                                                                 \
        sizeof((const struct gh_bind[]){ __VA_ARGS__ }) / sizeof(struct gh_bind)
