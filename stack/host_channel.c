/* The transport: a socket pair, a child with one end of it, lines. */
#include "stack/host_channel.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/limits.h"
#include "sys/process.h"

#define SEND_SECONDS 60
#define GRACE_STEPS 200 /* of 10 ms, for a host to end itself */

void host_channel_attach(struct host_channel *c, int in, int out) {
    *c = (struct host_channel){ .in = in, .out = out, .text = gh_buf_make(LINE_MAX_BYTES) };
}

enum gh_err host_channel_start(struct host_channel *c, const char **argv, const char *dir) {
    int ends[2];
    char number[16];
    size_t count = 0;
    host_channel_attach(c, -1, -1);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return GH_ERR_IO;
    while (argv[count])
        count++;
    snprintf(number, sizeof number, "%d", ends[1]);
    argv[count] = number;
    const struct gh_spawn spawn = { .argv = (const char *const *)argv,
                                    .cwd = dir,
                                    .keep_fds = &ends[1],
                                    .keep_fd_count = 1,
                                    .new_session = true };
    enum gh_err e = gh_spawn(&spawn, &c->pid);
    argv[count] = NULL;
    close(ends[1]);
    if (e) {
        close(ends[0]);
        return e;
    }
    c->in = c->out = ends[0];
    const struct timeval patience = { .tv_sec = SEND_SECONDS };
    (void)setsockopt(c->out, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return GH_OK;
}

enum gh_err host_channel_send(struct host_channel *c, const json_t *message) {
    char *text = json_dumps(message, JSON_COMPACT);
    if (!text)
        return GH_ERR_NOMEM;
    size_t len = strlen(text);
    text[len++] = '\n'; /* in place of the NUL: only the length counts from here */
    enum gh_err e = GH_OK;
    for (size_t at = 0; at < len && !e;) {
        ssize_t n = write(c->out, text + at, len - at);
        if (n > 0)
            at += (size_t)n;
        else if (errno == EPIPE || errno == ECONNRESET)
            break; /* it ended with requests open; what it said before is still to be read */
        else if (errno != EINTR)
            e = GH_ERR_IO;
    }
    if (e)
        (void)shutdown(c->out, SHUT_RDWR); /* whoever listens to it meanwhile shall not wait for more */
    free(text);
    return e;
}

enum gh_err host_channel_line(struct host_channel *c, struct gh_str *ret) {
    size_t searched = c->used;
    for (;;) {
        struct gh_str text = gh_buf_str(&c->text);
        const char *end = text.len > searched ? memchr(text.ptr + searched, '\n', text.len - searched) : NULL;
        if (end) {
            *ret = (struct gh_str){ text.ptr + c->used, (size_t)(end - text.ptr) - c->used };
            c->used += ret->len + 1;
            return GH_OK;
        }
        if (c->used) {
            memmove(c->text.ptr, c->text.ptr + c->used, c->text.len - c->used);
            c->text.len -= c->used;
            c->used = 0;
        }
        searched = c->text.len;
        char block[16384];
        ssize_t n = read(c->in, block, sizeof block);
        if (n == 0)
            return GH_ERR_NOT_FOUND;
        if (n < 0 && errno == ECONNRESET) /* it left answers unread */
            return GH_ERR_NOT_FOUND;
        if (n < 0 && errno != EINTR)
            return GH_ERR_IO;
        if (n > 0)
            gh_buf_add(&c->text, (struct gh_str){ block, (size_t)n });
        if (c->text.failed)
            return GH_ERR_TOO_LARGE;
    }
}

bool host_channel_has_more(const struct host_channel *c, int milliseconds) {
    struct pollfd in = { .fd = c->in, .events = POLLIN };
    return c->text.len > c->used || poll(&in, 1, milliseconds) != 0;
}

enum gh_err host_channel_parse(struct gh_str line, json_t **ret) {
    *ret = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(*ret))
        return GH_OK;
    json_decref(*ret);
    *ret = NULL;
    return GH_ERR_MALFORMED;
}

/* True when it ended within the grace; unreaped, so that its group's number stays ours. */
static bool wait_quietly(pid_t pid) {
    siginfo_t gone;
    for (int i = 0; i < GRACE_STEPS; i++) {
        gone.si_pid = 0;
        if (waitid(P_PID, (id_t)pid, &gone, WEXITED | WNOWAIT | WNOHANG) == 0 && gone.si_pid == pid)
            return true;
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
    return false;
}

void host_channel_close(struct host_channel *c, char *how, size_t size) {
    int status = 0;
    snprintf(how, size, "it said nothing more");
    if (c->pid > 0)
        close(c->in); /* a host that still runs ends itself and its program */
    if (c->pid > 0) {
        bool by_itself = wait_quietly(c->pid);
        kill(-c->pid, SIGKILL); /* it, when it would not; and the program of a host that was killed */
        while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (by_itself && WIFSIGNALED(status))
            snprintf(how, size, "it was ended by SIG%s", sigabbrev_np(WTERMSIG(status)) ?: "?");
        else if (by_itself && WEXITSTATUS(status))
            snprintf(how, size, "it ended with status %d", WEXITSTATUS(status));
    }
    gh_buf_release(&c->text);
    c->in = c->out = -1;
    c->pid = 0;
}
