/* tenant/oauth/grant_code.c - authorization_code: a code is redeemed once, by who asked for it, for what it
 * was made. */
#include "sys/clock.h"
#include "tenant/oauth/beginning.h"
#include "tenant/oauth/error.h"
#include "tenant/oauth/pkce.h"
#include "tenant/record.h"
#include "tenant/seal.h"

struct redemption {
    struct gh_str hash, client_id, family; /* family: of a spent code, what came from it */
    bool spent;
    long long expires_at;
    struct gh_authorization auth; /* what the code was made for */
    struct gh_beginning beginning;
};

static void refuse(struct gh_exchange *x, enum gh_err e) {
    const struct gh_issuance *s = x->state;
    if (e == GH_ERR_REVOKED)
        gh_oauth_refuse(x, 403, "invalid_grant", "%s",
                        s->refusal ? s->refusal : "Invalid authorization code");
    else
        gh_oauth_fail(x, e);
}

/* GH_OK, NOT_FOUND, or our own trouble. Texts are copied to the arena. */
static enum gh_err read_code(struct gh_db *db, struct gh_arena *a, struct redemption *r) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool found = false;
    enum gh_err e = gh_db_query(db, GH_SQL_CODE_BY_HASH, GH_BINDS(GH_TEXT("hash", r->hash)), &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    if (e || !found)
        return e ? e : GH_ERR_NOT_FOUND;
    r->client_id = gh_arena_dup(a, gh_rows_text(&rows, 0));
    r->expires_at = gh_rows_int(&rows, 3);
    r->spent = !gh_rows_is_null(&rows, 4);
    if (r->spent)
        r->family = gh_arena_dup(a, gh_rows_text(&rows, 5));
    if (!r->client_id.ptr || (r->spent && !r->family.ptr))
        return GH_ERR_NOMEM;
    return gh_authorization_parse(a, gh_rows_text(&rows, 6), &r->auth);
}

/* Is the caller the one who asked for this code? NO_PERMISSION: another redirect_uri or organization;
 * BAD_SIGNATURE: another verifier. A code without a challenge takes no verifier: that would hide a downgrade
 * (RFC 9700 4.8.2). */
static enum gh_err check_binding(struct gh_exchange *x, const struct gh_caller *c,
                                 const struct gh_authorization *auth) {
    struct gh_str uri = gh_caller_param(c, "redirect_uri"), organization = gh_caller_param(c, "organization");
    struct gh_str verifier = gh_caller_param(c, "code_verifier");
    if ((uri.ptr || auth->redirect_given) && !gh_str_eq(uri, auth->redirect_uri))
        return GH_ERR_NO_PERMISSION;
    if (organization.ptr && !gh_str_eq(organization, auth->organization_id))
        return GH_ERR_NO_PERMISSION;
    if (auth->code_challenge.len == 0)
        return verifier.ptr || c->is_public ? GH_ERR_BAD_SIGNATURE : GH_OK;
    enum gh_err e = gh_pkce_verify(x->arena, verifier, auth->code_challenge);
    return e == GH_ERR_MALFORMED ? GH_ERR_BAD_SIGNATURE : e;
}

/* A code that comes a second time, with all that it was bound to: one of the two callers is a thief (RFC
 * 6749 4.1.2). */
static enum gh_err revoke_replayed(struct gh_db *db, struct gh_exchange *x) {
    struct gh_issuance *s = x->state;
    struct redemption *r = s->grant;
    s->replayed = true;
    s->audit.type = "feacft";
    s->audit.description = "Authorization code was used twice: its tokens are revoked";
    return gh_family_revoke(db, x, r->family, r->auth.client_id, r->auth.user_id);
}

static enum gh_err spend(struct gh_db *db, struct gh_exchange *x) {
    struct gh_issuance *s = x->state;
    struct redemption *r = s->grant;
    bool won = false;
    {
        gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
        enum gh_err e = gh_db_query(db, GH_SQL_CODE_SPEND,
                                    GH_BINDS(GH_TEXT("hash", r->hash), GH_TEXT("client", r->client_id),
                                             GH_TEXT("family", r->beginning.family),
                                             GH_INT("now", gh_clock_milliseconds())),
                                    &rows);
        if (!e)
            e = gh_rows_next(&rows, &won);
        if (e)
            return e;
    }
    if (won)
        return gh_beginning_write(db, x, &r->beginning);
    enum gh_err e = read_code(db, x->arena, r);
    if (e == GH_ERR_NOT_FOUND || (!e && !r->spent)) /* swept away or expired in between */
        return GH_ERR_REVOKED;
    return e ? e : revoke_replayed(db, x);
}

static void redeem(struct gh_exchange *x, const struct gh_caller *c, struct redemption *r) {
    if (!gh_issuance_may_start(x, r->auth.user_id, r->auth.organization_id, c->client_id, r->auth.audience,
                               gh_token_issue))
        return;
    enum gh_err e = gh_beginning_prepare(x, c, &r->auth, &r->beginning);
    if (e == GH_ERR_NO_PERMISSION || e == GH_ERR_NOT_FOUND || e == GH_ERR_UNSUPPORTED)
        gh_issuance_decline(x, "feacft", "The user, membership, connection or API does not count any more",
                            refuse);
    else if (e)
        gh_oauth_fail(x, e);
    else
        gh_issuance_finish(x, spend, refuse);
}

/* What is known of a code that somebody had: the audit rows name it. */
static struct gh_audit audit_of(const struct gh_caller *c, const struct gh_authorization *auth) {
    return (struct gh_audit){
        .type = "seacft",
        .description = "Authorization code exchange",
        .client_id = c->client_id,
        .user_id = auth->user_id,
        .organization_id = auth->organization_id,
        .connection_id = auth->connection_id,
    };
}

void gh_grant_code(struct gh_exchange *x, const struct gh_caller *c) {
    struct gh_issuance *s = x->state;
    struct redemption *r = s->grant = GH_NEW(x->arena, struct redemption);
    struct gh_str code = gh_caller_param(c, "code");
    if (!code.ptr) {
        gh_oauth_refuse(x, 400, "invalid_request", "Missing required parameter: code");
        return;
    }
    enum gh_err e = r ? gh_token_hash(x->arena, code, &r->hash) : GH_ERR_NOMEM;
    if (!e)
        e = read_code(x->db, x->arena, r);
    if (e) {
        refuse(x, e == GH_ERR_NOT_FOUND ? GH_ERR_REVOKED : e);
        return;
    }
    s->audit = audit_of(c, &r->auth);
    /* Another client's code is as unknown as none: no hint, and no way to spoil it. A spent one is looked at
     * even when it is old: its replay says something. */
    bool alive = r->spent || r->expires_at > gh_clock_milliseconds();
    if (!gh_str_eq(r->client_id, c->client_id) || !alive) {
        gh_issuance_decline(x, "feacft",
                            alive ? "Authorization code of another client" : "Authorization code has expired",
                            refuse);
        return;
    }
    e = check_binding(x, c, &r->auth);
    if (e == GH_ERR_BAD_SIGNATURE)
        s->refusal = "Failed to verify code verifier";
    if (e == GH_ERR_BAD_SIGNATURE || e == GH_ERR_NO_PERMISSION)
        gh_issuance_decline(x, "feacft", s->refusal ? s->refusal : "Wrong redirect_uri or organization",
                            refuse);
    else if (e)
        gh_oauth_fail(x, e);
    else if (r->spent)
        gh_issuance_finish(x, revoke_replayed, refuse);
    else
        redeem(x, c, r);
}
