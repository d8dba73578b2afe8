/* When an issuer is asked again: the clock and chance are arguments. */
#include "follow/schedule.h"

#include "tests/check.h"

#define T 1700000000LL
enum { LOW = 0, HIGH = 65535 };

static struct gh_schedule good_since(long long now) {
    struct gh_schedule s = { 0 };
    gh_schedule_begin(&s, now);
    gh_schedule_succeeded(&s, now, -1, LOW);
    return s;
}

TEST(a_new_issuer_is_asked_at_once_and_then_when_its_keys_are_old) {
    static const struct {
        long long max_age, due_low;
    } rows[] = { { -1, 600 },  { 0, 300 },     { 1, 300 },      { 299, 300 },
                 { 900, 900 }, { 3600, 3600 }, { 86400, 3600 }, { 1LL << 40, 3600 } };
    struct gh_schedule s = { 0 };
    CHECK(gh_schedule_is_due(&s, T));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gh_schedule_begin(&s, T);
        gh_schedule_succeeded(&s, T, rows[i].max_age, LOW);
        CHECK(s.due == T + rows[i].due_low && !gh_schedule_is_due(&s, T + rows[i].due_low - 1));
        CHECK(gh_schedule_is_due(&s, T + rows[i].due_low));
        gh_schedule_succeeded(&s, T, rows[i].max_age, HIGH);
        CHECK(s.due > T + rows[i].due_low * 9 / 10 - 1 && s.due <= T + rows[i].due_low * 9 / 10 + 1);
    }
}

TEST(unknown_keys_cause_one_fetch_in_thirty_seconds) {
    struct gh_schedule s = good_since(T);
    int fetches = 0;
    for (long long now = T; now < T + 300; now++)
        for (int i = 0; i < 100; i++) {
            s.wanted = true;
            if (gh_schedule_is_due(&s, now)) {
                fetches++;
                gh_schedule_begin(&s, now);
                if (now % 2)
                    gh_schedule_succeeded(&s, now, -1, (unsigned)now);
                else
                    gh_schedule_failed(&s, now, (unsigned)now);
            }
        }
    CHECK(fetches == 9); /* at 30, 60, … 270 */
    s = good_since(T);
    s.wanted = true;
    CHECK(!gh_schedule_is_due(&s, T + 29) && gh_schedule_is_due(&s, T + 30));
    gh_schedule_begin(&s, T + 30);
    CHECK(!s.wanted);
}

TEST(an_issuer_that_fails_is_asked_less_and_less_often_but_never_given_up) {
    struct gh_schedule s = good_since(T);
    static const long long waits[] = { 30, 60, 120, 240, 300, 300, 300 };
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        gh_schedule_begin(&s, T);
        gh_schedule_failed(&s, T, LOW);
        CHECK(s.due == T + waits[i]);
    }
    for (int i = 0; i < 100; i++)
        gh_schedule_failed(&s, T, HIGH);
    CHECK(s.due >= T + 300 && s.due <= T + 330);

    struct gh_schedule never = { 0 };
    gh_schedule_begin(&never, T);
    gh_schedule_failed(&never, T, HIGH);
    CHECK(never.due == T + 2);
    for (int i = 0; i < 100; i++)
        gh_schedule_failed(&never, T, LOW);
    CHECK(never.due == T + 300);
}

TEST(a_clock_that_jumps_means_ask_now) {
    struct gh_schedule s = good_since(T);
    CHECK(!gh_schedule_is_due(&s, T + 1));
    CHECK(gh_schedule_is_due(&s, T - 1) && gh_schedule_is_due(&s, T - 86400) &&
          gh_schedule_is_due(&s, T + 86400));
}

TEST(keys_that_are_a_day_old_are_an_alarm_once_an_hour_until_they_are_new) {
    struct gh_schedule s = good_since(T), none = { 0 };
    CHECK(!gh_schedule_alarm(&none, T)); /* nothing is served: each failed fetch says so */
    CHECK(!gh_schedule_alarm(&s, T + 86399));
    CHECK(gh_schedule_alarm(&s, T + 86400));
    CHECK(!gh_schedule_alarm(&s, T + 86401) && !gh_schedule_alarm(&s, T + 86400 + 3599));
    CHECK(gh_schedule_alarm(&s, T + 86400 + 3600));
    gh_schedule_succeeded(&s, T + 100000, -1, LOW);
    CHECK(!gh_schedule_alarm(&s, T + 100000 + 86399) && gh_schedule_alarm(&s, T + 100000 + 86400));
}

GH_TESTS(a_new_issuer_is_asked_at_once_and_then_when_its_keys_are_old,
         unknown_keys_cause_one_fetch_in_thirty_seconds,
         an_issuer_that_fails_is_asked_less_and_less_often_but_never_given_up,
         a_clock_that_jumps_means_ask_now,
         keys_that_are_a_day_old_are_an_alarm_once_an_hour_until_they_are_new)
