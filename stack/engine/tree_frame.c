#include "stack/engine/tree_frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"

#define DEEPEST 32
#define GAP 2
#define GLYPHS 4 /* columns before the type */

void gh_tree_rows_release(struct gh_tree_rows *rows) {
    for (size_t i = 0; i < rows->count; i++) {
        free(rows->list[i].type);
        free(rows->list[i].name);
        free(rows->list[i].info);
    }
    free(rows->list);
    *rows = (struct gh_tree_rows){ 0 };
}

size_t gh_tree_rows_add(struct gh_tree_rows *rows, size_t parent, const char *type, const char *name) {
    if (rows->count == rows->room) {
        size_t room = rows->room ? rows->room * 2 : 64;
        struct gh_tree_row *list = reallocarray(rows->list, room, sizeof *list);
        if (!list)
            return GH_TREE_NONE;
        rows->list = list;
        rows->room = room;
    }
    struct gh_tree_row row = { .type = strdup(type),
                               .name = strdup(name),
                               .glyph = "",
                               .colour = "",
                               .word = "",
                               .parent = parent,
                               .next = GH_TREE_NONE,
                               .first = GH_TREE_NONE,
                               .last = GH_TREE_NONE };
    if (!row.type || !row.name) {
        free(row.type);
        free(row.name);
        return GH_TREE_NONE;
    }
    size_t at = rows->count++;
    rows->list[at] = row;
    if (at) {
        struct gh_tree_row *above = &rows->list[parent];
        if (above->last == GH_TREE_NONE)
            above->first = at;
        else
            rows->list[above->last].next = at;
        above->last = at;
    }
    gh_tree_rows_touch(rows, at);
    return at;
}

void gh_tree_rows_touch(struct gh_tree_rows *rows, size_t row) {
    rows->list[row].stamp = ++rows->stamp;
}

/* One code point: its bytes, and its columns on a terminal (wcwidth(3) would want a locale). */
static size_t next_char(const char *text, unsigned *columns) {
    const unsigned char *c = (const unsigned char *)text;
    size_t len = c[0] < 0x80 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
    unsigned code = len == 1 ? c[0] : len == 2 ? c[0] & 0x1f : len == 3 ? c[0] & 0x0f : c[0] & 0x07;
    for (size_t i = 1; i < len; i++) {
        if ((c[i] & 0xc0) != 0x80) { /* no UTF-8: a byte is a column */
            *columns = 1;
            return 1;
        }
        code = code << 6 | (c[i] & 0x3f);
    }
    bool combining = (code >= 0x300 && code < 0x370) || code == 0x200d || (code >= 0xfe00 && code < 0xfe10);
    bool wide = (code >= 0x1100 && code < 0x1160) || (code >= 0x2e80 && code < 0xa4d0) ||
                (code >= 0xac00 && code < 0xd7a4) || (code >= 0xf900 && code < 0xfb00) ||
                (code >= 0xff00 && code < 0xff61) || (code >= 0x1f300 && code < 0x20000) ||
                (code >= 0x20000 && code < 0x40000);
    *columns = combining ? 0 : wide ? 2 : 1;
    return len;
}

static unsigned columns_of(const char *text) {
    unsigned sum = 0, one;
    while (*text) {
        text += next_char(text, &one);
        sum += one;
    }
    return sum;
}

/* At most `most` columns of the text, "…" at its end where it was cut; control characters are question marks.
 * Returns the columns. */
static unsigned add_cut(struct gh_buf *out, const char *text, unsigned most) {
    bool cut = columns_of(text) > most;
    unsigned used = 0, one, room = cut && most ? most - 1 : most;
    while (*text) {
        size_t len = next_char(text, &one);
        if (used + one > room)
            break;
        bool control = (unsigned char)*text < 0x20 || *text == 0x7f ||
                       ((unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0);
        gh_buf_add(out, control ? GH_STR("?") : (struct gh_str){ text, len });
        used += one;
        text += len;
    }
    if (cut && most) {
        gh_buf_add(out, GH_STR("…"));
        used++;
    }
    return used;
}

static void add_blanks(struct gh_buf *out, unsigned n) {
    while (n--)
        gh_buf_add_char(out, ' ');
}

/* "│  └─ ", by where the row and those above it stand among their siblings. */
static void add_branches(const struct gh_tree_rows *rows, size_t at, struct gh_buf *ret) {
    size_t path[DEEPEST], depth = 0;
    for (size_t i = at; i != 0 && depth < DEEPEST; i = rows->list[i].parent)
        path[depth++] = i;
    for (size_t i = depth; i-- > 0;) {
        bool last = rows->list[path[i]].next == GH_TREE_NONE;
        gh_buf_add(ret, i == 0 ? (last ? GH_STR("└─ ") : GH_STR("├─ "))
                        : last ? GH_STR("   ")
                               : GH_STR("│  "));
    }
}

static void add_status(const struct gh_tree_row *row, long long now, struct gh_buf *ret) {
    static const char *const dots[] = { "", ".", "..", "..." };
    double seconds = row->began ? (double)((row->ended ? row->ended : now) - row->began) / 1e9 : 0;
    gh_buf_addf(ret, "%s", row->word);
    if (row->began && row->ended && !row->failed)
        gh_buf_addf(ret, " (%.2fs)", seconds);
    else if (row->began && !row->ended)
        gh_buf_addf(ret, " (%llds)%s", (long long)seconds, dots[(unsigned long long)(seconds * 4) % 4]);
}

struct frame {
    const struct gh_tree_rows *rows;
    const struct gh_tree_look *look;
    unsigned type, name, status; /* columns */
    bool last_names;             /* "Role" instead of "auth0:index:Role": the terminal is narrow */
    unsigned long oldest;        /* rows with an older stamp are not shown */
    size_t hidden;
    struct gh_buf *out, *widths;
};

static unsigned larger(unsigned a, unsigned b) {
    return a > b ? a : b;
}

static unsigned smaller(unsigned a, unsigned b) {
    return a < b ? a : b;
}

static void end_line(struct frame *f, unsigned width) {
    gh_buf_add_char(f->out, '\n');
    if (f->widths)
        gh_buf_add(f->widths, (struct gh_str){ (const char *)&width, sizeof width });
}

/* A cell and the gap behind it, as far as the line has room. */
static void add_cell(struct frame *f, const char *text, unsigned wanted, bool last, unsigned *used) {
    unsigned limit = f->look->width - 1, room = *used < limit ? limit - *used : 0;
    unsigned took = add_cut(f->out, text, last ? room : smaller(wanted, room));
    *used += took;
    if (!last && room > took) {
        unsigned pad = smaller(wanted + GAP > took ? wanted + GAP - took : 0, room - took);
        add_blanks(f->out, pad);
        *used += pad;
    }
}

static const char *type_of(const struct frame *f, const struct gh_tree_row *row) {
    const char *colon = f->last_names ? strrchr(row->type, ':') : NULL;
    return colon ? colon + 1 : row->type;
}

static void add_row(struct frame *f, size_t at) {
    const struct gh_tree_row *row = &f->rows->list[at];
    gh_auto(gh_buf_release) struct gh_buf type = gh_buf_make(4096), status = gh_buf_make(256);
    const char *colour = f->look->colour ? row->colour : "";
    unsigned used = 0, limit = f->look->width - 1;
    char glyph[16];
    add_branches(f->rows, at, &type);
    gh_buf_addf(&type, "%s", type_of(f, row));
    add_status(row, f->look->now, &status);
    snprintf(glyph, sizeof glyph, " %-3s", row->glyph);
    gh_buf_addf(f->out, "%s", colour);
    used += add_cut(f->out, glyph, smaller(GLYPHS, limit));
    gh_buf_addf(f->out, "%s", *colour ? "\033[0m" : "");
    add_cell(f, type.failed ? "" : type.ptr, f->type, false, &used);
    add_cell(f, row->name, f->name, false, &used);
    gh_buf_addf(f->out, "%s", row->failed && f->look->colour ? "\033[31m" : colour);
    bool more = row->info && row->info[0];
    add_cell(f, status.failed ? "" : status.ptr, f->status, !more, &used);
    gh_buf_addf(f->out, "%s", *colour || (row->failed && f->look->colour) ? "\033[0m" : "");
    if (more)
        add_cell(f, row->info, 0, true, &used);
    end_line(f, used);
}

static void walk(struct frame *f, size_t at, unsigned depth) {
    if (at == 0 || f->rows->list[at].stamp >= f->oldest)
        add_row(f, at);
    else
        f->hidden++;
    for (size_t i = f->rows->list[at].first; i != GH_TREE_NONE && depth < DEEPEST; i = f->rows->list[i].next)
        walk(f, i, depth + 1);
}

static void measure_wanted(struct frame *f) {
    f->type = columns_of("Type");
    f->name = columns_of("Name");
    for (size_t i = 0; i < f->rows->count; i++) {
        const struct gh_tree_row *row = &f->rows->list[i];
        unsigned depth = 0;
        for (size_t k = i; k != 0 && depth < DEEPEST; k = f->rows->list[k].parent)
            depth++;
        f->type = larger(f->type, columns_of(type_of(f, row)) + 3 * depth);
        f->name = larger(f->name, columns_of(row->name));
    }
}

/* What the cells want, and what they get of a narrow terminal: packages go first, then ends of names. */
static void measure(struct frame *f) {
    f->status = columns_of("releasing (9s)...");
    unsigned fixed = GLYPHS + 2 * GAP + f->status, width = f->look->width - 1;
    unsigned room = width > fixed + 12 ? width - fixed : 12;
    measure_wanted(f);
    if (f->type + f->name > room) {
        f->last_names = true;
        measure_wanted(f);
    }
    if (f->type + f->name > room) {
        unsigned half = room / 2;
        f->name = smaller(f->name, f->type <= half ? room - f->type : half);
        f->type = smaller(f->type, room - f->name);
    }
}

/* The stamp from which on at most `most` rows are. Stamps are all different. */
static unsigned long threshold(const struct gh_tree_rows *rows, size_t most) {
    unsigned long low = 0, high = rows->stamp + 1;
    while (low < high) {
        unsigned long middle = low + (high - low) / 2;
        size_t n = 0;
        for (size_t i = 1; i < rows->count; i++)
            n += rows->list[i].stamp >= middle;
        if (n <= most)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void gh_tree_frame(const struct gh_tree_rows *rows, const struct gh_tree_look *look, struct gh_buf *ret,
                   struct gh_buf *widths) {
    struct gh_tree_look bounded = *look;
    struct frame f = { .rows = rows, .look = &bounded, .out = ret, .widths = widths };
    if (rows->count == 0)
        return;
    bounded.width = larger(look->width, 2);
    unsigned taken = 4; /* heading, root, "and more", the line of the cursor */
    if (look->height && rows->count - 1 + 3 > look->height)
        f.oldest = threshold(rows, look->height > taken ? look->height - taken : 0);
    measure(&f);
    unsigned used = 0;
    add_cell(&f, "    Type", f.type + GLYPHS, false, &used);
    add_cell(&f, "Name", f.name, false, &used);
    add_cell(&f, "Status", f.status, true, &used);
    end_line(&f, used);
    walk(&f, 0, 0);
    if (f.hidden) {
        char more[64];
        snprintf(more, sizeof more, "    … and %zu more", f.hidden);
        used = add_cut(ret, more, bounded.width - 1);
        end_line(&f, used);
    }
}
