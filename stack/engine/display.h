/* stack/engine/display.h - steps, summaries and outputs as Pulumi prints them, for people and for scripts
 * that read what they print. */
#pragma once
#include <stdio.h>

#include "stack/engine/engine.h"

struct gh_display {
    FILE *out;
    const char *project, *stack;
    bool colour;
    bool diff;     /* every property of every change */
    bool same;     /* lines for what stays as it is, too */
    bool secrets;  /* show them */
    bool applying; /* the steps are being done: "created", not "create" */
};

/* As the engine's event callback; the context is a struct gh_display. */
void gh_display_step(void *context, const struct gh_step *step, enum gh_event event);

/* "Resources:\n    + 5 to create\n    12 unchanged". Returns the number of changes. */
size_t gh_display_summary(const struct gh_display *d, const struct gh_engine *e);
void gh_display_outputs(const struct gh_display *d,
                        json_t *outputs); /* wire form; nothing when there are none */
void gh_display_duration(const struct gh_display *d, long long nanoseconds);

/* What gh_shown_changes says, a line for each property and each element, nested as in the program. */
void gh_display_changes(FILE *out, const json_t *changes);

/* "[diff: ~description,+metadata.plan] (drift)": the end of a step's line, empty where there is nothing to
 * say. */
void gh_display_brief(const struct gh_step *s, bool secrets, struct gh_buf *ret);
const char *gh_display_glyph(enum gh_op op);
const char *gh_display_colour(enum gh_op op);
const char *gh_display_word(enum gh_op op,
                            enum gh_event event); /* "create", "creating", "created", "failed" */

/* A line for each element of a set that others put there and this step would take away. */
void gh_display_foreign(const struct gh_display *d, const struct gh_step *s);

/* One line of JSON, "[secret]" and "[unknown]" bare; no control character of anybody's data reaches the
 * terminal. */
void gh_display_value(FILE *out, const json_t *value);
void gh_display_text(FILE *out, struct gh_str text);
