#include "tenant/record.h"

static enum gh_err load(struct gh_str text, json_t **ret) {
    json_error_t error;
    *ret = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    if (*ret)
        return GH_OK;
    return json_error_code(&error) == json_error_out_of_memory ? GH_ERR_NOMEM : GH_ERR_STORAGE;
}

static struct gh_str management;

void gh_record_set_management(struct gh_str audience) {
    management = audience;
}

static struct gh_str identifier_stored(struct gh_str shown) {
    return gh_str_eq(shown, management) ? GH_STR(GH_MANAGEMENT_IDENTIFIER) : shown;
}

/* Puts the identifier of an API into the member of the document that names it. */
static enum gh_err show_identifier(json_t *doc, const char *member, struct gh_str stored) {
    struct gh_str shown = gh_str_is(stored, GH_MANAGEMENT_IDENTIFIER) ? management : stored;
    return json_object_set_new(doc, member, json_stringn(shown.ptr, shown.len)) ? GH_ERR_NOMEM : GH_OK;
}

/* The document in the first column of the only row. `member` names where the identifier in the second column
 * belongs; NULL when the statement has none. */
static enum gh_err fetch_shown(struct gh_db *db, enum gh_sql sql, const struct gh_bind *binds, size_t count,
                               const char *member, json_t **ret) {
    struct gh_rows rows;
    bool found = false;
    json_t *doc = NULL;
    enum gh_err e = gh_db_query(db, sql, binds, count, &rows);
    if (e)
        return e;
    e = gh_rows_next(&rows, &found);
    if (!e)
        e = found ? load(gh_rows_text(&rows, 0), &doc) : GH_ERR_NOT_FOUND;
    if (!e && member)
        e = show_identifier(doc, member, gh_rows_text(&rows, 1));
    gh_rows_end(&rows);
    if (e)
        json_decref(doc);
    else
        *ret = doc;
    return e;
}

static enum gh_err fetch(struct gh_db *db, enum gh_sql sql, const struct gh_bind *binds, size_t count,
                         json_t **ret) {
    return fetch_shown(db, sql, binds, count, NULL, ret);
}

enum gh_err gh_record_get(struct gh_db *db, enum gh_collection c, struct gh_str id, json_t **ret) {
    static const struct {
        enum gh_sql sql;
        const char *member; /* that holds the identifier of an API */
    } by_id[] = {
        [GH_ORGANIZATIONS] = { GH_SQL_RECORD_ORGANIZATION_BY_ID, NULL },
        [GH_CONNECTIONS] = { GH_SQL_RECORD_CONNECTION_BY_ID, NULL },
        [GH_CLIENTS] = { GH_SQL_RECORD_CLIENT_BY_ID, NULL },
        [GH_RESOURCE_SERVERS] = { GH_SQL_RECORD_RESOURCE_SERVER_BY_ID, "identifier" },
        [GH_ROLES] = { GH_SQL_RECORD_ROLE_BY_ID, NULL },
        [GH_USERS] = { GH_SQL_RECORD_USER_BY_ID, NULL },
        [GH_CLIENT_GRANTS] = { GH_SQL_RECORD_CLIENT_GRANT_BY_ID, "audience" },
    };
    return fetch_shown(db, by_id[c].sql, GH_BINDS(GH_TEXT("key", id)), by_id[c].member, ret);
}

static enum gh_err find_grant(struct gh_db *db, struct gh_str key, json_t **ret) {
    struct gh_str client, audience;
    if (!gh_str_cut(&key, '\n', &client) || !gh_str_cut(&key, '\n', &audience))
        return GH_ERR_NOT_FOUND;
    return fetch_shown(db, GH_SQL_RECORD_CLIENT_GRANT_BY_SUBJECT,
                       GH_BINDS(GH_TEXT("client_id", client),
                                GH_TEXT("audience", identifier_stored(audience)),
                                GH_TEXT("subject_type", key)),
                       "audience", ret);
}

enum gh_err gh_record_find(struct gh_db *db, enum gh_collection c, struct gh_str key, json_t **ret) {
    switch (c) {
    case GH_ORGANIZATIONS:
        return fetch(db, GH_SQL_RECORD_ORGANIZATION_BY_NAME, GH_BINDS(GH_TEXT("key", key)), ret);
    case GH_CONNECTIONS:
        return fetch(db, GH_SQL_RECORD_CONNECTION_BY_NAME, GH_BINDS(GH_TEXT("key", key)), ret);
    case GH_RESOURCE_SERVERS:
        return fetch_shown(db, GH_SQL_RECORD_RESOURCE_SERVER_BY_IDENTIFIER,
                           GH_BINDS(GH_TEXT("key", identifier_stored(key))), "identifier", ret);
    case GH_CLIENT_GRANTS:
        return find_grant(db, key, ret);
    default:
        return GH_ERR_NOT_FOUND; /* the others are found by id only */
    }
}

enum gh_err gh_record_find_user(struct gh_db *db, struct gh_str connection_id, struct gh_str login,
                                json_t **ret) {
    char lower[256];
    if (login.len == 0 || login.len > sizeof lower)
        return GH_ERR_NOT_FOUND; /* longer than any e-mail address or user name */
    for (size_t i = 0; i < login.len; i++)
        lower[i] = login.ptr[i] >= 'A' && login.ptr[i] <= 'Z' ? (char)(login.ptr[i] | 0x20) : login.ptr[i];
    struct gh_str key = { lower, login.len };
    enum gh_err e = fetch(db, GH_SQL_RECORD_USER_BY_EMAIL,
                          GH_BINDS(GH_TEXT("connection_id", connection_id), GH_TEXT("login", key)), ret);
    if (e != GH_ERR_NOT_FOUND)
        return e;
    return fetch(db, GH_SQL_RECORD_USER_BY_USERNAME,
                 GH_BINDS(GH_TEXT("connection_id", connection_id), GH_TEXT("login", key)), ret);
}

struct gh_str gh_doc_string(const json_t *doc, const char *name) {
    const json_t *value = json_object_get(doc, name);
    return json_is_string(value) ? (struct gh_str){ json_string_value(value), json_string_length(value) }
                                 : (struct gh_str){ 0 };
}

bool gh_doc_bool(const json_t *doc, const char *name, bool fallback) {
    const json_t *value = json_object_get(doc, name);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

long long gh_doc_int(const json_t *doc, const char *name, long long fallback) {
    const json_t *value = json_object_get(doc, name);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool gh_doc_array_has(const json_t *doc, const char *name, struct gh_str value) {
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(doc, name), i, item) {
        if (json_is_string(item) &&
            gh_str_eq(value, (struct gh_str){ json_string_value(item), json_string_length(item) }))
            return true;
    }
    return false;
}
