/* tests/bench/bench_json.c - what it costs to scan a prompt, and the worst that a text of a mebibyte can ask.
 * Not a test: it prints numbers. `ninja -C build tests/bench/bench_json && build/tests/bench/bench_json` */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/buf.h"
#include "core/cleanup.h"
#include "core/json.h"
#include "core/limits.h"

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A chat completion with one long message, a line end each 80 characters. */
static void prompt(struct gh_buf *b) {
    gh_buf_add(b, GH_STR("{\"model\":\"gpt-5\",\"messages\":[{\"role\":\"user\",\"content\":\""));
    while (b->len < 115 * 1024)
        gh_buf_add(
            b, GH_STR("The quick brown fox jumps over the lazy dog and then, as always, it rests a bit.\\n"));
    gh_buf_add(b, GH_STR("\"}],\"stream\":true}"));
}

/* Objects full of names, all of one length and with a long beginning in common, in the worst order, escaped
 * or not. */
static void names(struct gh_buf *b, const char *letter) {
    gh_buf_add_char(b, '[');
    while (b->len < 1000000) {
        gh_buf_add_char(b, b->len > 1 ? ',' : ' ');
        for (int i = 0; i < GH_LIMIT_JSON_MEMBERS; i++)
            gh_buf_addf(b, "%c\"%s%s%s%04d\":0", i ? ',' : '{', letter, letter, letter, 9999 - i);
        gh_buf_add_char(b, '}');
    }
    gh_buf_add_char(b, ']');
}

static void plain_names(struct gh_buf *b) {
    names(b, "k");
}

static void escaped_names(struct gh_buf *b) {
    names(b, "\\u006b");
}

static void brackets(struct gh_buf *b) {
    gh_buf_add_char(b, '[');
    while (b->len < 1000000)
        gh_buf_add(b, GH_STR("[[[[[[[[]]]]]]]],"));
    gh_buf_add(b, GH_STR("0]"));
}

int main(void) {
    static const struct {
        const char *name;
        void (*make)(struct gh_buf *b);
    } rows[] = {
        { "prompt of 115 KiB", prompt },
        { "names in falling order", plain_names },
        { "escaped names", escaped_names },
        { "brackets", brackets },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_buf_release) struct gh_buf b = gh_buf_make(1 << 22);
        struct gh_json value;
        rows[i].make(&b);
        double best = 1;
        for (int round = 0; round < 50; round++) {
            double start = seconds();
            if (gh_json_parse(gh_buf_str(&b), GH_LIMIT_BODY_DEPTH, &value) != GH_OK)
                return 1;
            double took = seconds() - start;
            best = took < best ? took : best;
        }
        printf("%-24s %8zu bytes %10.1f µs %6.2f ns a byte\n", rows[i].name, b.len, best * 1e6,
               best * 1e9 / (double)b.len);
    }
    return 0;
}
