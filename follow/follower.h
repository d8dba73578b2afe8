/* follow/follower.h - keeps one issuer's feed: its keys, fetched when it is time, kept when the issuer is
 * away. A follower is one thread, one feed file and one schedule, so that a slow issuer is nobody else's
 * trouble. */
#pragma once
#include <limits.h>

#include "core/err.h"
#include "core/str.h"

struct gh_follow {
    const char *issuer;  /* https://HOST[:PORT][/PATH] */
    const char *jwks;    /* NULL: by discovery */
    const char *ca_file; /* NULL: the system's */
    const char *data;    /* the folder of feeds */
    /* A machine client of the issuer, a Gatehouse tenant whose changes are followed; NULL: keys only. */
    const char *client_id, *client_secret_file;
    long silence;       /* > 0: after so many seconds in which it could not be heard its keys are withdrawn */
    long organizations; /* > 0: it tells no changes; its organizations are read every so many seconds */
};

/* DIR/HOST.feed: what is not a letter, a digit, '.' or '-' becomes '_', a final slash is dropped. MALFORMED
 * for an issuer that is not https or too long. */
enum gh_err gh_follow_path(const char *data, const char *issuer, const char *suffix, char ret[PATH_MAX]);

struct gh_follower;

/* Opens the feed, gives it the keys of the last run when it has none, and starts the thread. `config` stays
 * the caller's. BUSY when another process writes this feed, FEED, IO, NOMEM. */
enum gh_err gh_follower_start(const struct gh_follow *config, struct gh_follower **ret);

/* Waits for its threads: a round that is under way ends first, and each of its HTTP calls takes up to 30 s.
 */
void gh_follower_free(struct gh_follower *f);
