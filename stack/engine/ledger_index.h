/* stack/engine/ledger_index.h - where in a ledger's list of resources the entries of a name are: with ten
 * thousand of them nobody may walk the list for each. A name has one entry, and beside it those that it
 * replaced. */
#pragma once
#include <jansson.h>

#include "core/buf.h"

struct gh_ledger_index {
    json_t *places; /* "type\nname" → [place …], ascending; NULL: made when it is asked for */
};
void gh_ledger_index_release(struct gh_ledger_index *x); /* also after the list was put in another order */

/* The place of the entry of that type and name: with `id` the first with that id, else the last that was not
 * replaced. The size of the list when there is none. */
size_t gh_ledger_index_find(struct gh_ledger_index *x, const json_t *resources, const char *type,
                            const char *name, const char *id);

/* Changes of the list, each with its index. */
void gh_ledger_index_append(struct gh_ledger_index *x, json_t *resources, json_t *entry /* borrowed */);
void gh_ledger_index_remove(struct gh_ledger_index *x, json_t *resources, size_t at);
void gh_ledger_index_rename(struct gh_ledger_index *x, json_t *resources, size_t at,
                            json_t *name /* borrowed */);
