/* stack/engine/display.h - steps, summaries and outputs as Pulumi prints them, for people and for scripts
 * that read what they print. */
#pragma once
#include <stdio.h>

#include "stack/engine/engine.h"

struct gh_display {
    FILE *out;
    bool colour;
    bool terminal;     /* a line may be drawn over */
    bool diff;         /* every property of every change */
    bool same;         /* lines for what stays as it is, too */
    bool secrets;      /* show them */
    bool applying;     /* the steps are being done: "created", not "create" */
    long long started; /* of the current step, monotonic ns */
};

/* As the engine's event callback; the context is a struct gh_display. */
void gh_display_step(void *context, const struct gh_step *step, enum gh_event event);

/* "Resources:\n    + 5 to create\n    12 unchanged". Returns the number of changes. */
size_t gh_display_summary(const struct gh_display *d, const struct gh_engine *e);
void gh_display_outputs(const struct gh_display *d,
                        json_t *outputs); /* wire form; nothing when there are none */
void gh_display_duration(const struct gh_display *d, long long nanoseconds);

/* One JSON document: {"steps": [{"op", "urn", "type", "name", "id"?, "drift"?, "changes": […]}],
 * "changeSummary": {…}}. New. */
json_t *gh_display_digest(const struct gh_engine *e, const char *project, const char *stack);

/* "options.passwordPolicy" of a change's path: the program's names, not the API's. */
void gh_display_path(const struct gh_step *step, const json_t *path, struct gh_buf *ret);
