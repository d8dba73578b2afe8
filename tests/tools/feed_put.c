/* tests/tools/feed_put.c - writes a feed as a tenant would, for tests: feed_put FILE, then one command a
 * line, fields parted by tabs, each answered by one line ("ok" or the error's name).
 *
 *     keys    ISSUER  JWKS
 *     epoch   KIND    A   B   VALUE
 *     binds   ISSUER  AUDIENCE        the API has model permissions
 *     models  ISSUER  ORGANIZATION    LIST
 *     unbind, unlist                  the same without the last field: there is none any more
 */
#include <stdio.h>
#include <stdlib.h>

#include "feed/feed.h"

/* clang-format off */
static const struct { const char *name; enum gh_epoch_kind kind; } kinds[] = {
    { "global",       GH_EPOCH_GLOBAL       },
    { "user",         GH_EPOCH_USER         },
    { "organization", GH_EPOCH_ORGANIZATION },
    { "client",       GH_EPOCH_CLIENT       },
    { "member",       GH_EPOCH_MEMBER       },
    { "grant",        GH_EPOCH_GRANT        },
    { "audience",     GH_EPOCH_AUDIENCE     },
    { "token",        GH_EPOCH_TOKEN        },
    { "suspended",    GH_EPOCH_SUSPENDED    },
};
/* clang-format on */

static struct gh_str field(struct gh_str *rest) {
    struct gh_str head = *rest;
    if (!gh_str_cut(rest, '\t', &head))
        *rest = (struct gh_str){ 0 };
    return head;
}

static enum gh_err put_epoch(struct gh_feed_writer *w, struct gh_str line) {
    struct gh_str name = field(&line), a = field(&line), b = field(&line);
    unsigned long long value;
    if (!gh_str_to_u64(line, 1ULL << 53, &value))
        return GH_ERR_MALFORMED;
    for (size_t i = 0; i < GH_COUNT(kinds); i++)
        if (gh_str_is(name, kinds[i].name))
            return gh_feed_set_epoch(w, kinds[i].kind, a, b, (long long)value);
    return GH_ERR_MALFORMED;
}

static enum gh_err put_fact(struct gh_feed_writer *w, struct gh_str command, struct gh_str line) {
    struct gh_str issuer = field(&line), name = field(&line);
    bool binding = gh_str_is(command, "binds") || gh_str_is(command, "unbind"),
         gone = gh_str_starts(command, GH_STR("un"));
    if (!gone && !line.ptr)
        line = GH_STR("");
    return gh_feed_set_fact(w, binding ? GH_FACT_MODELS_BIND : GH_FACT_MODELS, issuer, name,
                            gone ? (struct gh_str){ 0 } : line);
}

static enum gh_err put(struct gh_feed_writer *w, struct gh_str line) {
    struct gh_str command = field(&line);
    if (gh_str_is(command, "epoch"))
        return put_epoch(w, line);
    if (gh_str_is(command, "binds") || gh_str_is(command, "models") || gh_str_starts(command, GH_STR("un")))
        return put_fact(w, command, line);
    if (!gh_str_is(command, "keys"))
        return GH_ERR_MALFORMED;
    struct gh_str issuer = field(&line);
    return gh_feed_set_keys(w, issuer, line);
}

int main(int argc, char **argv) {
    struct gh_feed_writer *w;
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    enum gh_err e = argc == 2 ? gh_feed_writer_open(argv[1], &w) : GH_ERR_MALFORMED;
    if (e) {
        fprintf(stderr, "feed_put: %s\n", gh_err_name(e));
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    while ((n = getline(&line, &room, stdin)) > 0)
        puts(gh_err_name(put(w, (struct gh_str){ line, (size_t)n - (line[n - 1] == '\n') })));
    free(line);
    gh_feed_writer_close(w);
    return 0;
}
