/* authorization.c and the statement that spends a code: once, by its client, within GH_LIMIT_CODE_SECONDS.
 * The moment of spending is an argument, so nobody waits for a minute. */
#include <stdlib.h>
#include <unistd.h>

#include "core/limits.h"
#include "sys/clock.h"
#include "tenant/oauth/authorization.h"
#include "tenant/seal.h"
#include "tests/check.h"

struct attempt {
    struct gh_arena *arena;
    struct gh_str code, client;
    long long now;
    bool won;
};

static enum gh_err add_owners(struct gh_db *db, void *data) {
    struct gh_bind times[] = { GH_INT("created_at", 1), GH_INT("updated_at", 1),
                               GH_TEXT("doc", GH_STR("{}")) };
    enum gh_err e = gh_db_run(
        db, GH_SQL_CLIENT_INSERT,
        GH_BINDS(GH_TEXT("id", GH_STR("app")), GH_TEXT("name", GH_STR("app")), times[0], times[1], times[2]),
        NULL);
    if (!e)
        e = gh_db_run(db, GH_SQL_CONNECTION_INSERT,
                      GH_BINDS(GH_TEXT("id", GH_STR("con_1")), GH_TEXT("name", GH_STR("people")),
                               GH_TEXT("strategy", GH_STR("auth0")), times[0], times[1], times[2]),
                      NULL);
    if (!e)
        e = gh_db_run(db, GH_SQL_USER_INSERT,
                      GH_BINDS(GH_TEXT("id", GH_STR("auth0|1")), GH_TEXT("connection_id", GH_STR("con_1")),
                               GH_NULL("email"), GH_NULL("username"), times[0], times[1], times[2]),
                      NULL);
    return e;
}

static enum gh_err make(struct gh_db *db, void *data) {
    struct attempt *t = data;
    const struct gh_authorization auth = { .client_id = GH_STR("app"), .user_id = GH_STR("auth0|1") };
    return gh_code_make(db, t->arena, &auth, &t->code);
}

static enum gh_err spend(struct gh_db *db, void *data) {
    struct attempt *t = data;
    struct gh_str hash;
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    enum gh_err e = gh_token_hash(t->arena, t->code, &hash);
    if (!e)
        e = gh_db_query(db, GH_SQL_CODE_SPEND,
                        GH_BINDS(GH_TEXT("hash", hash), GH_TEXT("client", t->client),
                                 GH_TEXT("family", GH_STR("f")), GH_INT("now", t->now)),
                        &rows);
    return e ? e : gh_rows_next(&rows, &t->won);
}

TEST(a_code_is_good_once_for_its_client_within_its_minute) {
    char dir[] = "/tmp/gh-code-XXXXXX", database[64], command[64], why[256];
    struct gh_store *s = NULL;
    CHECK(mkdtemp(dir));
    snprintf(database, sizeof database, "%s/db", dir);
    CHECK(gh_store_open(database, &s, why) == GH_OK);
    CHECK(gh_store_write_wait(s, add_owners, NULL) == GH_OK);
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);

    struct attempt t = { .arena = a };
    long long before = gh_clock_milliseconds(), life = GH_LIMIT_CODE_SECONDS * 1000LL;
    CHECK(gh_store_write_wait(s, make, &t) == GH_OK);
    long long after = gh_clock_milliseconds();

    const struct {
        const char *what, *client;
        long long now;
        bool won;
    } rows[] = {
        { "at its end", "app", after + life, false },
        { "an hour later", "app", after + 3600000, false },
        { "another client", "other", before, false },
        { "in its last millisecond", "app", before + life - 1, true },
        { "a second time", "app", before, false },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        t.client = gh_str_from(rows[i].client);
        t.now = rows[i].now;
        t.won = false;
        CHECK_ROW(rows[i].what, gh_store_write_wait(s, spend, &t) == GH_OK);
        CHECK_ROW(rows[i].what, t.won == rows[i].won);
    }
    gh_store_close(s);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    CHECK(system(command) == 0);
}

GH_TESTS(a_code_is_good_once_for_its_client_within_its_minute)
