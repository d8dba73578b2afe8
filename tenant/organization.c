#include "tenant/organization.h"

#include "core/limits.h"

/* Does the query have a row? *err: GH_OK or STORAGE. */
static bool has_row(struct gh_db *db, enum gh_sql sql, const struct gh_bind *binds, size_t count,
                    enum gh_err *err) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool found = false;
    *err = gh_db_query(db, sql, binds, count, &rows);
    if (!*err)
        *err = gh_rows_next(&rows, &found);
    return !*err && found;
}

bool gh_organization_has_member(struct gh_db *db, struct gh_str organization_id, struct gh_str user_id,
                                enum gh_err *err) {
    return has_row(db, GH_SQL_ORGANIZATION_HAS_MEMBER,
                   GH_BINDS(GH_TEXT("organization", organization_id), GH_TEXT("user", user_id)), err);
}

enum gh_err gh_organization_grant(struct gh_db *db, struct gh_str organization_id, const json_t *grant,
                                  const json_t *client) {
    if (gh_doc_bool(grant, "allow_any_organization", false) && gh_doc_bool(client, "is_first_party", true))
        return GH_OK;
    enum gh_err e;
    bool associated = has_row(
        db, GH_SQL_ORGANIZATION_HAS_GRANT,
        GH_BINDS(GH_TEXT("organization", organization_id), GH_TEXT("grant", gh_doc_string(grant, "id"))), &e);
    return e ? e : associated ? GH_OK : GH_ERR_NO_PERMISSION;
}

/* Names cannot begin with org_: the id form wins, so that a name can never stand for another's id. */
enum gh_err gh_organization_find(struct gh_db *db, struct gh_arena *a, struct gh_str id_or_name, bool names,
                                 json_t **ret) {
    enum gh_err e = gh_record_get(db, GH_ORGANIZATIONS, id_or_name, ret);
    if (e != GH_ERR_NOT_FOUND || !names)
        return e;
    char *name = gh_arena_cstr(a, id_or_name); /* names are stored in lower case and compared without */
    if (!name)
        return GH_ERR_NOMEM;
    for (char *c = name; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return gh_record_find(db, GH_ORGANIZATIONS, (struct gh_str){ name, id_or_name.len }, ret);
}

enum gh_err gh_permissions_of(struct gh_db *db, struct gh_arena *a, struct gh_str user_id,
                              struct gh_str organization_id, struct gh_str resource_server_id,
                              struct gh_str **ret, size_t *count) {
    const struct gh_bind user = GH_TEXT("user", user_id),
                         api = GH_TEXT("resource_server", resource_server_id);
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    enum gh_err e = organization_id.len > 0
                        ? gh_db_query(db, GH_SQL_PERMISSIONS_OF_MEMBER,
                                      GH_BINDS(user, api, GH_TEXT("organization", organization_id)), &rows)
                        : gh_db_query(db, GH_SQL_PERMISSIONS_OF_USER, GH_BINDS(user, api), &rows);
    if (e)
        return e;

    struct gh_str *items = gh_arena_calloc(a, GH_LIMIT_PERMISSIONS, sizeof *items);
    if (!items)
        return GH_ERR_NOMEM;
    size_t n = 0;
    bool more;
    while (!(e = gh_rows_next(&rows, &more)) && more) {
        if (n == GH_LIMIT_PERMISSIONS) /* no verifier accepts more: a cut list would be a wrong answer */
            return GH_ERR_TOO_LARGE;
        items[n] = gh_arena_dup(a, gh_rows_text(&rows, 0));
        if (!items[n++].ptr)
            return GH_ERR_NOMEM;
    }
    if (e)
        return e;
    *ret = items;
    *count = n;
    return GH_OK;
}
