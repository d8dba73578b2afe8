/* tenant/api/client_grants.c - what a client may ask of an API, and for which organizations. */
#include "tenant/api/client_grants.h"

#include "tenant/api/collection.h"
#include "tenant/api/organization.h"
#include "tenant/api/resource_server.h"
#include "tenant/api/security.h"

/* resource_server_id is not part of the document: the call that inserts puts it into c->special. */
static size_t keys(struct gh_call *c, const json_t *doc, bool inserting, struct gh_bind *ret) {
    if (!inserting)
        return 0;
    const struct gh_str *api = c->special;
    ret[0] = GH_TEXT_OR_NULL("client_id", gh_doc_string(doc, "client_id"));
    ret[1] = GH_TEXT("resource_server_id", *api);
    ret[2] = GH_TEXT("subject_type", gh_doc_string(doc, "subject_type"));
    return 3;
}

/* The audience is the API's identifier as it is now. With allow_all_scopes there is no `scope` (notes b.8).
 */
static enum gh_err show(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t *doc) {
    struct gh_str audience = gh_identifier_shown(c->x->tenant, gh_rows_text(row, 3));
    if (gh_doc_bool(doc, "allow_all_scopes", false))
        json_object_del(doc, "scope");
    return json_object_set_new(doc, "audience", gh_json_from(audience)) ? GH_ERR_NOMEM : GH_OK;
}

static const char *const filters[] = { "audience", "client_id", "subject_type", "default_for",
                                       "allow_any_organization" };

static bool filtered(struct gh_call *c) {
    struct gh_str text;
    for (size_t i = 0; i < GH_COUNT(filters); i++)
        if (gh_request_query(c->x, filters[i], &text))
            return true;
    return false;
}

bool gh_client_grant_keep(struct gh_call *c, const json_t *shown) {
    struct gh_str text;
    for (size_t i = 0; i < GH_COUNT(filters) - 1; i++)
        if (gh_request_query(c->x, filters[i], &text) && !gh_str_eq(gh_doc_string(shown, filters[i]), text))
            return false;
    return !gh_request_query(c->x, "allow_any_organization", &text) ||
           gh_doc_bool(shown, "allow_any_organization", false) == gh_str_is(text, "true");
}

const struct gh_api_collection gh_client_grants = {
    .key = "client_grants",
    .id_name = "id",
    .id_prefix = "cgr_",
    .id_length = 16,
    .by_id = GH_SQL_CLIENT_GRANT_BY_ID,
    .page = GH_SQL_CLIENT_GRANT_PAGE,
    .from = GH_SQL_CLIENT_GRANT_FROM,
    .count = GH_SQL_CLIENT_GRANT_COUNT,
    .insert = GH_SQL_CLIENT_GRANT_INSERT,
    .update = GH_SQL_CLIENT_GRANT_UPDATE,
    .remove = GH_SQL_CLIENT_GRANT_DELETE,
    .absent = "The grant does not exist.",
    .absent_code = "inexistent_client_grant",
    .taken = "A client grant for the same client_id, audience and subject_type already exists.",
    .keys = keys,
    .show = show,
    .filtered = filtered,
    .keep = gh_client_grant_keep,
};

GH_COLLECTION_READS(client_grants, gh_client_grants)

enum gh_err gh_client_grant_item(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t **ret) {
    json_t *doc = NULL;
    enum gh_err e = gh_row_doc(row, 2, &doc);
    if (!e)
        e = show(db, c, row, doc);
    if (e)
        json_decref(doc);
    else
        *ret = doc;
    return e;
}

/* Either one client's, or the default of all third-party clients: then it names none (recorded). */
static enum gh_err check_client(struct gh_db *db, struct gh_call *c) {
    struct gh_str id = gh_doc_string(c->body, "client_id");
    json_auto_t *client = NULL;
    if (!id.ptr)
        return json_object_get(c->body, "default_for")
                   ? GH_OK
                   : gh_call_refuse(c, 400, "invalid_body",
                                    "Payload validation error: 'Missing required property: client_id'.");
    enum gh_err e = gh_collection_get(db, c, &gh_clients, id, &client);
    if (!e && gh_str_is(gh_doc_string(client, "app_type"), "express_configuration"))
        e = gh_call_refuse(c, 400, "validation_error", "Client of type express_configuration cannot be used");
    return e;
}

/* A scope that the API does not define may be granted (recorded): it is worth nothing until the API defines
 * it. */
enum gh_err gh_client_grants_create(struct gh_db *db, struct gh_call *c) {
    struct gh_str api_id = { 0 }, id;
    json_auto_t *doc = json_copy(c->body);
    json_auto_t *api = NULL;
    enum gh_err e = doc ? check_client(db, c) : GH_ERR_NOMEM;
    if (e)
        return e;
    e = gh_resource_server_find(db, c, gh_doc_string(c->body, "audience"), &api_id, &api);
    if (e == GH_ERR_NOT_FOUND)
        return gh_collection_refuse_absent(c, &gh_resource_servers);
    if (!e)
        e = gh_doc_default(doc, "{\"subject_type\":\"client\",\"scope\":[]}");
    if (e)
        return e;
    c->special = &api_id;
    c->audited.client_id = gh_doc_string(c->body, "client_id");
    e = gh_collection_insert(db, c, &gh_client_grants, (struct gh_str){ 0 }, doc, &id);
    return e ? e : gh_collection_answer(db, c, &gh_client_grants, id);
}

static bool has_scope(const json_t *scopes, const json_t *wanted) {
    size_t i;
    json_t *scope;
    json_array_foreach(scopes, i, scope) if (json_equal(scope, wanted)) return true;
    return false;
}

/* Does the new grant give less than the old? Scopes gone, or organizations closed. */
static bool is_narrower(const json_t *was, const json_t *now) {
    size_t i;
    json_t *scope;
    bool all = gh_doc_bool(now, "allow_all_scopes", false);
    if (gh_doc_bool(was, "allow_all_scopes", false) && !all)
        return true;
    json_array_foreach(json_object_get(was, "scope"), i,
                       scope) if (!all && !has_scope(json_object_get(now, "scope"), scope)) return true;
    if (gh_doc_bool(was, "allow_any_organization", false) &&
        !gh_doc_bool(now, "allow_any_organization", false))
        return true;
    struct gh_str before = gh_doc_string(was, "organization_usage"),
                  after = gh_doc_string(now, "organization_usage");
    return !gh_str_eq(before, after) && !gh_str_is(after, "allow");
}

enum gh_err gh_client_grants_update(struct gh_db *db, struct gh_call *c) {
    struct gh_str id = c->x->args[0];
    json_auto_t *was = NULL;
    enum gh_err e = gh_collection_get(db, c, &gh_client_grants, id, &was);
    if (e)
        return e;
    json_auto_t *now = json_copy(was);
    e = now ? gh_doc_merge(now, c->body) : GH_ERR_NOMEM;
    if (!e)
        e = gh_collection_update(db, c, &gh_client_grants, id, now);
    if (!e && json_object_get(was, "client_id") && is_narrower(was, now))
        e = gh_security_changed(db, c, GH_REVOKE_CLIENT, gh_doc_string(was, "client_id"), GH_STR(""));
    c->audited.client_id = gh_arena_dup(c->x->arena, gh_doc_string(was, "client_id"));
    return e ? e : gh_collection_answer(db, c, &gh_client_grants, id);
}

enum gh_err gh_client_grants_delete(struct gh_db *db, struct gh_call *c) {
    json_auto_t *doc = NULL;
    enum gh_err e = gh_collection_get(db, c, &gh_client_grants, c->x->args[0], &doc);
    if (e == GH_ERR_NOT_FOUND && c->failure.status == 404) { /* gone already: 204 (recorded) */
        c->failure.status = 0;
        return GH_OK;
    }
    if (!e && json_object_get(doc, "client_id"))
        e = gh_security_changed(db, c, GH_REVOKE_CLIENT, gh_doc_string(doc, "client_id"), GH_STR(""));
    c->audited.client_id = gh_arena_dup(c->x->arena, gh_doc_string(doc, "client_id"));
    return e ? e : gh_collection_remove(db, c, &gh_client_grants, c->x->args[0]);
}

/* --- organizations of a grant, grants of an organization --- */

enum gh_err gh_client_grant_organizations_list(struct gh_db *db, struct gh_call *c) {
    enum gh_err e = gh_collection_exists(db, c, &gh_client_grants, c->x->args[0]);
    if (e)
        return e;
    return gh_listing_answer(db, c,
                             &(struct gh_listing){
                                 .key = "organizations",
                                 .sql = c->paging.checkpoint ? GH_SQL_ORGANIZATION_OF_GRANT_FROM
                                                             : GH_SQL_ORGANIZATION_OF_GRANT_PAGE,
                                 .count = GH_SQL_ORGANIZATION_OF_GRANT_COUNT,
                                 .binds = { GH_TEXT("grant_id", c->x->args[0]) },
                                 .bind_count = 1,
                                 .item = gh_organization_item,
                             });
}

static bool is_asked(struct gh_call *c, struct gh_str id) {
    bool any = false;
    for (size_t i = 0; i < c->x->query_count; i++) {
        if (!gh_str_is(c->x->query[i].name, "grant_ids"))
            continue;
        any = true;
        if (gh_str_eq(c->x->query[i].value, id))
            return true;
    }
    return !any;
}

static enum gh_err organization_grant_item(struct gh_db *db, struct gh_call *c, struct gh_rows *row,
                                           json_t **ret) {
    json_t *item = NULL;
    if (!is_asked(c, gh_rows_text(row, 0)))
        return GH_OK;
    enum gh_err e = gh_client_grant_item(db, c, row, &item);
    if (!e && !gh_client_grant_keep(c, item)) {
        json_decref(item);
        item = NULL;
    }
    *ret = item;
    return e;
}

enum gh_err gh_organization_grants_list(struct gh_db *db, struct gh_call *c) {
    enum gh_err e = gh_collection_exists(db, c, &gh_organizations, c->x->args[0]);
    if (e)
        return e;
    return gh_listing_answer(db, c,
                             &(struct gh_listing){
                                 .key = "client_grants",
                                 .sql = GH_SQL_ORGANIZATION_CLIENT_GRANT_PAGE,
                                 .count = GH_SQL_ORGANIZATION_CLIENT_GRANT_COUNT,
                                 .binds = { GH_TEXT("organization_id", c->x->args[0]) },
                                 .bind_count = 1,
                                 .item = organization_grant_item,
                                 .scan = true, /* at most a hundred rows */
                             });
}

static enum gh_err count_grants(struct gh_db *db, struct gh_str organization, long long *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool has = false;
    enum gh_err e = gh_db_query(db, GH_SQL_ORGANIZATION_CLIENT_GRANT_COUNT,
                                GH_BINDS(GH_TEXT("organization_id", organization)), &rows);
    if (!e)
        e = gh_rows_next(&rows, &has);
    *ret = has ? gh_rows_int(&rows, 0) : 0;
    return e;
}

/* The answer says grant_id, not id (recorded). */
static enum gh_err answer_added(struct gh_db *db, struct gh_call *c, struct gh_str grant) {
    enum gh_err e = gh_collection_answer(db, c, &gh_client_grants, grant);
    if (e)
        return e;
    json_object_del(c->answer, "id");
    json_object_del(c->answer, "subject_type");
    return json_object_set_new(c->answer, "grant_id", gh_json_from(grant)) ? GH_ERR_NOMEM : GH_OK;
}

enum gh_err gh_organization_grants_add(struct gh_db *db, struct gh_call *c) {
    struct gh_str organization = c->x->args[0], grant = gh_doc_string(c->body, "grant_id");
    json_auto_t *doc = NULL;
    long long count = 0;
    c->audited.organization_id = organization;
    enum gh_err e = gh_collection_exists(db, c, &gh_organizations, organization);
    if (!e)
        e = gh_collection_get(db, c, &gh_client_grants, grant, &doc);
    struct gh_str usage = gh_doc_string(doc, "organization_usage");
    if (!e && (!usage.ptr || gh_str_is(usage, "deny")))
        e = gh_call_refuse(c, 400, "invalid_body",
                           "The client grant must have organization_usage allow or require to be added to an "
                           "organization.");
    if (!e)
        e = count_grants(db, organization, &count);
    if (!e && count >= GH_ORGANIZATION_GRANTS)
        e = gh_call_refuse(c, 409, NULL,
                           "Quota exceeded; cannot add more than 100 client grants to a single organization");
    if (e)
        return e;
    e = gh_relate(db, GH_SQL_ORGANIZATION_CLIENT_GRANT_ADD,
                  GH_BINDS(GH_TEXT("organization_id", organization), GH_TEXT("grant_id", grant),
                           GH_INT("created_at", c->now)),
                  NULL);
    if (e == GH_ERR_CONFLICT)
        return gh_call_refuse(c, 409, NULL, "The client grant has already been added to this organization.");
    return e ? e : answer_added(db, c, grant);
}

enum gh_err gh_organization_grants_remove(struct gh_db *db, struct gh_call *c) {
    struct gh_str organization = c->x->args[0], grant = c->x->args[1];
    json_auto_t *doc = NULL;
    bool changed = false;
    c->audited.organization_id = organization;
    enum gh_err e = gh_collection_exists(db, c, &gh_organizations, organization);
    if (!e)
        e = gh_relate(db, GH_SQL_ORGANIZATION_CLIENT_GRANT_REMOVE,
                      GH_BINDS(GH_TEXT("organization_id", organization), GH_TEXT("grant_id", grant)),
                      &changed);
    if (e || !changed)
        return e;
    e = gh_collection_get(db, c, &gh_client_grants, grant, &doc);
    return e ? e : gh_security_changed(db, c, GH_REVOKE_CLIENT, gh_doc_string(doc, "client_id"), GH_STR(""));
}
