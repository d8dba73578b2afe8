#include <fcntl.h>
#include <unistd.h>

#include "core/str.h"
#include "sys/log.h"
#include "tests/check.h"

static char written[8192];

/* Runs `say` with stderr in a pipe; what it wrote, behind the time, is in `written`. */
static void capture(void (*say)(void)) {
    int ends[2], before = dup(2);
    CHECK(pipe(ends) == 0);
    dup2(ends[1], 2);
    close(ends[1]);
    say();
    dup2(before, 2);
    close(before);
    ssize_t n = read(ends[0], written, sizeof written - 1);
    close(ends[0]);
    written[n < 0 ? 0 : n] = 0;
}

static const char *behind_time(void) {
    CHECK(strncmp(written, "time=20", 7) == 0 && written[29] == ' ');
    return written + 30;
}

static void say_plain(void) {
    gh_log(GH_LOG_INFO, "tenant.ready", "port", "%d", 8443, "data", "%s", "/var/lib/gatehouse", "n", "%lld",
           1LL << 40, "z", "%zu", (size_t)7, "part", "%.*s", 3, "abcdef", NULL);
}

TEST(a_line_is_key_and_value) {
    capture(say_plain);
    CHECK(strcmp(behind_time(),
                 "level=info event=tenant.ready port=8443 data=/var/lib/gatehouse n=1099511627776 "
                 "z=7 part=abc\n") == 0);
}

static void say_hostile(void) {
    gh_log(GH_LOG_WARN, "e", "v", "%s", "a\nlevel=info event=forged x=\"\\\x1b[31m\xc2\x9b", "empty", "%s",
           "", NULL);
}

TEST(no_value_can_forge_a_line) {
    capture(say_hostile);
    CHECK(strcmp(behind_time(),
                 "level=warn event=e v=\"a\\x0alevel=info event=forged x=\\\"\\\\\\x1b[31m\\xc2\\x9b\" "
                 "empty=\"\"\n") == 0);
}

static void say_long(void) {
    static char big[5000];
    memset(big, 'x', sizeof big - 1);
    gh_log(GH_LOG_ERROR, "e", "a", "%s", big, "b", "%s", big, "c", "%s", big, NULL);
}

TEST(a_long_line_is_cut_and_still_ends) {
    capture(say_long);
    size_t len = strlen(written);
    CHECK(len <= 2048 && written[len - 1] == '\n' && strchr(written, '\n') == written + len - 1);
}

static void say_below(void) {
    gh_log(GH_LOG_DEBUG, "quiet", NULL);
    gh_log_set_level(GH_LOG_ERROR);
    gh_log(GH_LOG_WARN, "quiet", NULL);
    gh_log_set_level(GH_LOG_INFO);
}

TEST(lines_below_the_level_are_not_written) {
    capture(say_below);
    CHECK(written[0] == 0);
}

GH_TESTS(a_line_is_key_and_value, no_value_can_forge_a_line, a_long_line_is_cut_and_still_ends,
         lines_below_the_level_are_not_written)
