/* stack/engine/ledger.h - what the stack owns: DIR/.gatehouse/<stack>.json, with a journal beside it.
 *
 * The ledger is one JSON document:
 *   {"version": 1, "project", "stack", "domain", "resources": [entry, …], "pending": [intent, …], "outputs":
 * {…}} An entry, in the order in which things were made:
 *   {"name", "type", "id", "inputs": {…, secrets sealed}, "dependsOn": [name, …], "protect"?: true,
 *    "retainOnDelete"?: true, "origin"?: the name it was made under, "found"?: what was there before us,
 * "adopted"?: true, "imported"?: true (wholly ours, but not made by us), "replaced"?: true (to be deleted)}
 *
 * The journal is one JSON object a line; each is on disk before what it speaks of happens, or after it has
 * happened:
 *   {"intent": {"name", "type", "known": [ids], "key"?: a name that may repeat}}   a POST is about to be sent
 *   {"put": entry}                                 this is owned now; ends an intent of that name and type
 *   {"drop": {"name", "type", "id"}}               this is owned no more
 *   {"forget": {"name", "type"}}                   the POST was refused: nothing was made
 *   {"rename": {"name", "type", "to"}}             the program calls it otherwise now
 * Opening a ledger replays it. An intent without an end is kept as "pending": the next plan looks for what
 * became of it by its natural key. A last line without its newline was never finished and does not count. */
#pragma once
#include <jansson.h>

#include "stack/diagnostic.h"

#define GH_LEDGER_MAX (256 << 20) /* bytes of the file */

struct gh_ledger;

/* Opens, or begins, the ledger of a stack; `write` takes the lock, makes the folder (0700) and replays the
 * journal into the file. BUSY when another run has the lock, MALFORMED, TOO_LARGE, IO; all diagnosed. */
enum gh_err gh_ledger_open(const char *dir, const char *stack, bool write, struct gh_diagnostics *d,
                           struct gh_ledger **ret);
void gh_ledger_free(struct gh_ledger *l);         /* releases the lock; writes nothing */
bool gh_ledger_is_new(const struct gh_ledger *l); /* there was no file and no journal */

/* Borrowed, alive as long as the ledger and no put or drop of the same. */
json_t *gh_ledger_resources(const struct gh_ledger *l);
json_t *gh_ledger_find(const struct gh_ledger *l, const char *type,
                       const char *name); /* not a replaced one; or NULL */
json_t *gh_ledger_pending(const struct gh_ledger *l, const char *type,
                          const char *name); /* intent, or NULL */
json_t *
gh_ledger_intents(const struct gh_ledger *l); /* all that are pending, as they were written; borrowed */
json_t *gh_ledger_outputs(const struct gh_ledger *l);
const char *gh_ledger_text(const struct gh_ledger *l, const char *member); /* "domain", "project"; or NULL */

/* Journal and memory. The line is on disk when the call returns. IO, NOMEM. */
enum gh_err gh_ledger_intent(struct gh_ledger *l, json_t *intent /* borrowed */);
enum gh_err gh_ledger_put(struct gh_ledger *l, json_t *entry /* borrowed */);
enum gh_err gh_ledger_drop(struct gh_ledger *l, const char *type, const char *name, const char *id);
enum gh_err gh_ledger_forget(struct gh_ledger *l, const char *type, const char *name);

/* The entry and the intent of `name` go on under the name `to`, unless that is taken. Memory only, until the
 * next journal line or gh_ledger_save: both write it. NOMEM. */
enum gh_err gh_ledger_rename(struct gh_ledger *l, const char *type, const char *name, const char *to);

/* Memory only; gh_ledger_save writes it. */
void gh_ledger_lose(struct gh_ledger *l, json_t *entry /* of its resources */);
void gh_ledger_set(struct gh_ledger *l, const char *member, json_t *value /* stolen */);

/* The whole ledger by rename, then the journal goes. `order`: names and types ["type::name", …] in
 * registration order, or NULL; entries that it does not name come first, as they were. IO. */
enum gh_err gh_ledger_save(struct gh_ledger *l, const json_t *order);

/* The parsers alone, for tests and the fuzzer. The document is checked: whoever got it may rely on the shape
 * above. MALFORMED. gh_ledger_replay changes the document; a line that is no journal line is MALFORMED. */
enum gh_err gh_ledger_parse(struct gh_str text, json_t **ret);
enum gh_err gh_ledger_replay(json_t *document, struct gh_str journal);

static inline void gh_ledger_freep(struct gh_ledger **l) {
    gh_ledger_free(*l);
}
