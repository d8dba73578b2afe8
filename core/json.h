/* core/json.h - a small JSON scanner that allocates nothing: for tokens, prompts and event streams (RFC 8259,
 * strict). What it accepts, jansson accepts with the same members (fuzz/fuzz_json.c). A value is a view of
 * the text it came from. */
#pragma once
#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"

enum gh_json_type {
    GH_JSON_NULL,
    GH_JSON_FALSE,
    GH_JSON_TRUE,
    GH_JSON_NUMBER,
    GH_JSON_STRING,
    GH_JSON_ARRAY,
    GH_JSON_OBJECT
};

struct gh_json {
    enum gh_json_type type;
    struct gh_str text; /* the value as written, a string with its quotes */
};

/* One whole document: nothing but blanks around it, strict UTF-8, no byte order mark, no NUL (raw or
 * escaped), no lone surrogate, no duplicate member in any object after unescaping, depth <= max_depth (the
 * outermost array or object is 1; never above GH_LIMIT_JSON_NESTING), at most GH_LIMIT_JSON_MEMBERS names in
 * all objects that are open at a time, no number that may reach 1e308. MALFORMED, or TOO_LARGE for depth and
 * members. Time is linear in the text whatever it says: the names of an object are kept sorted. */
enum gh_err gh_json_parse(struct gh_str text, unsigned max_depth, struct gh_json *ret);

/* The calls below take values that came from gh_json_parse and so cannot fail on grammar. */

/* Walks an object or array: start with *at = 0. False at the end. `key` is raw, between its quotes, still
 * escaped (NULL ptr in arrays). */
bool gh_json_next(struct gh_json container, size_t *at, struct gh_str *key, struct gh_json *value);

/* The member of that name, compared after unescaping; false when absent or not an object. */
bool gh_json_member(struct gh_json object, struct gh_str name, struct gh_json *ret);

/* True when the raw key contains no escape and equals name; when deciding on raw bytes escaped spellings are
 * refused by the caller. */
bool gh_json_key_is(struct gh_str raw_key, struct gh_str name);

/* True when the raw key means name, escaped or not. */
bool gh_json_key_spells(struct gh_str raw_key, struct gh_str name);

/* Unescaped: a view when nothing was escaped, else a copy in the arena. BAD_CLAIM when it is no string,
 * NOMEM. */
enum gh_err gh_json_string(struct gh_arena *a, struct gh_json value, struct gh_str *ret);

/* A plain integer: no fraction, no exponent, no minus zero, |n| <= 2^53. BAD_CLAIM otherwise. */
enum gh_err gh_json_integer(struct gh_json value, long long *ret);

/* A text that gh_json_parse accepted before, seen as a value again. */
struct gh_json gh_json_view(struct gh_str text);

/* Appends `text` as a JSON string with its quotes. The text is UTF-8; quotes, backslashes and controls are
 * escaped. */
void gh_json_quote(struct gh_buf *ret, struct gh_str text);
