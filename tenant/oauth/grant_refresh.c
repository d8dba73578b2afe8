/* tenant/oauth/grant_refresh.c - refresh_token: the same authorization once more, if the person still has it.
 */
#include "sys/clock.h"
#include "sys/random.h"
#include "tenant/oauth/error.h"
#include "tenant/oauth/family.h"
#include "tenant/oauth/issuance.h"
#include "tenant/oauth/person.h"
#include "tenant/oauth/scope.h"
#include "tenant/record.h"
#include "tenant/seal.h"

struct renewal {
    struct gh_str hash, client_id;
    long long created_at, spent_at; /* unix ms; spent_at 0: not yet */
    bool revoked, expired, rotates;
    struct gh_refresh refresh; /* as stored, then as it shall be */
};

static void refuse(struct gh_exchange *x, enum gh_err e) {
    if (e == GH_ERR_REVOKED)
        gh_oauth_refuse(x, 403, "invalid_grant", "Unknown or invalid refresh token.");
    else
        gh_oauth_fail(x, e);
}

static bool is_past(struct gh_rows *rows, int column, long long now) {
    return !gh_rows_is_null(rows, column) && gh_rows_int(rows, column) <= now;
}

static enum gh_err read_token(struct gh_db *db, struct gh_arena *a, struct renewal *r) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    long long now = gh_clock_milliseconds();
    bool found = false;
    enum gh_err e = gh_db_query(db, GH_SQL_REFRESH_BY_HASH, GH_BINDS(GH_TEXT("hash", r->hash)), &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    if (e || !found)
        return e ? e : GH_ERR_NOT_FOUND;
    r->refresh.family = gh_arena_dup(a, gh_rows_text(&rows, 0));
    r->client_id = gh_arena_dup(a, gh_rows_text(&rows, 1));
    if (!r->refresh.family.ptr || !r->client_id.ptr)
        return GH_ERR_NOMEM;
    r->created_at = gh_rows_int(&rows, 5);
    r->refresh.expires_at = gh_rows_int(&rows, 6);
    r->expired = is_past(&rows, 6, now) || is_past(&rows, 7, now);
    r->spent_at = gh_rows_int(&rows, 8);
    r->revoked = !gh_rows_is_null(&rows, 9);
    return gh_authorization_parse(a, gh_rows_text(&rows, 10), &r->refresh.auth);
}

static enum gh_err revoke_family(struct gh_db *db, struct gh_exchange *x) {
    struct gh_issuance *s = x->state;
    struct renewal *r = s->grant;
    s->replayed = true;
    s->audit.type = "ferrt";
    s->audit.description = "Refresh token was used again or no longer counts: its family is revoked";
    return gh_family_revoke(db, x, r->refresh.family, r->refresh.auth.client_id, r->refresh.auth.user_id);
}

/* The token that was spent last may come once more within the leeway: a client that lost the answer repeats
 * itself. */
static enum gh_err has_newer_spent(struct gh_db *db, const struct renewal *r, bool *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    enum gh_err e = gh_db_query(
        db, GH_SQL_REFRESH_NEWER_SPENT,
        GH_BINDS(GH_TEXT("family", r->refresh.family), GH_INT("created_at", r->created_at)), &rows);
    return e ? e : gh_rows_next(&rows, ret);
}

/* *ret: this statement found the token unspent and alive. */
static enum gh_err take(struct gh_db *db, const struct renewal *r, struct gh_str doc, bool *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    const struct gh_bind hash = GH_TEXT("hash", r->hash);
    long long idle = r->refresh.idle_expires_at;
    enum gh_err e =
        r->rotates
            ? gh_db_query(db, GH_SQL_REFRESH_SPEND, GH_BINDS(hash, GH_INT("now", gh_clock_milliseconds())),
                          &rows)
            : gh_db_query(db, GH_SQL_REFRESH_TOUCH,
                          GH_BINDS(hash, idle ? GH_INT("idle_expires_at", idle) : GH_NULL("idle_expires_at"),
                                   GH_TEXT("doc", doc)),
                          &rows);
    return e ? e : gh_rows_next(&rows, ret);
}

static enum gh_err renew(struct gh_db *db, struct gh_exchange *x) {
    struct gh_issuance *s = x->state;
    struct renewal *r = s->grant;
    struct gh_str doc;
    bool won = r->spent_at > 0; /* in its leeway: nothing to spend */
    enum gh_err e = gh_authorization_format(x->arena, &r->refresh.auth, &doc);
    if (!e && !won)
        e = take(db, r, doc, &won);
    if (e)
        return e;
    if (!won) /* somebody was faster */
        return revoke_family(db, x);
    return r->rotates ? gh_refresh_make(db, x->arena, &r->refresh, &s->refresh_token) : GH_OK;
}

/* What was granted, or the part of it that is asked for. */
static enum gh_err wanted_scope(struct gh_exchange *x, const struct gh_caller *c,
                                const struct gh_authorization *auth, struct gh_str *ret) {
    struct gh_scopes granted, asked, both;
    enum gh_err e = gh_scopes_parse(x->arena, auth->scope, &granted);
    if (!e)
        e = gh_scopes_parse(x->arena, gh_caller_param(c, "scope"), &asked);
    if (!e)
        e = gh_scopes_intersect(x->arena, &asked, &granted, &both);
    return e ? e : gh_scopes_join(x->arena, &both, ret);
}

static enum gh_err prepare(struct gh_exchange *x, const struct gh_caller *c, struct renewal *r) {
    struct gh_issuance *s = x->state;
    gh_auto(gh_person_release) struct gh_person p = { 0 };
    struct gh_refresh_rule rule = gh_refresh_rule_of(c->client);
    struct gh_str wanted;
    enum gh_err e = wanted_scope(x, c, &r->refresh.auth, &wanted);
    if (!e)
        e = gh_person_evaluate(x, &r->refresh.auth, c->client, wanted, s->now, &p);
    if (!e)
        e = gh_random_urlsafe(x->arena, 22, &p.issue.jti);
    if (e)
        return e;
    p.issue.gty = "refresh_token";
    s->scope = p.issue.scope;
    r->rotates = rule.rotates;
    r->refresh.auth.jti = p.issue.jti;
    r->refresh.auth.access_expires = s->now + gh_access_lifetime(p.api);
    r->refresh.idle_expires_at = rule.idle ? gh_clock_milliseconds() + rule.idle : 0;
    return gh_issuance_prepare(x, &p.issue);
}

static void answer(struct gh_exchange *x, const struct gh_caller *c, struct renewal *r) {
    const struct gh_authorization *auth = &r->refresh.auth;
    if (!gh_issuance_may_start(x, auth->user_id, auth->organization_id, c->client_id, auth->audience,
                               gh_token_issue))
        return;
    enum gh_err e = prepare(x, c, r);
    if (e == GH_ERR_NO_PERMISSION || e == GH_ERR_NOT_FOUND || e == GH_ERR_UNSUPPORTED)
        gh_issuance_finish(x, revoke_family,
                           refuse); /* no member, connection, user or API any more: it ends here */
    else if (e == GH_ERR_MALFORMED || e == GH_ERR_TOO_LARGE)
        gh_oauth_refuse(x, 400, "invalid_scope", "The scope is not well formed");
    else if (e)
        gh_oauth_fail(x, e);
    else
        gh_issuance_finish(x, renew, refuse);
}

/* Used before: within the leeway and the last of its family, or stolen. */
static void answer_spent(struct gh_exchange *x, const struct gh_caller *c, struct renewal *r) {
    long long leeway = gh_refresh_rule_of(c->client).leeway;
    bool newer = true;
    enum gh_err e = GH_OK;
    if (gh_clock_milliseconds() - r->spent_at < leeway)
        e = has_newer_spent(x->db, r, &newer);
    if (e)
        gh_oauth_fail(x, e);
    else if (newer)
        gh_issuance_finish(x, revoke_family, refuse);
    else
        answer(x, c, r);
}

void gh_grant_refresh(struct gh_exchange *x, const struct gh_caller *c) {
    struct gh_issuance *s = x->state;
    struct renewal *r = s->grant = GH_NEW(x->arena, struct renewal);
    struct gh_str token = gh_caller_param(c, "refresh_token"),
                  organization = gh_caller_param(c, "organization");
    struct gh_str audience = gh_audience_of(c->params, c->param_count);
    if (!token.ptr) {
        gh_oauth_refuse(x, 400, "invalid_request", "Missing required parameter: refresh_token");
        return;
    }
    enum gh_err e = r ? gh_token_hash(x->arena, token, &r->hash) : GH_ERR_NOMEM;
    if (!e)
        e = read_token(x->db, x->arena, r);
    if (e && e != GH_ERR_NOT_FOUND) {
        gh_oauth_fail(x, e);
        return;
    }
    if (e || !gh_str_eq(r->client_id, c->client_id) || r->revoked || r->expired) {
        refuse(x, GH_ERR_REVOKED);
        return;
    }
    const struct gh_authorization *auth = &r->refresh.auth;
    s->audit = (struct gh_audit){
        .type = "sertft",
        .description = "Refresh token exchange",
        .client_id = c->client_id,
        .user_id = auth->user_id,
        .organization_id = auth->organization_id,
        .connection_id = auth->connection_id,
    };
    if (audience.ptr && !gh_str_eq(audience, auth->audience)) /* RFC 8707 2.2 */
        gh_oauth_refuse(x, 400, "invalid_target", "The refresh token was not issued for this audience");
    else if (organization.ptr && !gh_str_eq(organization, auth->organization_id))
        gh_issuance_finish(x, revoke_family, refuse); /* an attempt to carry it into another organization */
    else if (r->spent_at > 0)
        answer_spent(x, c, r);
    else
        answer(x, c, r);
}
