#include "feed/bell.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES 4096

struct gh_bell {
    unsigned *word;
};

static enum gh_err map_file(int fd, bool make, struct gh_bell **ret) {
    struct stat st;
    if (fstat(fd, &st) != 0 || (make && st.st_size < BYTES && ftruncate(fd, BYTES) != 0))
        return GH_ERR_IO;
    if (!S_ISREG(st.st_mode) || (!make && st.st_size < BYTES))
        return GH_ERR_FEED;
    void *map = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return GH_ERR_IO;
    struct gh_bell *b = malloc(sizeof *b);
    if (!b) {
        munmap(map, BYTES);
        return GH_ERR_NOMEM;
    }
    b->word = map;
    *ret = b;
    return GH_OK;
}

static enum gh_err open_beside(const char *feed, bool make, struct gh_bell **ret) {
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s.bell", feed);
    if (len < 0 || (size_t)len >= sizeof path)
        return GH_ERR_IO;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (make ? O_CREAT : 0), 0600);
    if (fd < 0)
        return errno == ENOENT ? GH_ERR_NOT_FOUND : GH_ERR_IO;
    enum gh_err e = map_file(fd, make, ret);
    close(fd);
    return e;
}

enum gh_err gh_bell_make(const char *feed, struct gh_bell **ret) {
    return open_beside(feed, true, ret);
}

enum gh_err gh_bell_open(const char *feed, struct gh_bell **ret) {
    return open_beside(feed, false, ret);
}

void gh_bell_close(struct gh_bell *b) {
    if (!b)
        return;
    munmap(b->word, BYTES);
    free(b);
}

/* Looks first: ten thousand bad tokens do not pull the cache line from core to core. */
void gh_bell_ring(struct gh_bell *b) {
    if (__atomic_load_n(b->word, __ATOMIC_RELAXED) == 0)
        __atomic_store_n(b->word, 1, __ATOMIC_RELEASE);
}

bool gh_bell_take(struct gh_bell *b) {
    return __atomic_exchange_n(b->word, 0, __ATOMIC_ACQUIRE) != 0;
}
