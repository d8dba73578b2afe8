#include "sys/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static long long now_in(clockid_t clock, long long per_second) {
    struct timespec t;
    clock_gettime(clock, &t); /* cannot fail for these clocks */
    return t.tv_sec * per_second + t.tv_nsec / (1000000000LL / per_second);
}

long long gh_clock_seconds(void) {
    return now_in(CLOCK_REALTIME, 1);
}

long long gh_clock_milliseconds(void) {
    return now_in(CLOCK_REALTIME, 1000);
}

long long gh_clock_monotonic_ns(void) {
    return now_in(CLOCK_MONOTONIC, 1000000000LL);
}

void gh_clock_format_iso(long long unix_ms, char ret[25]) {
    /* Four-digit years only: the form has no other spelling. */
    static const long long first = -62135596800000LL, last = 253402300799999LL; /* years 1 and 9999 */
    long long ms = unix_ms < first ? first : unix_ms > last ? last : unix_ms;
    time_t seconds = (ms - (ms % 1000 + 1000) % 1000) / 1000;
    unsigned fraction = (unsigned)(((ms % 1000) + 1000) % 1000);
    struct tm tm;
    char text[96]; /* as wide as the compiler fears */
    gmtime_r(&seconds, &tm);
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, fraction);
    memcpy(ret, text, 24);
    ret[24] = 0;
}
