/* tests/tools/model_scan.c - what the gateway and jansson read in request bodies, for tests: a body in base64
 * per line; answers "no", or a JSON array of the models named, a tab, and the body as jansson reads it ("no"
 * when it does not).
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/b64url.h"
#include "core/cleanup.h"
#include "core/model_scan.h"

static void answer(struct gh_arena *a, struct gh_str line) {
    static struct gh_model_scan scan;
    static struct gh_model_names names;
    struct gh_str body;
    if (gh_b64_decode(a, line, &body)) {
        puts("no base64");
        return;
    }
    gh_model_scan_begin(&scan, &names);
    if (gh_model_scan_feed(&scan, body) || gh_model_scan_end(&scan)) {
        puts("no");
        return;
    }
    json_auto_t *list = json_array(), *theirs = json_loadb(body.ptr, body.len, 0, NULL);
    for (size_t i = 0; i < names.count; i++)
        json_array_append_new(list, json_stringn(names.name[i].ptr, names.name[i].len));
    char *ours = json_dumps(list, JSON_COMPACT), *read = theirs ? json_dumps(theirs, JSON_COMPACT) : NULL;
    printf("%s\t%s\n", ours, read ? read : "no");
    free(ours);
    free(read);
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    while ((n = getline(&line, &room, stdin)) > 0) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
        answer(a, (struct gh_str){ line, (size_t)n - (line[n - 1] == '\n') });
    }
    free(line);
    return 0;
}
