#include "sys/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/str.h"
#include "sys/clock.h"
#include <stdbool.h>

enum { LINE = 2048 }; /* a pipe takes up to PIPE_BUF (4096) bytes in one piece */

static _Atomic int threshold = GH_LOG_INFO;
static const char *const level_names[] = { "debug", "info", "warn", "error" };

struct line {
    char text[LINE];
    size_t len;
};

void gh_log_set_level(enum gh_log_level level) {
    atomic_store(&threshold, (int)level);
}

static void put(struct line *l, char c) {
    if (l->len < LINE - 1) /* always room for the newline */
        l->text[l->len++] = c;
}

static void put_text(struct line *l, const char *s) {
    while (*s)
        put(l, *s++);
}

static bool plain(unsigned char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

static void put_value(struct line *l, const char *s) {
    static const char hex[] = "0123456789abcdef";
    bool quote = !*s;
    for (const char *p = s; *p && !quote; p++)
        quote = !plain((unsigned char)*p);
    if (!quote) {
        put_text(l, s);
        return;
    }
    put(l, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') {
            put(l, '\\');
            put(l, (char)c);
        } else if (c < ' ' || c >= 0x7f) { /* bytes above ASCII too: a terminal may act on C1 controls */
            put_text(l, "\\x");
            put(l, hex[c >> 4]);
            put(l, hex[c & 15]);
        } else {
            put(l, (char)c);
        }
    }
    put(l, '"');
}

/* Each format takes its argument by its own type, so that the list stays in step. */
static bool format_value(char *ret, size_t size, const char *format, va_list *args) {
    if (strcmp(format, "%s") == 0) {
        const char *s = va_arg(*args, const char *);
        snprintf(ret, size, "%s", s ? s : "");
    } else if (strcmp(format, "%d") == 0) {
        snprintf(ret, size, "%d", va_arg(*args, int));
    } else if (strcmp(format, "%lld") == 0) {
        snprintf(ret, size, "%lld", va_arg(*args, long long));
    } else if (strcmp(format, "%zu") == 0) {
        snprintf(ret, size, "%zu", va_arg(*args, size_t));
    } else if (strcmp(format, "%.*s") == 0) {
        int len = va_arg(*args, int);
        const char *s = va_arg(*args, const char *);
        snprintf(ret, size, "%.*s", s ? len : 0, s ? s : "");
    } else {
        return false; /* our own mistake: the rest of the list cannot be read */
    }
    return true;
}

void gh_log(enum gh_log_level level, const char *event, ...) {
    if ((int)level < atomic_load_explicit(&threshold, memory_order_relaxed))
        return;
    struct line l = { .len = 0 };
    char value[1024];
    gh_clock_format_iso(gh_clock_milliseconds(), value);
    put_text(&l, "time=");
    put_text(&l, value);
    put_text(&l, " level=");
    put_text(&l, level_names[level]);
    put_text(&l, " event=");
    put_value(&l, event);

    va_list args;
    va_start(args, event);
    for (const char *key; (key = va_arg(args, const char *));) {
        const char *format = va_arg(args, const char *);
        if (!format_value(value, sizeof value, format, &args)) {
            put_text(&l, " log_error=format");
            break;
        }
        put(&l, ' ');
        put_text(&l, key);
        put(&l, '=');
        put_value(&l, value);
    }
    va_end(args);
    l.text[l.len++] = '\n';
    /* One write a line, so that lines of threads and of children do not mix. Nobody is left to tell when
     * stderr is gone. */
    if (write(STDERR_FILENO, l.text, l.len) < 0)
        return;
}
