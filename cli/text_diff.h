/* cli/text_diff.h - what differs between two texts, by lines, as `diff -u` shows it. */
#pragma once
#include "core/buf.h"

/* Hunks with three lines around them; nothing when the texts are equal. */
void gh_text_diff(struct gh_str old, struct gh_str new, bool colour, struct gh_buf *ret);
