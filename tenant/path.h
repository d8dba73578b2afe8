/* tenant/path.h - which path a request target means, and what its segments say. Split first, decoded after:
 * an encoded slash is a character of a segment, never a border. */
#pragma once
#include "core/arena.h"
#include "core/err.h"
#include "core/str.h"

/* As gh_target_check (core/target.h), with one addition: below /api/v2/ a segment may hold an encoded slash,
 * once or doubly encoded, because ids and API identifiers do ("auth0%7Ca%2Fb", "https:%2F%2Fapi.example%2F",
 * and "https:%252F%252F…" as old clients send it: notes of the recordings). Dot segments stay refused, also
 * between encoded slashes. */
enum gh_err gh_tenant_target_check(struct gh_arena *a, struct gh_str target, struct gh_str *path,
                                   struct gh_str *query);

#define GH_PATH_ARGS 8

/* Does `path` have the shape of `pattern` ("/u/{name}/x")? The segments in braces, decoded, are put into
 * args in order. A braced segment is never empty. NOT_FOUND, MALFORMED (bad escape, no UTF-8), NOMEM. */
enum gh_err gh_path_match(struct gh_arena *a, const char *pattern, struct gh_str path,
                          struct gh_str args[GH_PATH_ARGS]);
