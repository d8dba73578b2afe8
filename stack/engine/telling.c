#include <stdlib.h>

#include "stack/engine/internal.h"
#include "sys/clock.h"

struct slot {
    struct gh_step *step;
    enum gh_event event;
    long long began;
    bool begun, ended, said, told; /* said: that it began; told: that it ended */
};

struct gh_telling {
    struct gh_engine *engine;
    struct slot *slots; /* by rank - 1 */
    size_t room, count, next, arrived;
};

struct gh_telling *gh_telling_new(struct gh_engine *e) {
    struct gh_telling *t = calloc(1, sizeof *t);
    if (t)
        t->engine = e;
    return t;
}

/* What was planned and never told belongs to nobody else. */
static void clear(struct gh_telling *t) {
    for (size_t i = t->next; i < t->count; i++)
        if (t->slots[i].ended && t->slots[i].event == GH_EVENT_PLANNED)
            gh_step_free(t->slots[i].step);
    free(t->slots);
}

void gh_telling_free(struct gh_telling *t) {
    if (t)
        clear(t);
    free(t);
}

void gh_telling_restart(struct gh_telling *t) {
    clear(t);
    *t = (struct gh_telling){ .engine = t->engine };
}

size_t gh_telling_rank(struct gh_telling *t, const struct gh_registration *r) {
    return r->rank ? r->rank : ++t->arrived;
}

static struct slot *slot_at(struct gh_telling *t, size_t rank) {
    if (rank > t->room) {
        size_t room = rank < 64 ? 128 : rank * 2;
        struct slot *slots = reallocarray(t->slots, room, sizeof *slots);
        if (!slots)
            abort(); /* a step would be lost: there is no way to go on truthfully */
        for (size_t i = t->room; i < room; i++)
            slots[i] = (struct slot){ 0 };
        t->slots = slots;
        t->room = room;
    }
    t->count = rank > t->count ? rank : t->count;
    return &t->slots[rank - 1];
}

static void say_begun(struct gh_telling *t, struct slot *slot) {
    if (slot->begun && !slot->said)
        gh_engine_tell(t->engine, slot->step, GH_EVENT_STARTED);
    slot->said = true;
}

static void say(struct gh_telling *t, struct slot *slot) {
    if (!slot->step || slot->told)
        return;
    if (slot->event == GH_EVENT_PLANNED)
        gh_engine_add_step(t->engine, slot->step);
    else
        say_begun(t, slot);
    gh_engine_tell(t->engine, slot->step, slot->event);
}

static void advance(struct gh_telling *t) {
    while (t->next < t->count && t->slots[t->next].ended)
        say(t, &t->slots[t->next++]);
    if (t->next < t->count && t->slots[t->next].begun)
        say_begun(t, &t->slots[t->next]);
}

void gh_telling_begun(struct gh_telling *t, size_t rank, struct gh_step *s) {
    *slot_at(t, rank) = (struct slot){ .step = s, .begun = true, .began = gh_clock_monotonic_ns() };
    if (t->engine->at_once)
        say_begun(t, slot_at(t, rank));
    advance(t);
}

void gh_telling_ended(struct gh_telling *t, size_t rank, struct gh_step *s, enum gh_event event) {
    struct slot *slot = slot_at(t, rank);
    slot->step = s;
    slot->event = event;
    slot->ended = true;
    if (s && slot->begun)
        s->took = gh_clock_monotonic_ns() - slot->began;
    if (t->engine->at_once && event != GH_EVENT_PLANNED) {
        say(t, slot);
        slot->told = true;
    }
    advance(t);
}

void gh_telling_skip(struct gh_telling *t, size_t rank) {
    slot_at(t, rank)->ended = true;
    advance(t);
}

void gh_telling_finish(struct gh_telling *t) {
    for (; t->next < t->count; t->next++)
        if (t->slots[t->next].ended)
            say(t, &t->slots[t->next]);
}
