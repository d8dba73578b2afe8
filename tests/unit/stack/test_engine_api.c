#include <stdlib.h>

#include "core/cleanup.h"
#include "stack/engine/api.h"
#include "tests/check.h"

TEST(only_this_machine_is_loopback) {
    static const struct {
        const char *domain;
        bool loopback;
    } rows[] = {
        { "localhost:8443", true },
        { "localhost", true },
        { "LOCALHOST", true },
        { "a.localhost:1", true },
        { "127.0.0.1:8443", true },
        { "127.1.2.3", true },
        { "[::1]:8443", true },
        { "[::1]", true },
        { "acme.eu.auth0.com", false },
        { "localhost.evil.com", false },
        { "127.evil.example", false },
        { "127.0.0.1.evil.com", false },
        { "[::1].evil.com", false },
        { "notlocalhost", false },
        { "10.0.0.1", false },
        { "[::2]:1", false },
        { "", false },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i].domain, gh_api_is_loopback(rows[i].domain) == rows[i].loopback);
}

TEST(a_rate_limit_is_waited_for_and_never_spun_on) {
    static const struct {
        const char *after, *reset;
        unsigned seconds;
    } rows[] = {
        { "3", "1000", 3 },
        { "0", "", 1 },
        { "", "1007", 7 },
        { "", "1000", 1 },
        { "", "5", 1 },
        { "", "", 5 },
        { "soon", "", 5 },
        { "soon", "1002", 2 },
        { "3000", "", 60 },
        { "-1", "", 5 },
        { "", "9999999999999999999", 5 },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i].after, gh_api_retry_seconds(gh_str_from(rows[i].after), gh_str_from(rows[i].reset),
                                                      1000) == rows[i].seconds);
}

TEST(a_part_of_the_rate_is_left_to_others) {
    static const struct {
        long long limit, remaining, reset;
        unsigned under_way, seconds;
    } rows[] = {
        { 0, 0, 2000, 9, 0 },    /* the tenant says nothing of a limit */
        { 50, 49, 1001, 0, 0 },  /* plenty */
        { 50, 16, 1001, 0, 0 },  /* one above three tenths */
        { 50, 15, 1001, 0, 1 },  /* theirs */
        { 50, 19, 1001, 3, 0 },  /* what is under way is spent already */
        { 50, 19, 1001, 4, 1 },  /* … */
        { 50, 0, 1000, 4, 0 },   /* a new second has begun */
        { 50, 0, 900, 4, 0 },    /* … */
        { 2, 1, 1001, 0, 0 },    /* a limit too small to share: we go on until it is spent */
        { 2, 0, 1001, 0, 1 },    /* … */
        { 10, 3, 1030, 0, 30 },  /* a long window */
        { 10, 3, 99999, 0, 60 }, /* a clock that is wrong must not stop us for a day */
        { -1, -1, 1001, 0, 0 },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_api_budget b = { rows[i].limit, rows[i].remaining, rows[i].reset };
        CHECK(gh_api_budget_wait(&b, rows[i].under_way, 1000) == rows[i].seconds);
    }
}

static void set(const char *name, const char *value) {
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

TEST(what_is_missing_is_said_before_any_call) {
    static const struct {
        const char *domain, *id, *secret, *token, *want; /* the domain, or NULL: refused */
    } rows[] = {
        { "localhost:1", "i", "s", NULL, "localhost:1" },
        { "https://acme.eu.auth0.com/", "i", "s", NULL, "acme.eu.auth0.com" },
        { "localhost:1", NULL, NULL, "t", "localhost:1" },
        { NULL, "i", "s", NULL, NULL },
        { "", "i", "s", NULL, NULL },
        { "localhost:1", NULL, "s", NULL, NULL },
        { "localhost:1", "i", NULL, NULL, NULL },
        { "localhost:1", "i", "", NULL, NULL },
        { "http://localhost:1", "i", "s", NULL, NULL },
        { "user@host", "i", "s", NULL, NULL },
        { "host/path", "i", "s", NULL, NULL },
        { "host?x", "i", "s", NULL, NULL },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4096);
        struct gh_api_settings settings;
        set("AUTH0_DOMAIN", rows[i].domain);
        set("AUTH0_CLIENT_ID", rows[i].id);
        set("AUTH0_CLIENT_SECRET", rows[i].secret);
        set("AUTH0_API_TOKEN", rows[i].token);
        const char *missing = gh_api_settings_from_environment(a, &settings);
        CHECK_ROW(rows[i].domain ? rows[i].domain : "(none)",
                  rows[i].want ? !missing && strcmp(settings.domain, rows[i].want) == 0 : missing != NULL);
    }
}

GH_TESTS(only_this_machine_is_loopback, a_rate_limit_is_waited_for_and_never_spun_on,
         a_part_of_the_rate_is_left_to_others, what_is_missing_is_said_before_any_call)
