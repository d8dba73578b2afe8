/* stack/engine/events.h - a run as a stream of JSON, one event a line, in the shape of Pulumi's engine events
 * (apitype.EngineEvent): for scripts and tests. docs/stack-events.md describes the members. Called from one
 * thread at a time. */
#pragma once
#include <stdio.h>

#include "stack/engine/engine.h"

struct gh_events {
    FILE *out;
    const char *project, *stack;
    bool secrets;      /* show them */
    bool applying;     /* else the events are marked as those of a preview */
    json_int_t number; /* of the next event */
    size_t told;       /* diagnostics that are out already */
    const struct gh_diagnostics *diagnostics;
};

void gh_events_prelude(struct gh_events *ev, json_t *config /* wire form, borrowed; may be NULL */);

/* As the engine's event callback; the context is a struct gh_events. */
void gh_events_step(void *context, const struct gh_step *step, enum gh_event event);

/* Those diagnostics that are not out yet. */
void gh_events_diagnostics(struct gh_events *ev);

/* The program's outputs, as those of the resource pulumi:pulumi:Stack. */
void gh_events_outputs(struct gh_events *ev, const json_t *outputs);
void gh_events_summary(struct gh_events *ev, const struct gh_engine *e, long long nanoseconds);
void gh_events_end(struct gh_events *ev);
