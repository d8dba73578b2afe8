/* stack/engine/shown.h - a step as people and programs may see it: the program's names and shapes, one form
 * for all kinds of steps, secrets masked. What text, events and the tree print comes from here. Memory: json
 * only. */
#pragma once
#include <jansson.h>

#include "stack/engine/engine.h"

/* "create", "update", … as Pulumi calls them; "adopt" and "release" are ours. The end of what this run
 * replaced is "delete-replaced". */
const char *gh_shown_op(const struct gh_step *s);

/* New array, in the order of the comparison. Each is
 *   {"path": ["options", "passwordPolicy"], "kind": "add" | "update" | "delete", "from"?: value, "to"?:
 * value, "element"?: true (one of a set), "default"?: true (back to it), "drift"?: true, "foreign"?: true,
 *    "replace"?: true}
 * A creation adds what is declared, a deletion deletes it, a replacement names what it is for. */
json_t *gh_shown_changes(const struct gh_step *s, bool secrets);

/* "options.passwordPolicy", "metadata[\"a.b\"]" of such a path: Pulumi's property paths. */
void gh_shown_path(const json_t *path, struct gh_buf *ret);

/* Inputs or outputs in the program's names, with everything hidden that the schema or the program calls
 * secret, unless `secrets`. New. */
json_t *gh_shown_members(const struct gh_resource_type *type, const json_t *members, bool secrets);

/* What the tenant says of the object, in the same form; empty for sets and for what is not there. New. */
json_t *gh_shown_outputs(const struct gh_step *s, bool secrets);
