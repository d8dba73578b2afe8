/* tenant/oauth/grant_device.c - device_code (RFC 8628 3.4, 3.5): not yet, no, or the tokens, once. */
#include "core/limits.h"
#include "sys/clock.h"
#include "tenant/oauth/device.h"
#include "tenant/oauth/error.h"
#include "tenant/oauth/redemption.h"

enum { EARLY_MS = 500 }; /* timers and clocks that run a little fast */

static const struct gh_redeemable device_code = {
    .parameter = "device_code",
    .find = GH_SQL_DEVICE_BY_HASH,
    .spend = GH_SQL_DEVICE_SPEND,
    .unknown = "Invalid or unknown device code",
    .done = "sede",
    .failed = "fede",
    .done_text = "Device code exchange",
    .used_twice_text = "Device code was used twice: its tokens are revoked",
};

/* CONFLICT for an early question, which moves nothing: who keeps asking too fast still gets one answer in
 * each interval. */
static enum gh_err write_poll(struct gh_db *db, struct gh_exchange *x) {
    const struct gh_issuance *s = x->state;
    const struct gh_redemption *r = s->grant;
    long long now = gh_clock_milliseconds(), changes = 0;
    enum gh_err e = gh_db_run(db, GH_SQL_DEVICE_POLL,
                              GH_BINDS(GH_TEXT("hash", r->hash), GH_INT("now", now),
                                       GH_INT("before", now - GH_LIMIT_DEVICE_INTERVAL * 1000LL + EARLY_MS)),
                              &changes);
    return e ? e : changes ? GH_OK : GH_ERR_CONFLICT;
}

static void polled(struct gh_exchange *x) {
    if (x->err == GH_ERR_CONFLICT)
        gh_oauth_refuse(x, 429, "slow_down",
                        "You are polling faster than the specified interval of %d seconds.",
                        GH_LIMIT_DEVICE_INTERVAL);
    else if (x->err)
        gh_oauth_fail(x, x->err);
    else
        gh_oauth_refuse(x, 403, "authorization_pending", "User has yet to authorize device code.");
}

void gh_grant_device(struct gh_exchange *x, const struct gh_caller *c) {
    struct gh_redemption *r = gh_redemption_open(x, c, &device_code);
    if (!r)
        return;
    if (!gh_str_eq(r->client_id, c->client_id)) /* another client's is as unknown as none */
        gh_redemption_decline(x, r, "Device code of another client");
    else if (r->spent)
        gh_redemption_replayed(x);
    else if (gh_str_is(r->decision, "denied"))
        gh_oauth_refuse(x, 403, "access_denied", "User cancelled the confirmation prompt.");
    else if (r->expires_at <= gh_clock_milliseconds())
        gh_oauth_refuse(x, 403, "expired_token", "The device code has expired.");
    else if (r->decision.len == 0)
        gh_await_write(x, write_poll, polled);
    else
        gh_redemption_redeem(x, c, r);
}
