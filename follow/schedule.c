#include "follow/schedule.h"

/* Less by up to a tenth, so that many helpers do not ask in step. */
static long long spread(long long seconds, unsigned chance) {
    return seconds - seconds * (long long)(chance & 0xffff) / 10 / 65536;
}

bool gh_schedule_is_due(const struct gh_schedule *s, long long now) {
    if (s->tried == 0 || now < s->tried || now >= s->due)
        return true;
    return s->wanted && now - s->tried >= GH_REFETCH_SECONDS;
}

void gh_schedule_begin(struct gh_schedule *s, long long now) {
    s->tried = now;
    s->wanted = false;
}

void gh_schedule_succeeded(struct gh_schedule *s, long long now, long long max_age, unsigned chance) {
    long long keep = max_age < 0                ? GH_REFRESH_DEFAULT
                     : max_age < GH_REFRESH_MIN ? GH_REFRESH_MIN
                     : max_age > GH_REFRESH_MAX ? GH_REFRESH_MAX
                                                : max_age;
    s->good = now;
    s->due = now + spread(keep, chance);
    s->failures = 0;
    s->alarmed = 0;
}

/* Who never answered yet is asked again soon: perhaps both of us have just been started. */
void gh_schedule_failed(struct gh_schedule *s, long long now, unsigned chance) {
    long long wait = s->good ? GH_REFETCH_SECONDS : 2;
    for (unsigned i = 0; i < s->failures && wait < GH_RETRY_MAX; i++)
        wait *= 2;
    if (wait > GH_RETRY_MAX)
        wait = GH_RETRY_MAX;
    s->failures++;
    s->due = now + (wait < GH_REFETCH_SECONDS ? wait : wait + wait - spread(wait, chance));
}

bool gh_schedule_alarm(struct gh_schedule *s, long long now) {
    bool stale = s->good && now - s->good >= GH_STALE_SECONDS;
    if (!stale || (s->alarmed && now >= s->alarmed && now - s->alarmed < GH_ALARM_SECONDS))
        return false;
    s->alarmed = now;
    return true;
}
