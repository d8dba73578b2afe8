/* tenant/api/users.c - users of database connections. */
#include <openssl/evp.h>

#include "core/limits.h"
#include "sys/random.h"
#include "tenant/api/collection.h"
#include "tenant/api/connection.h"
#include "tenant/api/security.h"
#include "tenant/api/user.h"
#include "tenant/password.h"

/* What a user's row needs beside the document. */
struct row_parts {
    struct gh_str connection_id;
};

struct gh_str gh_user_fold(struct gh_call *c, struct gh_str s) {
    if (!s.ptr)
        return s;
    char *copy = gh_arena_cstr(c->x->arena, s);
    for (char *p = copy; p && *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p |= 0x20;
    return (struct gh_str){ copy, copy ? s.len : 0 };
}

static size_t keys(struct gh_call *c, const json_t *doc, bool inserting, struct gh_bind *ret) {
    size_t n = 0;
    ret[n++] = GH_TEXT_OR_NULL("email", gh_user_fold(c, gh_doc_string(doc, "email")));
    ret[n++] = GH_TEXT_OR_NULL("username", gh_user_fold(c, gh_doc_string(doc, "username")));
    if (inserting)
        ret[n++] = GH_TEXT("connection_id", ((const struct row_parts *)c->special)->connection_id);
    return n;
}

const struct gh_api_collection gh_users = {
    .key = "users",
    .id_name = "user_id",
    .by_id = GH_SQL_USER_BY_ID,
    .page = GH_SQL_USER_PAGE,
    .count = GH_SQL_USER_COUNT,
    .insert = GH_SQL_USER_INSERT,
    .update = GH_SQL_USER_UPDATE,
    .remove = GH_SQL_USER_DELETE,
    .absent = "The user does not exist.",
    .absent_code = "inexistent_user",
    .taken = "The user already exists.",
    .taken_code = "auth0_idp_error",
    .keys = keys,
    .list_has_length = true,
};

enum gh_err gh_users_get(struct gh_db *db, struct gh_call *c) {
    return gh_collection_answer(db, c, &gh_users, c->x->args[0]);
}

static bool copy_member(json_t *to, const json_t *from, const char *name) {
    json_t *value = json_object_get(from, name);
    return !value || json_object_set(to, name, value) == 0;
}

enum gh_err gh_user_summary(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t **ret) {
    json_auto_t *doc = NULL;
    enum gh_err e = gh_row_doc(row, 2, &doc);
    if (e)
        return e;
    json_t *item = json_object();
    if (!item || !copy_member(item, doc, "user_id") || !copy_member(item, doc, "email") ||
        !copy_member(item, doc, "picture") || !copy_member(item, doc, "name")) {
        json_decref(item);
        return GH_ERR_NOMEM;
    }
    *ret = item;
    return GH_OK;
}

/* --- passwords: hashed off the loop, before the transaction --- */

static struct gh_str password_of(const struct gh_call *c) {
    return gh_doc_string(c->body, "password");
}

bool gh_user_hash_wanted(const struct gh_call *c) {
    return password_of(c).ptr != NULL;
}

enum gh_err gh_user_hash(struct gh_exchange *x) {
    struct gh_call *c = x->state;
    return gh_password_hash(x->arena, password_of(c), &c->secret);
}

static enum gh_err check_password(struct gh_call *c, const json_t *connection) {
    struct gh_str password = password_of(c);
    if (!password.ptr)
        return GH_OK;
    if (password.len > GH_LIMIT_PASSWORD)
        return gh_call_refuse(c, 400, "invalid_body",
                              "PasswordTooLongError: Password is longer than %d bytes", GH_LIMIT_PASSWORD);
    return gh_password_is_strong(connection, password)
               ? GH_OK
               : gh_call_refuse(c, 400, "invalid_body", "PasswordStrengthError: Password is too weak");
}

static enum gh_err store_password(struct gh_db *db, struct gh_call *c, struct gh_str id) {
    if (!c->secret.ptr)
        return GH_OK;
    return gh_db_run(
        db, GH_SQL_USER_PASSWORD_SET,
        GH_BINDS(GH_TEXT("user_id", id), GH_TEXT("hash", c->secret), GH_INT("updated_at", c->now)), NULL);
}

/* A new password ends what the old one opened: sessions, codes that are not redeemed yet, refresh tokens. */
static enum gh_err end_sign_ins(struct gh_db *db, struct gh_call *c, struct gh_str id) {
    const struct gh_bind user = GH_TEXT("user", id);
    enum gh_err e = gh_db_run(db, GH_SQL_SESSIONS_OF_USER_DELETE, GH_BINDS(user), NULL);
    if (!e)
        e = gh_db_run(db, GH_SQL_CODES_OF_USER_DELETE, GH_BINDS(user), NULL);
    if (!e)
        e = gh_db_run(db, GH_SQL_DEVICES_OF_USER_DELETE, GH_BINDS(user), NULL);
    if (!e)
        e = gh_db_run(db, GH_SQL_REFRESH_REVOKE_USER, GH_BINDS(user, GH_INT("now", c->now)), NULL);
    return e;
}

/* --- creating --- */

static enum gh_err find_connection(struct gh_db *db, struct gh_call *c, json_t **ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool has = false;
    enum gh_err e = gh_db_query(db, GH_SQL_CONNECTION_BY_NAME,
                                GH_BINDS(GH_TEXT("name", gh_doc_string(c->body, "connection"))), &rows);
    if (!e)
        e = gh_rows_next(&rows, &has);
    if (!e)
        e = has ? gh_row_doc(&rows, 2, ret)
                : gh_call_refuse(c, 404, "inexistent_connection", "The connection does not exist.");
    return e;
}

static enum gh_err missing(struct gh_call *c, const char *name) {
    return gh_call_refuse(c, 400, "invalid_body",
                          "Payload validation error: 'Missing required property: %s'.", name);
}

/* What a database connection needs to know of a new user. */
static enum gh_err check_new(struct gh_call *c, const json_t *connection) {
    const json_t *options = json_object_get(connection, "options");
    const json_t *attributes = json_object_get(options, "attributes");
    bool username = gh_doc_string(c->body, "username").ptr, email = gh_doc_string(c->body, "email").ptr;
    bool phone = gh_doc_string(c->body, "phone_number").ptr;
    if (!gh_str_is(gh_doc_string(connection, "strategy"), "auth0"))
        return gh_call_refuse(c, 400, "invalid_body", "Users can only be created in database connections.");
    if (!password_of(c).ptr)
        return missing(c, "password");
    if (attributes)
        return email || username || phone ? GH_OK : missing(c, "email");
    if (!email)
        return missing(c, "email");
    if (gh_doc_bool(options, "requires_username", false) && !username)
        return missing(c, "username");
    return GH_OK;
}

enum gh_err gh_users_prepare_create(struct gh_db *db, struct gh_call *c) {
    json_auto_t *connection = NULL;
    enum gh_err e = find_connection(db, c, &connection);
    if (!e)
        e = check_new(c, connection);
    return e ? e : check_password(c, connection);
}

/* Holds in 261 of 261 recorded users. */
static enum gh_err gravatar(struct gh_call *c, struct gh_str email, struct gh_str *ret) {
    static const char hex[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    char text[33] = "";
    struct gh_str folded = gh_user_fold(c, email);
    if (EVP_Digest(folded.ptr, folded.len, digest, &size, EVP_md5(), NULL) != 1 || size != 16)
        return GH_ERR_CRYPTO;
    for (size_t i = 0; i < 16; i++) {
        text[2 * i] = hex[digest[i] >> 4];
        text[2 * i + 1] = hex[digest[i] & 15];
    }
    *ret = gh_arena_printf(
        c->x->arena,
        "https://s.gravatar.com/avatar/%s?s=480&r=pg&d=https%%3A%%2F%%2Fcdn.auth0.com%%2Favatars"
        "%%2F%.2s.png",
        text, folded.ptr);
    return ret->ptr ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_err fill_profile(struct gh_call *c, json_t *doc) {
    struct gh_str email = gh_doc_string(doc, "email"), username = gh_doc_string(doc, "username");
    struct gh_str shown = email.ptr ? email : username.ptr ? username : gh_doc_string(doc, "phone_number");
    struct gh_str nickname = shown, rest = shown, picture;
    gh_str_cut(&rest, '@', &nickname);
    if (!json_object_get(doc, "name"))
        json_object_set_new(doc, "name", gh_json_from(shown));
    if (!json_object_get(doc, "nickname"))
        json_object_set_new(doc, "nickname", gh_json_from(nickname));
    if (email.ptr && email.len >= 2 && !json_object_get(doc, "picture")) {
        enum gh_err e = gravatar(c, email, &picture);
        if (e)
            return e;
        json_object_set_new(doc, "picture", gh_json_from(picture));
    }
    return email.ptr ? gh_doc_default(doc, "{\"email_verified\":false}") : GH_OK;
}

static enum gh_err fill_identity(struct gh_call *c, json_t *doc, struct gh_str *id) {
    struct gh_str given = gh_doc_string(c->body, "user_id");
    if (!given.ptr || given.len == 0) {
        enum gh_err e = gh_random_object_id(c->x->arena, c->now / 1000, &given);
        if (e)
            return e;
    }
    *id = gh_arena_printf(c->x->arena, "auth0|%.*s", GH_STR_FMT(given));
    json_t *identity = json_object();
    json_object_set(identity, "connection", json_object_get(c->body, "connection"));
    json_object_set_new(identity, "user_id", gh_json_from(given));
    json_object_set_new(identity, "provider", json_string("auth0"));
    json_object_set_new(identity, "isSocial", json_false());
    json_object_set_new(doc, "identities", json_pack("[o]", identity));
    json_object_set_new(doc, "created_at", gh_json_time(c->now));
    return id->ptr && json_object_set_new(doc, "updated_at", gh_json_time(c->now)) == 0 ? GH_OK
                                                                                        : GH_ERR_NOMEM;
}

/* Members of a body that say what to do and are not part of the user. */
static void drop_instructions(json_t *doc) {
    static const char *const names[] = { "connection",          "password",  "verify_email",
                                         "verify_phone_number", "client_id", "verify_password" };
    for (size_t i = 0; i < GH_COUNT(names); i++)
        json_object_del(doc, names[i]);
}

enum gh_err gh_users_create(struct gh_db *db, struct gh_call *c) {
    json_auto_t *connection = NULL;
    json_auto_t *doc = json_deep_copy(c->body);
    struct gh_str id, made;
    if (!doc)
        return GH_ERR_NOMEM;
    drop_instructions(doc);
    enum gh_err e = find_connection(db, c, &connection);
    if (!e)
        e = fill_profile(c, doc);
    if (!e)
        e = fill_identity(c, doc, &id);
    if (e)
        return e;
    c->special = &(struct row_parts){ gh_doc_string(connection, "id") };
    c->audited.connection_id = gh_arena_dup(c->x->arena, gh_doc_string(connection, "id"));
    c->audited.user_id = id;
    e = gh_collection_insert(db, c, &gh_users, id, doc, &made);
    if (!e)
        e = store_password(db, c, id);
    return e ? e : gh_collection_answer(db, c, &gh_users, id);
}

/* --- changing --- */

/* What may not be changed in one call (documented). */
static enum gh_err check_pairs(struct gh_call *c) {
    static const char *const pairs[][2] = {
        { "username", "password" },       { "username", "email" }, { "username", "email_verified" },
        { "password", "email_verified" }, { "password", "email" }, { "password", "phone_number" },
    };
    for (size_t i = 0; i < GH_COUNT(pairs); i++)
        if (json_object_get(c->body, pairs[i][0]) && json_object_get(c->body, pairs[i][1]))
            return gh_call_refuse(c, 400, "invalid_body", "Cannot update %s and %s simultaneously.",
                                  pairs[i][0], pairs[i][1]);
    return GH_OK;
}

/* The connection that holds the user's password; also the 404. */
static enum gh_err connection_of(struct gh_db *db, struct gh_call *c, json_t **ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool has = false;
    enum gh_err e = gh_db_query(db, GH_SQL_USER_CONNECTION, GH_BINDS(GH_TEXT("id", c->x->args[0])), &rows);
    if (!e)
        e = gh_rows_next(&rows, &has);
    if (!e)
        e = has ? gh_row_doc(&rows, 1, ret) : gh_collection_refuse_absent(c, &gh_users);
    return e;
}

enum gh_err gh_users_prepare_update(struct gh_db *db, struct gh_call *c) {
    json_auto_t *connection = NULL;
    enum gh_err e = check_pairs(c);
    if (!e)
        e = connection_of(db, c, &connection);
    return e ? e : check_password(c, connection);
}

/* Metadata merges at its first level: null removes a key, {} empties all; emptied app_metadata goes
 * (recorded). */
static enum gh_err merge_metadata(json_t *doc, const json_t *patch, const char *name) {
    json_t *part = json_object_get(patch, name), *own = json_object_get(doc, name);
    if (!json_is_object(part))
        return GH_OK;
    if (json_object_size(part) == 0 || !json_is_object(own)) {
        own = json_object();
        if (json_object_set_new(doc, name, own))
            return GH_ERR_NOMEM;
    }
    enum gh_err e = gh_doc_merge(own, part);
    if (json_object_size(own) == 0 && strcmp(name, "app_metadata") == 0)
        json_object_del(doc, name);
    return e;
}

static enum gh_err merge(struct gh_call *c, json_t *doc) {
    json_auto_t *patch = json_copy(c->body);
    bool new_email = json_object_get(c->body, "email") &&
                     !json_equal(json_object_get(c->body, "email"), json_object_get(doc, "email"));
    if (!patch)
        return GH_ERR_NOMEM;
    enum gh_err e = merge_metadata(doc, c->body, "user_metadata");
    if (!e)
        e = merge_metadata(doc, c->body, "app_metadata");
    json_object_del(patch, "user_metadata");
    json_object_del(patch, "app_metadata");
    drop_instructions(patch);
    if (!e && new_email) /* a new address is not verified by the old one */
        e = json_object_set_new(doc, "email_verified", json_false()) ? GH_ERR_NOMEM : GH_OK;
    if (!e)
        e = gh_doc_merge(doc, patch);
    if (!e && c->secret.ptr && json_object_set_new(doc, "last_password_reset", gh_json_time(c->now)))
        e = GH_ERR_NOMEM;
    if (!e && json_object_set_new(doc, "updated_at", gh_json_time(c->now)))
        e = GH_ERR_NOMEM;
    return e;
}

enum gh_err gh_users_update(struct gh_db *db, struct gh_call *c) {
    struct gh_str id = c->x->args[0];
    json_auto_t *doc = NULL;
    enum gh_err e = gh_collection_get(db, c, &gh_users, id, &doc);
    bool was_blocked = gh_doc_bool(doc, "blocked", false);
    if (!e)
        e = merge(c, doc);
    if (!e)
        e = gh_collection_update(db, c, &gh_users, id, doc);
    if (e == GH_ERR_CONFLICT)
        return gh_call_refuse(c, 400, "auth0_idp_error", "The specified new %s already exists",
                              json_object_get(c->body, "username") ? "username" : "email");
    if (!e)
        e = store_password(db, c, id);
    if (!e && c->secret.ptr)
        e = end_sign_ins(db, c, id);
    bool blocked = gh_doc_bool(doc, "blocked", false);
    if (!e && ((blocked && !was_blocked) || c->secret.ptr))
        e = gh_security_changed(db, c, GH_REVOKE_USER, id, GH_STR(""));
    c->audited.user_id = id;
    return e ? e : gh_collection_answer(db, c, &gh_users, id);
}

enum gh_err gh_users_delete(struct gh_db *db, struct gh_call *c) {
    struct gh_str id = c->x->args[0];
    enum gh_err e;
    c->audited.user_id = id;
    if (!gh_collection_has(db, &gh_users, id, &e))
        return e;
    e = gh_security_changed(db, c, GH_REVOKE_USER, id, GH_STR(""));
    return e ? e : gh_collection_remove(db, c, &gh_users, id);
}
