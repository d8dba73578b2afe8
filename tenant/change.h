/* tenant/change.h - security changes: durable with the write that caused them, published to the feed before
 * its answer (rule 7). */
#pragma once
#include "feed/feed.h"
#include "tenant/exchange.h"

/* Inside a write closure: stores the epoch (now) in the same transaction and notes it for publication after
 * COMMIT. */
enum gh_err gh_change_bump(struct gh_db *db, struct gh_exchange *x, enum gh_epoch_kind kind, struct gh_str a,
                           struct gh_str b);

/* A change's number in the order of all, given in its transaction. `kind`: of an epoch, or GH_CHANGE_FACT
 * plus that of a fact, and then the epoch is 0: what is told of it is what the feed says. */
enum { GH_CHANGE_FACT = 64 };
enum gh_err gh_change_number(struct gh_db *db, int kind, struct gh_str a, struct gh_str b, long long epoch,
                             long long *ret);

/* The newest epoch of a subject's parts, and of the API that the token will be for, as the tenant knows it;
 * tokens are issued only in a later second (the caller waits with gh_await_time until (epoch + 1) s). Any of
 * the strings may be empty. */
enum gh_err gh_change_newest(struct gh_tenant *t, struct gh_str user, struct gh_str organization,
                             struct gh_str client, struct gh_str audience, long long *ret);

/* At start, in a closure on the writer thread: every stored epoch goes to the feed again. One that the feed
 * does not have yet (a crash between COMMIT and publication, or a lost feed) counts from now: until then
 * tokens may have been issued from the state before it. */
enum gh_err gh_change_republish(struct gh_db *db, struct gh_tenant *t);
