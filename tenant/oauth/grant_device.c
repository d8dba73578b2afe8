/* tenant/oauth/grant_device.c - device_code (RFC 8628 3.4, 3.5): not yet, no, or the tokens, once. */
#include "core/limits.h"
#include "sys/clock.h"
#include "tenant/oauth/beginning.h"
#include "tenant/oauth/device.h"
#include "tenant/oauth/error.h"
#include "tenant/seal.h"

enum { EARLY_MS = 500 }; /* timers and clocks that run a little fast */

struct redemption {
    struct gh_str hash, client_id, decision,
        family; /* decision: empty while nobody decided; family: of a spent one */
    bool spent;
    long long expires_at;
    struct gh_authorization auth;
    struct gh_beginning beginning;
    bool too_early;
};

static void refuse(struct gh_exchange *x, enum gh_err e) {
    if (e == GH_ERR_REVOKED)
        gh_oauth_refuse(x, 403, "invalid_grant", "Invalid or unknown device code");
    else
        gh_oauth_fail(x, e);
}

static enum gh_err read_code(struct gh_db *db, struct gh_arena *a, struct redemption *r) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool found = false;
    enum gh_err e = gh_db_query(db, GH_SQL_DEVICE_BY_HASH, GH_BINDS(GH_TEXT("hash", r->hash)), &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    if (e || !found)
        return e ? e : GH_ERR_NOT_FOUND;
    r->client_id = gh_arena_dup(a, gh_rows_text(&rows, 0));
    r->decision = gh_arena_dup(a, gh_rows_text(&rows, 1));
    r->expires_at = gh_rows_int(&rows, 2);
    r->spent = !gh_rows_is_null(&rows, 3);
    if (r->spent)
        r->family = gh_arena_dup(a, gh_rows_text(&rows, 4));
    if (!r->client_id.ptr || !r->decision.ptr || (r->spent && !r->family.ptr))
        return GH_ERR_NOMEM;
    return gh_authorization_parse(a, gh_rows_text(&rows, 5), &r->auth);
}

/* --- nobody decided yet --- */

/* An early question moves nothing: who keeps asking too fast still gets one answer in each interval. */
static enum gh_err write_poll(struct gh_db *db, struct gh_exchange *x) {
    struct gh_issuance *s = x->state;
    struct redemption *r = s->grant;
    long long now = gh_clock_milliseconds(), changes = 0;
    enum gh_err e = gh_db_run(db, GH_SQL_DEVICE_POLL,
                              GH_BINDS(GH_TEXT("hash", r->hash), GH_INT("now", now),
                                       GH_INT("before", now - GH_LIMIT_DEVICE_INTERVAL * 1000LL + EARLY_MS)),
                              &changes);
    r->too_early = changes == 0;
    return e;
}

static void polled(struct gh_exchange *x) {
    const struct gh_issuance *s = x->state;
    const struct redemption *r = s->grant;
    if (x->err)
        gh_oauth_fail(x, x->err);
    else if (r->too_early)
        gh_oauth_refuse(x, 429, "slow_down",
                        "You are polling faster than the specified interval of %d seconds.",
                        GH_LIMIT_DEVICE_INTERVAL);
    else
        gh_oauth_refuse(x, 403, "authorization_pending", "User has yet to authorize device code.");
}

/* --- approved --- */

/* A device code that comes again after its tokens were given: two parties have it, or its device lost them.
 * Neither should leave them alive, as with a code (RFC 6749 4.1.2). */
static enum gh_err revoke_replayed(struct gh_db *db, struct gh_exchange *x) {
    struct gh_issuance *s = x->state;
    const struct redemption *r = s->grant;
    s->replayed = true;
    s->audit.type = "fede";
    s->audit.description = "Device code was used twice: its tokens are revoked";
    return gh_family_revoke(db, x, r->family, r->auth.client_id, r->auth.user_id);
}

static enum gh_err take(struct gh_db *db, const struct redemption *r, bool *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    enum gh_err e =
        gh_db_query(db, GH_SQL_DEVICE_SPEND,
                    GH_BINDS(GH_TEXT("hash", r->hash), GH_TEXT("client", r->client_id),
                             GH_TEXT("family", r->beginning.family), GH_INT("now", gh_clock_milliseconds())),
                    &rows);
    return e ? e : gh_rows_next(&rows, ret);
}

static enum gh_err spend(struct gh_db *db, struct gh_exchange *x) {
    struct gh_issuance *s = x->state;
    struct redemption *r = s->grant;
    bool won = false;
    enum gh_err e = take(db, r, &won);
    if (!e && won)
        return gh_beginning_write(db, x, &r->beginning);
    if (!e)
        e = read_code(db, x->arena, r);
    if (e == GH_ERR_NOT_FOUND || (!e && !r->spent)) /* deleted or expired in between */
        return GH_ERR_REVOKED;
    return e ? e : revoke_replayed(db, x);
}

static void redeem(struct gh_exchange *x, const struct gh_caller *c, struct redemption *r) {
    if (!gh_issuance_may_start(x, r->auth.user_id, r->auth.organization_id, c->client_id, r->auth.audience,
                               gh_token_issue))
        return;
    enum gh_err e = gh_beginning_prepare(x, c, &r->auth, &r->beginning);
    if (e == GH_ERR_NO_PERMISSION || e == GH_ERR_NOT_FOUND || e == GH_ERR_UNSUPPORTED)
        gh_issuance_decline(x, "fede", "The user, membership, connection or API does not count any more",
                            refuse);
    else if (e)
        gh_oauth_fail(x, e);
    else
        gh_issuance_finish(x, spend, refuse);
}

/* --- the first step --- */

static void answer(struct gh_exchange *x, const struct gh_caller *c, struct redemption *r) {
    if (r->spent)
        gh_issuance_finish(x, revoke_replayed, refuse);
    else if (gh_str_is(r->decision, "denied"))
        gh_oauth_refuse(x, 403, "access_denied", "User cancelled the confirmation prompt.");
    else if (r->expires_at <= gh_clock_milliseconds())
        gh_oauth_refuse(x, 403, "expired_token", "The device code has expired.");
    else if (r->decision.len == 0)
        gh_await_write(x, write_poll, polled);
    else
        redeem(x, c, r);
}

void gh_grant_device(struct gh_exchange *x, const struct gh_caller *c) {
    struct gh_issuance *s = x->state;
    struct redemption *r = s->grant = GH_NEW(x->arena, struct redemption);
    struct gh_str code = gh_caller_param(c, "device_code");
    if (!code.ptr) {
        gh_oauth_refuse(x, 400, "invalid_request", "Missing required parameter: device_code");
        return;
    }
    enum gh_err e = r ? gh_token_hash(x->arena, code, &r->hash) : GH_ERR_NOMEM;
    if (!e)
        e = read_code(x->db, x->arena, r);
    if (e) {
        refuse(x, e == GH_ERR_NOT_FOUND ? GH_ERR_REVOKED : e);
        return;
    }
    s->audit = (struct gh_audit){
        .type = "sede",
        .description = "Device code exchange",
        .client_id = c->client_id,
        .user_id = r->auth.user_id,
        .organization_id = r->auth.organization_id,
        .connection_id = r->auth.connection_id,
    };
    if (gh_str_eq(r->client_id, c->client_id))
        answer(x, c, r);
    else /* another client's is as unknown as none */
        gh_issuance_decline(x, "fede", "Device code of another client", refuse);
}
