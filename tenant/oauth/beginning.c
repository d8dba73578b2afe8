#include "tenant/oauth/beginning.h"

#include "sys/clock.h"
#include "tenant/oauth/person.h"

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

enum gh_err gh_beginning_prepare(struct gh_exchange *x, const struct gh_caller *c,
                                 const struct gh_authorization *auth, struct gh_beginning *ret) {
    struct gh_issuance *s = x->state;
    gh_auto(gh_person_release) struct gh_person p;
    enum gh_err e = gh_person_evaluate(x, auth, c->client, auth->scope, s->now, &p);
    if (!e)
        e = gh_family_name(x->arena, p.api, &ret->family);
    if (e)
        return e;
    p.issue.jti = ret->family;
    if (p.scope_differs)
        s->scope = p.issue.scope;
    if (p.offline) {
        ret->wants_refresh = true;
        ret->refresh = first_refresh(c, auth, &p, ret->family);
    }
    return gh_issuance_prepare(x, &p.issue);
}

enum gh_err gh_beginning_write(struct gh_db *db, struct gh_exchange *x, const struct gh_beginning *b) {
    struct gh_issuance *s = x->state;
    return b->wants_refresh ? gh_refresh_make(db, x->arena, &b->refresh, &s->refresh_token) : GH_OK;
}
