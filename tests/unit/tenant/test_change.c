/* What happens when the feed cannot be written. The feed's writer is replaced by one that fails as told. */
#include "sys/clock.h"
#include "tenant/change.h"
#include "tenant/exchange_private.h"
#include "tenant/moment.h"
#include "tests/check.h"

static struct {
    bool fails_subject, fails_global;
    int subjects, globals;
    long long epoch;
} feed;

enum gh_err gh_feed_set_epoch(struct gh_feed_writer *w, enum gh_epoch_kind kind, struct gh_str a,
                              struct gh_str b, long long epoch) {
    feed.epoch = epoch;
    if (kind == GH_EPOCH_GLOBAL) {
        feed.globals++;
        return feed.fails_global ? GH_ERR_IO : GH_OK;
    }
    feed.subjects++;
    return feed.fails_subject ? GH_ERR_IO : GH_OK;
}

static struct {
    int told, fails_at;
    char names[8];
} facts;

enum gh_err gh_feed_set_fact(struct gh_feed_writer *w, enum gh_fact_kind kind, struct gh_str issuer,
                             struct gh_str name, struct gh_str text) {
    facts.names[facts.told++] = name.ptr[0];
    return facts.told == facts.fails_at ? GH_ERR_IO : GH_OK;
}

#define FAR (1LL << 36) /* a second that no clock of today reaches */

static enum gh_err publish_two_of(long long epoch) {
    struct gh_tenant t = { 0 };
    struct gh_change second = { .kind = GH_EPOCH_USER, .a = GH_STR("auth0|a"), .epoch = epoch };
    struct gh_change first = {
        .kind = GH_EPOCH_MEMBER, .a = GH_STR("org_a"), .epoch = epoch, .next = &second
    };
    struct gh_exchange_private p = { .changes = &first };
    struct gh_exchange x = { .tenant = &t, .private = &p };
    return gh_change_publish(&x);
}

static enum gh_err publish_two(void) {
    return publish_two_of(FAR);
}

/* The closure ran in one second, COMMIT came in another: a token may have been issued from the old state in
 * between, dated later than the closure. */
TEST(a_change_counts_from_its_commit) {
    memset(&feed, 0, sizeof feed);
    long long before = gh_moment_seconds();
    CHECK(publish_two_of(before - 3) == GH_OK);
    CHECK(feed.subjects == 2 && feed.epoch >= before && feed.epoch <= gh_moment_seconds());
}

TEST(every_change_is_published) {
    memset(&feed, 0, sizeof feed);
    CHECK(publish_two() == GH_OK && feed.subjects == 2 && feed.globals == 0 && feed.epoch == FAR);
}

TEST(what_cannot_be_published_revokes_every_token) {
    memset(&feed, 0, sizeof feed);
    feed.fails_subject = true;
    CHECK(publish_two() == GH_OK && feed.globals == 2 && feed.epoch == FAR);
}

TEST(a_change_that_is_not_effective_is_not_acknowledged) {
    memset(&feed, 0, sizeof feed);
    feed.fails_subject = feed.fails_global = true;
    CHECK(publish_two() == GH_ERR_FEED);
    CHECK(feed.subjects == 2); /* the other one was tried all the same */
    CHECK(gh_err_status(GH_ERR_FEED) == 503);
}

TEST(facts_are_told_in_order_and_acknowledged_only_when_all_are) {
    struct gh_tenant t = { 0 };
    struct gh_fact_change second = { .kind = GH_FACT_MODELS, .name = GH_STR("b") };
    struct gh_fact_change first = { .kind = GH_FACT_MODELS, .name = GH_STR("a"), .next = &second };
    struct gh_exchange_private p = { .facts = &first };
    struct gh_exchange x = { .tenant = &t, .private = &p };
    memset(&facts, 0, sizeof facts);
    CHECK(gh_facts_publish(&x) == GH_OK && strcmp(facts.names, "ab") == 0);
    for (int i = 1; i <= 2; i++) {
        memset(&facts, 0, sizeof facts);
        facts.fails_at = i;
        CHECK(gh_facts_publish(&x) == GH_ERR_FEED && strcmp(facts.names, "ab") == 0);
    }
}

TEST(seconds_never_go_back) {
    long long now = gh_moment_seconds();
    CHECK(now >= gh_clock_seconds() - 1);
    gh_moment_floor(now + 1000); /* the store has seen later times: the clock was set back */
    CHECK(gh_moment_seconds() == now + 1000);
    gh_moment_floor(now); /* a floor only rises */
    CHECK(gh_moment_seconds() == now + 1000);
}

GH_TESTS(a_change_counts_from_its_commit, every_change_is_published,
         what_cannot_be_published_revokes_every_token, a_change_that_is_not_effective_is_not_acknowledged,
         facts_are_told_in_order_and_acknowledged_only_when_all_are, seconds_never_go_back)
