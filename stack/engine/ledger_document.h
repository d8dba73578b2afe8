/* stack/engine/ledger_document.h - the ledger's changes in memory, shared by the replay and the running
 * engine. */
#pragma once
#include <jansson.h>

#include "stack/engine/ledger_index.h"

json_t *gh_ledger_blank(void); /* new */
void gh_ledger_document_intent(json_t *document, json_t *intent);
void gh_ledger_document_put(json_t *document, struct gh_ledger_index *x, json_t *entry);
void gh_ledger_document_drop(json_t *document, struct gh_ledger_index *x, const json_t *like);
void gh_ledger_document_rename(json_t *document, struct gh_ledger_index *x, const json_t *rename);
void gh_ledger_document_forget(json_t *document, const json_t *like);
