/* feed/epochs.h - all epochs that concern one token, ready for gh_decide. */
#pragma once
#include "core/decide.h"
#include "feed/feed.h"

/* `audience`: the API at which the token is shown, one of those that it is for. FEED. */
enum gh_err gh_feed_epochs_of(const struct gh_feed *f, const struct gh_claims *claims, struct gh_str audience,
                              struct gh_epochs *ret);

/* Raises an epoch; where it cannot be told (no room, damage), the GLOBAL one to `global`, which needs no
 * room: everybody signs in again, nobody passes who should not. FEED or IO: not even that. */
enum gh_err gh_feed_revoke(struct gh_feed_writer *w, enum gh_epoch_kind kind, struct gh_str a,
                           struct gh_str b, long long epoch, long long global);

/* The newer one of each. */
void gh_feed_epochs_join(struct gh_epochs *to, const struct gh_epochs *more);
