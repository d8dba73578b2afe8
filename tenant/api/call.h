/* tenant/api/call.h - one call of the Management API on its way through dispatch.c: what a handler is given
 * and how it answers. A handler sees only valid input, runs to its end in one go (a reader's snapshot, or the
 * write closure of its one transaction) and says only what is special. */
#pragma once
#include "core/claims.h"
#include "tenant/audit.h"
#include "tenant/contract/contract.h"
#include "tenant/exchange.h"
#include "tenant/record.h"

struct gh_call;
typedef enum gh_err gh_handler_fn(struct gh_db *db, struct gh_call *c);

/* One row of handlers.c. */
struct gh_handler {
    gh_handler_fn *run;
    const char *audit; /* Auth0's words for the audit row; NULL: the call only reads */
    /* Runs before `run`, outside any transaction: in the hash pool where `hash` says so for this body. */
    enum gh_err (*prepare)(struct gh_db *db, struct gh_call *c);
    bool (*hash_wanted)(const struct gh_call *c);
    enum gh_err (*hash)(struct gh_exchange *x);
};
extern const struct gh_handler gh_handlers[GH_OP_COUNT];

struct gh_paging {
    bool checkpoint, totals;
    long long page, size;   /* size: per_page or take */
    long long after_time;   /* the checkpoint, or -1 */
    struct gh_str after_id; /* … */
    struct gh_str fields;   /* comma list; ptr NULL when absent */
    bool fields_exclude;
};

struct gh_call {
    struct gh_exchange *x;
    const struct gh_operation *op;
    const struct gh_handler *handler;
    struct gh_claims caller;
    json_t *body; /* borrowed; NULL when the operation has none */
    struct gh_paging paging;
    long long now; /* unix ms, one for the whole call */

    struct gh_str secret; /* a password's hash on its way from prepare to run */
    void *special;        /* the handler's own, between prepare and run */

    int status; /* success; the contract's unless the handler changes it */
    json_t *answer;
    struct gh_audit audited; /* what the audit row names beside the handler's words */

    struct {
        int status;
        const char *message, *code;
    } failure;
};

/* Refuses the call; the transaction is undone. `code` may be NULL. Returns a result for `return`. */
enum gh_err gh_call_refuse(struct gh_call *c, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The answer's body; steals the reference. NULL is NOMEM. */
enum gh_err gh_call_answer(struct gh_call *c, json_t *answer);

/* The answer `{}`. */
enum gh_err gh_call_answer_empty_object(struct gh_call *c);

/* --- paging.c --- */

/* Reads page, per_page, take, from, fields. Refuses what is past the limits (400 invalid_paging). */
enum gh_err gh_paging_read(struct gh_call *c);

/* A listing. Its statement takes $after_time, $after_id, $limit, $offset and the binds given here, orders by
 * what it returns, and returns (cursor id, created_at, …): the rest is `item`'s. */
struct gh_listing {
    const char *key; /* "roles" */
    enum gh_sql sql, count;
    struct gh_bind binds[3];
    size_t bind_count;
    const struct gh_str *values; /* with `scan`: the statement runs once for each, as the text of binds[0] */
    size_t value_count;
    /* *ret NULL: this row is not shown (and not counted). */
    enum gh_err (*item)(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t **ret);
    bool scan;          /* `item` may skip rows, or the call sorts: count and cut here, not in SQL */
    struct gh_str sort; /* "name" or empty: by a member of the items, ignoring case */
    bool sort_descending;
    const char *const *always; /* members that `fields` cannot take away, NULL-ended; may be NULL */
    bool length;               /* users: `length` beside start, limit, total */
};
enum gh_err gh_listing_answer(struct gh_db *db, struct gh_call *c, const struct gh_listing *l);

/* Applies fields/include_fields to one object in place. */
void gh_paging_project(const struct gh_call *c, json_t *object, const char *const *always);

/* --- errors --- */

/* The body of an error; also for what dispatch refuses itself. */
json_t *gh_error_body(int status, const char *message, const char *code);

/* --- small JSON --- */

static inline struct gh_str gh_json_text(const json_t *v) {
    return json_is_string(v) ? (struct gh_str){ json_string_value(v), json_string_length(v) }
                             : (struct gh_str){ 0 };
}

static inline json_t *gh_json_from(struct gh_str s) {
    return s.ptr ? json_stringn(s.ptr, s.len) : NULL;
}

/* The document in column `column` of a row. STORAGE when it is no JSON object. */
enum gh_err gh_row_doc(struct gh_rows *row, int column, json_t **ret);

/* Text of a document for the store, in the arena. */
enum gh_err gh_doc_dump(struct gh_call *c, const json_t *doc, struct gh_str *ret);

/* "2026-04-23T07:39:13.465Z"; NULL when out of memory. */
json_t *gh_json_time(long long unix_ms);

/* Top-level merge: a null in `patch` removes, everything else replaces. */
enum gh_err gh_doc_merge(json_t *doc, const json_t *patch);

/* Sets members that are absent; `defaults` is JSON text of ours. */
enum gh_err gh_doc_default(json_t *doc, const char *defaults);

/* May the caller's scopes call this operation at all (before validation), and with this very path and body?
 */
bool gh_call_may(const struct gh_call *c);
bool gh_call_may_so(const struct gh_call *c);

/* Does the caller's token hold this scope? */
bool gh_call_has_scope(const struct gh_call *c, const char *scope);
