/* tenant/api/user_search.h - the q= of GET /users: a subset of Lucene's query syntax over a user's document.
 *
 *     or    := and { ("OR" | "||" | nothing) and }
 *     and   := not { ("AND" | "&&") not }
 *     not   := [ "NOT" | "-" | "!" ] part
 *     part  := "(" or ")" | field ":" ( value | "(" or ")" | range ) | value
 *     value := "quoted" | word, either with * and ?
 *     range := ("[" | "{") value TO value ("]" | "}")
 *
 * A field is a path (app_metadata.plan); arrays match when any item does; _exists_:field. Text compares
 * ignoring ASCII case, but user_id as it is: it is an identifier, and two may differ in case alone. */
#pragma once
#include <jansson.h>

#include "core/arena.h"
#include "core/err.h"

#define GH_SEARCH_MAX 4096 /* bytes of a query */
#define GH_SEARCH_DEPTH 32 /* nested parentheses */

struct gh_search;

/* MALFORMED, TOO_LARGE, NOMEM. The tree is in the arena; its texts are views of `text`. */
enum gh_err gh_search_parse(struct gh_arena *a, struct gh_str text, const struct gh_search **ret);

bool gh_search_matches(const struct gh_search *s, const json_t *user);

/* When every match must have `field` equal to one of at most `room` plain texts: how many, and which, so that
 * an index can be used. 0: it need not, or there are more. A text may be among them twice. */
size_t gh_search_requires(const struct gh_search *s, const char *field, struct gh_str *ret, size_t room);
