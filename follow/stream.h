/* follow/stream.h - follows the changes of a Gatehouse tenant on another machine (tenant/changes.h): a thread
 * that asks, is answered when there is news, and writes it into the feed. */
#pragma once
#include <pthread.h>

#include "core/err.h"
#include "feed/feed.h"
#include "follow/follower.h"

struct gh_stream;

/* `lock` is held while the feed is written: it has one writer at a time. Everything stays the caller's. */
enum gh_err gh_stream_start(const struct gh_follow *config, struct gh_feed_writer *feed,
                            const struct gh_feed *reader, pthread_mutex_t *lock, struct gh_stream **ret);
void gh_stream_free(struct gh_stream *s); /* waits for the thread: see gh_follower_free */

/* Does the feed have all that was revoked before? Until then it must have no keys. */
bool gh_stream_is_complete(const struct gh_stream *s);
