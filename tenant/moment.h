/* tenant/moment.h - the seconds that go into tokens and epochs. A clock that is set back must not date a
 * revocation before the tokens it revokes, so these never go back, not even across a restart. */
#pragma once

/* The wall clock, or the latest second ever handed out when that is later. Thread-safe. */
long long gh_moment_seconds(void);

/* Never hand out less than this from now on: what the store remembers of the time before the start. */
void gh_moment_floor(long long seconds);
