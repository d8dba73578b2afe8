/* core/target.h - does a request target mean exactly one path? Asked before any decision on it (rule 3). */
#pragma once
#include "core/err.h"
#include "core/str.h"

/* `target` as it came on the wire, path and query. AMBIGUOUS_TARGET for what two servers could read
 * differently: not starting with '/', dot segments plain or encoded, empty segments, encoded slash, backslash
 * or control, double encoding of these, raw controls, '#', ';' before a slash or dot segment, non-ASCII
 * bytes, bad percent escapes. TOO_LARGE above GH_LIMIT_TARGET. *path and *query are views. */
enum gh_err gh_target_check(struct gh_str target, struct gh_str *path, struct gh_str *query);

/* Undoes percent escapes of one segment or one query part; '+' is a blank only for forms. MALFORMED on a bad
 * escape or %00. */
struct gh_arena;
enum gh_err gh_percent_decode(struct gh_arena *a, struct gh_str text, bool plus_is_blank, struct gh_str *ret);
enum gh_err gh_percent_encode(struct gh_arena *a, struct gh_str text,
                              struct gh_str *ret); /* all but RFC 3986 unreserved */
