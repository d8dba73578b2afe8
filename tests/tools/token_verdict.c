/* tests/tools/token_verdict.c - what we say about tokens, for comparison with others.
 *   token_verdict ISSUER AUDIENCE NOW < lines
 * The first line is a JWKS, every other one a token in hexadecimal digits; for each a line: "ok" or why not,
 * in the words of core/err.h. Organization and permissions are not asked for. */
#include <stdio.h>
#include <stdlib.h>

#include "core/bearer.h"
#include "core/cleanup.h"
#include "core/decide.h"

static const struct gh_key *find(void *context, struct gh_str issuer, struct gh_str kid) {
    return gh_keyset_find(context, kid);
}

static enum gh_err judge(struct gh_keyset *keys, const struct gh_policy *policy, long long now,
                         struct gh_str value) {
    static const struct gh_epochs never;
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 18);
    struct gh_str token;
    struct gh_claims claims;
    enum gh_err e = gh_bearer_parse(value, &token);
    if (!e)
        e = gh_token_open(a, token, find, keys, &claims);
    return e ? e : gh_decide(policy, &claims, &never, now).err;
}

static bool unhex(const char *digits, size_t len, char *to) {
    for (size_t i = 0; i < len; i++) {
        unsigned byte;
        if (sscanf(digits + 2 * i, "%2x", &byte) != 1)
            return false;
        to[i] = (char)byte;
    }
    return true;
}

int main(int argc, char **argv) {
    static char value[7 + (1 << 17)] = "Bearer ";
    gh_auto(gh_keyset_freep) struct gh_keyset *keys = NULL;
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    if (argc != 4 || (len = getline(&line, &room, stdin)) < 1 ||
        gh_keyset_parse_jwks((struct gh_str){ line, (size_t)len - 1 }, GH_ALG_UNKNOWN, &keys))
        return 2;
    const struct gh_policy policy = { .issuer = gh_str_from(argv[1]),
                                      .audience = gh_str_from(argv[2]),
                                      .organization_rule = GH_ORG_OPTIONAL };
    while ((len = getline(&line, &room, stdin)) > 0) {
        size_t bytes = (size_t)(len - 1) / 2;
        if (bytes > sizeof value - 7 || !unhex(line, bytes, value + 7))
            return 2;
        enum gh_err e = judge(keys, &policy, atoll(argv[3]), (struct gh_str){ value, 7 + bytes });
        puts(gh_err_name(e));
    }
    free(line);
    return 0;
}
