/* tests/unit/feed/feed_file.h - the feed of a test: a new file, its writer and readers, and a disk that is
 * full when told to. Included by the one source file of a test program. */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "feed/feed.h"
#include "tests/check.h"

static char path[64];

static inline void path_make(void) {
    strcpy(path, "/tmp/gh-feed-XXXXXX");
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
}

static inline struct gh_feed_writer *writer_open(void) {
    struct gh_feed_writer *w = NULL;
    CHECK(gh_feed_writer_open(path, &w) == GH_OK);
    return w;
}

static inline struct gh_feed *reader_open(void) {
    struct gh_feed *f = NULL;
    CHECK(gh_feed_open(path, &f) == GH_OK);
    return f;
}

static bool disk_is_full;

/* What the writer asks for room. */
int posix_fallocate(int fd, off_t from, off_t len) {
    if (disk_is_full)
        return ENOSPC;
    return fallocate(fd, 0, from, len) == 0 ? 0 : errno;
}
