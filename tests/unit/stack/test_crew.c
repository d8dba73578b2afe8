#include <pthread.h>
#include <string.h>
#include <time.h>

#include "core/str.h"
#include "stack/crew.h"
#include "tests/check.h"

/* What many workers did to it, with the turn and without any lock of its own. */
struct bench {
    struct gh_crew *crew;
    struct gh_crew_gate gate;
    size_t next, most, calls, together, done, batches, largest;
    bool wrong, alone;
};

static bool take(struct bench *b) {
    return b->next < b->most && ++b->next;
}

static void call_often(void *context) {
    struct bench *b = context;
    while (take(b)) {
        unsigned place = gh_crew_take_place(b->crew);
        b->calls++;
        b->together = b->calls > b->together ? b->calls : b->together;
        b->wrong |= place >= 3;
        gh_crew_leave(b->crew);
        nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
        gh_crew_return(b->crew);
        b->calls--;
        gh_crew_give_place(b->crew, place);
        b->done++;
    }
}

TEST(no_more_calls_than_places_are_under_way) {
    struct bench b = { .crew = gh_crew_new(3), .most = 300 };
    gh_crew_run(b.crew, call_often, &b);
    CHECK(b.done == 300 && b.together == 3 && !b.wrong);
    gh_crew_free(b.crew);
}

static void count_batch(void *context, void **items, size_t count) {
    struct bench *b = context;
    b->batches++;
    b->largest = count > b->largest ? count : b->largest;
    gh_crew_leave(b->crew); /* others go on, and fill the next one */
    gh_crew_return(b->crew);
    for (size_t i = 0; i < count; i++)
        ++*(int *)items[i];
}

static void join_often(void *context) {
    struct bench *b = context;
    while (take(b)) {
        int served = 0;
        gh_crew_gather(b->crew, "a", 10, &served, count_batch, b);
        b->wrong |= served != 1;
        b->done++;
    }
}

TEST(a_batch_is_as_full_as_it_can_be_and_serves_each_once) {
    static const size_t rows[][2] = { { 1, 1 }, { 9, 1 }, { 10, 1 }, { 11, 2 }, { 500, 50 }, { 505, 51 } };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct bench b = { .crew = gh_crew_new(4), .most = rows[i][0] };
        gh_crew_run(b.crew, join_often, &b);
        CHECK(b.done == rows[i][0] && b.batches == rows[i][1] && !b.wrong && b.largest <= 10);
        gh_crew_free(b.crew);
    }
}

static void wait_for_the_last(void *context) {
    struct bench *b = context;
    if (++b->next < b->most && !gh_crew_wait(b->crew, &b->gate))
        b->alone = true;
    gh_crew_open(b->crew, &b->gate, SIZE_MAX);
    b->done++;
}

TEST(who_waits_for_nobody_is_told) {
    struct bench b = { .crew = gh_crew_new(4), .most = 5 };
    gh_crew_run(b.crew, wait_for_the_last, &b);
    CHECK(b.done >= 5 && !b.alone);
    b = (struct bench){ .crew = b.crew, .most = 1 << 20 };
    gh_crew_run(b.crew, wait_for_the_last, &b);
    CHECK(b.done == b.next && b.alone);
    gh_crew_free(b.crew);
}

/* The first listens until the batch that two others are in was served: so it did not wait for the listener.
 * One waits at a gate, and must not be told that nobody comes. */
static void listen_or_join(void *context) {
    struct bench *b = context;
    size_t own = ++b->next;
    if (own == 1) {
        for (size_t heard = 0; heard < 2; heard = b->done) {
            gh_crew_listen(b->crew);
            nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
            gh_crew_heard(b->crew);
        }
        gh_crew_open(b->crew, &b->gate, 1);
    } else if (own == 2) {
        b->alone = !gh_crew_wait(b->crew, &b->gate);
    } else if (own <= 4) {
        int served = 0;
        gh_crew_gather(b->crew, "a", 10, &served, count_batch, b);
        b->wrong |= served != 1;
        b->done++;
    }
}

TEST(who_listens_holds_nobody_up_and_may_bring_more) {
    struct bench b = { .crew = gh_crew_new(4) };
    gh_crew_run(b.crew, listen_or_join, &b);
    CHECK(b.done == 2 && b.batches == 1 && b.largest == 2 && !b.wrong && !b.alone);
    gh_crew_free(b.crew);
}

TEST(without_a_crew_all_is_done_at_once) {
    struct bench b = { .most = 3 };
    gh_crew_run(NULL, join_often, &b);
    CHECK(b.done == 3 && b.batches == 3 && !b.wrong);
    CHECK(!gh_crew_wait(NULL, &b.gate) && gh_crew_take_place(NULL) == 0);
}

GH_TESTS(no_more_calls_than_places_are_under_way, a_batch_is_as_full_as_it_can_be_and_serves_each_once,
         who_waits_for_nobody_is_told, who_listens_holds_nobody_up_and_may_bring_more,
         without_a_crew_all_is_done_at_once)
