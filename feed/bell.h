/* feed/bell.h - how a worker of the gateway tells the helper that it met a key it does not know: one word in
 * a small file beside the feed, which both map. Ringing is a store, so that no worker ever waits; all it can
 * cause is one early fetch, which the helper spaces (follow/schedule.h). */
#pragma once
#include <stdbool.h>

#include "core/err.h"

struct gh_bell;

/* The helper's side: makes FEED.bell (0600) where it is not. IO, NOMEM. */
enum gh_err gh_bell_make(const char *feed, struct gh_bell **ret);
/* The worker's side. NOT_FOUND where nobody listens, FEED, IO, NOMEM. */
enum gh_err gh_bell_open(const char *feed, struct gh_bell **ret);
void gh_bell_close(struct gh_bell *b);

/* Whoever shortens the file by hand kills who rings with SIGBUS, as with the feed itself. */
void gh_bell_ring(struct gh_bell *b);
bool gh_bell_take(struct gh_bell *b); /* was it rung since the last time? */
