/* follow/schedule.h - when to ask an issuer for its keys again. Only arithmetic: time and chance are
 * arguments, in unix seconds and as a number of 16 bits. A clock that jumps, forward or back, means "ask
 * now". */
#pragma once
#include <stdbool.h>

#define GH_REFETCH_SECONDS 30        /* an unknown key causes no more than one fetch in this time */
#define GH_REFRESH_DEFAULT 600       /* where the issuer does not say */
#define GH_REFRESH_MIN 300           /* what it says is kept within these */
#define GH_REFRESH_MAX 3600          /* a key that was taken out is gone after at most this time */
#define GH_RETRY_MAX 300             /* between attempts at an issuer that fails */
#define GH_STALE_SECONDS (24 * 3600) /* keys of that age are an alarm; they are used all the same */
#define GH_ALARM_SECONDS 3600        /* between two alarms */

struct gh_schedule {
    long long due;     /* the next fetch */
    long long tried;   /* the last one, whatever came of it; 0: none yet */
    long long good;    /* the last one that succeeded; 0: none yet */
    long long alarmed; /* 0: not since the last success */
    unsigned failures; /* in a row */
    bool wanted;       /* somebody met a key that we do not know */
};

bool gh_schedule_is_due(const struct gh_schedule *s, long long now);
void gh_schedule_begin(struct gh_schedule *s, long long now);

/* `max_age`: what the issuer allows to be kept, in seconds; below 0 when it did not say. */
void gh_schedule_succeeded(struct gh_schedule *s, long long now, long long max_age, unsigned chance);
void gh_schedule_failed(struct gh_schedule *s, long long now, unsigned chance);

/* True once an hour while the last good keys are older than a day. */
bool gh_schedule_alarm(struct gh_schedule *s, long long now);
