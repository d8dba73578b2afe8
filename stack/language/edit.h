/* stack/language/edit.h - changes one value in the text of a stack file and leaves all else as it is. */
#pragma once
#include "core/buf.h"
#include "stack/language/yaml.h"

/* The text with `value` (a line, or several with indentation relative to the key) under that path: a key of
 * the file, or with `key` a key of its map `section`. False when the file is written in a form that is not
 * edited by lines (braces); then the caller writes it anew. */
bool gh_yaml_edit(struct gh_str text, const struct gh_yaml *root, const char *section, struct gh_str key,
                  struct gh_str value, struct gh_buf *ret);

/* The text without this entry of a map; false for a map in braces. */
bool gh_yaml_cut(struct gh_str text, const struct gh_yaml *map, const struct gh_yaml *entry,
                 struct gh_buf *ret);

/* The bytes of a scalar or of a list or map in brackets, as they are written; empty for what is written over
 * lines with indentation. */
struct gh_str gh_yaml_source(struct gh_str text, const struct gh_yaml *node);

/* Lines [from, to) counted from 1, with their ends. */
struct gh_str gh_yaml_lines(struct gh_str text, unsigned from, unsigned to);

/* A text as a YAML scalar: plain where that is plain to every reader, else in double quotes. */
void gh_yaml_quote(struct gh_buf *out, struct gh_str text);

/* A JSON value as one line of YAML. */
void gh_yaml_write(struct gh_buf *out, json_t *value);
