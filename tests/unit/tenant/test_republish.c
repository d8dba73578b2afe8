/* tests/unit/tenant/test_republish.c - what a start tells the feed again: a real store, a real feed, and a
 * process that ended between COMMIT and publication. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tenant/change.h"
#include "tenant/exchange_private.h"
#include "tenant/moment.h"
#include "tests/check.h"

static const struct gh_str none = { 0 };

struct world {
    char dir[64], database[128], feed[128];
    struct gh_tenant tenant;
    struct gh_arena *arena;
    struct gh_exchange x;
    struct gh_exchange_private private;
};

static void feed_open(struct world *w) {
    CHECK(gh_feed_writer_open(w->feed, &w->tenant.feed_writer) == GH_OK);
    CHECK(gh_feed_open(w->feed, &w->tenant.feed) == GH_OK);
}

static void feed_close(struct world *w) {
    gh_feed_close(w->tenant.feed);
    gh_feed_writer_close(w->tenant.feed_writer);
}

static struct world *world_new(void) {
    static char why[256];
    struct world *w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/gatehouse-republish-XXXXXX");
    CHECK(mkdtemp(w->dir));
    snprintf(w->database, sizeof w->database, "%s/db", w->dir);
    snprintf(w->feed, sizeof w->feed, "%s/feed", w->dir);
    w->arena = gh_arena_new(1 << 20);
    CHECK(gh_store_open(w->database, &w->tenant.store, why) == GH_OK);
    feed_open(w);
    w->x = (struct gh_exchange){ .tenant = &w->tenant, .arena = w->arena, .private = &w->private };
    return w;
}

static void world_free(struct world *w) {
    char command[128];
    feed_close(w);
    gh_store_close(w->tenant.store);
    gh_arena_free(w->arena);
    snprintf(command, sizeof command, "rm -rf '%s'", w->dir);
    CHECK(system(command) == 0);
    free(w);
}

static enum gh_err bump(struct gh_db *db, void *data) {
    struct world *w = data;
    return gh_change_bump(db, &w->x, GH_EPOCH_USER, GH_STR("auth0|a"), none);
}

static enum gh_err republish(struct gh_db *db, void *data) {
    struct world *w = data;
    return gh_change_republish(db, &w->tenant);
}

/* The change is committed; the process may end before the feed is told. */
static long long change(struct world *w, bool and_tell) {
    w->private.changes = NULL;
    CHECK(gh_store_write_wait(w->tenant.store, bump, w) == GH_OK);
    if (and_tell) {
        CHECK(gh_change_publish(&w->x) == GH_OK);
        gh_change_told(&w->x);
    }
    return w->private.changes->epoch;
}

static long long told(struct world *w) {
    long long epoch = -1;
    CHECK(gh_feed_epoch(w->tenant.feed, GH_EPOCH_USER, GH_STR("auth0|a"), none, &epoch) == GH_OK);
    return epoch;
}

static void start_again(struct world *w) {
    CHECK(gh_store_write_wait(w->tenant.store, republish, w) == GH_OK);
}

/* Tokens may have been issued from the old state until the crash, dated later than the closure. */
TEST(a_change_that_was_never_told_counts_from_the_start) {
    struct world *w = world_new();
    long long stored = change(w, false);
    CHECK(told(w) == 0);
    gh_moment_floor(stored + 5);
    start_again(w);
    CHECK(told(w) >= stored + 5);

    long long first = told(w);
    gh_moment_floor(first + 5);
    start_again(w); /* what was told is not told anew: nobody is signed out by a restart */
    CHECK(told(w) == first);
    world_free(w);
}

TEST(a_second_change_to_the_same_user_is_not_taken_for_the_first) {
    struct world *w = world_new();
    long long first = change(w, true);
    CHECK(told(w) >= first);
    long long second = change(w, false); /* in the same second, so that the epoch alone says nothing */
    gh_moment_floor(second + 5);
    start_again(w);
    CHECK(told(w) >= second + 5);
    world_free(w);
}

TEST(a_change_that_was_told_stays_as_it_is) {
    struct world *w = world_new();
    long long stored = change(w, true), before = told(w);
    CHECK(before >= stored);
    for (int i = 1; i <= 3; i++) {
        gh_moment_floor(before + i * 5);
        start_again(w);
        CHECK(told(w) == before);
    }
    world_free(w);
}

TEST(a_feed_that_was_lost_is_told_everything_from_now) {
    struct world *w = world_new();
    long long stored = change(w, true);
    feed_close(w);
    CHECK(unlink(w->feed) == 0);
    feed_open(w);
    gh_moment_floor(stored + 20);
    start_again(w);
    CHECK(told(w) >= stored + 20);
    world_free(w);
}

TEST(what_the_global_epoch_covers_is_not_raised_again) {
    struct world *w = world_new();
    long long stored = change(w, true), global = stored + 100;
    CHECK(gh_feed_set_epoch(w->tenant.feed_writer, GH_EPOCH_GLOBAL, none, none, global) == GH_OK);
    gh_moment_floor(global + 5);
    start_again(w);
    CHECK(told(w) <= global);
    world_free(w);
}

/* Tokens are issued only in a later second than each of these. */
TEST(issuing_waits_for_every_kind_of_epoch_that_would_refuse_the_token) {
    struct world *w = world_new();
    const struct gh_str u = GH_STR("u"), o = GH_STR("o"), c = GH_STR("c"), a = GH_STR("a");
    const struct {
        enum gh_epoch_kind kind;
        struct gh_str a, b;
    } rows[] = { { GH_EPOCH_USER, u, none },     { GH_EPOCH_ORGANIZATION, o, none },
                 { GH_EPOCH_CLIENT, c, none },   { GH_EPOCH_MEMBER, o, u },
                 { GH_EPOCH_GRANT, c, u },       { GH_EPOCH_AUDIENCE, a, none },
                 { GH_EPOCH_GLOBAL, none, none } };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        long long at = 1000 + (long long)i, newest = -1;
        CHECK(gh_feed_set_epoch(w->tenant.feed_writer, rows[i].kind, rows[i].a, rows[i].b, at) == GH_OK);
        CHECK(gh_change_newest(&w->tenant, u, o, c, a, &newest) == GH_OK && newest == at);
        CHECK(gh_change_newest(&w->tenant, none, none, none, none, &newest) == GH_OK &&
              newest == (rows[i].kind == GH_EPOCH_GLOBAL ? at : 0));
    }
    world_free(w);
}

GH_TESTS(a_change_that_was_never_told_counts_from_the_start,
         a_second_change_to_the_same_user_is_not_taken_for_the_first, a_change_that_was_told_stays_as_it_is,
         a_feed_that_was_lost_is_told_everything_from_now, what_the_global_epoch_covers_is_not_raised_again,
         issuing_waits_for_every_kind_of_epoch_that_would_refuse_the_token)
