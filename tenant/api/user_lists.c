/* tenant/api/user_lists.c - GET /users with its search, and users by e-mail. */
#include "core/utf8.h"
#include "tenant/api/collection.h"
#include "tenant/api/user.h"
#include "tenant/api/user_search.h"

enum { INDEXED = 256 }; /* users that one query names; a query that names more reads them all */

struct search {
    const struct gh_search *q; /* NULL: everybody */
    struct gh_str connection;
};

static bool is_of_connection(const json_t *user, struct gh_str connection) {
    size_t i;
    json_t *identity;
    if (!connection.ptr)
        return true;
    json_array_foreach(
        json_object_get(user, "identities"), i,
        identity) if (gh_str_eq(gh_doc_string(identity, "connection"), connection)) return true;
    return false;
}

static enum gh_err user_item(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t **ret) {
    const struct search *s = c->special;
    json_t *doc = NULL;
    enum gh_err e = gh_row_doc(row, 2, &doc);
    if (!e && ((s->q && !gh_search_matches(s->q, doc)) || !is_of_connection(doc, s->connection))) {
        json_decref(doc);
        doc = NULL;
    }
    *ret = doc;
    return e;
}

static void read_sort(struct gh_call *c, struct gh_listing *l) {
    struct gh_str text;
    if (gh_request_query(c->x, "sort", &text) && gh_str_cut(&text, ':', &l->sort))
        l->sort_descending = gh_str_is(text, "-1");
}

/* Each text once: a row is found once for every one of them. */
static size_t distinct(struct gh_str *values, size_t count) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        bool seen = false;
        for (size_t k = 0; k < n && !seen; k++)
            seen = gh_str_eq(values[k], values[i]);
        if (!seen)
            values[n++] = values[i];
    }
    return n;
}

/* The common questions - this user, these users - are answered from an index; what else the query asks is
 * asked of the rows found. */
static void use_index(struct gh_call *c, const struct gh_search *q, struct gh_listing *l) {
    struct gh_str *values = q ? gh_arena_calloc(c->x->arena, INDEXED, sizeof *values) : NULL;
    size_t count;
    if (!values)
        return;
    if ((count = gh_search_requires(q, "user_id", values, INDEXED))) {
        l->sql = GH_SQL_USER_BY_ID_PAGE;
        l->binds[0].name = "id";
    } else if ((count = gh_search_requires(q, "email", values, INDEXED))) {
        l->sql = GH_SQL_USER_BY_EMAIL_PAGE;
        l->binds[0].name = "email";
        for (size_t i = 0; i < count; i++)
            values[i] = gh_user_fold(c, values[i]);
    } else
        return;
    l->bind_count = 1;
    l->values = values;
    l->value_count = distinct(values, count);
}

enum gh_err gh_users_list(struct gh_db *db, struct gh_call *c) {
    struct search s = { 0 };
    struct gh_str q;
    gh_request_query(c->x, "connection", &s.connection);
    if (gh_request_query(c->x, "q", &q) && gh_str_trim(q).len && !gh_str_is(q, "*")) {
        enum gh_err e = gh_search_parse(c->x->arena, q, &s.q);
        if (e)
            return e == GH_ERR_NOMEM
                       ? e
                       : gh_call_refuse(c, 400, "invalid_query_string", "Failed to parse query [%.*s]",
                                        (int)(q.len > 200 ? gh_utf8_whole(q.ptr, 200) : q.len), q.ptr);
    }
    struct gh_listing l = {
        .key = "users",
        .sql = GH_SQL_USER_PAGE,
        .count = GH_SQL_USER_COUNT,
        .item = user_item,
        .scan = s.q || s.connection.ptr,
        .length = true,
    };
    use_index(c, s.q, &l);
    read_sort(c, &l);
    c->special = &s;
    return gh_listing_answer(db, c, &l);
}

enum gh_err gh_users_by_email(struct gh_db *db, struct gh_call *c) {
    struct search s = { 0 };
    struct gh_str email = { 0 };
    gh_request_query(c->x, "email", &email);
    c->special = &s;
    return gh_listing_answer(db, c,
                             &(struct gh_listing){
                                 .key = "users",
                                 .sql = GH_SQL_USER_BY_EMAIL_PAGE,
                                 .binds = { GH_TEXT("email", gh_user_fold(c, email)) },
                                 .bind_count = 1,
                                 .item = user_item,
                                 .scan = true,
                             });
}
