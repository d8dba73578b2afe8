/* tests/tools/feed_read.c - what a reader of a feed is told, for tests: feed_read FILE, then one question a
 * line, fields parted by tabs, each answered by one line ("ok", a blank and the text, or the error's name).
 *
 *     binds   ISSUER  AUDIENCE
 *     models  ISSUER  ORGANIZATION
 */
#include <stdio.h>
#include <stdlib.h>

#include "feed/feed.h"

static void answer(const struct gh_feed *f, struct gh_str line) {
    struct gh_str kind, issuer;
    struct gh_fact fact;
    if (!gh_str_cut(&line, '\t', &kind) || !gh_str_cut(&line, '\t', &issuer)) {
        puts(gh_err_name(GH_ERR_MALFORMED));
        return;
    }
    enum gh_err e =
        gh_feed_fact(f, gh_str_is(kind, "binds") ? GH_FACT_MODELS_BIND : GH_FACT_MODELS, issuer, line, &fact);
    if (e)
        puts(gh_err_name(e));
    else
        printf("ok %.*s\n", GH_STR_FMT(gh_fact_text(&fact)));
}

int main(int argc, char **argv) {
    struct gh_feed *f = NULL;
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    enum gh_err e = argc == 2 ? gh_feed_open(argv[1], &f) : GH_ERR_MALFORMED;
    if (e) {
        fprintf(stderr, "feed_read: %s\n", gh_err_name(e));
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    while ((n = getline(&line, &room, stdin)) > 0)
        answer(f, (struct gh_str){ line, (size_t)n - (line[n - 1] == '\n') });
    free(line);
    gh_feed_close(f);
    return 0;
}
