/* tenant/api/roles.c - roles and who has them. */
#include "tenant/api/collection.h"
#include "tenant/api/security.h"
#include "tenant/api/user.h"

static size_t keys(struct gh_call *c, const json_t *doc, bool inserting, struct gh_bind *ret) {
    struct gh_str owner = gh_doc_string(doc, "owner_id");
    ret[0] = GH_TEXT("name", gh_doc_string(doc, "name"));
    ret[1] = GH_TEXT("owner_id", owner.ptr ? owner : GH_STR(""));
    return 2;
}

/* An absent description is left out of POST's answer and "" everywhere else (recorded, August 2026). */
static enum gh_err show(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t *doc) {
    if (c->op == &gh_contract_operations[GH_OP_POST_ROLES] || json_object_get(doc, "description"))
        return GH_OK;
    return json_object_set_new(doc, "description", json_string("")) ? GH_ERR_NOMEM : GH_OK;
}

static bool filtered(struct gh_call *c) {
    struct gh_str text;
    return gh_request_query(c->x, "name_filter", &text) || gh_request_query(c->x, "type", &text) ||
           gh_request_query(c->x, "owner_id", &text);
}

static bool contains_nocase(struct gh_str text, struct gh_str part) {
    for (size_t i = 0; part.len <= text.len && i <= text.len - part.len; i++)
        if (gh_str_eq_nocase((struct gh_str){ text.ptr + i, part.len }, part))
            return true;
    return false;
}

static bool keep(struct gh_call *c, const json_t *doc) {
    struct gh_str text;
    if (gh_request_query(c->x, "name_filter", &text) && !contains_nocase(gh_doc_string(doc, "name"), text))
        return false;
    if (gh_request_query(c->x, "type", &text) && !gh_str_eq(gh_doc_string(doc, "type"), text))
        return false;
    return !gh_request_query(c->x, "owner_id", &text) || gh_str_eq(gh_doc_string(doc, "owner_id"), text);
}

const struct gh_api_collection gh_roles = {
    .key = "roles",
    .id_name = "id",
    .id_prefix = "rol_",
    .id_length = 16,
    .by_id = GH_SQL_ROLE_BY_ID,
    .page = GH_SQL_ROLE_PAGE,
    .count = GH_SQL_ROLE_COUNT,
    .insert = GH_SQL_ROLE_INSERT,
    .update = GH_SQL_ROLE_UPDATE,
    .remove = GH_SQL_ROLE_DELETE,
    .absent = "The role does not exist.",
    .remove_absent_is_404 = true,
    .taken = "The role already exists.",
    .keys = keys,
    .show = show,
    .filtered = filtered,
    .keep = keep,
};

GH_COLLECTION_READS(roles, gh_roles)

/* `type` and `owner_id` are set at creation only; owner_id belongs to roles of an organization (notes b.7).
 */
enum gh_err gh_roles_create(struct gh_db *db, struct gh_call *c) {
    json_auto_t *doc = json_copy(c->body);
    struct gh_str owner = gh_doc_string(c->body, "owner_id"), id;
    bool of_organization = gh_str_is(gh_doc_string(c->body, "type"), "organization");
    if (!doc)
        return GH_ERR_NOMEM;
    if (of_organization && !owner.ptr)
        return gh_call_refuse(c, 400, "invalid_body", "owner_id is required for roles of type organization");
    if (!of_organization && owner.ptr)
        return gh_call_refuse(c, 400, "invalid_body",
                              "owner_id is only allowed for roles of type organization");
    enum gh_err e = owner.ptr ? gh_collection_exists(db, c, &gh_organizations, owner) : GH_OK;
    if (!e)
        e = gh_doc_default(doc, "{\"type\":\"tenant\"}");
    if (!e)
        e = gh_collection_insert(db, c, &gh_roles, (struct gh_str){ 0 }, doc, &id);
    return e ? e : gh_collection_answer(db, c, &gh_roles, id);
}

enum gh_err gh_roles_update(struct gh_db *db, struct gh_call *c) {
    struct gh_str id = c->x->args[0];
    json_auto_t *doc = NULL;
    enum gh_err e = gh_collection_get(db, c, &gh_roles, id, &doc);
    if (!e)
        e = gh_doc_merge(doc, c->body);
    if (!e)
        e = gh_collection_update(db, c, &gh_roles, id, doc);
    return e ? e : gh_collection_answer(db, c, &gh_roles, id);
}

enum gh_err gh_roles_delete(struct gh_db *db, struct gh_call *c) {
    struct gh_str id = c->x->args[0];
    enum gh_err e = gh_security_changed(db, c, GH_REVOKE_ROLE, id, GH_STR(""));
    if (!e)
        e = gh_collection_remove(db, c, &gh_roles, id);
    return e ? e : gh_call_answer_empty_object(c);
}

enum gh_err gh_role_check(struct gh_db *db, struct gh_call *c, struct gh_str role,
                          struct gh_str organization) {
    json_auto_t *doc = NULL;
    enum gh_err e = gh_collection_get(db, c, &gh_roles, role, &doc);
    if (e)
        return e;
    struct gh_str owner = gh_doc_string(doc, "owner_id");
    return owner.ptr && !gh_str_eq(owner, organization) ? gh_collection_refuse_absent(c, &gh_roles) : GH_OK;
}

/* --- users of a role --- */

enum gh_err gh_role_users_list(struct gh_db *db, struct gh_call *c) {
    enum gh_err e = gh_collection_exists(db, c, &gh_roles, c->x->args[0]);
    if (e)
        return e;
    return gh_listing_answer(db, c,
                             &(struct gh_listing){
                                 .key = "users",
                                 .sql = c->paging.checkpoint ? GH_SQL_ROLE_USER_FROM : GH_SQL_ROLE_USER_PAGE,
                                 .count = GH_SQL_ROLE_USER_COUNT,
                                 .binds = { GH_TEXT("role_id", c->x->args[0]) },
                                 .bind_count = 1,
                                 .item = gh_user_summary,
                             });
}

enum gh_err gh_role_users_add(struct gh_db *db, struct gh_call *c) {
    struct gh_str role = c->x->args[0];
    json_t *users = json_object_get(c->body, "users");
    enum gh_err e = gh_role_check(db, c, role, GH_STR(""));
    for (size_t i = 0; i < json_array_size(users) && !e; i++) {
        struct gh_str user = gh_json_text(json_array_get(users, i));
        e = gh_relate(
            db, GH_SQL_USER_ROLE_ADD,
            GH_BINDS(GH_TEXT("user_id", user), GH_TEXT("role_id", role), GH_INT("created_at", c->now)), NULL);
        if (e == GH_ERR_NOT_FOUND)
            e = gh_collection_refuse_absent(c, &gh_users);
    }
    return e ? e : gh_call_answer_empty_object(c);
}
