#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void closep(int *fd) {
    if (*fd >= 0)
        close(*fd);
}

static enum gh_err read_up_to(int fd, char *to, size_t room, size_t *got) {
    for (*got = 0; *got < room;) {
        ssize_t n = read(fd, to + *got, room - *got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return GH_ERR_IO;
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return GH_OK;
}

enum gh_err gh_file_read(struct gh_arena *a, const char *path, size_t max, struct gh_str *ret) {
    /* O_NONBLOCK: a FIFO put in the file's place must not hang us. */
    gh_auto(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? GH_ERR_NOT_FOUND : GH_ERR_IO;
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return GH_ERR_IO;
    if (st.st_size < 0 || (unsigned long long)st.st_size > max)
        return GH_ERR_TOO_LARGE;

    size_t room = (size_t)st.st_size + 1, got; /* one more, to see that it grew */
    char *p = gh_arena_alloc(a, room);
    if (!p)
        return GH_ERR_NOMEM;
    enum gh_err e = read_up_to(fd, p, room, &got);
    if (e)
        return e;
    if (got == room)
        return GH_ERR_IO; /* changed under our hands */
    p[got] = 0;
    *ret = (struct gh_str){ p, got };
    return GH_OK;
}

static bool write_all(int fd, struct gh_str content) {
    while (content.len) {
        ssize_t n = write(fd, content.ptr, content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        content = gh_str_skip(content, (size_t)n);
    }
    return true;
}

static int open_folder_of(const char *path) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (len >= sizeof folder)
        return -1;
    memcpy(folder, path, len);
    folder[len] = 0;
    return open(len ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

enum gh_err gh_file_write_atomic(const char *path, struct gh_str content, mode_t mode) {
    char beside[PATH_MAX];
    int n = snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof beside)
        return GH_ERR_IO;
    gh_auto(closep) int folder = open_folder_of(path);
    if (folder < 0)
        return GH_ERR_IO;
    gh_auto(closep) int fd = mkostemp(beside, O_CLOEXEC); /* 0600 until it is whole */
    if (fd < 0)
        return GH_ERR_IO;
    if (!write_all(fd, content) || fchmod(fd, mode) != 0 || fsync(fd) != 0 || rename(beside, path) != 0) {
        unlink(beside);
        return GH_ERR_IO;
    }
    return fsync(folder) == 0 ? GH_OK : GH_ERR_IO;
}

enum gh_err gh_dir_make(const char *path, mode_t mode) {
    if (mkdir(path, mode) == 0)
        return chmod(path, mode) == 0 ? GH_OK : GH_ERR_IO; /* whatever the umask says */
    struct stat st;
    if (errno != EEXIST || stat(path, &st) != 0)
        return GH_ERR_IO;
    return S_ISDIR(st.st_mode) && st.st_uid == geteuid() ? GH_OK : GH_ERR_IO;
}

bool gh_file_exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

enum gh_err gh_file_lock(const char *path, int *ret_fd) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return GH_ERR_IO;
    int held;
    while ((held = flock(fd, LOCK_EX | LOCK_NB)) != 0 && errno == EINTR)
        ;
    if (held != 0) {
        enum gh_err e = errno == EWOULDBLOCK ? GH_ERR_BUSY : GH_ERR_IO;
        close(fd);
        return e;
    }
    *ret_fd = fd;
    return GH_OK;
}
