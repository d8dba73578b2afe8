/* The longest common lines of what lies between the common head and tail, by the textbook table. */
#include "cli/text_diff.h"

#include <stdint.h>
#include <stdlib.h>

#define AROUND 3
#define TABLE (16 << 20) /* cells; beyond, all between head and tail is shown as another text */

struct lines {
    struct gh_str *at;
    size_t count;
};

static struct lines split(struct gh_str text) {
    struct lines ret = { 0 };
    size_t room = 1;
    for (size_t i = 0; i < text.len; i++)
        room += text.ptr[i] == '\n';
    ret.at = calloc(room, sizeof *ret.at);
    while (ret.at && text.len) {
        struct gh_str line;
        if (!gh_str_cut(&text, '\n', &line)) {
            line = text;
            text.len = 0;
        }
        ret.at[ret.count++] = line;
    }
    return ret;
}

/* One line of the way from the old to the new text. */
struct edit {
    char mark; /* ' ', '-' or '+' */
    struct gh_str line;
};

/* table[i][j]: how many lines of old[i..] and new[j..] are common. */
static uint32_t *common(struct lines old, struct lines new) {
    size_t width = new.count + 1;
    uint32_t *table =
        (old.count + 1) * width <= TABLE ? calloc((old.count + 1) * width, sizeof *table) : NULL;
    for (size_t i = table ? old.count : 0; i-- > 0;)
        for (size_t j = new.count; j-- > 0;) {
            uint32_t down = table[(i + 1) * width + j], right = table[i * width + j + 1];
            table[i * width + j] = gh_str_eq(old.at[i], new.at[j]) ? table[(i + 1) * width + j + 1] + 1
                                   : down > right                  ? down
                                                                   : right;
        }
    return table;
}

static size_t walk(struct lines old, struct lines new, struct edit *ret) {
    uint32_t *table = common(old, new);
    size_t i = 0, j = 0, n = 0, width = new.count + 1;
    while (i < old.count || j < new.count) {
        bool same = table && i < old.count && j < new.count &&gh_str_eq(old.at[i], new.at[j]);
        bool remove = i < old.count &&
                      (j == new.count || !table || table[(i + 1) * width + j] >= table[i * width + j + 1]);
        ret[n++] = (struct edit){ same ? ' ' : remove ? '-' : '+', same || remove ? old.at[i] : new.at[j] };
        i += same || remove;
        j += same || !remove;
    }
    free(table);
    return n;
}

static void print(const struct edit *edits, size_t count, bool colour, struct gh_buf *ret) {
    size_t old = 1, new = 1, shown = 0; /* lines so far; edits that are printed */
    for (size_t i = 0; i < count; i++) {
        if (edits[i].mark != ' ') {
            size_t from = i > AROUND ? i - AROUND : 0, quiet = 0, to = i;
            for (; to < count && quiet <= 2 * AROUND; to++)
                quiet = edits[to].mark == ' ' ? quiet + 1 : 0;
            to -= quiet > AROUND ? quiet - AROUND : 0;
            from = from < shown ? shown : from;
            size_t a = 0, b = 0;
            for (size_t k = from; k < to; k++) {
                a += edits[k].mark != '+';
                b += edits[k].mark != '-';
            }
            gh_buf_addf(ret, "@@ -%zu,%zu +%zu,%zu @@\n", old - (i - from), a, new - (i - from), b);
            for (size_t k = from; k < to; k++) {
                const char *on = !colour || edits[k].mark == ' ' ? ""
                                 : edits[k].mark == '-'          ? "\033[31m"
                                                                 : "\033[32m";
                gh_buf_addf(ret, "%s%c%.*s%s\n", on, edits[k].mark, GH_STR_FMT(edits[k].line),
                            *on ? "\033[0m" : "");
            }
            for (; i < to; i++) {
                old += edits[i].mark != '+';
                new += edits[i].mark != '-';
            }
            shown = to;
            i--;
            continue;
        }
        old++;
        new ++;
    }
}

void gh_text_diff(struct gh_str old, struct gh_str new, bool colour, struct gh_buf *ret) {
    struct lines a = split(old), b = split(new);
    struct edit *edits = calloc(a.count + b.count + 1, sizeof *edits);
    size_t head = 0, tail = 0, n = 0;
    if (a.at && b.at && edits) {
        while (head < a.count && head < b.count && gh_str_eq(a.at[head], b.at[head]))
            head++;
        while (tail < a.count - head && tail < b.count - head &&
               gh_str_eq(a.at[a.count - 1 - tail], b.at[b.count - 1 - tail]))
            tail++;
        for (; n < head; n++)
            edits[n] = (struct edit){ ' ', a.at[n] };
        n += walk((struct lines){ a.at + head, a.count - head - tail },
                  (struct lines){ b.at + head, b.count - head - tail }, edits + n);
        for (size_t i = a.count - tail; i < a.count; i++)
            edits[n++] = (struct edit){ ' ', a.at[i] };
        print(edits, n, colour, ret);
    }
    free(edits);
    free(a.at);
    free(b.at);
}
