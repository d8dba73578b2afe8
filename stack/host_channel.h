/* stack/host_channel.h - lines of JSON to and from a language host, and the process behind them. What arrives
 * is a stranger's: the program may have taken its host over. Private to stack/. */
#pragma once
#include <jansson.h>
#include <sys/types.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/limits.h"

#define LINE_MAX_BYTES (2 * GH_LIMIT_STACK_VALUE) /* a value in its longest spelling */

struct host_channel {
    int in, out; /* of ours: the same socket; -1: there is none */
    pid_t pid;   /* 0: the process is not ours */
    struct gh_buf text;
    size_t used; /* of `text`: lines that were handled */
};

/* argv gets the number of its end of the socket as last argument: the place before the NULL. Its process
 * group is its own. IO, NOT_FOUND: there is no such program. */
enum gh_err host_channel_start(struct host_channel *c, const char **argv, const char *dir);

/* IO: the other end has read nothing for a minute. One that is gone is no error here: reading tells. */
enum gh_err host_channel_send(struct host_channel *c, const json_t *message);

/* Over descriptors that stay the caller's. */
void host_channel_attach(struct host_channel *c, int in, int out);

/* One line, valid until the next call. NOT_FOUND at the end of the stream, also in the middle of a line;
 * TOO_LARGE. */
enum gh_err host_channel_line(struct host_channel *c, struct gh_str *ret);

/* There is something to read, or comes within that time. */
bool host_channel_has_more(const struct host_channel *c, int milliseconds);

/* A line as a new object. MALFORMED: it is none, or holds a member twice. */
enum gh_err host_channel_parse(struct gh_str line, json_t **ret);

/* Ends a host of ours and all that it started; `how` tells how it had ended by itself, for people. */
void host_channel_close(struct host_channel *c, char *how, size_t size);
