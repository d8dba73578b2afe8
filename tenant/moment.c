#include "tenant/moment.h"

#include <pthread.h>

#include "sys/clock.h"

#define NS_PER_SECOND 1000000000LL

/* The latest second handed out, and when that was: from there it goes on with the monotonic clock, so that a
 * wall clock that was set back neither repeats a second nor stops the count. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long long latest, latest_ns;

/* Under the lock. */
static void raise_to(long long seconds, long long ns) {
    if (seconds <= latest)
        return;
    latest = seconds;
    latest_ns = ns;
}

void gh_moment_floor(long long seconds) {
    pthread_mutex_lock(&lock);
    raise_to(seconds, gh_clock_monotonic_ns());
    pthread_mutex_unlock(&lock);
}

long long gh_moment_seconds(void) {
    long long wall = gh_clock_seconds(), ns = gh_clock_monotonic_ns();
    pthread_mutex_lock(&lock);
    long long passed = (ns - latest_ns) / NS_PER_SECOND;
    if (passed > 0) /* kept whole, so that no fraction is lost */
        raise_to(latest + passed, latest_ns + passed * NS_PER_SECOND);
    raise_to(wall, ns);
    long long ret = latest;
    pthread_mutex_unlock(&lock);
    return ret;
}
