#include "tenant/oauth/redemption.h"

#include "sys/clock.h"
#include "tenant/oauth/error.h"
#include "tenant/oauth/person.h"
#include "tenant/seal.h"

static void refuse(struct gh_exchange *x, enum gh_err e) {
    const struct gh_issuance *s = x->state;
    const struct gh_redemption *r = s->grant;
    if (e == GH_ERR_REVOKED)
        gh_oauth_refuse(x, 403, "invalid_grant", "%s", s->refusal ? s->refusal : r->kind->unknown);
    else
        gh_oauth_fail(x, e);
}

/* --- the row --- */

/* GH_OK, NOT_FOUND, or our own trouble. Texts are copied to the arena. */
static enum gh_err read_row(struct gh_db *db, struct gh_arena *a, struct gh_redemption *r) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool found = false;
    enum gh_err e = gh_db_query(db, r->kind->find, GH_BINDS(GH_TEXT("hash", r->hash)), &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    if (e || !found)
        return e ? e : GH_ERR_NOT_FOUND;
    r->client_id = gh_arena_dup(a, gh_rows_text(&rows, 0));
    r->expires_at = gh_rows_int(&rows, 1);
    r->spent = !gh_rows_is_null(&rows, 2);
    if (r->spent)
        r->spent_family = gh_arena_dup(a, gh_rows_text(&rows, 3));
    r->decision = gh_arena_dup(a, gh_rows_text(&rows, 5));
    if (!r->client_id.ptr || !r->decision.ptr || (r->spent && !r->spent_family.ptr))
        return GH_ERR_NOMEM;
    return gh_authorization_parse(a, gh_rows_text(&rows, 4), &r->auth);
}

struct gh_redemption *gh_redemption_open(struct gh_exchange *x, const struct gh_caller *c,
                                         const struct gh_redeemable *kind) {
    struct gh_issuance *s = x->state;
    struct gh_redemption *r = s->grant = GH_NEW(x->arena, struct gh_redemption);
    struct gh_str text = gh_caller_param(c, kind->parameter);
    if (!r) {
        gh_oauth_fail(x, GH_ERR_NOMEM);
        return NULL;
    }
    r->kind = kind;
    if (!text.ptr) {
        gh_oauth_refuse(x, 400, "invalid_request", "Missing required parameter: %s", kind->parameter);
        return NULL;
    }
    enum gh_err e = gh_token_hash(x->arena, text, &r->hash);
    if (!e)
        e = read_row(x->db, x->arena, r);
    if (e) {
        refuse(x, e == GH_ERR_NOT_FOUND ? GH_ERR_REVOKED : e);
        return NULL;
    }
    s->audit = (struct gh_audit){
        .type = kind->done,
        .description = kind->done_text,
        .client_id = c->client_id,
        .user_id = r->auth.user_id,
        .organization_id = r->auth.organization_id,
        .connection_id = r->auth.connection_id,
    };
    return r;
}

/* --- the first tokens --- */

/* What only the first exchange needed does not go on to the next ones. */
static struct gh_refresh first_refresh(const struct gh_caller *c, const struct gh_authorization *auth,
                                       const struct gh_person *p, struct gh_str family) {
    struct gh_refresh_rule rule = gh_refresh_rule_of(c->client);
    long long now = gh_clock_milliseconds();
    struct gh_refresh r = {
        .family = family,
        .auth = *auth,
        .expires_at = rule.lifetime ? now + rule.lifetime : 0,
        .idle_expires_at = rule.idle ? now + rule.idle : 0,
    };
    r.auth.scope = p->issue.scope;
    r.auth.jti = family;
    r.auth.access_expires = p->issue.now + gh_access_lifetime(p->api);
    r.auth.nonce = r.auth.code_challenge = r.auth.state = r.auth.prompt = r.auth.max_age = r.auth.device =
        (struct gh_str){ 0 };
    return r;
}

/* Asks whether the person still may, names the family, fills the jobs of the issuance and what is stored of
 * it. As gh_person_evaluate fails. */
static enum gh_err prepare(struct gh_exchange *x, const struct gh_caller *c, struct gh_redemption *r) {
    struct gh_issuance *s = x->state;
    gh_auto(gh_person_release) struct gh_person p;
    enum gh_err e = gh_person_evaluate(x, &r->auth, c->client, r->auth.scope, s->now, &p);
    if (!e)
        e = gh_family_name(x->arena, p.api, &r->family);
    if (e)
        return e;
    p.issue.jti = r->family;
    if (p.scope_differs)
        s->scope = p.issue.scope;
    if (p.offline) {
        r->wants_refresh = true;
        r->refresh = first_refresh(c, &r->auth, &p, r->family);
    }
    return gh_issuance_prepare(x, &p.issue);
}

/* --- once --- */

static enum gh_err revoke_replayed(struct gh_db *db, struct gh_exchange *x) {
    struct gh_issuance *s = x->state;
    const struct gh_redemption *r = s->grant;
    s->replayed = true;
    s->audit.type = r->kind->failed;
    s->audit.description = r->kind->used_twice_text;
    return gh_family_revoke(db, x, r->spent_family, r->auth.client_id, r->auth.user_id);
}

static enum gh_err take(struct gh_db *db, const struct gh_redemption *r, bool *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    enum gh_err e =
        gh_db_query(db, r->kind->spend,
                    GH_BINDS(GH_TEXT("hash", r->hash), GH_TEXT("client", r->client_id),
                             GH_TEXT("family", r->family), GH_INT("now", gh_clock_milliseconds())),
                    &rows);
    return e ? e : gh_rows_next(&rows, ret);
}

static enum gh_err spend(struct gh_db *db, struct gh_exchange *x) {
    struct gh_issuance *s = x->state;
    struct gh_redemption *r = s->grant;
    bool won = false;
    enum gh_err e = take(db, r, &won);
    if (!e && won)
        return r->wants_refresh ? gh_refresh_make(db, x->arena, &r->refresh, &s->refresh_token) : GH_OK;
    if (!e)
        e = read_row(db, x->arena, r);
    if (e == GH_ERR_NOT_FOUND || (!e && !r->spent)) /* deleted or expired in between */
        return GH_ERR_REVOKED;
    return e ? e : revoke_replayed(db, x);
}

void gh_redemption_redeem(struct gh_exchange *x, const struct gh_caller *c, struct gh_redemption *r) {
    if (!gh_issuance_may_start(x, r->auth.user_id, r->auth.organization_id, c->client_id, r->auth.audience,
                               gh_token_issue))
        return;
    enum gh_err e = prepare(x, c, r);
    if (e == GH_ERR_NO_PERMISSION || e == GH_ERR_NOT_FOUND || e == GH_ERR_UNSUPPORTED)
        gh_redemption_decline(x, r, "The user, membership, connection or API does not count any more");
    else if (e)
        gh_oauth_fail(x, e);
    else
        gh_issuance_finish(x, spend, refuse);
}

void gh_redemption_decline(struct gh_exchange *x, const struct gh_redemption *r, const char *description) {
    gh_issuance_decline(x, r->kind->failed, description, refuse);
}

void gh_redemption_replayed(struct gh_exchange *x) {
    gh_issuance_finish(x, revoke_replayed, refuse);
}
