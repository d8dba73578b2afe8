/* tenant/api/permissions.c - permissions of roles and of users: (API, permission) pairs, named by the API's
 * identifier and shown with the description that the API gives them. */
#include "core/limits.h"
#include "tenant/api/collection.h"
#include "tenant/api/resource_server.h"
#include "tenant/api/security.h"

static const json_t *find_scope(const json_t *resource_server, struct gh_str permission) {
    size_t i;
    json_t *scope;
    json_array_foreach(json_object_get(resource_server, "scopes"), i,
                       scope) if (gh_str_eq(gh_doc_string(scope, "value"), permission)) return scope;
    return NULL;
}

/* Columns: permission, -, the API's document, its identifier. */
static enum gh_err permission_item(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t **ret) {
    struct gh_str permission = gh_rows_text(row, 0);
    struct gh_str identifier = gh_identifier_shown(c->x->tenant, gh_rows_text(row, 3));
    json_auto_t *api = NULL;
    enum gh_err e = gh_row_doc(row, 2, &api);
    if (e)
        return e;
    struct gh_str words = gh_doc_string(find_scope(api, permission), "description");
    struct gh_str name = gh_doc_string(api, "name");
    json_t *item = json_object();
    json_object_set_new(item, "permission_name", gh_json_from(permission));
    json_object_set_new(item, "description", gh_json_from(words.ptr ? words : GH_STR("")));
    json_object_set_new(item, "resource_server_name", gh_json_from(name.ptr ? name : GH_STR("")));
    if (json_object_set_new(item, "resource_server_identifier", gh_json_from(identifier))) {
        json_decref(item);
        return GH_ERR_NOMEM;
    }
    *ret = item;
    return GH_OK;
}

enum gh_err gh_role_permissions_list(struct gh_db *db, struct gh_call *c) {
    enum gh_err e = gh_collection_exists(db, c, &gh_roles, c->x->args[0]);
    if (e)
        return e;
    return gh_listing_answer(db, c,
                             &(struct gh_listing){
                                 .key = "permissions",
                                 .sql = GH_SQL_ROLE_PERMISSION_PAGE,
                                 .count = GH_SQL_ROLE_PERMISSION_COUNT,
                                 .binds = { GH_TEXT("role_id", c->x->args[0]) },
                                 .bind_count = 1,
                                 .item = permission_item,
                             });
}

/* A user has a permission directly, through roles, or both: one item with all its sources. */
static enum gh_err user_permission_item(struct gh_db *db, struct gh_call *c, struct gh_rows *row,
                                        json_t **ret) {
    bool direct = gh_rows_int(row, 1) == 1;
    json_t *source = json_object(), *last = c->special, *item = NULL;
    json_object_set_new(source, "source_id", gh_json_from(gh_rows_text(row, 4)));
    json_object_set_new(source, "source_name", gh_json_from(gh_rows_text(row, 5)));
    json_object_set_new(source, "source_type", json_string(direct ? "DIRECT" : "ROLE"));

    if (last && gh_str_eq(gh_doc_string(last, "permission_name"), gh_rows_text(row, 0)) &&
        gh_str_eq(gh_doc_string(last, "resource_server_identifier"),
                  gh_identifier_shown(c->x->tenant, gh_rows_text(row, 3))))
        return json_array_append_new(json_object_get(last, "sources"), source) ? GH_ERR_NOMEM : GH_OK;

    enum gh_err e = permission_item(db, c, row, &item);
    if (e) {
        json_decref(source);
        return e;
    }
    if (json_object_set_new(item, "sources", json_pack("[o]", source))) {
        json_decref(item);
        return GH_ERR_NOMEM;
    }
    c->special = item; /* borrowed: the list that is being made owns it */
    *ret = item;
    return GH_OK;
}

enum gh_err gh_user_permissions_list(struct gh_db *db, struct gh_call *c) {
    enum gh_err e = gh_collection_exists(db, c, &gh_users, c->x->args[0]);
    if (e)
        return e;
    return gh_listing_answer(db, c,
                             &(struct gh_listing){
                                 .key = "permissions",
                                 .sql = GH_SQL_USER_PERMISSION_PAGE,
                                 .count = GH_SQL_USER_PERMISSION_COUNT,
                                 .binds = { GH_TEXT("user_id", c->x->args[0]) },
                                 .bind_count = 1,
                                 .item = user_permission_item,
                                 .scan = true,
                             });
}

/* --- adding and removing --- */

struct permission_edit {
    const char *owner; /* bind name: role_id or user_id */
    enum gh_sql sql, count;
    bool adding;
};

/* A token carries what a role or a user has: not more than it may hold. */
static enum gh_err check_count(struct gh_db *db, struct gh_call *c, const struct permission_edit *how) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool has = false;
    enum gh_err e = gh_db_query(db, how->count, GH_BINDS(GH_TEXT(how->owner, c->x->args[0])), &rows);
    if (!e)
        e = gh_rows_next(&rows, &has);
    if (!e && has && gh_rows_int(&rows, 0) > GH_LIMIT_PERMISSIONS)
        e = gh_call_refuse(c, 400, "invalid_body", "No more than %d permissions can be assigned.",
                           GH_LIMIT_PERMISSIONS);
    return e;
}

static enum gh_err edit_one(struct gh_db *db, struct gh_call *c, const struct permission_edit *edit,
                            const json_t *wanted, bool *changed) {
    struct gh_str identifier = gh_doc_string(wanted, "resource_server_identifier");
    struct gh_str name = gh_doc_string(wanted, "permission_name");
    struct gh_str id = { 0 };
    json_auto_t *api = NULL;
    enum gh_err e = gh_resource_server_find(db, c, identifier, &id, &api);
    if (e == GH_ERR_NOT_FOUND || (!e && edit->adding && !find_scope(api, name))) {
        if (!edit->adding)
            return GH_OK; /* nothing to remove (recorded: 204) */
        return gh_call_refuse(c, 404, "inexistent_resource_server_permission",
                              "This permission does not exist: '%.*s - %.*s'", GH_STR_FMT(identifier),
                              GH_STR_FMT(name));
    }
    if (e)
        return e;
    bool did = false;
    e = gh_relate(db, edit->sql,
                  GH_BINDS(GH_TEXT(edit->owner, c->x->args[0]), GH_TEXT("resource_server_id", id),
                           GH_TEXT("permission", name)),
                  &did);
    *changed |= did;
    return e;
}

static enum gh_err edit(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *owner,
                        const struct permission_edit *how, enum gh_security_change change) {
    json_t *wanted = json_object_get(c->body, "permissions");
    bool changed = false;
    enum gh_err e = gh_collection_exists(db, c, owner, c->x->args[0]);
    for (size_t i = 0; i < json_array_size(wanted) && !e; i++)
        e = edit_one(db, c, how, json_array_get(wanted, i), &changed);
    if (!e && how->adding)
        e = check_count(db, c, how);
    if (!e && changed && !how->adding)
        e = gh_security_changed(db, c, change, c->x->args[0], GH_STR(""));
    return e || !how->adding ? e : gh_call_answer_empty_object(c);
}

enum gh_err gh_role_permissions_add(struct gh_db *db, struct gh_call *c) {
    return edit(db, c, &gh_roles,
                &(struct permission_edit){ "role_id", GH_SQL_ROLE_PERMISSION_ADD,
                                           GH_SQL_ROLE_PERMISSION_COUNT, true },
                GH_REVOKE_ROLE);
}

enum gh_err gh_role_permissions_remove(struct gh_db *db, struct gh_call *c) {
    return edit(db, c, &gh_roles,
                &(struct permission_edit){ "role_id", GH_SQL_ROLE_PERMISSION_REMOVE,
                                           GH_SQL_ROLE_PERMISSION_COUNT, false },
                GH_REVOKE_ROLE);
}

enum gh_err gh_user_permissions_add(struct gh_db *db, struct gh_call *c) {
    return edit(db, c, &gh_users,
                &(struct permission_edit){ "user_id", GH_SQL_USER_PERMISSION_ADD,
                                           GH_SQL_USER_PERMISSION_COUNT, true },
                GH_REVOKE_USER);
}

enum gh_err gh_user_permissions_remove(struct gh_db *db, struct gh_call *c) {
    return edit(db, c, &gh_users,
                &(struct permission_edit){ "user_id", GH_SQL_USER_PERMISSION_REMOVE,
                                           GH_SQL_USER_PERMISSION_COUNT, false },
                GH_REVOKE_USER);
}
