/* follow/changes.h - what a Gatehouse tenant tells of its changes (tenant/changes.h), read and written into a
 * feed. */
#pragma once
#include "core/arena.h"
#include "core/err.h"
#include "feed/feed.h"

#define GH_CHANGES_MAX 1000 /* of one answer */

struct gh_change_told {
    bool is_fact;
    enum gh_epoch_kind kind;
    enum gh_fact_kind fact;
    struct gh_str a, b, text; /* text.ptr NULL: the fact is gone */
    long long epoch;
};

struct gh_changes {
    long long log, sequence, global;
    bool more;
    const struct gh_change_told *list;
    size_t count;
};

/* The texts lie in the arena or are views. MALFORMED for whatever is not exactly this, TOO_LARGE, NOMEM. */
enum gh_err gh_changes_parse(struct gh_arena *a, struct gh_str json, struct gh_changes *ret);

/* Into the feed. An epoch for which there is no room raises the global one (`now`),
 * as at the tenant. IO or FEED: then call again with the same answer. */
enum gh_err gh_changes_apply(struct gh_feed_writer *w, struct gh_str issuer, const struct gh_changes *c,
                             long long now);
