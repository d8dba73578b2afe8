#include "tenant/fresh.h"

#include <openssl/crypto.h>

#include "sys/clock.h"
#include "sys/log.h"
#include "sys/random.h"
#include "tenant/api/client.h"
#include "tenant/api/connection.h"
#include "tenant/api/resource_server.h"
#include "tenant/seal.h"

#include "scopes.gen.h" /* management_scopes: value and description of each */

/* The setting that says the tenant was made, and which client is the first one. */
#define FIRST_CLIENT GH_STR("first_client")

struct fresh {
    struct gh_tenant *tenant;
    struct gh_arena *arena;
    long long now;
    struct gh_str api_id, client_id;
};

/* Takes the document: *text is it, in the arena. */
static enum gh_err dump(struct fresh *f, json_t *doc, struct gh_str *text) {
    size_t size = doc ? json_dumpb(doc, NULL, 0, JSON_COMPACT) : 0;
    char *room = size ? gh_arena_alloc(f->arena, size) : NULL;
    if (room)
        json_dumpb(doc, room, size, JSON_COMPACT);
    json_decref(doc);
    *text = (struct gh_str){ room, size };
    return room ? GH_OK : GH_ERR_NOMEM;
}

static json_t *text_value(struct gh_str s) {
    return json_stringn(s.ptr, s.len);
}

/* Its users may have names beside e-mail addresses: clients test both. */
static enum gh_err make_connection(struct gh_db *db, struct fresh *f) {
    const char *name = "Username-Password-Authentication";
    struct gh_str id, text;
    enum gh_err e = gh_random_id(f->arena, "con_", 16, &id);
    if (e)
        return e;
    json_t *doc = json_pack("{s:o, s:s, s:s, s:{s:b, s:b, s:b, s:s}}", "id", text_value(id), "name", name,
                            "strategy", "auth0", "options", "brute_force_protection", 1, "requires_username",
                            0, "disable_signup", 0, "passwordPolicy", "good");
    if ((e = doc ? gh_connection_defaults(doc) : GH_ERR_NOMEM)) {
        json_decref(doc);
        return e;
    }
    e = dump(f, doc, &text);
    return e ? e
             : gh_db_run(db, GH_SQL_CONNECTION_INSERT,
                         GH_BINDS(GH_TEXT("id", id), GH_TEXT("name", gh_str_from(name)),
                                  GH_TEXT("strategy", GH_STR("auth0")), GH_INT("created_at", f->now),
                                  GH_INT("updated_at", f->now), GH_TEXT("doc", text)),
                         NULL);
}

static json_t *scopes_described(void) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < GH_COUNT(management_scopes); i++)
        if (json_array_append_new(list, json_pack("{s:s, s:s}", "value", management_scopes[i].value,
                                                  "description", management_scopes[i].description))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *scope_values(void) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < GH_COUNT(management_scopes); i++)
        if (json_array_append_new(list, json_string(management_scopes[i].value))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static enum gh_err make_management_api(struct gh_db *db, struct fresh *f) {
    struct gh_str text;
    enum gh_err e = gh_random_object_id(f->arena, f->now / 1000, &f->api_id);
    if (e)
        return e;
    json_t *doc =
        json_pack("{s:o, s:s, s:s, s:b, s:o}", "id", text_value(f->api_id), "name", "Auth0 Management API",
                  "identifier", GH_MANAGEMENT_IDENTIFIER, "is_system", 1, "scopes", scopes_described());
    if ((e = doc ? gh_resource_server_defaults(doc) : GH_ERR_NOMEM)) {
        json_decref(doc);
        return e;
    }
    e = dump(f, doc, &text);
    return e ? e
             : gh_db_run(
                   db, GH_SQL_RESOURCE_SERVER_INSERT,
                   GH_BINDS(GH_TEXT("id", f->api_id), GH_TEXT("identifier", GH_STR(GH_MANAGEMENT_IDENTIFIER)),
                            GH_INT("created_at", f->now), GH_INT("updated_at", f->now), GH_TEXT("doc", text)),
                   NULL);
}

/* Fills in defaults, a new id and a sealed secret. Takes the document. */
static enum gh_err make_client(struct gh_db *db, struct fresh *f, json_t *doc, struct gh_str *ret_id) {
    struct gh_str id, secret, sealed, text, name = gh_arena_dup(f->arena, gh_doc_string(doc, "name"));
    enum gh_err e = doc && name.ptr ? gh_random_id(f->arena, "", 32, &id) : GH_ERR_NOMEM;
    if (!e)
        e = json_object_set_new(doc, "client_id", text_value(id)) ? GH_ERR_NOMEM : gh_client_defaults(doc);
    if (e) {
        json_decref(doc);
        return e;
    }
    e = dump(f, doc, &text);
    if (!e)
        e = gh_random_urlsafe(f->arena, 64, &secret);
    if (e)
        return e;
    e = gh_seal(f->tenant->sealer, f->arena, "clients", id, secret, &sealed);
    OPENSSL_cleanse((char *)secret.ptr, secret.len);
    if (!e)
        e = gh_db_run(db, GH_SQL_CLIENT_INSERT,
                      GH_BINDS(GH_TEXT("id", id), GH_TEXT("name", name), GH_INT("created_at", f->now),
                               GH_INT("updated_at", f->now), GH_TEXT("doc", text)),
                      NULL);
    if (!e)
        e = gh_db_run(
            db, GH_SQL_CLIENT_SECRET_SET,
            GH_BINDS(GH_TEXT("id", id), GH_TEXT("sealed_secret", sealed), GH_INT("updated_at", f->now)),
            NULL);
    *ret_id = id;
    return e;
}

/* The global client holds what belongs to no single application; clients look for it by is_global. */
static enum gh_err make_clients(struct gh_db *db, struct fresh *f) {
    struct gh_str global;
    enum gh_err e =
        make_client(db, f, json_pack("{s:s, s:b}", "name", "All Applications", "global", 1), &global);
    return e ? e
             : make_client(db, f,
                           json_pack("{s:s, s:s, s:s, s:b, s:[s]}", "name", "Gatehouse Machine Client",
                                     "app_type", "non_interactive", "token_endpoint_auth_method",
                                     "client_secret_post", "oidc_conformant", 1, "grant_types",
                                     "client_credentials"),
                           &f->client_id);
}

static enum gh_err make_grant(struct gh_db *db, struct fresh *f) {
    struct gh_str id, text;
    enum gh_err e = gh_random_id(f->arena, "cgr_", 16, &id);
    if (!e)
        e = dump(f,
                 json_pack("{s:o, s:o, s:s, s:s, s:o}", "id", text_value(id), "client_id",
                           text_value(f->client_id), "audience", GH_MANAGEMENT_IDENTIFIER, "subject_type",
                           "client", "scope", scope_values()),
                 &text);
    if (e)
        return e;
    return gh_db_run(db, GH_SQL_CLIENT_GRANT_INSERT,
                     GH_BINDS(GH_TEXT("id", id), GH_TEXT("client_id", f->client_id),
                              GH_TEXT("resource_server_id", f->api_id),
                              GH_TEXT("subject_type", GH_STR("client")), GH_INT("created_at", f->now),
                              GH_INT("updated_at", f->now), GH_TEXT("doc", text)),
                     NULL);
}

static enum gh_err remember(struct gh_db *db, struct fresh *f) {
    struct gh_str text;
    enum gh_err e = dump(f, json_pack("{s:o}", "client_id", text_value(f->client_id)), &text);
    return e ? e
             : gh_db_run(db, GH_SQL_SETTING_PUT,
                         GH_BINDS(GH_TEXT("name", FIRST_CLIENT), GH_TEXT("doc", text)), NULL);
}

static enum gh_err make(struct gh_db *db, void *data) {
    struct fresh *f = data;
    enum gh_err e = make_connection(db, f);
    if (!e)
        e = make_management_api(db, f);
    if (!e)
        e = make_clients(db, f);
    if (!e)
        e = make_grant(db, f);
    return e ? e : remember(db, f);
}

/* The id of the first client as the tenant remembers it. NOT_FOUND in a new database. */
static enum gh_err first_client(struct gh_db *db, struct gh_arena *a, struct gh_str *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool found = false;
    enum gh_err e = gh_db_query(db, GH_SQL_SETTING_GET, GH_BINDS(GH_TEXT("name", FIRST_CLIENT)), &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    if (e || !found)
        return e ? e : GH_ERR_NOT_FOUND;
    struct gh_str text = gh_rows_text(&rows, 0);
    json_auto_t *doc = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    struct gh_str id = gh_doc_string(doc, "client_id");
    if (!id.ptr)
        return GH_ERR_STORAGE;
    *ret = gh_arena_dup(a, id);
    return ret->ptr ? GH_OK : GH_ERR_NOMEM;
}

enum gh_err gh_fresh_make(struct gh_tenant *t) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    struct gh_db *db = gh_store_reader(t->store);
    struct gh_str id;
    if (!a || !db)
        return a ? GH_ERR_STORAGE : GH_ERR_NOMEM;
    enum gh_err e = first_client(db, a, &id);
    if (e != GH_ERR_NOT_FOUND)
        return e;
    struct fresh f = { .tenant = t, .arena = a, .now = gh_clock_milliseconds() };
    return gh_store_write_wait(t->store, make, &f);
}

enum gh_err gh_fresh_machine_client(struct gh_tenant *t, struct gh_arena *a, struct gh_str *client_id,
                                    struct gh_str *client_secret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    struct gh_db *db = gh_store_reader(t->store);
    struct gh_str id;
    bool found = false;
    if (!db)
        return GH_ERR_STORAGE;
    enum gh_err e = first_client(db, a, &id);
    if (!e)
        e = gh_db_query(db, GH_SQL_CLIENT_BY_ID, GH_BINDS(GH_TEXT("id", id)), &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    if (!e && (!found || gh_rows_is_null(&rows, 3)))
        e = GH_ERR_NOT_FOUND;
    if (!e)
        e = gh_unseal(t->sealer, a, "clients", id, gh_rows_text(&rows, 3), client_secret);
    if (!e)
        *client_id = id;
    return e;
}
