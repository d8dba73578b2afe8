#include "core/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CHUNK 4096
#define ALIGNMENT alignof(max_align_t)

struct chunk {
    struct chunk *next;
    size_t size, used;
    alignas(max_align_t) char data[];
};

/* The arena stands at the beginning of its first chunk, so that making one is one allocation or none. */
struct gh_arena {
    struct chunk *chunks; /* newest first; NULL: only the first one */
    size_t ceiling, used; /* of what was asked for */
    bool borrowed;        /* the memory is the caller's */
    struct chunk first;
};

static struct gh_arena *begin(void *memory, size_t size, size_t ceiling, bool borrowed) {
    struct gh_arena *a = memory;
    *a = (struct gh_arena){ .ceiling = ceiling, .borrowed = borrowed, .first.size = size - sizeof *a };
    return a;
}

struct gh_arena *gh_arena_new(size_t ceiling) {
    size_t size = sizeof(struct gh_arena) + FIRST_CHUNK;
    void *memory = malloc(size);
    return memory ? begin(memory, size, ceiling, false) : NULL;
}

struct gh_arena *gh_arena_new_in(void *memory, size_t size, size_t ceiling) {
    if (size < sizeof(struct gh_arena) || (uintptr_t)memory % ALIGNMENT != 0)
        return NULL;
    return begin(memory, size, ceiling, true);
}

void gh_arena_free(struct gh_arena *a) {
    if (!a)
        return;
    for (struct chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    if (!a->borrowed)
        free(a);
}

static struct chunk *chunk_add(struct gh_arena *a, size_t need) {
    size_t size = a->chunks ? a->chunks->size * 2 : FIRST_CHUNK;
    if (size < need)
        size = need;
    struct chunk *c = malloc(sizeof *c + size);
    if (!c)
        return NULL;
    *c = (struct chunk){ .size = size, .next = a->chunks };
    a->chunks = c;
    return c;
}

/* Not zeroed: a chunk is mostly larger than what a request takes of it. */
static void *take(struct gh_arena *a, size_t size) {
    if (size > SIZE_MAX - ALIGNMENT)
        return NULL;
    size_t need = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (need == 0)
        need = ALIGNMENT;
    if (need > a->ceiling - a->used)
        return NULL;

    struct chunk *c = a->chunks ? a->chunks : &a->first;
    if (c->size - c->used < need)
        c = chunk_add(a, need);
    if (!c)
        return NULL;
    void *p = c->data + c->used;
    c->used += need;
    a->used += need;
    return p;
}

void *gh_arena_alloc(struct gh_arena *a, size_t size) {
    void *p = take(a, size);
    return p ? memset(p, 0, size) : NULL;
}

void *gh_arena_calloc(struct gh_arena *a, size_t count, size_t size) {
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : gh_arena_alloc(a, bytes);
}

char *gh_arena_cstr(struct gh_arena *a, struct gh_str s) {
    char *p = s.len == SIZE_MAX ? NULL : take(a, s.len + 1);
    if (!p)
        return NULL;
    if (s.len)
        memcpy(p, s.ptr, s.len);
    p[s.len] = '\0';
    return p;
}

struct gh_str gh_arena_dup(struct gh_arena *a, struct gh_str s) {
    char *p = gh_arena_cstr(a, s);
    return (struct gh_str){ p, p ? s.len : 0 };
}

struct gh_str gh_arena_printf(struct gh_arena *a, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *p = len < 0 ? NULL : take(a, (size_t)len + 1);
    if (p)
        vsnprintf(p, (size_t)len + 1, fmt, again);
    va_end(again);
    return (struct gh_str){ p, p ? (size_t)len : 0 };
}
