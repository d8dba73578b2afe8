#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"

extern char **environ;

static void closep(int *fd) {
    if (*fd >= 0)
        close(*fd);
}

static bool is_kept(const struct gh_spawn *s, int fd) {
    for (size_t i = 0; i < s->keep_fd_count; i++)
        if (s->keep_fds[i] == fd)
            return true;
    return false;
}

/* Everything but stdio and what the caller names is closed at exec: a descriptor somebody opened without
 * O_CLOEXEC does not leak. */
static bool close_the_rest(const struct gh_spawn *s) {
    if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
        for (int fd = 3, top = (int)sysconf(_SC_OPEN_MAX); fd < top; fd++)
            if (!is_kept(s, fd))
                fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    for (size_t i = 0; i < s->keep_fd_count; i++)
        if (fcntl(s->keep_fds[i], F_SETFD, 0) != 0)
            return false;
    return true;
}

/* In the child, only async-signal-safe calls. The parent's signal mask and handlers are not the child's
 * business. */
static void become(const struct gh_spawn *s, pid_t parent, int report) {
    sigset_t none;
    sigemptyset(&none);
    for (int sig = 1; sig < NSIG; sig++)
        if (sig != SIGKILL && sig != SIGSTOP)
            signal(sig, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);

    errno = 0;
    bool ready = prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent /* died in between? */
                 && (!s->new_session || setsid() >= 0) && (!s->cwd || chdir(s->cwd) == 0) &&
                 close_the_rest(s);
    if (ready)
        execvpe(s->argv[0], (char *const *)s->argv, s->envp ? (char *const *)s->envp : environ);
    int why = errno ? errno : ECANCELED;
    while (write(report, &why, sizeof why) < 0 && errno == EINTR)
        ;
    _exit(127);
}

/* The pipe closes at exec; if it brings a number, exec never happened. */
enum gh_err gh_spawn(const struct gh_spawn *spawn, pid_t *ret) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return GH_ERR_IO;
    gh_auto(closep) int in = ends[0];
    /* Until it has default handlers the child must not run ours: they may write to what both share. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(spawn, parent, ends[1]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (pid < 0)
        return GH_ERR_IO;

    int why = 0;
    ssize_t n;
    while ((n = read(in, &why, sizeof why)) < 0 && errno == EINTR)
        ;
    if (n == 0) {
        *ret = pid;
        return GH_OK;
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return why == ENOENT || why == ENOTDIR ? GH_ERR_NOT_FOUND : GH_ERR_IO;
}

enum gh_err gh_process_self(char *ret, size_t size) {
    ssize_t n = readlink("/proc/self/exe", ret, size);
    if (n < 0 || (size_t)n >= size)
        return GH_ERR_IO;
    ret[n] = 0;
    return GH_OK;
}
