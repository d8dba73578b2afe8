/* sys/process.h - children that do not outlive us. */
#pragma once
#include <signal.h>
#include <sys/types.h>

#include "core/err.h"
#include "core/str.h"

struct gh_spawn {
    const char *const *argv; /* argv[0] is looked up on PATH */
    const char *const *envp; /* NULL: ours */
    const char *cwd;         /* NULL: ours */
    const int *keep_fds;     /* descriptors that survive exec, by the same numbers */
    size_t keep_fd_count;
    bool new_session; /* setsid: nginx needs it where sockets are handed over */
};

/* The child dies when the calling thread's process dies (PR_SET_PDEATHSIG SIGTERM): call it from the main
 * thread. IO, NOT_FOUND. */
enum gh_err gh_spawn(const struct gh_spawn *spawn, pid_t *ret);

/* The path of the running executable, resolved. */
enum gh_err gh_process_self(char *ret, size_t size);
