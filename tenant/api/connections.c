/* tenant/api/connections.c - connections and the clients that may use them. */
#include "tenant/api/connection.h"

#include "tenant/api/collection.h"
#include "tenant/api/security.h"

static const char *const always[] = { "id", "is_domain_connection", "authentication", "connected_accounts",
                                      NULL };

static size_t keys(struct gh_call *c, const json_t *doc, bool inserting, struct gh_bind *ret) {
    ret[0] = GH_TEXT("name", gh_doc_string(doc, "name"));
    ret[1] = GH_TEXT("strategy", gh_doc_string(doc, "strategy"));
    return 2;
}

static enum gh_err enabled_clients(struct gh_db *db, struct gh_str id, json_t **ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    json_t *clients = json_array();
    bool has = false;
    enum gh_err e =
        gh_db_query(db, GH_SQL_CONNECTION_CLIENT_IDS, GH_BINDS(GH_TEXT("connection_id", id)), &rows);
    while (!e && !(e = gh_rows_next(&rows, &has)) && has)
        if (json_array_append_new(clients, gh_json_from(gh_rows_text(&rows, 0))))
            e = GH_ERR_NOMEM;
    if (e)
        json_decref(clients);
    else
        *ret = clients;
    return e;
}

static enum gh_err show(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t *doc) {
    json_t *clients = NULL;
    enum gh_err e = enabled_clients(db, gh_rows_text(row, 0), &clients);
    if (!e && json_object_set_new(doc, "enabled_clients", clients))
        e = GH_ERR_NOMEM;
    return e;
}

static bool filtered(struct gh_call *c) {
    struct gh_str text;
    return gh_request_query(c->x, "name", &text) || gh_request_query(c->x, "strategy", &text) ||
           gh_request_query(c->x, "domain_alias", &text);
}

static bool keep(struct gh_call *c, const json_t *doc) {
    bool asked = false, fits = false;
    for (size_t i = 0; i < c->x->query_count; i++) {
        const struct gh_param *q = &c->x->query[i];
        if (gh_str_is(q->name, "name") && !gh_str_eq(q->value, gh_doc_string(doc, "name")))
            return false;
        if (!gh_str_is(q->name, "strategy"))
            continue;
        asked = true; /* may be repeated */
        fits |= gh_str_eq(q->value, gh_doc_string(doc, "strategy"));
    }
    return fits || !asked;
}

const struct gh_api_collection gh_connections = {
    .key = "connections",
    .id_name = "id",
    .id_prefix = "con_",
    .id_length = 16,
    .by_id = GH_SQL_CONNECTION_BY_ID,
    .page = GH_SQL_CONNECTION_PAGE,
    .from = GH_SQL_CONNECTION_FROM,
    .count = GH_SQL_CONNECTION_COUNT,
    .insert = GH_SQL_CONNECTION_INSERT,
    .update = GH_SQL_CONNECTION_UPDATE,
    .remove = GH_SQL_CONNECTION_DELETE,
    .absent = "The connection does not exist",
    .absent_code = "inexistent_connection",
    .taken = "A connection with the same name already exists",
    .keys = keys,
    .show = show,
    .filtered = filtered,
    .keep = keep,
    .always = always,
};

GH_COLLECTION_READS(connections, gh_connections)

static bool is_among(const json_t *texts, struct gh_str text) {
    size_t i;
    json_t *one;
    json_array_foreach(texts, i, one) if (gh_str_eq(gh_json_text(one), text)) return true;
    return false;
}

/* Whose users may no longer sign in through it. The other users of such a client sign in again: that costs
 * them less than an epoch for each pair would cost everybody. */
static enum gh_err revoke_missing(struct gh_db *db, struct gh_call *c, struct gh_str id,
                                  const json_t *clients) {
    json_auto_t *were = NULL;
    size_t i;
    json_t *one;
    enum gh_err e = enabled_clients(db, id, &were);
    json_array_foreach(were, i, one) {
        if (!e && !is_among(clients, gh_json_text(one)))
            e = gh_security_changed(db, c, GH_REVOKE_CLIENT, gh_json_text(one), GH_STR(""));
    }
    return e;
}

/* The deprecated member of POST and PATCH: the whole set at once. */
static enum gh_err set_clients(struct gh_db *db, struct gh_call *c, struct gh_str id, const json_t *clients) {
    if (!clients)
        return GH_OK;
    enum gh_err e = revoke_missing(db, c, id, clients);
    if (!e)
        e = gh_db_run(db, GH_SQL_CONNECTION_CLIENTS_CLEAR, GH_BINDS(GH_TEXT("connection_id", id)), NULL);
    for (size_t i = 0; i < json_array_size(clients) && !e; i++) {
        e = gh_relate(db, GH_SQL_CONNECTION_CLIENT_ADD,
                      GH_BINDS(GH_TEXT("connection_id", id),
                               GH_TEXT("client_id", gh_json_text(json_array_get(clients, i))),
                               GH_INT("created_at", c->now)),
                      NULL);
        if (e == GH_ERR_NOT_FOUND)
            e = gh_call_refuse(c, 400, "invalid_body", "One or more clients do not exist: %s",
                               json_string_value(json_array_get(clients, i)));
    }
    return e;
}

enum gh_err gh_connections_create(struct gh_db *db, struct gh_call *c) {
    json_auto_t *doc = json_deep_copy(c->body);
    struct gh_str id;
    if (!doc)
        return GH_ERR_NOMEM;
    enum gh_err e = gh_connection_check(c, NULL, doc);
    if (!e)
        e = gh_connection_defaults(doc);
    json_object_del(doc, "enabled_clients");
    if (!e)
        e = gh_collection_insert(db, c, &gh_connections, (struct gh_str){ 0 }, doc, &id);
    if (!e)
        e = set_clients(db, c, id, json_object_get(c->body, "enabled_clients"));
    if (e)
        return e;
    c->audited.connection_id = id;
    return gh_collection_answer(db, c, &gh_connections, id);
}

enum gh_err gh_connections_update(struct gh_db *db, struct gh_call *c) {
    struct gh_str id = c->x->args[0];
    json_auto_t *was = NULL;
    enum gh_err e = gh_collection_get(db, c, &gh_connections, id, &was);
    json_auto_t *now = json_deep_copy(was);
    if (!e && !now)
        e = GH_ERR_NOMEM;
    if (!e)
        e = gh_connection_merge(now, c->body);
    if (!e)
        e = gh_connection_check(c, was, now);
    if (!e)
        e = gh_collection_update(db, c, &gh_connections, id, now);
    if (!e)
        e = set_clients(db, c, id, json_object_get(c->body, "enabled_clients"));
    c->audited.connection_id = id;
    return e ? e : gh_collection_answer(db, c, &gh_connections, id);
}

/* 202 with the moment of deletion, 204 when it was gone (recorded). Its users go with it. */
enum gh_err gh_connections_delete(struct gh_db *db, struct gh_call *c) {
    struct gh_str id = c->x->args[0];
    enum gh_err e;
    c->audited.connection_id = id;
    if (!gh_collection_has(db, &gh_connections, id, &e)) {
        c->status = 204;
        return e;
    }
    e = gh_security_changed(db, c, GH_REVOKE_CONNECTION, id, GH_STR(""));
    if (!e)
        e = gh_collection_remove(db, c, &gh_connections, id);
    return e ? e : gh_call_answer(c, json_pack("{s:o}", "deleted_at", gh_json_time(c->now)));
}

/* --- clients of a connection --- */

static enum gh_err client_item(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t **ret) {
    *ret = json_pack("{s:o}", "client_id", gh_json_from(gh_rows_text(row, 0)));
    return *ret ? GH_OK : GH_ERR_NOMEM;
}

enum gh_err gh_connection_clients_list(struct gh_db *db, struct gh_call *c) {
    enum gh_err e = gh_collection_exists(db, c, &gh_connections, c->x->args[0]);
    if (e)
        return e;
    return gh_listing_answer(db, c,
                             &(struct gh_listing){
                                 .key = "clients",
                                 .sql = GH_SQL_CONNECTION_CLIENT_FROM,
                                 .binds = { GH_TEXT("connection_id", c->x->args[0]) },
                                 .bind_count = 1,
                                 .item = client_item,
                             });
}

/* A bare array of {client_id, status}. */
enum gh_err gh_connection_clients_update(struct gh_db *db, struct gh_call *c) {
    struct gh_str id = c->x->args[0];
    size_t i;
    json_t *one;
    c->audited.connection_id = id;
    enum gh_err e = gh_collection_exists(db, c, &gh_connections, id);
    json_array_foreach(c->body, i, one) {
        struct gh_str client = gh_doc_string(one, "client_id");
        bool on = gh_doc_bool(one, "status", false);
        const struct gh_bind binds[] = { GH_TEXT("connection_id", id), GH_TEXT("client_id", client),
                                         GH_INT("created_at", c->now) };
        bool changed = false;
        if (!e)
            e = gh_relate(db, on ? GH_SQL_CONNECTION_CLIENT_ADD : GH_SQL_CONNECTION_CLIENT_REMOVE, binds,
                          on ? 3 : 2, &changed);
        if (!e && !on && changed)
            e = gh_security_changed(db, c, GH_REVOKE_CLIENT, client, GH_STR(""));
        if (e == GH_ERR_NOT_FOUND && !c->failure.status)
            e = gh_call_refuse(c, 404, "inexistent_client", "The client does not exist");
    }
    return e;
}

static enum gh_err connection_item(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t **ret) {
    json_t *doc = NULL;
    enum gh_err e = gh_row_doc(row, 2, &doc);
    if (!e)
        e = show(db, c, row, doc);
    if (e || !keep(c, doc))
        json_decref(doc);
    else
        *ret = doc;
    return e;
}

enum gh_err gh_client_connections_list(struct gh_db *db, struct gh_call *c) {
    enum gh_err e = gh_collection_exists(db, c, &gh_clients, c->x->args[0]);
    if (e)
        return e;
    return gh_listing_answer(db, c,
                             &(struct gh_listing){
                                 .key = "connections",
                                 .sql = GH_SQL_CONNECTION_OF_CLIENT_FROM,
                                 .binds = { GH_TEXT("client_id", c->x->args[0]) },
                                 .bind_count = 1,
                                 .item = connection_item,
                                 .scan = filtered(c),
                                 .always = always,
                             });
}
