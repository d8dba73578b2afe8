/* tenant/login/transaction.h - one visit of the sign-in pages. Its id travels as `state` in our own pages; it
 * is worth something only together with the cookie of the browser that it was made for, so that nobody can
 * send a victim into a sign-in that he began, or end one that a victim began. */
#pragma once
#include "tenant/exchange.h"
#include "tenant/oauth/authorization.h"

#define GH_TRANSACTION_SECONDS 3600

struct gh_transaction {
    struct gh_str id, hash, browser_hash;
    struct gh_authorization auth;
};

/* Inside a write closure; t->auth and t->browser_hash are filled in by the caller, id and hash here. */
enum gh_err gh_transaction_make(struct gh_db *db, struct gh_arena *a, struct gh_transaction *t);

/* By the parameter `state` and the browser's cookie. NOT_FOUND for every way in which it is not this one's.
 */
enum gh_err gh_transaction_find(struct gh_exchange *x, struct gh_str state, struct gh_transaction *ret);

/* Inside a write closure: ends it. NOT_FOUND when it was ended already: of two equal forms one wins. */
enum gh_err gh_transaction_take(struct gh_db *db, const struct gh_transaction *t);
