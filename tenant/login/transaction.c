#include "tenant/login/transaction.h"

#include "sys/clock.h"
#include "sys/random.h"
#include "tenant/login/cookie.h"
#include "tenant/seal.h"

enum gh_err gh_transaction_make(struct gh_db *db, struct gh_arena *a, struct gh_transaction *t) {
    long long now = gh_clock_milliseconds();
    struct gh_str doc;
    enum gh_err e = gh_random_urlsafe(a, 43, &t->id);
    if (!e)
        e = gh_token_hash(a, t->id, &t->hash);
    if (!e)
        e = gh_authorization_format(a, &t->auth, &doc);
    if (!e)
        e = gh_db_run(db, GH_SQL_LOGIN_TRANSACTION_PURGE, GH_BINDS(GH_INT("before", now)), NULL);
    if (!e)
        e = gh_db_run(db, GH_SQL_LOGIN_TRANSACTION_INSERT,
                      GH_BINDS(GH_TEXT("hash", t->hash), GH_TEXT("browser", t->browser_hash),
                               GH_INT("expires_at", now + GH_TRANSACTION_SECONDS * 1000LL),
                               GH_TEXT("doc", doc)),
                      NULL);
    return e;
}

enum gh_err gh_transaction_find(struct gh_exchange *x, struct gh_str state, struct gh_transaction *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool found = false;
    if (state.len != 43)
        return GH_ERR_NOT_FOUND;
    *ret = (struct gh_transaction){ .id = state };
    enum gh_err e = gh_cookie_browser(x, false, &ret->browser_hash);
    if (!e)
        e = gh_token_hash(x->arena, state, &ret->hash);
    if (!e)
        e = gh_db_query(x->db, GH_SQL_LOGIN_TRANSACTION_GET,
                        GH_BINDS(GH_TEXT("hash", ret->hash), GH_TEXT("browser", ret->browser_hash),
                                 GH_INT("now", gh_clock_milliseconds())),
                        &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    if (e || !found)
        return e ? e : GH_ERR_NOT_FOUND;
    return gh_authorization_parse(x->arena, gh_rows_text(&rows, 0), &ret->auth);
}

enum gh_err gh_transaction_take(struct gh_db *db, const struct gh_transaction *t) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool found = false;
    enum gh_err e = gh_db_query(db, GH_SQL_LOGIN_TRANSACTION_TAKE,
                                GH_BINDS(GH_TEXT("hash", t->hash), GH_TEXT("browser", t->browser_hash),
                                         GH_INT("now", gh_clock_milliseconds())),
                                &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    return e ? e : found ? GH_OK : GH_ERR_NOT_FOUND;
}
