#include "tenant/oauth/device.h"

#include "core/limits.h"
#include "sys/clock.h"
#include "sys/random.h"
#include "tenant/oauth/authorize.h"
#include "tenant/oauth/client_auth.h"
#include "tenant/oauth/endpoints.h"
#include "tenant/oauth/error.h"
#include "tenant/oauth/user_code.h"
#include "tenant/record.h"
#include "tenant/seal.h"

enum { DRAWS = 4, KEPT_MS = 24 * 3600 * 1000 /* after its end: a replay must be seen */ };

/* x->state of POST /oauth/device/code */
struct device {
    struct gh_authorization auth;
    struct gh_str code, user_code;
};

/* --- POST /oauth/device/code --- */

/* False in *ret when the user code is somebody else's. */
static enum gh_err insert(struct gh_db *db, struct gh_exchange *x, struct gh_str doc, bool *ret) {
    struct device *d = x->state;
    const struct gh_authorization *auth = &d->auth;
    struct gh_str hash, organization = auth->organization_id;
    long long changes = 0;
    enum gh_err e = gh_user_code_make(x->arena, &d->user_code);
    if (!e)
        e = gh_token_hash(x->arena, d->user_code, &hash);
    if (!e)
        e = gh_db_run(
            db, GH_SQL_DEVICE_INSERT,
            GH_BINDS(GH_TEXT("hash", auth->device), GH_TEXT("user_code", hash),
                     GH_TEXT("client", auth->client_id),
                     organization.len > 0 ? GH_TEXT("organization", organization) : GH_NULL("organization"),
                     GH_INT("expires_at", gh_clock_milliseconds() + GH_LIMIT_DEVICE_SECONDS * 1000LL),
                     GH_TEXT("doc", doc)),
            &changes);
    *ret = changes == 1;
    return e;
}

static enum gh_err write_codes(struct gh_db *db, struct gh_exchange *x) {
    struct device *d = x->state;
    struct gh_str doc;
    bool done = false;
    enum gh_err e = gh_random_urlsafe(x->arena, 43, &d->code);
    if (!e)
        e = gh_token_hash(x->arena, d->code, &d->auth.device);
    if (!e)
        e = gh_authorization_format(x->arena, &d->auth, &doc);
    if (!e)
        e = gh_db_run(db, GH_SQL_DEVICE_PURGE, GH_BINDS(GH_INT("before", gh_clock_milliseconds() - KEPT_MS)),
                      NULL);
    for (int i = 0; !e && !done && i < DRAWS; i++)
        e = insert(db, x, doc, &done);
    return e ? e : done ? GH_OK : GH_ERR_BUSY;
}

static void codes_written(struct gh_exchange *x) {
    const struct device *d = x->state;
    struct gh_str issuer = x->tenant->issuer;
    if (x->err) {
        gh_oauth_fail(x, x->err);
        return;
    }
    json_auto_t *uri = json_sprintf("%.*sactivate", GH_STR_FMT(issuer));
    json_t *complete =
        json_sprintf("%.*sactivate?user_code=%.*s", GH_STR_FMT(issuer), GH_STR_FMT(d->user_code));
    gh_oauth_no_store(x);
    gh_respond_json(x, 200,
                    json_pack("{s:s%, s:s%, s:O, s:o, s:i, s:i}", "device_code", d->code.ptr, d->code.len,
                              "user_code", d->user_code.ptr, d->user_code.len, "verification_uri", uri,
                              "verification_uri_complete", complete, "expires_in", GH_LIMIT_DEVICE_SECONDS,
                              "interval", GH_LIMIT_DEVICE_INTERVAL));
}

/* As the token endpoint refuses: who may not is 403, what is wrong is 400. */
static void refuse(struct gh_exchange *x, const struct gh_authorize *r) {
    bool may_not = strcmp(r->error, "unauthorized_client") == 0 || strcmp(r->error, "access_denied") == 0;
    gh_oauth_refuse(x, may_not ? 403 : 400, r->error, "%.*s", GH_STR_FMT(r->description));
}

void gh_device_begin(struct gh_exchange *x) {
    struct gh_caller caller;
    gh_auto(gh_authorize_release) struct gh_authorize r = { 0 };
    struct device *d = x->state = GH_NEW(x->arena, struct device);
    if (!d) {
        gh_oauth_fail(x, GH_ERR_NOMEM);
        return;
    }
    if (!gh_client_authenticate(x, "access_denied", &caller))
        return;
    r.client = caller.client; /* released with r */
    r.params = caller.params;
    r.count = caller.param_count;
    r.auth.client_id = caller.client_id;
    enum gh_err e = gh_authorize_check_device(x, &r);
    if (e)
        gh_oauth_fail(x, e);
    else if (r.error)
        refuse(x, &r);
    else {
        d->auth = r.auth;
        gh_await_write(x, write_codes, codes_written);
    }
}

/* --- for the pages --- */

enum gh_err gh_device_find(struct gh_exchange *x, struct gh_str user_code, struct gh_authorization *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    struct gh_str hash, device;
    bool found = false;
    enum gh_err e = gh_token_hash(x->arena, user_code, &hash);
    if (!e)
        e = gh_db_query(x->db, GH_SQL_DEVICE_BY_USER_CODE,
                        GH_BINDS(GH_TEXT("user_code", hash), GH_INT("now", gh_clock_milliseconds())), &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    if (e || !found)
        return e ? e : GH_ERR_NOT_FOUND;
    device = gh_arena_dup(x->arena, gh_rows_text(&rows, 0));
    e = gh_authorization_parse(x->arena, gh_rows_text(&rows, 1), ret);
    ret->device = device;
    return e ? e : device.ptr ? GH_OK : GH_ERR_NOMEM;
}

enum gh_err gh_device_decide(struct gh_db *db, struct gh_arena *a, const struct gh_authorization *auth,
                             bool approved) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    struct gh_authorization kept = *auth;
    struct gh_str doc;
    bool found = false;
    kept.sid = (struct gh_str){ 0 }; /* the session is the browser's, not the device's */
    enum gh_err e = gh_authorization_format(a, &kept, &doc);
    if (!e)
        e = gh_db_query(db, GH_SQL_DEVICE_DECIDE,
                        GH_BINDS(GH_TEXT("hash", auth->device),
                                 GH_TEXT("decision", approved ? GH_STR("approved") : GH_STR("denied")),
                                 GH_TEXT("user", auth->user_id), GH_TEXT("doc", doc),
                                 GH_INT("now", gh_clock_milliseconds())),
                        &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    return e ? e : found ? GH_OK : GH_ERR_NOT_FOUND;
}
