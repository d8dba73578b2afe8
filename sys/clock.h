/* sys/clock.h - what time it is. */
#pragma once

long long gh_clock_seconds(void);      /* unix time */
long long gh_clock_milliseconds(void); /* unix time */
long long gh_clock_monotonic_ns(void); /* for durations and rates; never goes back */

/* "2026-04-23T07:39:13.465Z" into 25 bytes: how every API here writes times. */
void gh_clock_format_iso(long long unix_ms, char ret[25]);
