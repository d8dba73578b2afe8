/* tenant/audit.h - the audit trail: rows in the store, written in the transaction of what they tell (Auth0's
 * log type codes). */
#pragma once
#include "tenant/exchange.h"

/* `type` is Auth0's code ("sapi", "s", "f", "seacft", "fertft", …); `description` for people; `details` (may
 * be NULL) is borrowed JSON without secrets. Time, request id, ip, user agent and the caller's client come
 * from the exchange. */
struct gh_audit {
    const char *type, *description;
    struct gh_str client_id, user_id, organization_id, connection_id;
    json_t *details;
};
enum gh_err gh_audit_write(struct gh_db *db, struct gh_exchange *x, const struct gh_audit *entry);
