/* core/arena.h - memory of one request: allocate often, free once, never beyond a ceiling.
 * Not for secrets: they live outside and are cleansed by their owner. Not shared between threads. */
#pragma once
#include <stdarg.h>
#include <stddef.h>

#include "core/cleanup.h"
#include "core/str.h"

struct gh_arena;

/* `ceiling` bounds the sum of all allocations, in bytes. NULL when out of memory. */
struct gh_arena *gh_arena_new(size_t ceiling);

/* The same, but it begins in `memory`, which is the caller's, aligned for any type, and outlives it: more is
 * allocated only when that is used up. NULL where not even the arena fits, some 100 bytes. */
struct gh_arena *gh_arena_new_in(void *memory, size_t size, size_t ceiling);

void gh_arena_free(struct gh_arena *a);

/* Zeroed, aligned for any type; NULL above the ceiling or out of memory. Size 0 gives a valid pointer. */
void *gh_arena_alloc(struct gh_arena *a, size_t size);
void *gh_arena_calloc(struct gh_arena *a, size_t count, size_t size); /* NULL on overflow too */

/* Copies; ptr is NULL when there was no memory. The copy is NUL-terminated behind its length. */
struct gh_str gh_arena_dup(struct gh_arena *a, struct gh_str s);
char *gh_arena_cstr(struct gh_arena *a, struct gh_str s);
struct gh_str gh_arena_printf(struct gh_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline void gh_arena_freep(struct gh_arena **a) {
    gh_arena_free(*a);
}

#define GH_NEW(arena, type) ((type *)gh_arena_alloc((arena), sizeof(type)))
