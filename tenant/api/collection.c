/* tenant/api/collection.c - what all collections do alike. */
#include "tenant/api/collection.h"

#include "sys/random.h"

enum gh_err gh_collection_refuse_absent(struct gh_call *c, const struct gh_api_collection *k) {
    return gh_call_refuse(c, 404, k->absent_code, "%s", k->absent);
}

/* The row of one object, stepped onto; `rows` is the caller's to end. */
static enum gh_err find_row(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                            struct gh_str id, struct gh_rows *rows) {
    bool has = false;
    enum gh_err e = gh_db_query(db, k->by_id, GH_BINDS(GH_TEXT("id", id)), rows);
    if (!e)
        e = gh_rows_next(rows, &has);
    return e || has ? e : gh_collection_refuse_absent(c, k);
}

enum gh_err gh_collection_get(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                              struct gh_str id, json_t **ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    enum gh_err e = find_row(db, c, k, id, &rows);
    return e ? e : gh_row_doc(&rows, 2, ret);
}

bool gh_collection_has(struct gh_db *db, const struct gh_api_collection *k, struct gh_str id,
                       enum gh_err *err) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool has = false;
    *err = gh_db_query(db, k->by_id, GH_BINDS(GH_TEXT("id", id)), &rows);
    if (!*err)
        *err = gh_rows_next(&rows, &has);
    return has && !*err;
}

enum gh_err gh_collection_exists(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                                 struct gh_str id) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    return find_row(db, c, k, id, &rows);
}

static enum gh_err show_row(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                            struct gh_rows *rows, json_t **ret) {
    json_t *doc = NULL;
    enum gh_err e = gh_row_doc(rows, 2, &doc);
    if (!e && k->show)
        e = k->show(db, c, rows, doc);
    if (e)
        json_decref(doc);
    else
        *ret = doc;
    return e;
}

enum gh_err gh_collection_answer(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                                 struct gh_str id) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    json_t *shown = NULL;
    enum gh_err e = find_row(db, c, k, id, &rows);
    if (!e)
        e = show_row(db, c, k, &rows, &shown);
    if (e)
        return e;
    gh_paging_project(c, shown, k->always);
    return gh_call_answer(c, shown);
}

/* --- the list --- */

static enum gh_err list_item(struct gh_db *db, struct gh_call *c, struct gh_rows *rows, json_t **ret) {
    const struct gh_api_collection *k = c->special;
    json_t *shown = NULL;
    enum gh_err e = show_row(db, c, k, rows, &shown);
    if (e)
        return e;
    if (k->filtered && k->filtered(c) && !k->keep(c, shown)) {
        json_decref(shown);
        return GH_OK;
    }
    *ret = shown;
    return GH_OK;
}

/* sort=name:1 or name:-1; the default order is that of the statement. */
static void read_sort(struct gh_call *c, struct gh_listing *l) {
    struct gh_str text;
    if (!gh_request_query(c->x, "sort", &text) || !gh_str_cut(&text, ':', &l->sort))
        return;
    l->sort_descending = gh_str_is(text, "-1");
    if (gh_str_is(l->sort, "created_at") && !l->sort_descending && strcmp(c->op->path, "/users") != 0)
        l->sort =
            (struct gh_str){ 0 }; /* objects other than users do not show it: the statement's own order */
}

enum gh_err gh_collection_list_of(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                                  struct gh_listing scope) {
    scope.key = k->key;
    scope.item = list_item;
    scope.scan = k->filtered && k->filtered(c);
    scope.always = k->always;
    scope.length = k->list_has_length;
    read_sort(c, &scope);
    c->special = (void *)k;
    return gh_listing_answer(db, c, &scope);
}

enum gh_err gh_collection_list(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k) {
    return gh_collection_list_of(
        db, c, k, (struct gh_listing){ .sql = c->paging.checkpoint ? k->from : k->page, .count = k->count });
}

/* --- writing --- */

static enum gh_err refuse_taken(struct gh_call *c, const struct gh_api_collection *k, enum gh_err e) {
    return e == GH_ERR_CONFLICT && k->taken ? gh_call_refuse(c, 409, k->taken_code, "%s", k->taken) : e;
}

enum gh_err gh_collection_insert(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                                 struct gh_str id, json_t *doc, struct gh_str *ret) {
    struct gh_bind binds[8];
    struct gh_str text;
    enum gh_err e = GH_OK;
    if (!id.ptr)
        e = k->id_prefix ? gh_random_id(c->x->arena, k->id_prefix, k->id_length, &id)
                         : gh_random_object_id(c->x->arena, c->now / 1000, &id);
    if (!e && json_object_set_new(doc, k->id_name, gh_json_from(id)))
        e = GH_ERR_NOMEM;
    if (!e)
        e = gh_doc_dump(c, doc, &text);
    if (e)
        return e;

    size_t n = k->keys(c, doc, true, binds);
    binds[n++] = GH_TEXT("id", id);
    binds[n++] = GH_INT("created_at", c->now);
    binds[n++] = GH_INT("updated_at", c->now);
    binds[n++] = GH_TEXT("doc", text);
    e = gh_db_run(db, k->insert, binds, n, NULL);
    *ret = id;
    return refuse_taken(c, k, e);
}

enum gh_err gh_collection_update(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                                 struct gh_str id, const json_t *doc) {
    struct gh_bind binds[8];
    struct gh_str text;
    enum gh_err e = gh_doc_dump(c, doc, &text);
    if (e)
        return e;
    size_t n = k->keys(c, doc, false, binds);
    binds[n++] = GH_TEXT("id", id);
    binds[n++] = GH_INT("updated_at", c->now);
    binds[n++] = GH_TEXT("doc", text);
    return refuse_taken(c, k, gh_db_run(db, k->update, binds, n, NULL));
}

enum gh_err gh_collection_remove(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                                 struct gh_str id) {
    long long changes = 0;
    enum gh_err e = gh_db_run(db, k->remove, GH_BINDS(GH_TEXT("id", id)), &changes);
    if (!e && !changes && k->remove_absent_is_404)
        return gh_collection_refuse_absent(c, k);
    return e;
}

enum gh_err gh_relate(struct gh_db *db, enum gh_sql sql, const struct gh_bind *binds, size_t count,
                      bool *changed) {
    long long changes = 0;
    enum gh_err e = gh_db_run(db, sql, binds, count, &changes);
    if (changed)
        *changed = changes > 0;
    return e;
}
