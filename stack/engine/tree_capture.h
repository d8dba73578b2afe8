/* stack/engine/tree_capture.h - what this process and its children write to stderr while a live tree is on
 * the same terminal: line by line above the tree instead of across it. */
#pragma once

struct gh_tree;
struct gh_tree_capture;

/* NULL where stderr is no terminal (then it is left alone), or when something is short. */
struct gh_tree_capture *gh_tree_capture_begin(struct gh_tree *t);

/* Says what is still in the pipe, and gives stderr back. NULL is fine. Before gh_tree_end. */
void gh_tree_capture_end(struct gh_tree_capture *c);
