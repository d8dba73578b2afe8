/* tests/unit/core/vectors.h - published test vectors that are not part of this repository. They are looked
 * for in $GATEHOUSE_SHARED/vectors, else in ../shared/vectors beside the source tree. */
#pragma once
#include <jansson.h>

#include "core/arena.h"
#include "core/str.h"

/* Ends the program with one line and exit status 77 (skipped) when the vectors are not there. */
void vectors_or_skip(void);

/* Fails the program when the file is missing although the vectors are there. */
struct gh_str vectors_text(struct gh_arena *a, const char *path);
json_t *vectors_json(const char *path); /* the caller's */

/* Members of an object, by name; a missing one fails the test. */
struct gh_str text_of(const json_t *object, const char *name);
const json_t *member_of(const json_t *object, const char *name);
struct gh_str bytes_of_hex(struct gh_arena *a, struct gh_str hex);
