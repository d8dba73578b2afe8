/* tests/bench/bench_feed.c - what a look-up and a change cost. `ninja -C build tests/bench/bench_feed &&
 * build/tests/bench/bench_feed [keys]` */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "feed/epochs.h"

static const struct gh_str none = { 0 };

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct gh_str user(unsigned i, char text[40]) {
    return (struct gh_str){ text, (size_t)snprintf(text, 40, "auth0|%024x", i) };
}

static void stop(const char *what, enum gh_err e) {
    if (e) {
        fprintf(stderr, "%s: %s\n", what, gh_err_text(e));
        exit(1);
    }
}

static void measure_epochs(const struct gh_feed *f, unsigned keys, unsigned rounds) {
    enum { NAMES = 4096 };
    static char texts[NAMES][40];
    static struct gh_str names[NAMES];
    unsigned seed = 1;
    for (int i = 0; i < NAMES; i++)
        names[i] = user((unsigned)rand_r(&seed) % keys, texts[i]);
    long long epoch, sum = 0;
    double from = now_ns();
    for (unsigned i = 0; i < rounds; i++) {
        stop("look up", gh_feed_epoch(f, GH_EPOCH_USER, names[i % NAMES], none, &epoch));
        sum += epoch;
    }
    printf("one epoch           %7.1f ns  (%lld)\n", (now_ns() - from) / rounds, sum / rounds);
    struct gh_claims c = { .organization = GH_STR("org_0123456789abcdef"),
                           .client = GH_STR("0123456789abcdefghijklmnopqrstuv"),
                           .token_id = GH_STR("0123456789abcdefghijkl") };
    struct gh_epochs epochs;
    from = now_ns();
    for (unsigned i = 0; i < rounds; i++) {
        c.subject = names[i % NAMES];
        stop("look up", gh_feed_epochs_of(f, &c, GH_STR("https://ai.example.com/v1"), &epochs));
    }
    printf("all epochs of a token %5.1f ns\n", (now_ns() - from) / rounds);
}

int main(int argc, char **argv) {
    unsigned keys = argc > 1 ? (unsigned)atoi(argv[1]) : 1000000;
    char path[] = "/tmp/gh-bench-feed-XXXXXX", text[40];
    gh_auto(gh_feed_writer_freep) struct gh_feed_writer *w = NULL;
    gh_auto(gh_feed_freep) struct gh_feed *f = NULL;
    int fd = mkstemp(path);
    close(fd);
    stop("writer", gh_feed_writer_open(path, &w));
    double from = now_ns();
    for (unsigned i = 0; i < keys; i++)
        stop("set", gh_feed_set_epoch(w, GH_EPOCH_USER, user(i, text), none, i + 1));
    printf("%u keys, each set in %.0f ns with all growth\n", keys, (now_ns() - from) / keys);
    from = now_ns();
    for (unsigned i = 0; i < 1000000; i++)
        stop("raise", gh_feed_set_epoch(w, GH_EPOCH_USER, user(i % keys, text), none, keys + i));
    printf("raise one           %7.1f ns\n", (now_ns() - from) / 1e6);
    stop("reader", gh_feed_open(path, &f));
    measure_epochs(f, keys, 2000000);
    unlink(path);
    return 0;
}
