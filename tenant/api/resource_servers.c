/* tenant/api/resource_servers.c - APIs. Addressed by id or by identifier, which comes encoded (recorded). */
#include "tenant/api/resource_server.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "core/jwk.h"
#include "core/limits.h"
#include "core/target.h"
#include "tenant/api/collection.h"
#include "tenant/api/security.h"
#include "tenant/facts.h"
#include "tenant/seal.h"

struct gh_str gh_identifier_shown(const struct gh_tenant *t, struct gh_str stored) {
    return gh_str_is(stored, GH_MANAGEMENT_IDENTIFIER) ? t->management_audience : stored;
}

struct gh_str gh_identifier_stored(const struct gh_tenant *t, struct gh_str shown) {
    return gh_str_eq(shown, t->management_audience) ? GH_STR(GH_MANAGEMENT_IDENTIFIER) : shown;
}

static size_t keys(struct gh_call *c, const json_t *doc, bool inserting, struct gh_bind *ret) {
    ret[0] = GH_TEXT("identifier", gh_identifier_stored(c->x->tenant, gh_doc_string(doc, "identifier")));
    return 1;
}

/* The identifier is shown as it is now; a signing secret is kept sealed. */
static enum gh_err show(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t *doc) {
    struct gh_str identifier = gh_identifier_shown(c->x->tenant, gh_rows_text(row, 3)), secret;
    if (json_object_set_new(doc, "identifier", gh_json_from(identifier)))
        return GH_ERR_NOMEM;
    json_object_del(json_object_get(json_object_get(doc, "token_encryption"), "encryption_key"), "pem");
    if (gh_rows_is_null(row, 4))
        return GH_OK;
    enum gh_err e = gh_unseal(c->x->tenant->sealer, c->x->arena, "resource_servers", gh_rows_text(row, 0),
                              gh_rows_text(row, 4), &secret);
    if (!e && json_object_set_new(doc, "signing_secret", gh_json_from(secret)))
        e = GH_ERR_NOMEM;
    return e;
}

static bool filtered(struct gh_call *c) {
    struct gh_str text;
    return gh_request_query(c->x, "identifiers", &text);
}

static bool keep(struct gh_call *c, const json_t *shown) {
    for (size_t i = 0; i < c->x->query_count; i++)
        if (gh_str_is(c->x->query[i].name, "identifiers") &&
            gh_str_eq(c->x->query[i].value, gh_doc_string(shown, "identifier")))
            return true;
    return false;
}

const struct gh_api_collection gh_resource_servers = {
    .key = "resource_servers",
    .id_name = "id",
    .by_id = GH_SQL_RESOURCE_SERVER_BY_ID,
    .page = GH_SQL_RESOURCE_SERVER_PAGE,
    .count = GH_SQL_RESOURCE_SERVER_COUNT,
    .insert = GH_SQL_RESOURCE_SERVER_INSERT,
    .update = GH_SQL_RESOURCE_SERVER_UPDATE,
    .remove = GH_SQL_RESOURCE_SERVER_DELETE,
    .absent = "The resource server does not exist",
    .absent_code = "inexistent_resource_server",
    .taken = "A resource server with the same identifier already exists.",
    .keys = keys,
    .show = show,
    .filtered = filtered,
    .keep = keep,
};

enum gh_err gh_resource_servers_list(struct gh_db *db, struct gh_call *c) {
    return gh_collection_list(db, c, &gh_resource_servers);
}

static enum gh_err find_row(struct gh_db *db, struct gh_call *c, enum gh_sql sql, const char *name,
                            struct gh_str key, struct gh_str *id, json_t **doc) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool has = false;
    enum gh_err e = gh_db_query(db, sql, GH_BINDS(GH_TEXT(name, key)), &rows);
    if (!e)
        e = gh_rows_next(&rows, &has);
    if (!e && !has)
        e = GH_ERR_NOT_FOUND;
    if (!e)
        e = gh_row_doc(&rows, 2, doc);
    if (e)
        return e;
    *id = gh_arena_dup(c->x->arena, gh_rows_text(&rows, 0));
    return id->ptr ? GH_OK : GH_ERR_NOMEM;
}

enum gh_err gh_resource_server_find(struct gh_db *db, struct gh_call *c, struct gh_str identifier,
                                    struct gh_str *id, json_t **doc) {
    return find_row(db, c, GH_SQL_RESOURCE_SERVER_BY_IDENTIFIER, "identifier",
                    gh_identifier_stored(c->x->tenant, identifier), id, doc);
}

/* The path's {id}: an id, an identifier, or an identifier still encoded after one decoding (recorded:
 * Terraform encodes it twice). */
static enum gh_err find_by_path(struct gh_db *db, struct gh_call *c, struct gh_str *id, json_t **doc) {
    struct gh_str key = c->x->args[0];
    enum gh_err e = find_row(db, c, GH_SQL_RESOURCE_SERVER_BY_ID, "id", key, id, doc);
    if (e == GH_ERR_NOT_FOUND)
        e = gh_resource_server_find(db, c, key, id, doc);
    if (e == GH_ERR_NOT_FOUND && memchr(key.ptr, '%', key.len) &&
        !gh_percent_decode(c->x->arena, key, false, &key))
        e = gh_resource_server_find(db, c, key, id, doc);
    return e == GH_ERR_NOT_FOUND ? gh_collection_refuse_absent(c, &gh_resource_servers) : e;
}

enum gh_err gh_resource_servers_get(struct gh_db *db, struct gh_call *c) {
    json_auto_t *doc = NULL;
    struct gh_str id;
    enum gh_err e = find_by_path(db, c, &id, &doc);
    return e ? e : gh_collection_answer(db, c, &gh_resource_servers, id);
}

/* --- writing --- */

/* Takes the secret out of the document, so that it is never stored in the clear. */
static struct gh_str take_secret(struct gh_call *c, json_t *doc) {
    struct gh_str secret = gh_arena_dup(c->x->arena, gh_doc_string(doc, "signing_secret"));
    if (!gh_doc_string(doc, "signing_secret").ptr)
        secret = (struct gh_str){ 0 };
    json_object_del(doc, "signing_secret");
    return secret;
}

static enum gh_err store_secret(struct gh_db *db, struct gh_call *c, struct gh_str id, struct gh_str secret) {
    struct gh_str sealed;
    if (!secret.ptr)
        return GH_OK;
    enum gh_err e = gh_seal(c->x->tenant->sealer, c->x->arena, "resource_servers", id, secret, &sealed);
    if (e)
        return e;
    return gh_db_run(
        db, GH_SQL_RESOURCE_SERVER_SECRET_SET,
        GH_BINDS(GH_TEXT("id", id), GH_TEXT("sealed_secret", sealed), GH_INT("updated_at", c->now)), NULL);
}

/* Each scope once, and not more than a token may carry (documented limits). */
static enum gh_err check_scopes(struct gh_call *c, const json_t *doc) {
    const json_t *scopes = json_object_get(doc, "scopes");
    size_t n = json_array_size(scopes);
    json_auto_t *seen = json_object();
    if (n > GH_LIMIT_PERMISSIONS)
        return gh_call_refuse(
            c, 400, "invalid_body",
            "Payload validation error: 'Array is too long (%zu), maximum %d' on property scopes.", n,
            GH_LIMIT_PERMISSIONS);
    for (size_t i = 0; i < n; i++) {
        const char *value = json_string_value(json_object_get(json_array_get(scopes, i), "value"));
        json_t *first = json_object_get(seen, value);
        if (first)
            return gh_call_refuse(
                c, 400, "invalid_body",
                "Payload validation error: 'Array items are not unique (indexes %lld and %zu)' on "
                "property scopes.",
                (long long)json_integer_value(first), i);
        if (json_object_set_new(seen, value, json_integer((json_int_t)i)))
            return GH_ERR_NOMEM;
    }
    return GH_OK;
}

GH_DEFINE_FREEP(BIO, BIO_free_all)
GH_DEFINE_FREEP(X509, X509_free)

/* A certificate is answered as the thumbprint of its key, a bare key as nothing (recorded). */
static enum gh_err add_thumbprint(struct gh_call *c, json_t *doc) {
    json_t *key = json_object_get(json_object_get(doc, "token_encryption"), "encryption_key");
    struct gh_str pem = gh_doc_string(key, "pem"), text;
    if (!pem.ptr)
        return GH_OK;
    gh_auto(BIO_freep) BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    gh_auto(X509_freep) X509 *certificate = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    EVP_PKEY *public = certificate ? X509_get0_pubkey(certificate) : NULL;
    if (!public)
        return GH_OK;
    enum gh_err e = gh_jwk_thumbprint(c->x->arena, public, &text);
    return e ? e : json_object_set_new(key, "thumbprint_sha256", gh_json_from(text)) ? GH_ERR_NOMEM : GH_OK;
}

enum gh_err gh_resource_servers_create(struct gh_db *db, struct gh_call *c) {
    json_auto_t *doc = json_deep_copy(c->body);
    struct gh_str id, secret;
    if (!doc)
        return GH_ERR_NOMEM;
    if (gh_str_eq(gh_doc_string(doc, "identifier"), c->x->tenant->management_audience))
        return gh_call_refuse(c, 409, NULL, "%s", gh_resource_servers.taken);
    secret = take_secret(c, doc);
    enum gh_err e = check_scopes(c, doc);
    if (!e)
        e = gh_resource_server_defaults(doc);
    if (!e)
        e = add_thumbprint(c, doc);
    if (!e)
        e = gh_collection_insert(db, c, &gh_resource_servers, (struct gh_str){ 0 }, doc, &id);
    if (!e)
        e = store_secret(db, c, id, secret);
    if (!e)
        e = gh_facts_of_resource_server(db, c->x, doc);
    return e ? e : gh_collection_answer(db, c, &gh_resource_servers, id);
}

static bool has_scope(const json_t *scopes, struct gh_str value) {
    size_t i;
    json_t *scope;
    json_array_foreach(scopes, i, scope) if (gh_str_eq(gh_doc_string(scope, "value"), value)) return true;
    return false;
}

/* Scopes that the API lost are lost to everybody who had them. */
static enum gh_err drop_scopes(struct gh_db *db, struct gh_call *c, struct gh_str id, const json_t *was,
                               const json_t *now) {
    size_t i;
    json_t *scope;
    bool told = false;
    enum gh_err e = GH_OK;
    json_array_foreach(json_object_get(was, "scopes"), i, scope) {
        struct gh_str value = gh_doc_string(scope, "value");
        if (e || has_scope(json_object_get(now, "scopes"), value))
            continue;
        if (!told)
            e = gh_security_changed(db, c, GH_REVOKE_API, gh_doc_string(was, "identifier"), GH_STR(""));
        told = true;
        const struct gh_bind binds[] = { GH_TEXT("resource_server_id", id), GH_TEXT("permission", value) };
        if (!e)
            e = gh_db_run(db, GH_SQL_ROLE_PERMISSIONS_OF_SCOPE_DELETE, binds, 2, NULL);
        if (!e)
            e = gh_db_run(db, GH_SQL_USER_PERMISSIONS_OF_SCOPE_DELETE, binds, 2, NULL);
    }
    return e;
}

/* Who may have a token, and what it says, is decided when it is issued: tokens of other rules must go. */
static bool has_other_rules(const json_t *was, const json_t *now) {
    static const char *const members[] = { "enforce_policies", "token_dialect",
                                           "subject_type_authorization" };
    for (size_t i = 0; i < GH_COUNT(members); i++) {
        json_t *before = json_object_get(was, members[i]), *after = json_object_get(now, members[i]);
        bool unset = (!before || json_is_false(before)) && (!after || json_is_false(after));
        if (!unset && !json_equal(before, after))
            return true;
    }
    return false;
}

enum gh_err gh_resource_servers_update(struct gh_db *db, struct gh_call *c) {
    json_auto_t *was = NULL;
    json_auto_t *now = NULL;
    struct gh_str id, secret;
    enum gh_err e = find_by_path(db, c, &id, &was);
    if (e)
        return e;
    if (gh_doc_bool(was, "is_system", false))
        return gh_call_refuse(c, 400, NULL, "System resource servers cannot be patched.");
    now = json_copy(was);
    e = now ? gh_doc_merge(now, c->body) : GH_ERR_NOMEM;
    if (!e)
        e = check_scopes(c, now);
    if (!e)
        e = add_thumbprint(c, now);
    if (e)
        return e;
    secret = take_secret(c, now);
    e = gh_collection_update(db, c, &gh_resource_servers, id, now);
    if (!e)
        e = store_secret(db, c, id, secret);
    if (!e)
        e = drop_scopes(db, c, id, was, now);
    if (!e && has_other_rules(was, now))
        e = gh_security_changed(db, c, GH_REVOKE_API, gh_doc_string(was, "identifier"), GH_STR(""));
    if (!e)
        e = gh_facts_of_resource_server(db, c->x, now);
    return e ? e : gh_collection_answer(db, c, &gh_resource_servers, id);
}

enum gh_err gh_resource_servers_delete(struct gh_db *db, struct gh_call *c) {
    json_auto_t *doc = NULL;
    struct gh_str id;
    enum gh_err e = find_by_path(db, c, &id, &doc);
    if (e == GH_ERR_NOT_FOUND && c->failure.status == 404) {
        c->failure.status = 0;
        return GH_OK;
    }
    if (e)
        return e;
    if (gh_doc_bool(doc, "is_system", false))
        return gh_call_refuse(c, 400, NULL, "System resource servers cannot be deleted.");
    e = gh_security_changed(db, c, GH_REVOKE_API, gh_doc_string(doc, "identifier"), GH_STR(""));
    return e ? e : gh_collection_remove(db, c, &gh_resource_servers, id);
}

enum gh_err gh_resource_server_defaults(json_t *doc) {
    enum gh_err e = gh_doc_default(
        doc, "{\"allow_offline_access\":false,\"skip_consent_for_verifiable_first_party_clients\":false,"
             "\"subject_type_authorization\":{\"client\":{\"policy\":\"require_client_grant\"},"
             "\"user\":{\"policy\":\"allow_all\"}},\"token_lifetime\":86400,\"signing_alg\":\"RS256\"}");
    if (e || json_object_get(doc, "token_lifetime_for_web"))
        return e;
    long long lifetime =
        gh_doc_int(doc, "token_lifetime", 86400); /* never longer than the other (recorded) */
    return json_object_set_new(doc, "token_lifetime_for_web", json_integer(lifetime < 7200 ? lifetime : 7200))
               ? GH_ERR_NOMEM
               : GH_OK;
}
