/* tenant/oauth/grant_code.c - authorization_code: a code is redeemed once, by who asked for it, for what it
 * was made. */
#include "sys/clock.h"
#include "tenant/oauth/error.h"
#include "tenant/oauth/pkce.h"
#include "tenant/oauth/redemption.h"

static const struct gh_redeemable code = {
    .parameter = "code",
    .find = GH_SQL_CODE_BY_HASH,
    .spend = GH_SQL_CODE_SPEND,
    .unknown = "Invalid authorization code",
    .done = "seacft",
    .failed = "feacft",
    .done_text = "Authorization code exchange",
    .used_twice_text = "Authorization code was used twice: its tokens are revoked",
};

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

void gh_grant_code(struct gh_exchange *x, const struct gh_caller *c) {
    struct gh_issuance *s = x->state;
    struct gh_redemption *r = gh_redemption_open(x, c, &code);
    if (!r)
        return;
    /* Another client's code is as unknown as none: no hint, and no way to spoil it. A spent one is looked at
     * even when it is old: its replay says something. */
    bool alive = r->spent || r->expires_at > gh_clock_milliseconds();
    if (!gh_str_eq(r->client_id, c->client_id) || !alive) {
        gh_redemption_decline(
            x, r, alive ? "Authorization code of another client" : "Authorization code has expired");
        return;
    }
    enum gh_err e = check_binding(x, c, &r->auth);
    if (e == GH_ERR_BAD_SIGNATURE)
        s->refusal = "Failed to verify code verifier";
    if (e == GH_ERR_BAD_SIGNATURE || e == GH_ERR_NO_PERMISSION)
        gh_redemption_decline(x, r, s->refusal ? s->refusal : "Wrong redirect_uri or organization");
    else if (e)
        gh_oauth_fail(x, e);
    else if (r->spent)
        gh_redemption_replayed(x);
    else
        gh_redemption_redeem(x, c, r);
}
