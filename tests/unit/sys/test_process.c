#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/str.h"
#include "sys/process.h"
#include "tests/check.h"

static int status_of(const struct gh_spawn *s) {
    pid_t pid;
    int status = -1;
    CHECK(gh_spawn(s, &pid) == GH_OK);
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int shell(const char *script) {
    const char *argv[] = { "sh", "-c", script, NULL };
    return status_of(&(struct gh_spawn){ .argv = argv });
}

TEST(a_child_runs_with_what_it_was_given) {
    const char *argv[] = {
        "sh", "-c", "test \"$PWD $GREETING\" = '/ hello' && test $(ps -o sid= -p $$ || echo $$) -eq $$", NULL
    };
    const char *envp[] = { "GREETING=hello", "PATH=/usr/bin:/bin", NULL };
    CHECK(status_of(&(struct gh_spawn){ .argv = argv, .envp = envp, .cwd = "/", .new_session = true }) == 0);
    CHECK(shell("exit 7") == 7);
}

TEST(descriptors_do_not_leak_into_children) {
    int leak = open("/dev/null", O_RDONLY), keep = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char script[128];
    snprintf(script, sizeof script, "test ! -e /proc/$$/fd/%d && test -e /proc/$$/fd/%d", leak, keep);
    const char *argv[] = { "sh", "-c", script, NULL };
    CHECK(status_of(&(struct gh_spawn){ .argv = argv, .keep_fds = &keep, .keep_fd_count = 1 }) == 0);
    close(leak);
    close(keep);
}

TEST(signals_are_at_their_defaults_in_children) {
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    signal(SIGUSR1, SIG_IGN);
    CHECK(shell("kill -USR1 $$; sleep 0; exit 0") == 1000 + SIGUSR1);
    signal(SIGUSR1, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &usr1, NULL);
}

TEST(what_cannot_run_is_an_error_here_and_not_an_exit_status) {
    const char *none[] = { "gatehouse-no-such-program", NULL }, *folder[] = { "/tmp", NULL },
               *ok[] = { "true", NULL };
    pid_t pid = -7;
    CHECK(gh_spawn(&(struct gh_spawn){ .argv = none }, &pid) == GH_ERR_NOT_FOUND);
    CHECK(gh_spawn(&(struct gh_spawn){ .argv = folder }, &pid) == GH_ERR_IO);
    CHECK(gh_spawn(&(struct gh_spawn){ .argv = ok, .cwd = "/dev/null" }, &pid) == GH_ERR_NOT_FOUND);
    int closed = 999;
    CHECK(gh_spawn(&(struct gh_spawn){ .argv = ok, .keep_fds = &closed, .keep_fd_count = 1 }, &pid) ==
          GH_ERR_IO);
    CHECK(pid == -7);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD); /* no zombie left */
}

/* The grandchild holds the pipe open: its end is seen as end of file. */
TEST(a_child_dies_with_its_parent) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t parent = fork();
    if (parent == 0) {
        const char *argv[] = { "sleep", "100", NULL };
        pid_t pid;
        close(ends[0]);
        if (gh_spawn(&(struct gh_spawn){ .argv = argv, .keep_fds = &ends[1], .keep_fd_count = 1 }, &pid))
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    close(ends[1]);
    struct pollfd p = { ends[0], POLLIN, 0 };
    char c;
    CHECK(poll(&p, 1, 5000) == 1 && read(ends[0], &c, 1) == 0);
    close(ends[0]);
    CHECK(waitpid(parent, NULL, 0) == parent);
}

TEST(the_running_program_knows_its_path) {
    char path[4096], small[4];
    CHECK(gh_process_self(path, sizeof path) == GH_OK && strstr(path, "/test_sys_process"));
    CHECK(gh_process_self(small, sizeof small) == GH_ERR_IO);
}

GH_TESTS(a_child_runs_with_what_it_was_given, descriptors_do_not_leak_into_children,
         signals_are_at_their_defaults_in_children, what_cannot_run_is_an_error_here_and_not_an_exit_status,
         a_child_dies_with_its_parent, the_running_program_knows_its_path)
