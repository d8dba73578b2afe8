/* core/buf.h - a text that grows up to a ceiling. A failed append sticks: write all, then ask once. */
#pragma once
#include <stdbool.h>

#include "core/str.h"

struct gh_buf {
    char *ptr; /* NUL-terminated once something was added */
    size_t len, room, ceiling;
    bool failed; /* out of memory, or the ceiling was hit: the text is cut and must not be used */
};

static inline struct gh_buf gh_buf_make(size_t ceiling) {
    return (struct gh_buf){ .ceiling = ceiling };
}

void gh_buf_release(struct gh_buf *b); /* safe on a zeroed one; also the gh_auto function */
void gh_buf_reset(struct gh_buf *b);   /* empty again, memory and ceiling kept */
void gh_buf_add(struct gh_buf *b, struct gh_str s);
void gh_buf_add_char(struct gh_buf *b, char c);
void gh_buf_addf(struct gh_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline struct gh_str gh_buf_str(const struct gh_buf *b) {
    return (struct gh_str){ b->ptr, b->len };
}
