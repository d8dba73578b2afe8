/* What a tenant tells of its changes: read strictly, written whole. */
#include "follow/changes.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/check.h"

static const struct gh_str none = { 0 }, issuer = GH_STR("https://a.example/");

#define HEAD "\"log\":7,\"sequence\":9,\"more\":false,\"global\":0,\"changes\":"

TEST(an_answer_is_understood_whole_or_not_at_all) {
    static const struct {
        const char *json;
        enum gh_err want;
    } rows[] = {
        { "{" HEAD "[]}", GH_OK },
        { "{" HEAD "[{\"kind\":\"user\",\"a\":\"auth0|1\",\"b\":\"\",\"epoch\":5}]}", GH_OK },
        { "{" HEAD
          "[{\"kind\":\"models\",\"a\":\"org_1\",\"text\":\"gpt-*\"},{\"kind\":\"models\",\"a\":\"org_2\"}]}",
          GH_OK },
        { "{" HEAD "[{\"kind\":\"user\",\"a\":\"auth0|1\",\"b\":\"\",\"epoch\":5,\"new\":[]}],\"new\":1}",
          GH_OK },
        { "{" HEAD "[{\"kind\":\"planet\",\"a\":\"x\",\"b\":\"\",\"epoch\":5}]}", GH_ERR_MALFORMED },
        { "{" HEAD "[{\"kind\":\"user\",\"a\":\"x\",\"b\":\"\"}]}", GH_ERR_MALFORMED },
        { "{" HEAD "[{\"kind\":\"user\",\"a\":\"x\",\"epoch\":5}]}", GH_ERR_MALFORMED },
        { "{" HEAD "[{\"kind\":\"user\",\"b\":\"x\",\"epoch\":5}]}", GH_ERR_MALFORMED },
        { "{" HEAD "[{\"a\":\"x\",\"b\":\"\",\"epoch\":5}]}", GH_ERR_MALFORMED },
        { "{" HEAD "[{\"kind\":\"user\",\"a\":\"x\",\"b\":\"\",\"epoch\":-1}]}", GH_ERR_MALFORMED },
        { "{" HEAD "[{\"kind\":\"user\",\"a\":\"x\",\"b\":\"\",\"epoch\":1.5}]}", GH_ERR_MALFORMED },
        { "{" HEAD "[{\"kind\":\"user\",\"a\":\"x\",\"b\":\"\",\"epoch\":9007199254740991}]}",
          GH_ERR_MALFORMED },
        { "{" HEAD "[{\"kind\":\"user\",\"a\":1,\"b\":\"\",\"epoch\":5}]}", GH_ERR_MALFORMED },
        { "{" HEAD "[{\"kind\":\"user\",\"kind\":\"token\",\"a\":\"x\",\"b\":\"\",\"epoch\":5}]}",
          GH_ERR_MALFORMED },
        { "{" HEAD "[{\"kind\":\"models\",\"a\":\"x\",\"text\":null}]}", GH_ERR_MALFORMED },
        { "{" HEAD "[1]}", GH_ERR_MALFORMED },
        { "{" HEAD "{}}", GH_ERR_MALFORMED },
        { "{\"sequence\":9,\"more\":false,\"global\":0,\"changes\":[]}", GH_ERR_MALFORMED },
        { "{\"log\":7,\"more\":false,\"global\":0,\"changes\":[]}", GH_ERR_MALFORMED },
        { "{\"log\":7,\"sequence\":9,\"global\":0,\"changes\":[]}", GH_ERR_MALFORMED },
        { "{\"log\":7,\"sequence\":9,\"more\":false,\"changes\":[]}", GH_ERR_MALFORMED },
        { "{\"log\":7,\"sequence\":9,\"more\":1,\"global\":0,\"changes\":[]}", GH_ERR_MALFORMED },
        { "{\"error\":\"no_permission\"}", GH_ERR_MALFORMED },
        { "<html>", GH_ERR_MALFORMED },
        { "", GH_ERR_MALFORMED },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
        struct gh_changes c = { .sequence = -1 };
        enum gh_err e = gh_changes_parse(a, gh_str_from(rows[i].json), &c);
        CHECK_ROW(rows[i].json, e == rows[i].want);
        CHECK_ROW(rows[i].json, e ? c.sequence == -1 : c.log == 7 && c.sequence == 9 && !c.more);
    }
}

TEST(what_was_told_stands_in_the_feed) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    char path[] = "/tmp/gh-changes-XXXXXX";
    CHECK(mkstemp(path) >= 0);
    gh_auto(gh_feed_writer_freep) struct gh_feed_writer *w = NULL;
    gh_auto(gh_feed_freep) struct gh_feed *f = NULL;
    CHECK(gh_feed_writer_open(path, &w) == GH_OK && gh_feed_open(path, &f) == GH_OK);
    struct gh_changes c;
    struct gh_fact fact;
    long long epoch;
    CHECK(gh_changes_parse(
              a,
              GH_STR(
                  "{\"log\":7,\"sequence\":9,\"more\":false,\"global\":3,\"changes\":["
                  "{\"kind\":\"user\",\"a\":\"u\",\"b\":\"\",\"epoch\":5},{\"kind\":\"grant\",\"a\":\"c\","
                  "\"b\":\"u\",\"epoch\":6},"
                  "{\"kind\":\"models\",\"a\":\"o\",\"text\":\"gpt-*\"},{\"kind\":\"models\",\"a\":\"p\"}]}"),
              &c) == GH_OK);
    CHECK(gh_changes_apply(w, issuer, &c, 1000) == GH_OK);
    CHECK(gh_feed_epoch(f, GH_EPOCH_USER, GH_STR("u"), none, &epoch) == GH_OK && epoch == 5);
    CHECK(gh_feed_epoch(f, GH_EPOCH_GRANT, GH_STR("c"), GH_STR("u"), &epoch) == GH_OK && epoch == 6);
    CHECK(gh_feed_epoch(f, GH_EPOCH_GLOBAL, none, none, &epoch) == GH_OK && epoch == 3);
    CHECK(gh_feed_fact(f, GH_FACT_MODELS, issuer, GH_STR("o"), &fact) == GH_OK &&
          gh_str_is(gh_fact_text(&fact), "gpt-*"));
    CHECK(gh_feed_fact(f, GH_FACT_MODELS, issuer, GH_STR("p"), &fact) == GH_ERR_NOT_FOUND);

    const struct gh_change_told gone = { .is_fact = true, .fact = GH_FACT_MODELS, .a = GH_STR("o") };
    const struct gh_changes second = { .list = &gone, .count = 1 }; /* a global epoch never goes back */
    CHECK(gh_changes_apply(w, issuer, &second, 1000) == GH_OK);
    CHECK(gh_feed_fact(f, GH_FACT_MODELS, issuer, GH_STR("o"), &fact) == GH_ERR_NOT_FOUND);
    CHECK(gh_feed_epoch(f, GH_EPOCH_GLOBAL, none, none, &epoch) == GH_OK && epoch == 3);
    unlink(path);
}

GH_TESTS(an_answer_is_understood_whole_or_not_at_all, what_was_told_stands_in_the_feed)
