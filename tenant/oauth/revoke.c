/* tenant/oauth/revoke.c - POST /oauth/revoke (RFC 7009): ends a refresh token and what came with it. An
 * unknown token is 200 as well: the client wanted it gone. */
#include "sys/clock.h"
#include "tenant/audit.h"
#include "tenant/oauth/client_auth.h"
#include "tenant/oauth/endpoints.h"
#include "tenant/oauth/error.h"
#include "tenant/oauth/family.h"
#include "tenant/record.h"
#include "tenant/seal.h"

enum { FAMILIES_AT_ONCE = 200 };

struct revocation {
    struct gh_str hash, client_id;
};

/* A row of refresh_tokens, as far as it matters here. */
struct row {
    struct gh_str family, client_id, user_id, organization_id, audience;
};

static enum gh_err read_row(struct gh_db *db, struct gh_arena *a, struct gh_str hash, struct row *ret,
                            bool *found) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    enum gh_err e = gh_db_query(db, GH_SQL_REFRESH_BY_HASH, GH_BINDS(GH_TEXT("hash", hash)), &rows);
    if (!e)
        e = gh_rows_next(&rows, found);
    if (e || !*found)
        return e;
    struct gh_str *const texts[] = { &ret->family, &ret->client_id, &ret->user_id, &ret->organization_id,
                                     &ret->audience };
    for (size_t i = 0; i < GH_COUNT(texts); i++) {
        struct gh_str text = gh_rows_text(&rows, (int)i);
        if (text.len > 0 && !(*texts[i] = gh_arena_dup(a, text)).ptr)
            return GH_ERR_NOMEM;
    }
    return GH_OK;
}

struct family {
    struct gh_str name, organization_id;
};

/* Families of the grant (user, client, audience), in whatever organization; collected first, since revoking
 * changes the rows under the query. */
static enum gh_err list_families(struct gh_db *db, struct gh_arena *a, const struct row *row,
                                 struct family *ret, size_t *count) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool more;
    enum gh_err e = gh_db_query(db, GH_SQL_REFRESH_FAMILIES_OF_GRANT,
                                GH_BINDS(GH_TEXT("user", row->user_id), GH_TEXT("client", row->client_id),
                                         GH_TEXT("audience", row->audience.ptr ? row->audience : GH_STR(""))),
                                &rows);
    for (*count = 0; !e && *count < FAMILIES_AT_ONCE && !(e = gh_rows_next(&rows, &more)) && more; ++*count) {
        ret[*count] = (struct family){ gh_arena_dup(a, gh_rows_text(&rows, 0)),
                                       gh_arena_dup(a, gh_rows_text(&rows, 1)) };
        if (!ret[*count].name.ptr || !ret[*count].organization_id.ptr)
            return GH_ERR_NOMEM;
    }
    return e;
}

/* As Auth0 does with the tenant's flag. What is revoked is not listed again. */
static enum gh_err revoke_grant(struct gh_db *db, struct gh_exchange *x, const struct row *row) {
    struct family *families = gh_arena_calloc(x->arena, FAMILIES_AT_ONCE, sizeof *families);
    size_t count = FAMILIES_AT_ONCE;
    enum gh_err e = families ? GH_OK : GH_ERR_NOMEM;
    while (!e && count == FAMILIES_AT_ONCE) {
        e = list_families(db, x->arena, row, families, &count);
        for (size_t i = 0; !e && i < count; i++)
            e = gh_family_revoke(db, x, families[i].name, row->client_id, row->user_id);
    }
    return e;
}

/* The token's family, or the whole grant. */
static enum gh_err revoke_row(struct gh_db *db, struct gh_exchange *x, const struct row *row) {
    json_auto_t *settings = NULL;
    enum gh_err e = gh_settings_get(db, &settings);
    if (e)
        return e;
    return gh_doc_bool(json_object_get(settings, "flags"), "revoke_refresh_token_grant", false)
               ? revoke_grant(db, x, row)
               : gh_family_revoke(db, x, row->family, row->client_id, row->user_id);
}

static enum gh_err revoke(struct gh_db *db, struct gh_exchange *x) {
    const struct revocation *r = x->state;
    struct row row = { 0 };
    bool found = false;
    enum gh_err e = read_row(db, x->arena, r->hash, &row, &found);
    if (e || !found || !gh_str_eq(row.client_id, r->client_id)) /* RFC 7009 2.1: only its own */
        return e;
    e = revoke_row(db, x, &row);
    const struct gh_audit entry = {
        .type = "srrt",
        .description = "Refresh token revoked",
        .client_id = row.client_id,
        .user_id = row.user_id,
        .organization_id = row.organization_id,
    };
    return e ? e : gh_audit_write(db, x, &entry);
}

static void revoked(struct gh_exchange *x) {
    gh_oauth_no_store(x);
    if (x->err)
        gh_oauth_fail(x, x->err);
    else
        gh_respond_empty(x, 200);
}

void gh_token_revoke(struct gh_exchange *x) {
    struct gh_caller c;
    struct revocation *r = x->state = GH_NEW(x->arena, struct revocation);
    if (!r) {
        gh_oauth_fail(x, GH_ERR_NOMEM);
        return;
    }
    if (!gh_client_authenticate(x, "invalid_client", &c))
        return;
    json_decref(c.client);
    struct gh_str token = gh_caller_param(&c, "token");
    r->client_id = c.client_id;
    if (!token.ptr) {
        gh_oauth_refuse(x, 400, "invalid_request", "Missing required parameter: token");
        return;
    }
    enum gh_err e = gh_token_hash(x->arena, token, &r->hash);
    if (e)
        gh_oauth_fail(x, e);
    else
        gh_await_write(x, revoke, revoked);
}
