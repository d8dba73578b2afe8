/* tenant/oauth/redemption.h - what a person's sign-in left for a client (a code, a device code) becomes the
 * first tokens of a family (family.h): once, and only for who asked for it. The two grants differ in what
 * they ask before. */
#pragma once
#include "tenant/oauth/family.h"
#include "tenant/oauth/issuance.h"

/* `find` gives client_id, expires_at, spent_at, family, doc, decision for $hash; `spend` takes $hash,
 * $client, $family, $now and gives a row when it was spent by this. */
struct gh_redeemable {
    const char *parameter; /* of /oauth/token */
    enum gh_sql find, spend;
    const char *unknown;                     /* what is said of one that does not count */
    const char *done, *failed;               /* types of the audit rows */
    const char *done_text, *used_twice_text; /* and what they say */
};

struct gh_redemption {
    const struct gh_redeemable *kind;
    struct gh_str hash, client_id, decision; /* decision: empty while nobody decided */
    struct gh_str spent_family;              /* of a spent one, what came from it */
    bool spent;
    long long expires_at;
    struct gh_authorization auth; /* what it was made for */

    struct gh_str family; /* that it begins */
    struct gh_refresh refresh;
    bool wants_refresh;
};

/* The first step: what the form holds, as it stands in the store; the audit row is begun. NULL when an answer
 * was sent. It is the issuance's `grant` from here. */
struct gh_redemption *gh_redemption_open(struct gh_exchange *x, const struct gh_caller *c,
                                         const struct gh_redeemable *kind);

/* The last step, one of these; each answers. Redeem asks whether the person still may. */
void gh_redemption_redeem(struct gh_exchange *x, const struct gh_caller *c, struct gh_redemption *r);
void gh_redemption_decline(struct gh_exchange *x, const struct gh_redemption *r, const char *description);
/* It comes a second time, with all that it was bound to: two parties have it, or the one lost its tokens.
 * Neither should leave them alive (RFC 6749 4.1.2). */
void gh_redemption_replayed(struct gh_exchange *x);
