#include "stack/engine/tree.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "stack/engine/shown.h"
#include "stack/engine/tree_frame.h"
#include "sys/clock.h"

#define TICK_MS 80
#define FRAME (4 << 20)
#define SHOW_CURSOR "\033[?25h"
#define HIDE_CURSOR "\033[?25l"

struct gh_tree {
    const struct gh_display *look;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool threaded, ending;
    struct gh_tree_rows rows;
    json_t *index;        /* "type::name::what" → row */
    struct gh_buf widths; /* of the lines that are on the terminal: one unsigned each */
};

/* ---- the terminal is given back whatever happens ---- */

static int cursor_fd = -1;
static const int fatal[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static struct sigaction former[GH_COUNT(fatal)];

static void on_fatal(int signal_number) {
    static const char text[] = SHOW_CURSOR "\n";
    if (cursor_fd >= 0 && write(cursor_fd, text, sizeof text - 1) < 0)
        cursor_fd = -1; /* nothing is left to be done about it */
    for (size_t i = 0; i < GH_COUNT(fatal); i++)
        if (fatal[i] == signal_number)
            sigaction(signal_number, &former[i], NULL);
    raise(signal_number);
}

static void guard_cursor(int fd) {
    struct sigaction action = { .sa_handler = on_fatal };
    sigemptyset(&action.sa_mask);
    cursor_fd = fd;
    for (size_t i = 0; i < GH_COUNT(fatal); i++) {
        sigaction(fatal[i], NULL, &former[i]);
        if (former[i].sa_handler != SIG_IGN)
            sigaction(fatal[i], &action, NULL);
    }
}

static void unguard_cursor(void) {
    for (size_t i = 0; i < GH_COUNT(fatal); i++)
        sigaction(fatal[i], &former[i], NULL);
    cursor_fd = -1;
}

/* ---- drawing; the lock is held ---- */

static struct gh_tree_look look_now(const struct gh_tree *t) {
    struct winsize size = { 0 };
    ioctl(fileno(t->look->out), TIOCGWINSZ, &size);
    return (struct gh_tree_look){
        .width = size.ws_col ? size.ws_col : 80,
        .height = size.ws_row ? size.ws_row : 24,
        .colour = t->look->colour,
        .now = gh_clock_monotonic_ns(),
    };
}

/* To the first line of the last frame: a terminal that became narrower has broken its lines. */
static void rewind_cursor(const struct gh_tree *t, unsigned width) {
    size_t n = t->widths.len / sizeof(unsigned), up = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned one;
        memcpy(&one, t->widths.ptr + i * sizeof one, sizeof one);
        up += one > width ? (one + width - 1) / width : 1;
    }
    if (up)
        fprintf(t->look->out, "\033[%zuA", up);
    fputs("\r\033[J", t->look->out);
}

static void draw(struct gh_tree *t, bool all) {
    gh_auto(gh_buf_release) struct gh_buf frame = gh_buf_make(all ? FRAME * 8 : FRAME);
    struct gh_tree_look look = look_now(t);
    rewind_cursor(t, look.width);
    gh_buf_reset(&t->widths);
    look.height = all ? 0 : look.height;
    gh_tree_frame(&t->rows, &look, &frame, &t->widths);
    if (frame.failed)
        gh_buf_reset(&t->widths);
    else if (frame.len)
        fwrite(frame.ptr, 1, frame.len, t->look->out);
    fflush(t->look->out);
}

static void *draw_on(void *context) {
    struct gh_tree *t = context;
    pthread_mutex_lock(&t->lock);
    while (!t->ending) {
        struct timespec until;
        draw(t, false);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TICK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        while (!t->ending && pthread_cond_timedwait(&t->wake, &t->lock, &until) != ETIMEDOUT) {
        }
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

/* ---- rows; the lock is held ---- */

static size_t row_of(struct gh_tree *t, const char *key, size_t parent, const char *type, const char *name) {
    json_t *known = json_object_get(t->index, key);
    if (known)
        return (size_t)json_integer_value(known);
    size_t row = gh_tree_rows_add(&t->rows, parent, type, name);
    if (row != GH_TREE_NONE)
        json_object_set_new(t->index, key, json_integer((json_int_t)row));
    return row;
}

/* "auth0:index:Role" of "auth0:index/role:Role"; a component's type is as it is. */
static const char *short_type(const char *token, char *room, size_t size) {
    const char *slash = strchr(token, '/'), *colon = slash ? strchr(slash, ':') : NULL;
    if (!colon)
        return token;
    snprintf(room, size, "%.*s%s", (int)(slash - token), token, colon);
    return room;
}

/* The row of the innermost component; the root's where there is none. */
static size_t parent_of(struct gh_tree *t, const struct gh_step *s) {
    size_t parent = 0, i;
    json_t *one;
    char type[256];
    gh_auto(gh_buf_release) struct gh_buf key = gh_buf_make(65536);
    json_array_foreach(s->parents, i, one) {
        const char *text = json_string_value(one), *cut = text ? strstr(text, "::") : NULL;
        if (!cut)
            continue;
        snprintf(type, sizeof type, "%.*s", (int)(cut - text), text);
        gh_buf_addf(&key, "/%s", text);
        size_t row = key.failed ? GH_TREE_NONE : row_of(t, key.ptr, parent, type, cut + 2);
        if (row == GH_TREE_NONE)
            break;
        parent = row;
    }
    return parent;
}

static void set_info(struct gh_tree_row *row, const struct gh_step *s, const struct gh_display *look) {
    gh_auto(gh_buf_release) struct gh_buf info = gh_buf_make(65536);
    gh_display_brief(s, look->secrets, &info);
    free(row->info);
    row->info = info.failed || !info.len ? NULL : strdup(info.ptr);
}

static void take_event(struct gh_tree *t, const struct gh_step *s, enum gh_event event) {
    char room[256];
    gh_auto(gh_buf_release) struct gh_buf key = gh_buf_make(65536);
    gh_buf_addf(&key, "%s::%s::%s", s->type->token, s->name,
                s->op == GH_OP_DELETE || s->op == GH_OP_RELEASE ? "goes" : "");
    if (key.failed)
        return;
    size_t at = row_of(t, key.ptr, parent_of(t, s), short_type(s->type->token, room, sizeof room), s->name);
    if (at == GH_TREE_NONE)
        return;
    struct gh_tree_row *row = &t->rows.list[at];
    long long now = gh_clock_monotonic_ns();
    row->glyph = gh_display_glyph(s->op);
    row->colour = gh_display_colour(s->op);
    row->word = gh_display_word(s->op, event);
    if (event == GH_EVENT_STARTED) {
        row->began = now;
        row->ended = 0;
    } else if (event != GH_EVENT_PLANNED) {
        row->began = row->began ? row->began : now;
        row->ended = now;
        row->failed = event == GH_EVENT_FAILED;
    }
    set_info(row, s, t->look);
    gh_tree_rows_touch(&t->rows, at);
}

void gh_tree_step(void *context, const struct gh_step *s, enum gh_event event) {
    struct gh_tree *t = context;
    if (event == GH_EVENT_COUNT || (s->op == GH_OP_SAME && !t->look->same && event != GH_EVENT_FAILED))
        return;
    pthread_mutex_lock(&t->lock);
    take_event(t, s, event);
    pthread_mutex_unlock(&t->lock);
}

void gh_tree_say(struct gh_tree *t, const char *text) {
    pthread_mutex_lock(&t->lock);
    rewind_cursor(t, look_now(t).width);
    gh_buf_reset(&t->widths);
    gh_display_text(t->look->out, gh_str_from(text));
    fputc('\n', t->look->out);
    draw(t, false);
    pthread_mutex_unlock(&t->lock);
}

struct gh_tree *gh_tree_begin(const struct gh_display *look) {
    struct gh_tree *t = calloc(1, sizeof *t);
    gh_auto(gh_buf_release) struct gh_buf name = gh_buf_make(4096);
    if (!t)
        return NULL;
    t->look = look;
    t->widths = gh_buf_make(1 << 20);
    t->index = json_object();
    gh_buf_addf(&name, "%s-%s", look->project, look->stack);
    size_t root = gh_tree_rows_add(&t->rows, 0, "pulumi:pulumi:Stack", name.failed ? "" : name.ptr);
    if (!t->index || root == GH_TREE_NONE || pthread_mutex_init(&t->lock, NULL) != 0 ||
        pthread_cond_init(&t->wake, NULL) != 0) {
        json_decref(t->index);
        gh_tree_rows_release(&t->rows);
        free(t);
        return NULL;
    }
    t->rows.list[root].word = look->applying ? "running" : "comparing";
    t->rows.list[root].began = gh_clock_monotonic_ns();
    guard_cursor(fileno(look->out));
    fputs(HIDE_CURSOR, look->out);
    t->threaded = pthread_create(&t->thread, NULL, draw_on, t) == 0; /* else: one frame, at the end */
    return t;
}

void gh_tree_end(struct gh_tree *t, bool failed) {
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->ending = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    if (t->threaded)
        pthread_join(t->thread, NULL);
    struct gh_tree_row *root = &t->rows.list[0];
    root->ended = gh_clock_monotonic_ns();
    root->failed = failed;
    root->word = failed ? "failed" : t->look->applying ? "done" : "compared";
    draw(t, true);
    fputs(SHOW_CURSOR, t->look->out);
    fflush(t->look->out);
    unguard_cursor();
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    gh_tree_rows_release(&t->rows);
    gh_buf_release(&t->widths);
    json_decref(t->index);
    free(t);
}
