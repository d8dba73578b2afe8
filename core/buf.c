#include "core/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void gh_buf_release(struct gh_buf *b) {
    free(b->ptr);
    *b = (struct gh_buf){ .ceiling = b->ceiling };
}

void gh_buf_reset(struct gh_buf *b) {
    b->len = 0;
    b->failed = false;
    if (b->ptr)
        b->ptr[0] = '\0';
}

static bool make_room(struct gh_buf *b, size_t more) {
    if (b->failed || more > b->ceiling - b->len) {
        b->failed = true;
        return false;
    }
    if (b->len + more < b->room)
        return true;
    size_t room = b->room ? b->room : 256;
    while (room <= b->len + more)
        room *= 2;
    char *p = realloc(b->ptr, room);
    if (!p) {
        b->failed = true;
        return false;
    }
    b->ptr = p;
    b->room = room;
    return true;
}

void gh_buf_add(struct gh_buf *b, struct gh_str s) {
    if (!make_room(b, s.len))
        return;
    if (s.len)
        memcpy(b->ptr + b->len, s.ptr, s.len);
    b->len += s.len;
    b->ptr[b->len] = '\0';
}

void gh_buf_add_char(struct gh_buf *b, char c) {
    gh_buf_add(b, (struct gh_str){ &c, 1 });
}

void gh_buf_addf(struct gh_buf *b, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0)
        b->failed = true;
    else if (make_room(b, (size_t)len)) {
        vsnprintf(b->ptr + b->len, (size_t)len + 1, fmt, again);
        b->len += (size_t)len;
    }
    va_end(again);
}
