#include "tenant/moment.h"

#include <stdatomic.h>

#include "sys/clock.h"

static atomic_llong latest;

void gh_moment_floor(long long seconds) {
    long long seen = atomic_load(&latest);
    while (seen < seconds && !atomic_compare_exchange_weak(&latest, &seen, seconds))
        ;
}

long long gh_moment_seconds(void) {
    gh_moment_floor(gh_clock_seconds());
    return atomic_load(&latest);
}
