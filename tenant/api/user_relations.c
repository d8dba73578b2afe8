/* tenant/api/user_relations.c - roles and organizations of a user. */
#include "tenant/api/collection.h"
#include "tenant/api/organization.h"
#include "tenant/api/security.h"
#include "tenant/api/user.h"

enum gh_err gh_role_summary(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t **ret) {
    json_t *doc = NULL;
    enum gh_err e = gh_row_doc(row, 2, &doc);
    if (!e)
        e = gh_doc_default(doc, "{\"description\":\"\"}");
    if (e)
        json_decref(doc);
    else
        *ret = doc;
    return e;
}

enum gh_err gh_user_roles_list(struct gh_db *db, struct gh_call *c) {
    enum gh_err e = gh_collection_exists(db, c, &gh_users, c->x->args[0]);
    if (e)
        return e;
    return gh_listing_answer(db, c,
                             &(struct gh_listing){
                                 .key = "roles",
                                 .sql = GH_SQL_USER_ROLE_PAGE,
                                 .count = GH_SQL_USER_ROLE_COUNT,
                                 .binds = { GH_TEXT("user_id", c->x->args[0]) },
                                 .bind_count = 1,
                                 .item = gh_role_summary,
                             });
}

enum gh_err gh_user_roles_add(struct gh_db *db, struct gh_call *c) {
    struct gh_str user = c->x->args[0];
    json_t *roles = json_object_get(c->body, "roles");
    c->audited.user_id = user;
    enum gh_err e = gh_collection_exists(db, c, &gh_users, user);
    for (size_t i = 0; i < json_array_size(roles) && !e; i++) {
        struct gh_str role = gh_json_text(json_array_get(roles, i));
        e = gh_role_check(db, c, role, GH_STR(""));
        if (!e)
            e = gh_relate(
                db, GH_SQL_USER_ROLE_ADD,
                GH_BINDS(GH_TEXT("user_id", user), GH_TEXT("role_id", role), GH_INT("created_at", c->now)),
                NULL);
    }
    return e;
}

enum gh_err gh_user_roles_remove(struct gh_db *db, struct gh_call *c) {
    struct gh_str user = c->x->args[0];
    json_t *roles = json_object_get(c->body, "roles");
    bool changed = false;
    c->audited.user_id = user;
    enum gh_err e = gh_collection_exists(db, c, &gh_users, user);
    for (size_t i = 0; i < json_array_size(roles) && !e; i++) {
        bool did = false;
        e = gh_relate(
            db, GH_SQL_USER_ROLE_REMOVE,
            GH_BINDS(GH_TEXT("user_id", user), GH_TEXT("role_id", gh_json_text(json_array_get(roles, i)))),
            &did);
        changed |= did;
    }
    return !e && changed ? gh_security_changed(db, c, GH_REVOKE_USER, user, GH_STR("")) : e;
}

enum gh_err gh_user_organizations_list(struct gh_db *db, struct gh_call *c) {
    enum gh_err e = gh_collection_exists(db, c, &gh_users, c->x->args[0]);
    if (e)
        return e;
    return gh_listing_answer(db, c,
                             &(struct gh_listing){
                                 .key = "organizations",
                                 .sql = GH_SQL_ORGANIZATION_OF_USER_PAGE,
                                 .count = GH_SQL_ORGANIZATION_OF_USER_COUNT,
                                 .binds = { GH_TEXT("user_id", c->x->args[0]) },
                                 .bind_count = 1,
                                 .item = gh_organization_item,
                             });
}
