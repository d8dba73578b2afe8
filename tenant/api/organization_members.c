/* tenant/api/organization_members.c - members of an organization and the roles they have in it. */
#include "tenant/api/collection.h"
#include "tenant/api/organization.h"
#include "tenant/api/security.h"
#include "tenant/api/user.h"

static bool wants_roles(const struct gh_call *c) {
    return c->paging.fields.ptr && !c->paging.fields_exclude &&
           memmem(c->paging.fields.ptr, c->paging.fields.len, "roles", 5);
}

static enum gh_err roles_of(struct gh_db *db, struct gh_call *c, struct gh_str user, json_t **ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    json_t *roles = json_array();
    bool has = false;
    enum gh_err e =
        gh_db_query(db, GH_SQL_ORGANIZATION_MEMBER_ROLE_NAMES,
                    GH_BINDS(GH_TEXT("organization_id", c->x->args[0]), GH_TEXT("user_id", user)), &rows);
    while (!e && !(e = gh_rows_next(&rows, &has)) && has) {
        json_t *role = json_object();
        json_object_set_new(role, "id", gh_json_from(gh_rows_text(&rows, 0)));
        json_object_set_new(role, "name", gh_json_from(gh_rows_text(&rows, 1)));
        if (json_array_append_new(roles, role))
            e = GH_ERR_NOMEM;
    }
    if (e)
        json_decref(roles);
    else
        *ret = roles;
    return e;
}

/* `roles` is there only when `fields` names it (recorded). */
static enum gh_err member_item(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t **ret) {
    json_t *item = NULL, *roles = NULL;
    enum gh_err e = gh_user_summary(db, c, row, &item);
    if (!e && wants_roles(c))
        e = roles_of(db, c, gh_rows_text(row, 0), &roles);
    if (!e && roles && json_object_set_new(item, "roles", roles))
        e = GH_ERR_NOMEM;
    if (e)
        json_decref(item);
    else
        *ret = item;
    return e;
}

enum gh_err gh_organization_members_list(struct gh_db *db, struct gh_call *c) {
    enum gh_err e = gh_collection_exists(db, c, &gh_organizations, c->x->args[0]);
    if (e)
        return e;
    return gh_listing_answer(
        db, c,
        &(struct gh_listing){
            .key = "members",
            .sql = c->paging.checkpoint ? GH_SQL_ORGANIZATION_MEMBER_FROM : GH_SQL_ORGANIZATION_MEMBER_PAGE,
            .count = GH_SQL_ORGANIZATION_MEMBER_COUNT,
            .binds = { GH_TEXT("organization_id", c->x->args[0]) },
            .bind_count = 1,
            .item = member_item,
        });
}

enum gh_err gh_organization_members_add(struct gh_db *db, struct gh_call *c) {
    struct gh_str organization = c->x->args[0];
    json_t *members = json_object_get(c->body, "members");
    enum gh_err e = gh_collection_exists(db, c, &gh_organizations, organization);
    for (size_t i = 0; i < json_array_size(members) && !e; i++) {
        struct gh_str user = gh_json_text(json_array_get(members, i));
        e = gh_relate(db, GH_SQL_ORGANIZATION_MEMBER_ADD,
                      GH_BINDS(GH_TEXT("organization_id", organization), GH_TEXT("user_id", user),
                               GH_INT("created_at", c->now)),
                      NULL);
        if (e == GH_ERR_NOT_FOUND)
            e = gh_collection_refuse_absent(c, &gh_users);
    }
    c->audited.organization_id = organization;
    return e;
}

enum gh_err gh_organization_members_remove(struct gh_db *db, struct gh_call *c) {
    struct gh_str organization = c->x->args[0];
    json_t *members = json_object_get(c->body, "members");
    enum gh_err e = gh_collection_exists(db, c, &gh_organizations, organization);
    for (size_t i = 0; i < json_array_size(members) && !e; i++) {
        struct gh_str user = gh_json_text(json_array_get(members, i));
        bool changed = false;
        e = gh_relate(db, GH_SQL_ORGANIZATION_MEMBER_REMOVE,
                      GH_BINDS(GH_TEXT("organization_id", organization), GH_TEXT("user_id", user)), &changed);
        if (!e && changed)
            e = gh_security_changed(db, c, GH_REVOKE_MEMBER, organization, user);
    }
    c->audited.organization_id = organization;
    return e;
}

/* --- roles of a member --- */

static enum gh_err is_member(struct gh_db *db, struct gh_call *c, bool *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    enum gh_err e = gh_collection_exists(db, c, &gh_organizations, c->x->args[0]);
    if (!e)
        e = gh_db_query(
            db, GH_SQL_ORGANIZATION_MEMBER_EXISTS,
            GH_BINDS(GH_TEXT("organization_id", c->x->args[0]), GH_TEXT("user_id", c->x->args[1])), &rows);
    return e ? e : gh_rows_next(&rows, ret);
}

enum gh_err gh_member_roles_list(struct gh_db *db, struct gh_call *c) {
    bool member = false;
    enum gh_err e = is_member(db, c, &member);
    if (e)
        return e;
    if (!member)
        return gh_call_refuse(c, 404, NULL, "No member found by that id");
    return gh_listing_answer(
        db, c,
        &(struct gh_listing){
            .key = "roles",
            .sql = GH_SQL_ORGANIZATION_MEMBER_ROLE_PAGE,
            .count = GH_SQL_ORGANIZATION_MEMBER_ROLE_COUNT,
            .binds = { GH_TEXT("organization_id", c->x->args[0]), GH_TEXT("user_id", c->x->args[1]) },
            .bind_count = 2,
            .item = gh_role_summary,
        });
}

static enum gh_err add_role(struct gh_db *db, struct gh_call *c, struct gh_str id) {
    enum gh_err e = gh_role_check(db, c, id, c->x->args[0]);
    if (e)
        return e;
    return gh_relate(db, GH_SQL_ORGANIZATION_MEMBER_ROLE_ADD,
                     GH_BINDS(GH_TEXT("organization_id", c->x->args[0]), GH_TEXT("user_id", c->x->args[1]),
                              GH_TEXT("role_id", id), GH_INT("created_at", c->now)),
                     NULL);
}

static enum gh_err count_roles(struct gh_db *db, struct gh_call *c, long long *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool has = false;
    enum gh_err e = gh_db_query(
        db, GH_SQL_ORGANIZATION_MEMBER_ROLE_COUNT,
        GH_BINDS(GH_TEXT("organization_id", c->x->args[0]), GH_TEXT("user_id", c->x->args[1])), &rows);
    if (!e)
        e = gh_rows_next(&rows, &has);
    *ret = has ? gh_rows_int(&rows, 0) : 0;
    return e;
}

enum gh_err gh_member_roles_add(struct gh_db *db, struct gh_call *c) {
    json_t *roles = json_object_get(c->body, "roles");
    bool member = false;
    long long count = 0;
    c->audited.organization_id = c->x->args[0];
    c->audited.user_id = c->x->args[1];
    enum gh_err e = is_member(db, c, &member);
    if (!e && !member)
        e = gh_call_refuse(c, 404, NULL, "No member found by that id");
    for (size_t i = 0; i < json_array_size(roles) && !e; i++)
        e = add_role(db, c, gh_json_text(json_array_get(roles, i)));
    if (!e)
        e = count_roles(db, c, &count);
    if (!e && count > GH_MEMBER_ROLES)
        e = gh_call_refuse(c, 409, NULL, "No more roles can be assigned to this organization member.");
    return e;
}

/* Three times in a row in one Terraform destroy: what is gone already is fine (notes, traps). */
enum gh_err gh_member_roles_remove(struct gh_db *db, struct gh_call *c) {
    struct gh_str organization = c->x->args[0], user = c->x->args[1];
    json_t *roles = json_object_get(c->body, "roles");
    bool changed = false;
    enum gh_err e = gh_collection_exists(db, c, &gh_organizations, organization);
    for (size_t i = 0; i < json_array_size(roles) && !e; i++) {
        bool did = false;
        e = gh_relate(db, GH_SQL_ORGANIZATION_MEMBER_ROLE_REMOVE,
                      GH_BINDS(GH_TEXT("organization_id", organization), GH_TEXT("user_id", user),
                               GH_TEXT("role_id", gh_json_text(json_array_get(roles, i)))),
                      &did);
        changed |= did;
    }
    if (!e && changed)
        e = gh_security_changed(db, c, GH_REVOKE_MEMBER, organization, user);
    c->audited.organization_id = organization;
    c->audited.user_id = user;
    return e;
}
