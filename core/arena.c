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

struct gh_arena {
    struct chunk *chunks; /* newest first */
    size_t ceiling, used;
};

struct gh_arena *gh_arena_new(size_t ceiling) {
    struct gh_arena *a = calloc(1, sizeof *a);
    if (a)
        a->ceiling = ceiling;
    return a;
}

void gh_arena_free(struct gh_arena *a) {
    if (!a)
        return;
    for (struct chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(a);
}

static struct chunk *chunk_add(struct gh_arena *a, size_t need) {
    size_t size = a->chunks ? a->chunks->size * 2 : FIRST_CHUNK;
    if (size < need)
        size = need;
    struct chunk *c = calloc(1, sizeof *c + size);
    if (!c)
        return NULL;
    c->size = size;
    c->next = a->chunks;
    a->chunks = c;
    return c;
}

void *gh_arena_alloc(struct gh_arena *a, size_t size) {
    if (size > SIZE_MAX - ALIGNMENT)
        return NULL;
    size_t need = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (need == 0)
        need = ALIGNMENT;
    if (need > a->ceiling - a->used)
        return NULL;

    struct chunk *c = a->chunks;
    if (!c || c->size - c->used < need)
        c = chunk_add(a, need);
    if (!c)
        return NULL;
    void *p = c->data + c->used;
    c->used += need;
    a->used += need;
    return p;
}

void *gh_arena_calloc(struct gh_arena *a, size_t count, size_t size) {
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : gh_arena_alloc(a, bytes);
}

char *gh_arena_cstr(struct gh_arena *a, struct gh_str s) {
    char *p = s.len == SIZE_MAX ? NULL : gh_arena_alloc(a, s.len + 1);
    if (p && s.len)
        memcpy(p, s.ptr, s.len);
    return p; /* zeroed, so terminated */
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
    char *p = len < 0 ? NULL : gh_arena_alloc(a, (size_t)len + 1);
    if (p)
        vsnprintf(p, (size_t)len + 1, fmt, again);
    va_end(again);
    return (struct gh_str){ p, p ? (size_t)len : 0 };
}
