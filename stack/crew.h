/* stack/crew.h - many resources under way, one of them at work at a time.
 *
 * Each worker is a thread, and all but one of them wait: for their turn, for an answer from the network, or
 * at a gate. Whoever has the turn may touch everything without a lock, as long as it holds on to it; it gives
 * it away only in the functions below that say so. So the engine stays written for one thread, and what a
 * function borrowed is safe until it makes a call.
 *
 * All functions take NULL, and a crew that is not at work: then there is one thread, nothing waits, and a
 * batch is of one. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct gh_crew;

/* `parallel`: most calls to the network at a time. NULL when out of memory. */
struct gh_crew *gh_crew_new(unsigned parallel);
void gh_crew_free(struct gh_crew *c);

/* Runs `work` in every worker and returns when all have returned. It gets the turn before it is called. Fewer
 * threads than wished for are enough, and none is: then it runs here. */
void gh_crew_run(struct gh_crew *c, void (*work)(void *context), void *context);

/* Around a call, a sleep, a wait for the disk: gives the turn away, and takes it again. */
void gh_crew_leave(struct gh_crew *c);
void gh_crew_return(struct gh_crew *c);

/* The same around a wait for somebody outside, from whom more may come to do: a batch does not wait for who
 * listens, and those at gates still have somebody to open them. */
void gh_crew_listen(struct gh_crew *c);
void gh_crew_heard(struct gh_crew *c);

/* Who calls needs a place, 0 … parallel - 1, which is this worker's alone: waits for one that is free. */
unsigned gh_crew_take_place(struct gh_crew *c);
void gh_crew_give_place(struct gh_crew *c, unsigned place);

/* A place to wait for somebody else's doing. Zeroed is ready; it must outlive the run. */
struct gh_crew_gate {
    struct gh_crew_waiter *first, *last;
};

/* Gives the turn away until the gate is opened for this worker. False when there is nobody else to open it:
 * all others wait at gates, too, or have ended. */
bool gh_crew_wait(struct gh_crew *c, struct gh_crew_gate *gate);
void gh_crew_open(struct gh_crew *c, struct gh_crew_gate *gate, size_t most);

/* One call for what several workers want at the same time. `item` joins those of the same `key` (a text);
 * when `most` are together, or nobody is at work who could join them, `run` gets them all, in one worker and
 * with the turn. Returns after that. */
typedef void gh_crew_batch(void *context, void **items, size_t count);
void gh_crew_gather(struct gh_crew *c, const char *key, size_t most, void *item, gh_crew_batch *run,
                    void *context);
#define GH_CREW_BATCH 100 /* `most` is never more */
