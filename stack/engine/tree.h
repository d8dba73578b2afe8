/* stack/engine/tree.h - a run on a terminal: one row a step, below its components, redrawn while the steps go
 * on. A thread of its own draws, so that a row's time goes on while the engine waits for the tenant; the
 * cursor is hidden meanwhile and comes back also when the process is interrupted. */
#pragma once
#include "stack/engine/display.h"

struct gh_tree;

/* `look` is borrowed: out (a terminal), colour, same, secrets, applying, project, stack. NULL when out of
 * memory. */
struct gh_tree *gh_tree_begin(const struct gh_display *look);

/* As the engine's event callback; the context is a struct gh_tree. Any thread. */
void gh_tree_step(void *context, const struct gh_step *step, enum gh_event event);

/* A line above the tree: what would otherwise be written across it. Any thread. */
void gh_tree_say(struct gh_tree *t, const char *text);

/* Draws all rows once more, whatever the height, and gives the terminal back. NULL is fine. */
void gh_tree_end(struct gh_tree *t, bool failed);
