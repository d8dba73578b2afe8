#include "core/limits.h"
#include "sys/clock.h"
#include "tenant/password.h"
#include "tests/check.h"

TEST(a_password_matches_its_own_hash_only) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
    struct gh_str hash, again;
    CHECK(gh_password_hash(a, GH_STR("correct horse"), &hash) == GH_OK);
    CHECK(gh_password_hash(a, GH_STR("correct horse"), &again) == GH_OK && !gh_str_eq(hash, again));
    CHECK(gh_str_starts(hash, GH_STR("$argon2id$v=19$m=19456,t=2,p=1$")));
    CHECK(gh_password_verify(hash, GH_STR("correct horse")) == GH_OK);
    static const char *const wrong[] = { "", "correct horse ", "correct hors", "Correct horse" };
    for (size_t i = 0; i < GH_COUNT(wrong); i++)
        CHECK_ROW(wrong[i], gh_password_verify(hash, gh_str_from(wrong[i])) == GH_ERR_NO_PERMISSION);
}

TEST(what_is_no_hash_matches_nothing) {
    static const char *const stored[] = { "", "secret", "$argon2id$", "$argon2id$v=19$m=19456,t=2,p=1$$",
                                          "$1$salt$qJH7.N4xYta3aEG/dfqo/0" };
    for (size_t i = 0; i < GH_COUNT(stored); i++) {
        CHECK_ROW(stored[i],
                  gh_password_verify(gh_str_from(stored[i]), GH_STR("secret")) == GH_ERR_NO_PERMISSION);
        CHECK_ROW(stored[i], gh_password_verify(gh_str_from(stored[i]), GH_STR("")) == GH_ERR_NO_PERMISSION);
    }
}

TEST(a_password_over_the_limit_is_refused_and_never_cut) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
    static char text[GH_LIMIT_PASSWORD + 1];
    struct gh_str hash, longest = { text, GH_LIMIT_PASSWORD }, longer = { text, GH_LIMIT_PASSWORD + 1 };
    memset(text, 'x', sizeof text);
    CHECK(gh_password_hash(a, longer, &hash) == GH_ERR_TOO_LARGE);
    CHECK(gh_password_hash(a, longest, &hash) == GH_OK);
    CHECK(gh_password_verify(hash, longest) == GH_OK);
    CHECK(gh_password_verify(hash, longer) == GH_ERR_NO_PERMISSION);
    longest.len--;
    CHECK(gh_password_verify(hash, longest) == GH_ERR_NO_PERMISSION);
}

/* CPU time of the cheapest of several rounds: other load does not count. */
static long long cheapest(struct gh_str stored) {
    long long best = 1LL << 62;
    for (int i = 0; i < 5; i++) {
        long long before = gh_clock_monotonic_ns();
        CHECK(gh_password_verify(stored, GH_STR("wrong")) == GH_ERR_NO_PERMISSION);
        long long took = gh_clock_monotonic_ns() - before;
        best = took < best ? took : best;
    }
    return best;
}

TEST(an_unknown_user_costs_what_a_known_one_costs) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
    struct gh_str hash;
    CHECK(gh_password_hash(a, GH_STR("secret"), &hash) == GH_OK);
    double ratio = (double)cheapest(GH_STR("")) / (double)cheapest(hash);
    CHECK(ratio > 0.5 && ratio < 2);
}

GH_TESTS(a_password_matches_its_own_hash_only, what_is_no_hash_matches_nothing,
         a_password_over_the_limit_is_refused_and_never_cut, an_unknown_user_costs_what_a_known_one_costs)
