/* tests/e2e/journal_kill.c - preloaded into `gatehouse up`: SIGKILL before or after the nth line of the
 * journal is written. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_journal(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0)
        return 0;
    path[n] = 0;
    return n > 8 && strcmp(path + n - 8, ".journal") == 0;
}

ssize_t write(int fd, const void *bytes, size_t len) {
    static ssize_t (*real)(int, const void *, size_t);
    static int lines;
    const char *before = getenv("KILL_BEFORE_LINE"), *after = getenv("KILL_AFTER_LINE");
    if (!real)
        real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if ((!before && !after) || !is_journal(fd))
        return real(fd, bytes, len);
    lines++;
    if (before && lines == atoi(before))
        kill(getpid(), SIGKILL);
    ssize_t n = real(fd, bytes, len);
    if (after && lines == atoi(after))
        kill(getpid(), SIGKILL);
    return n;
}
