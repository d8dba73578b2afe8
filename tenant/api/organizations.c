/* tenant/api/organizations.c - organizations themselves. */
#include "tenant/api/collection.h"
#include "tenant/api/organization.h"
#include "tenant/api/security.h"
#include "tenant/facts.h"

static size_t keys(struct gh_call *c, const json_t *doc, bool inserting, struct gh_bind *ret) {
    ret[0] = GH_TEXT("name", gh_doc_string(doc, "name"));
    return 1;
}

/* What is unset is left out, but for the flags that every reply has since the summer of 2026 (notes b.5). */
enum gh_err gh_organization_show(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t *doc) {
    return gh_doc_default(doc,
                          "{\"third_party_client_access\":\"block\",\"is_app_entitlement_active\":false}");
}

const struct gh_api_collection gh_organizations = {
    .key = "organizations",
    .id_name = "id",
    .id_prefix = "org_",
    .id_length = 16,
    .by_id = GH_SQL_ORGANIZATION_BY_ID,
    .page = GH_SQL_ORGANIZATION_PAGE,
    .from = GH_SQL_ORGANIZATION_FROM,
    .count = GH_SQL_ORGANIZATION_COUNT,
    .insert = GH_SQL_ORGANIZATION_INSERT,
    .update = GH_SQL_ORGANIZATION_UPDATE,
    .remove = GH_SQL_ORGANIZATION_DELETE,
    .absent = "No organization found by that id or name",
    .remove_absent_is_404 = true,
    .taken = "An organization with this name already exists.",
    .keys = keys,
    .show = gh_organization_show,
};

GH_COLLECTION_READS(organizations, gh_organizations)

enum gh_err gh_organization_item(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t **ret) {
    json_t *doc = NULL;
    enum gh_err e = gh_row_doc(row, 2, &doc);
    if (!e)
        e = gh_organization_show(db, c, row, doc);
    if (e)
        json_decref(doc);
    else
        *ret = doc;
    return e;
}

enum gh_err gh_organizations_get_by_name(struct gh_db *db, struct gh_call *c) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool has = false;
    json_t *doc = NULL;
    enum gh_err e =
        gh_db_query(db, GH_SQL_ORGANIZATION_BY_NAME, GH_BINDS(GH_TEXT("name", c->x->args[0])), &rows);
    if (!e)
        e = gh_rows_next(&rows, &has);
    if (!e && !has)
        e = gh_collection_refuse_absent(c, &gh_organizations);
    if (!e)
        e = gh_organization_item(db, c, &rows, &doc);
    return e ? e : gh_call_answer(c, doc);
}

/* Members whose value is empty are as good as unset: {"metadata":{}} clears, and the key goes. A null inside
 * metadata removes that key. */
static void drop_empty(json_t *doc) {
    json_t *metadata = json_object_get(doc, "metadata"), *value;
    const char *key;
    void *next;
    json_object_foreach_safe(metadata, next, key, value) if (json_is_null(value))
        json_object_del(metadata, key);
    if (metadata && json_object_size(metadata) == 0)
        json_object_del(doc, "metadata");
    if (json_object_size(json_object_get(doc, "branding")) == 0)
        json_object_del(doc, "branding");
}

static enum gh_err add_connections(struct gh_db *db, struct gh_call *c, struct gh_str id,
                                   const json_t *wanted, json_t *shown) {
    json_t *one;
    size_t i;
    if (json_array_size(wanted) > GH_ORGANIZATION_CONNECTIONS)
        return gh_call_refuse(c, 400, "invalid_body",
                              "Payload validation error: 'Array is too long (%zu), maximum %d' on property "
                              "enabled_connections.",
                              json_array_size(wanted), GH_ORGANIZATION_CONNECTIONS);
    json_array_foreach(wanted, i, one) {
        json_t *item = NULL;
        enum gh_err e = gh_organization_connect(db, c, id, one, &item);
        if (!e && json_array_append_new(shown, item))
            e = GH_ERR_NOMEM;
        if (e)
            return e;
    }
    return GH_OK;
}

enum gh_err gh_organizations_create(struct gh_db *db, struct gh_call *c) {
    json_auto_t *doc = json_deep_copy(c->body);
    json_auto_t *connections = json_incref(json_object_get(doc, "enabled_connections"));
    struct gh_str id;
    if (!doc)
        return GH_ERR_NOMEM;
    if (connections && !gh_call_has_scope(c, "create:organization_connections"))
        return gh_call_refuse(c, 403, "insufficient_scope",
                              "Insufficient scope, expected any of: create:organization_connections");
    json_object_del(doc, "enabled_connections");
    drop_empty(doc);
    enum gh_err e = gh_collection_insert(db, c, &gh_organizations, (struct gh_str){ 0 }, doc, &id);
    if (!e)
        e = gh_facts_of_organization(db, c->x, id, doc);
    if (!e)
        e = gh_collection_answer(db, c, &gh_organizations, id);
    if (!e && connections) {
        json_t *shown = json_array();
        e = add_connections(db, c, id, connections, shown);
        json_object_set_new(c->answer, "enabled_connections", shown);
    }
    c->audited.organization_id = id;
    return e;
}

/* A shallow merge: branding is replaced as an object, null clears (notes b.5). */
enum gh_err gh_organizations_update(struct gh_db *db, struct gh_call *c) {
    struct gh_str id = c->x->args[0];
    json_auto_t *doc = NULL;
    enum gh_err e = gh_collection_get(db, c, &gh_organizations, id, &doc);
    if (!e)
        e = gh_doc_merge(doc, c->body);
    if (e)
        return e;
    drop_empty(doc);
    e = gh_collection_update(db, c, &gh_organizations, id, doc);
    if (!e)
        e = gh_facts_of_organization(db, c->x, id, doc);
    c->audited.organization_id = id;
    return e ? e : gh_collection_answer(db, c, &gh_organizations, id);
}

/* Its own roles go with it; all else cascades. */
enum gh_err gh_organizations_delete(struct gh_db *db, struct gh_call *c) {
    struct gh_str id = c->x->args[0];
    enum gh_err e = gh_security_changed(db, c, GH_REVOKE_ORGANIZATION, id, GH_STR(""));
    if (!e)
        e = gh_db_run(db, GH_SQL_ROLES_OF_OWNER_DELETE, GH_BINDS(GH_TEXT("owner_id", id)), NULL);
    if (!e)
        e = gh_collection_remove(db, c, &gh_organizations, id);
    if (!e)
        e = gh_facts_of_organization(db, c->x, id, NULL);
    c->audited.organization_id = id;
    return e;
}
