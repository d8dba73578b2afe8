#include "stack/engine/tree_capture.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/cleanup.h"
#include "stack/engine/tree.h"

#define TICK_MS 40
#define LINE_MAX_BYTES 65536

struct gh_tree_capture {
    struct gh_tree *tree;
    int real, from; /* the terminal; the pipe's end that is read */
    pthread_t thread;
    atomic_bool ending; /* a child may keep the pipe open: its end is not waited for */
    struct gh_buf line;
};

static void say(struct gh_tree_capture *c) {
    if (!c->line.failed && c->line.len)
        gh_tree_say(c->tree, c->line.ptr);
    gh_buf_reset(&c->line);
    c->line.failed = false;
}

/* False when there is nothing more now. */
static bool take(struct gh_tree_capture *c) {
    char block[4096];
    ssize_t n = read(c->from, block, sizeof block);
    for (ssize_t i = 0; i < n; i++)
        if (block[i] == '\n')
            say(c);
        else if (block[i] != '\r' && block[i] != '\0')
            gh_buf_add_char(&c->line, block[i]);
    return n > 0;
}

static void *run(void *context) {
    struct gh_tree_capture *c = context;
    bool last;
    do {
        struct pollfd one = { .fd = c->from, .events = POLLIN };
        last = atomic_load(&c->ending); /* before the look: what came until now is taken */
        if (!last)
            poll(&one, 1, TICK_MS);
        while (take(c)) {
        }
    } while (!last);
    say(c);
    return NULL;
}

struct gh_tree_capture *gh_tree_capture_begin(struct gh_tree *t) {
    int ends[2];
    if (!t || !isatty(STDERR_FILENO) || pipe2(ends, O_CLOEXEC) != 0)
        return NULL;
    struct gh_tree_capture *c = calloc(1, sizeof *c);
    int real = c ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
    if (real >= 0) {
        *c = (struct gh_tree_capture){
            .tree = t, .real = real, .from = ends[0], .line = gh_buf_make(LINE_MAX_BYTES)
        };
        fcntl(c->from, F_SETFL, O_NONBLOCK);
        fflush(stderr);
        if (dup2(ends[1], STDERR_FILENO) >= 0 && pthread_create(&c->thread, NULL, run, c) == 0) {
            close(ends[1]);
            return c;
        }
        dup2(real, STDERR_FILENO);
        close(real);
    }
    free(c);
    close(ends[0]);
    close(ends[1]);
    return NULL;
}

void gh_tree_capture_end(struct gh_tree_capture *c) {
    if (!c)
        return;
    fflush(stderr);
    dup2(c->real, STDERR_FILENO);
    atomic_store(&c->ending, true);
    pthread_join(c->thread, NULL);
    close(c->real);
    close(c->from);
    gh_buf_release(&c->line);
    free(c);
}
