/* tenant/facts.h - what the gateway must know of APIs and organizations to judge models: told through the
 * feed, like epochs before the answer to the call that changed it (rule 7). */
#pragma once
#include <jansson.h>

#include "tenant/exchange.h"

/* Inside a write closure: notes what the stored document says, for publication after COMMIT. `doc` NULL: the
 * organization is gone. */
enum gh_err gh_facts_of_organization(struct gh_db *db, struct gh_exchange *x, struct gh_str id,
                                     const json_t *doc);
/* An API that is deleted keeps what was told, so that a token of before never finds fewer rules. */
enum gh_err gh_facts_of_resource_server(struct gh_db *db, struct gh_exchange *x, const json_t *doc);

/* At start, in a closure on the writer thread: all of them go to the feed again. */
enum gh_err gh_facts_republish(struct gh_db *db, struct gh_tenant *t);
