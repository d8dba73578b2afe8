/* stack/engine/tree_frame.h - the rows of a live tree and what they look like on a terminal of some size.
 * Pure: stack/engine/tree.h owns the terminal. */
#pragma once
#include "core/buf.h"

struct gh_tree_row {
    char *type, *name, *info;         /* owned; info may be NULL */
    const char *glyph, *colour;       /* static; "" for none */
    const char *word;                 /* static: "creating", "created", "failed" */
    long long began, ended;           /* monotonic ns; 0: not begun (a plan), not ended */
    size_t parent, next, first, last; /* rows of the tree, GH_TREE_NONE for none; row 0 is the root */
    unsigned long stamp;              /* grows with each change of any row */
    bool failed;
};
#define GH_TREE_NONE ((size_t)-1)

struct gh_tree_rows {
    struct gh_tree_row *list;
    size_t count, room;
    unsigned long stamp;
};

void gh_tree_rows_release(struct gh_tree_rows *rows);

/* A new row below `parent` (ignored for the first one, the root). GH_TREE_NONE when out of memory. */
size_t gh_tree_rows_add(struct gh_tree_rows *rows, size_t parent, const char *type, const char *name);
void gh_tree_rows_touch(struct gh_tree_rows *rows, size_t row);

struct gh_tree_look {
    unsigned width, height; /* of the terminal; 0 height: all rows, however many */
    bool colour;
    long long now; /* monotonic ns */
};

/* The lines, each ended by "\n" and at most width − 1 columns wide; of more rows than fit those that were
 * touched last. Widths of the lines, in columns, are appended to `widths` (may be NULL) as one unsigned each.
 */
void gh_tree_frame(const struct gh_tree_rows *rows, const struct gh_tree_look *look, struct gh_buf *ret,
                   struct gh_buf *widths);
