/* tenant/oauth/beginning.h - the first tokens of an authorization: what the grants have in common that redeem
 * something for a person (a code, a device code). They begin a family (family.h). */
#pragma once
#include "tenant/oauth/family.h"
#include "tenant/oauth/issuance.h"

struct gh_beginning {
    struct gh_str family;
    struct gh_refresh refresh;
    bool wants_refresh;
};

/* Asks whether the person still may, names the family, fills the jobs of the issuance and what is stored of
 * it. As gh_person_evaluate fails. */
enum gh_err gh_beginning_prepare(struct gh_exchange *x, const struct gh_caller *c,
                                 const struct gh_authorization *auth, struct gh_beginning *ret);

/* Inside the write closure that spent what was redeemed: the first refresh token, if there is to be one. */
enum gh_err gh_beginning_write(struct gh_db *db, struct gh_exchange *x, const struct gh_beginning *b);
