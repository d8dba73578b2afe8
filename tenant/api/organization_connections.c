/* tenant/api/organization_connections.c - the connections of an organization, in both generations of the API:
 * /enabled_connections (all are enabled) and /connections (with is_enabled and an access level). One row
 * serves both; only what is shown differs. */
#include "tenant/api/collection.h"
#include "tenant/api/organization.h"
#include "tenant/api/security.h"

static bool is_database(struct gh_str strategy) {
    return gh_str_is(strategy, "auth0");
}

static bool new_generation(const struct gh_call *c) {
    return strstr(c->op->path, "/connections") != NULL;
}

static enum gh_err show(struct gh_call *c, json_t *doc, struct gh_str id, struct gh_str name,
                        struct gh_str strategy) {
    if (!new_generation(c)) {
        json_object_del(doc, "is_enabled");
        json_object_del(doc, "organization_access_level");
        json_object_del(doc, "organization_connection_name");
    }
    if (!is_database(strategy))
        json_object_del(doc, "is_signup_enabled");
    json_t *connection = json_object();
    json_object_set_new(connection, "name", gh_json_from(name));
    json_object_set_new(connection, "strategy", gh_json_from(strategy));
    json_object_set_new(doc, "connection_id", gh_json_from(id));
    return json_object_set_new(doc, "connection", connection) ? GH_ERR_NOMEM : GH_OK;
}

/* Columns: connection id, created_at, doc, name, strategy. */
static enum gh_err show_row(struct gh_call *c, struct gh_rows *row, json_t **ret) {
    json_t *doc = NULL;
    enum gh_err e = gh_row_doc(row, 2, &doc);
    if (!e)
        e = show(c, doc, gh_rows_text(row, 0), gh_rows_text(row, 3), gh_rows_text(row, 4));
    if (e)
        json_decref(doc);
    else
        *ret = doc;
    return e;
}

static enum gh_err item(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t **ret) {
    struct gh_str wanted;
    json_t *doc = NULL;
    enum gh_err e = gh_row_doc(row, 2, &doc);
    if (e)
        return e;
    bool enabled = gh_doc_bool(doc, "is_enabled", true);
    json_decref(doc);
    if (!new_generation(c) && !enabled)
        return GH_OK;
    if (gh_request_query(c->x, "is_enabled", &wanted) && gh_str_is(wanted, "true") != enabled)
        return GH_OK;
    return show_row(c, row, ret);
}

enum gh_err gh_organization_connections_list(struct gh_db *db, struct gh_call *c) {
    enum gh_err e = gh_collection_exists(db, c, &gh_organizations, c->x->args[0]);
    if (e)
        return e;
    return gh_listing_answer(db, c,
                             &(struct gh_listing){
                                 .key = new_generation(c) ? "connections" : "enabled_connections",
                                 .sql = GH_SQL_ORGANIZATION_CONNECTION_PAGE,
                                 .count = GH_SQL_ORGANIZATION_CONNECTION_COUNT,
                                 .binds = { GH_TEXT("organization_id", c->x->args[0]) },
                                 .bind_count = 1,
                                 .item = item,
                                 .scan = true, /* at most ten rows, some of which may be switched off */
                             });
}

static enum gh_err find(struct gh_db *db, struct gh_call *c, struct gh_str organization,
                        struct gh_str connection, struct gh_rows *rows) {
    bool has = false;
    enum gh_err e = gh_collection_exists(db, c, &gh_organizations, organization);
    if (!e)
        e = gh_db_query(
            db, GH_SQL_ORGANIZATION_CONNECTION_BY_ID,
            GH_BINDS(GH_TEXT("organization_id", organization), GH_TEXT("connection_id", connection)), rows);
    if (!e)
        e = gh_rows_next(rows, &has);
    return e || has ? e : gh_call_refuse(c, 404, NULL, "No connection found by that id");
}

enum gh_err gh_organization_connections_get(struct gh_db *db, struct gh_call *c) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    json_t *doc = NULL;
    enum gh_err e = find(db, c, c->x->args[0], c->x->args[1], &rows);
    if (!e)
        e = show_row(c, &rows, &doc);
    return e ? e : gh_call_answer(c, doc);
}

/* Sign-up without membership would make people who cannot come in (recorded refusal). */
static enum gh_err check_signup(struct gh_call *c, const json_t *doc, struct gh_str strategy) {
    bool fine = !gh_doc_bool(doc, "is_signup_enabled", false) ||
                (is_database(strategy) && gh_doc_bool(doc, "assign_membership_on_login", false));
    return fine ? GH_OK
                : gh_call_refuse(c, 400, "invalid_body",
                                 "Only database connections with assign_membership_on_login = true support "
                                 "is_signup_enabled = true.");
}

static enum gh_err count_connections(struct gh_db *db, struct gh_str organization, long long *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool has = false;
    enum gh_err e = gh_db_query(db, GH_SQL_ORGANIZATION_CONNECTION_COUNT,
                                GH_BINDS(GH_TEXT("organization_id", organization)), &rows);
    if (!e)
        e = gh_rows_next(&rows, &has);
    *ret = has ? gh_rows_int(&rows, 0) : 0;
    return e;
}

enum gh_err gh_organization_connect(struct gh_db *db, struct gh_call *c, struct gh_str organization,
                                    const json_t *wanted, json_t **shown) {
    json_auto_t *doc = json_copy((json_t *)wanted);
    json_auto_t *connection = NULL;
    struct gh_str id = gh_doc_string(wanted, "connection_id"), text;
    long long count = 0;
    if (!doc)
        return GH_ERR_NOMEM;
    enum gh_err e = gh_collection_get(db, c, &gh_connections, id, &connection);
    if (!e)
        e = count_connections(db, organization, &count);
    if (!e && count >= GH_ORGANIZATION_CONNECTIONS)
        e = gh_call_refuse(c, 409, NULL,
                           "Quota exceeded; cannot add more than %d connections to an organization",
                           GH_ORGANIZATION_CONNECTIONS);
    json_object_del(doc, "connection_id");
    if (!e)
        e = gh_doc_default(doc, "{\"assign_membership_on_login\":false,\"show_as_button\":true,"
                                "\"is_signup_enabled\":false,\"is_enabled\":true,"
                                "\"organization_access_level\":\"none\"}");
    if (!e)
        e = check_signup(c, doc, gh_doc_string(connection, "strategy"));
    if (!e)
        e = gh_doc_dump(c, doc, &text);
    if (!e)
        e = gh_db_run(db, GH_SQL_ORGANIZATION_CONNECTION_INSERT,
                      GH_BINDS(GH_TEXT("organization_id", organization), GH_TEXT("connection_id", id),
                               GH_INT("created_at", c->now), GH_TEXT("doc", text)),
                      NULL);
    if (e == GH_ERR_CONFLICT && !c->failure.status)
        return gh_call_refuse(c, 409, NULL, "The organization connection already exists.");
    if (!e)
        e = show(c, doc, id, gh_doc_string(connection, "name"), gh_doc_string(connection, "strategy"));
    if (!e)
        *shown = json_incref(doc);
    return e;
}

enum gh_err gh_organization_connections_add(struct gh_db *db, struct gh_call *c) {
    json_t *shown = NULL;
    struct gh_str organization = c->x->args[0];
    c->audited.organization_id = organization;
    c->audited.connection_id = gh_doc_string(c->body, "connection_id");
    enum gh_err e = gh_collection_exists(db, c, &gh_organizations, organization);
    if (!e)
        e = gh_organization_connect(db, c, organization, c->body, &shown);
    return e ? e : gh_call_answer(c, shown);
}

enum gh_err gh_organization_connections_update(struct gh_db *db, struct gh_call *c) {
    struct gh_str organization = c->x->args[0], connection = c->x->args[1], strategy, text;
    json_auto_t *doc = NULL;
    {
        gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
        enum gh_err e = find(db, c, organization, connection, &rows);
        if (!e)
            e = gh_row_doc(&rows, 2, &doc);
        if (e)
            return e;
        strategy = gh_arena_dup(c->x->arena, gh_rows_text(&rows, 4));
    }
    bool was_enabled = gh_doc_bool(doc, "is_enabled", true);
    enum gh_err e = gh_doc_merge(doc, c->body);
    if (!e) /* a null is "as if never said" */
        e = gh_doc_default(doc, "{\"is_enabled\":true,\"organization_access_level\":\"none\"}");
    if (!e)
        e = check_signup(c, doc, strategy);
    if (!e)
        e = gh_doc_dump(c, doc, &text);
    if (!e)
        e = gh_db_run(db, GH_SQL_ORGANIZATION_CONNECTION_UPDATE,
                      GH_BINDS(GH_TEXT("organization_id", organization), GH_TEXT("connection_id", connection),
                               GH_TEXT("doc", text)),
                      NULL);
    if (!e && was_enabled && !gh_doc_bool(doc, "is_enabled", true))
        e = gh_security_changed(db, c, GH_REVOKE_ORGANIZATION_CONNECTION, organization, connection);
    c->audited.organization_id = organization;
    c->audited.connection_id = connection;
    return e ? e : gh_organization_connections_get(db, c);
}

enum gh_err gh_organization_connections_remove(struct gh_db *db, struct gh_call *c) {
    struct gh_str organization = c->x->args[0], connection = c->x->args[1];
    bool changed = false;
    enum gh_err e = gh_collection_exists(db, c, &gh_organizations, organization);
    if (!e)
        e = gh_relate(
            db, GH_SQL_ORGANIZATION_CONNECTION_DELETE,
            GH_BINDS(GH_TEXT("organization_id", organization), GH_TEXT("connection_id", connection)),
            &changed);
    if (!e && changed)
        e = gh_security_changed(db, c, GH_REVOKE_ORGANIZATION_CONNECTION, organization, connection);
    c->audited.organization_id = organization;
    c->audited.connection_id = connection;
    return e;
}
