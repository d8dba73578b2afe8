#include "tenant/login/usable.h"

#include <jansson.h>

#include "tenant/record.h"

/* Fills in what the organization says of its connection; false when it does not enable it. */
static bool organization_allows(struct gh_str text, struct gh_usable *u, enum gh_err *err) {
    json_auto_t *doc = json_loadb(text.ptr, text.len, 0, NULL);
    if (!doc)
        *err = GH_ERR_STORAGE;
    u->assigns_membership = gh_doc_bool(doc, "assign_membership_on_login", false);
    return doc && gh_doc_bool(doc, "is_enabled", true);
}

enum gh_err gh_usable_connections(struct gh_db *db, struct gh_arena *a, struct gh_str client_id,
                                  struct gh_str organization_id, struct gh_str only,
                                  struct gh_usable_list *ret) {
    const struct gh_bind client = GH_TEXT("client", client_id);
    bool in_organization = organization_id.len > 0, more;
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    ret->count = 0;
    enum gh_err e = in_organization
                        ? gh_db_query(db, GH_SQL_CONNECTIONS_FOR_MEMBER,
                                      GH_BINDS(client, GH_TEXT("organization", organization_id)), &rows)
                        : gh_db_query(db, GH_SQL_CONNECTIONS_FOR_CLIENT, GH_BINDS(client), &rows);
    if (e)
        return e;
    while (!(e = gh_rows_next(&rows, &more)) && more && ret->count < GH_USABLE_MAX) {
        struct gh_usable u = { .id = gh_rows_text(&rows, 0), .name = gh_rows_text(&rows, 1) };
        if (only.len > 0 && !gh_str_eq(u.id, only))
            continue;
        if (in_organization && !organization_allows(gh_rows_text(&rows, 2), &u, &e)) {
            if (e)
                return e;
            continue;
        }
        u.id = gh_arena_dup(a, u.id);
        u.name = gh_arena_dup(a, u.name);
        if (!u.id.ptr || !u.name.ptr)
            return GH_ERR_NOMEM;
        ret->items[ret->count++] = u;
    }
    return e;
}
