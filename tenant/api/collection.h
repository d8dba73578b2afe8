/* tenant/api/collection.h - one engine for every collection: a row says what its objects are called, where
 * they are kept and what makes them special; the functions do what all have in common. */
#pragma once
#include "tenant/api/call.h"

struct gh_api_collection {
    const char *key;       /* "roles": the list's member */
    const char *id_name;   /* "id", "client_id", "user_id" */
    const char *id_prefix; /* with id_length: how an id is made (sys/random.h) */
    size_t id_length;
    enum gh_sql by_id, page, from, count, insert, update, remove;
    const char *absent, *absent_code; /* 404 */
    bool remove_absent_is_404;        /* else 204 (recorded, notes b.4) */
    const char *taken, *taken_code;   /* 409 */

    /* Writes the natural-key columns of an object as binds (at most 4); returns how many. Only those of
     * `update` when not inserting. */
    size_t (*keys)(struct gh_call *c, const json_t *doc, bool inserting, struct gh_bind *ret);

    /* Makes the stored document what is shown, in place. NULL: they are the same. */
    enum gh_err (*show)(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t *doc);

    /* The list's filters. `filtered` tells whether this call has any. NULL: no filters. */
    bool (*filtered)(struct gh_call *c);
    bool (*keep)(struct gh_call *c, const json_t *shown);

    const char *const *always; /* members that `fields` cannot take away */
    bool list_has_length;
};

enum gh_err gh_collection_list(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k);

/* The same over another statement of the same columns, with one bind more; `scope` brings sql, count and
 * binds. */
struct gh_listing;
enum gh_err gh_collection_list_of(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                                  struct gh_listing scope);

/* Answers one object, shown and projected. */
enum gh_err gh_collection_answer(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                                 struct gh_str id);

/* The stored document; refuses with the collection's 404. The caller owns the reference. */
enum gh_err gh_collection_get(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                              struct gh_str id, json_t **ret);

/* The 404 without the document: for parents of relations. */
enum gh_err gh_collection_exists(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                                 struct gh_str id);
bool gh_collection_has(struct gh_db *db, const struct gh_api_collection *k, struct gh_str id,
                       enum gh_err *err);

enum gh_err gh_collection_refuse_absent(struct gh_call *c, const struct gh_api_collection *k);

/* Stores a new object under `id`, or under a made one when id.ptr is NULL; the id goes into the document.
 * Refuses with the collection's 409. *ret is the id, in the arena. */
enum gh_err gh_collection_insert(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                                 struct gh_str id, json_t *doc, struct gh_str *ret);
enum gh_err gh_collection_update(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                                 struct gh_str id, const json_t *doc);

/* Deletes; what hangs on it goes with it (ON DELETE CASCADE). *ret_gone (may be NULL): whether it was there.
 */
enum gh_err gh_collection_remove(struct gh_db *db, struct gh_call *c, const struct gh_api_collection *k,
                                 struct gh_str id);

/* The bare handlers of a collection without anything special. */
#define GH_COLLECTION_READS(name, collection)                                                                \
    enum gh_err gh_##name##_list(struct gh_db *db, struct gh_call *c) {                                      \
        return gh_collection_list(db, c, &(collection));                                                     \
    }                                                                                                        \
    enum gh_err gh_##name##_get(struct gh_db *db, struct gh_call *c) {                                       \
        return gh_collection_answer(db, c, &(collection), c->x->args[0]);                                    \
    }

/* A statement that adds or removes a relation; *changed (may be NULL) when a row came or went. Refuses
 * nothing: a missing foreign key is NOT_FOUND. */
enum gh_err gh_relate(struct gh_db *db, enum gh_sql sql, const struct gh_bind *binds, size_t count,
                      bool *changed);

extern const struct gh_api_collection gh_organizations, gh_connections, gh_clients, gh_client_grants,
    gh_resource_servers, gh_roles, gh_users;

/* The handlers; one row each in handlers.c. */
/* clang-format off */
#define GH_HANDLERS(X) \
    X(organizations_list) X(organizations_create) X(organizations_get_by_name) X(organizations_get) \
    X(organizations_update) X(organizations_delete) X(organization_connections_list) \
    X(organization_connections_add) X(organization_connections_get) \
    X(organization_connections_update) X(organization_connections_remove) \
    X(organization_members_list) X(organization_members_add) X(organization_members_remove) \
    X(member_roles_list) X(member_roles_add) X(member_roles_remove) X(organization_grants_list) \
    X(organization_grants_add) X(organization_grants_remove) X(connections_list) \
    X(connections_create) X(connections_get) X(connections_update) X(connections_delete) \
    X(connection_clients_list) X(connection_clients_update) X(clients_list) X(clients_create) \
    X(clients_get) X(clients_update) X(clients_delete) X(clients_rotate_secret) \
    X(client_connections_list) X(client_grants_list) X(client_grants_create) X(client_grants_get) \
    X(client_grants_update) X(client_grants_delete) X(client_grant_organizations_list) \
    X(resource_servers_list) X(resource_servers_create) X(resource_servers_get) \
    X(resource_servers_update) X(resource_servers_delete) X(roles_list) X(roles_create) \
    X(roles_get) X(roles_update) X(roles_delete) X(role_permissions_list) X(role_permissions_add) \
    X(role_permissions_remove) X(role_users_list) X(role_users_add) X(users_list) X(users_by_email) \
    X(users_create) X(users_get) X(users_update) X(users_delete) X(user_roles_list) \
    X(user_roles_add) X(user_roles_remove) X(user_permissions_list) X(user_permissions_add) \
    X(user_permissions_remove) X(user_organizations_list) X(actions_list) X(settings_get_handler) \
    X(settings_update)
/* clang-format on */
#define GH_HANDLER_DECLARE(name) gh_handler_fn gh_##name;
GH_HANDLERS(GH_HANDLER_DECLARE)
#undef GH_HANDLER_DECLARE
