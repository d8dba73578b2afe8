/* tenant/api/clients.c - applications. Their secrets are stored sealed and shown only to whom Auth0 shows
 * them. */
#include "tenant/api/client.h"

#include "sys/random.h"
#include "tenant/api/collection.h"
#include "tenant/api/resource_server.h"
#include "tenant/api/security.h"
#include "tenant/seal.h"

enum { SECRET_LENGTH = 64 };
static const char *const always[] = { "tenant", NULL }; /* recorded with fields=client_id */

static size_t keys(struct gh_call *c, const json_t *doc, bool inserting, struct gh_bind *ret) {
    ret[0] = GH_TEXT("name", gh_doc_string(doc, "name"));
    return 1;
}

/* Reading or changing clients is not reading their secrets: those need a scope of their own. Whoever makes a
 * client or a new secret sees it. */
static bool may_see_secret(const struct gh_call *c) {
    return c->op == &gh_contract_operations[GH_OP_POST_CLIENTS] ||
           c->op == &gh_contract_operations[GH_OP_POST_ROTATE_SECRET] ||
           gh_call_has_scope(c, "read:client_keys") || gh_call_has_scope(c, "update:client_keys");
}

static enum gh_err show_secret(struct gh_call *c, struct gh_rows *row, json_t *doc) {
    struct gh_str secret;
    if (gh_rows_is_null(row, 3) || !may_see_secret(c))
        return GH_OK;
    enum gh_err e = gh_unseal(c->x->tenant->sealer, c->x->arena, "clients", gh_rows_text(row, 0),
                              gh_rows_text(row, 3), &secret);
    if (!e && json_object_set_new(doc, "client_secret", gh_json_from(secret)))
        e = GH_ERR_NOMEM;
    return e;
}

/* The certificate that verifies this client's tokens: the tenant's current one, as x5c has it. */
static enum gh_err show_signing_keys(struct gh_db *db, json_t *doc) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool has = false;
    enum gh_err e = gh_db_query(db, GH_SQL_CLIENT_SIGNING_CERTIFICATE, NULL, 0, &rows);
    if (!e)
        e = gh_rows_next(&rows, &has);
    if (e || !has)
        return e;
    json_t *one = json_object();
    json_object_set_new(one, "cert", gh_json_from(gh_rows_text(&rows, 0)));
    return json_object_set_new(doc, "signing_keys", json_pack("[o]", one)) ? GH_ERR_NOMEM : GH_OK;
}

static enum gh_err show(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t *doc) {
    struct gh_str host = c->x->tenant->domain, label = host;
    gh_str_cut(&host, '.', &label);
    enum gh_err e = show_secret(c, row, doc);
    gh_client_show_credentials(doc, c->op == &gh_contract_operations[GH_OP_POST_CLIENTS]);
    if (!e && may_see_secret(c))
        e = show_signing_keys(db, doc);
    if (!e && json_object_set_new(doc, "tenant", gh_json_from(label)))
        e = GH_ERR_NOMEM;
    return e;
}

static bool filtered(struct gh_call *c) {
    struct gh_str text;
    return gh_request_query(c->x, "is_global", &text) || gh_request_query(c->x, "is_first_party", &text) ||
           gh_request_query(c->x, "app_type", &text);
}

static bool in_list(struct gh_str list, struct gh_str wanted) {
    struct gh_str rest = list, head;
    bool more = true;
    while (more) {
        head = rest;
        more = gh_str_cut(&rest, ',', &head);
        if (gh_str_eq(gh_str_trim(head), wanted))
            return true;
    }
    return false;
}

static bool keep(struct gh_call *c, const json_t *doc) {
    struct gh_str text;
    if (gh_request_query(c->x, "is_global", &text) &&
        gh_str_is(text, "true") != gh_doc_bool(doc, "global", false))
        return false;
    if (gh_request_query(c->x, "is_first_party", &text) &&
        gh_str_is(text, "true") != gh_doc_bool(doc, "is_first_party", false))
        return false;
    return !gh_request_query(c->x, "app_type", &text) || in_list(text, gh_doc_string(doc, "app_type"));
}

const struct gh_api_collection gh_clients = {
    .key = "clients",
    .id_name = "client_id",
    .id_prefix = "",
    .id_length = 32,
    .by_id = GH_SQL_CLIENT_BY_ID,
    .page = GH_SQL_CLIENT_PAGE,
    .from = GH_SQL_CLIENT_FROM,
    .count = GH_SQL_CLIENT_COUNT,
    .insert = GH_SQL_CLIENT_INSERT,
    .update = GH_SQL_CLIENT_UPDATE,
    .remove = GH_SQL_CLIENT_DELETE,
    .absent = "The client does not exist",
    .absent_code = "inexistent_client",
    .keys = keys,
    .show = show,
    .filtered = filtered,
    .keep = keep,
    .always = always,
};

/* The one search that clients make (recorded): who holds a grant for an organization. */
static enum gh_err list_of_organization(struct gh_db *db, struct gh_call *c, struct gh_str organization) {
    return gh_collection_list_of(db, c, &gh_clients,
                                 (struct gh_listing){
                                     .sql = c->paging.checkpoint ? GH_SQL_CLIENT_OF_ORGANIZATION_FROM
                                                                 : GH_SQL_CLIENT_OF_ORGANIZATION_PAGE,
                                     .count = GH_SQL_CLIENT_OF_ORGANIZATION_COUNT,
                                     .binds = { GH_TEXT("organization_id", organization) },
                                     .bind_count = 1,
                                 });
}

enum gh_err gh_clients_list(struct gh_db *db, struct gh_call *c) {
    static const struct gh_str by_organization = { "client_grant.organization_id:", 29 };
    struct gh_str q;
    if (!gh_request_query(c->x, "q", &q))
        return gh_collection_list(db, c, &gh_clients);
    if (!gh_str_starts(q, by_organization))
        return gh_call_refuse(
            c, 400, "invalid_query_string",
            "Query validation error: 'Only client_grant.organization_id can be searched for' on "
            "property q.");
    return list_of_organization(db, c, gh_str_skip(q, by_organization.len));
}

enum gh_err gh_clients_get(struct gh_db *db, struct gh_call *c) {
    return gh_collection_answer(db, c, &gh_clients, c->x->args[0]);
}

static enum gh_err set_secret(struct gh_db *db, struct gh_call *c, struct gh_str id, struct gh_str secret) {
    struct gh_str sealed;
    enum gh_err e = GH_OK;
    if (!secret.ptr)
        e = gh_random_urlsafe(c->x->arena, SECRET_LENGTH, &secret);
    if (!e)
        e = gh_seal(c->x->tenant->sealer, c->x->arena, "clients", id, secret, &sealed);
    if (e)
        return e;
    return gh_db_run(
        db, GH_SQL_CLIENT_SECRET_SET,
        GH_BINDS(GH_TEXT("id", id), GH_TEXT("sealed_secret", sealed), GH_INT("updated_at", c->now)), NULL);
}

static struct gh_str take_secret(struct gh_call *c, json_t *doc) {
    struct gh_str secret = gh_doc_string(doc, "client_secret");
    if (secret.ptr)
        secret = gh_arena_dup(c->x->arena, secret);
    json_object_del(doc, "client_secret");
    return secret;
}

/* A client of type resource_server is the API as a client: the API shows it as client_id (recorded). */
static enum gh_err link_api(struct gh_db *db, struct gh_call *c, const json_t *client, bool linked) {
    struct gh_str identifier = gh_doc_string(client, "resource_server_identifier"), id;
    json_auto_t *api = NULL;
    if (!identifier.ptr)
        return GH_OK;
    enum gh_err e = gh_resource_server_find(db, c, identifier, &id, &api);
    if (e == GH_ERR_NOT_FOUND)
        return linked ? gh_collection_refuse_absent(c, &gh_resource_servers) : GH_OK;
    if (e)
        return e;
    if (!linked)
        json_object_del(api, "client_id");
    else if (json_object_set(api, "client_id", json_object_get(client, "client_id")))
        return GH_ERR_NOMEM;
    return gh_collection_update(db, c, &gh_resource_servers, id, api);
}

enum gh_err gh_clients_create(struct gh_db *db, struct gh_call *c) {
    json_auto_t *doc = json_deep_copy(c->body);
    struct gh_str id, secret;
    if (!doc)
        return GH_ERR_NOMEM;
    secret = take_secret(c, doc);
    gh_client_drop_nulls(doc);
    enum gh_err e = gh_client_defaults(doc);
    if (!e)
        e = gh_client_add_credentials(c, doc);
    if (!e)
        e = gh_collection_insert(db, c, &gh_clients, (struct gh_str){ 0 }, doc, &id);
    if (!e)
        e = set_secret(db, c, id, secret);
    if (!e)
        e = link_api(db, c, doc, true);
    if (e)
        return e;
    c->audited.client_id = id;
    return gh_collection_answer(db, c, &gh_clients, id);
}

/* May it do less than before? What it was given by a way that is closed now must go. */
static bool is_narrower(const json_t *was, const json_t *now) {
    size_t i;
    json_t *type, *after = json_object_get(now, "grant_types");
    json_array_foreach(json_object_get(was, "grant_types"), i, type) {
        if (!gh_doc_array_has(now, "grant_types", gh_json_text(type)) && json_is_array(after))
            return true;
    }
    struct gh_str usage = gh_doc_string(now, "organization_usage");
    return !gh_str_eq(usage, gh_doc_string(was, "organization_usage")) && !gh_str_is(usage, "allow");
}

enum gh_err gh_clients_update(struct gh_db *db, struct gh_call *c) {
    struct gh_str id = c->x->args[0], secret;
    json_auto_t *doc = NULL;
    json_auto_t *patch = json_deep_copy(c->body);
    enum gh_err e = gh_collection_get(db, c, &gh_clients, id, &doc);
    json_auto_t *was = json_deep_copy(doc);
    if (!e && (!patch || !was))
        e = GH_ERR_NOMEM;
    if (e)
        return e;
    secret = take_secret(c, patch);
    if (secret.ptr && !gh_call_has_scope(c, "update:client_keys"))
        return gh_call_refuse(c, 403, "insufficient_scope",
                              "Insufficient scope, expected any of: update:client_keys");
    e = gh_client_merge(doc, patch);
    if (!e)
        e = gh_collection_update(db, c, &gh_clients, id, doc);
    if (!e && secret.ptr)
        e = set_secret(db, c, id, secret);
    if (!e && (secret.ptr || is_narrower(was, doc)))
        e = gh_security_changed(db, c, GH_REVOKE_CLIENT, id, GH_STR(""));
    c->audited.client_id = id;
    return e ? e : gh_collection_answer(db, c, &gh_clients, id);
}

enum gh_err gh_clients_rotate_secret(struct gh_db *db, struct gh_call *c) {
    struct gh_str id = c->x->args[0];
    enum gh_err e = gh_collection_exists(db, c, &gh_clients, id);
    if (!e)
        e = set_secret(db, c, id, (struct gh_str){ 0 });
    if (!e)
        e = gh_security_changed(db, c, GH_REVOKE_CLIENT, id, GH_STR(""));
    c->audited.client_id = id;
    return e ? e : gh_collection_answer(db, c, &gh_clients, id);
}

enum gh_err gh_clients_delete(struct gh_db *db, struct gh_call *c) {
    struct gh_str id = c->x->args[0];
    json_auto_t *doc = NULL;
    enum gh_err e = gh_collection_get(db, c, &gh_clients, id, &doc);
    if (e == GH_ERR_NOT_FOUND && c->failure.status == 404) {
        c->failure.status = 0;
        return GH_OK;
    }
    if (!e && gh_doc_bool(doc, "global", false))
        e = gh_call_refuse(c, 400, "operation_not_supported", "The global client cannot be deleted.");
    if (!e)
        e = gh_security_changed(db, c, GH_REVOKE_CLIENT, id, GH_STR(""));
    if (!e)
        e = link_api(db, c, doc, false);
    c->audited.client_id = id;
    return e ? e : gh_collection_remove(db, c, &gh_clients, id);
}
