/* tenant/api/client_grants.h - grants as an organization's list shows them. */
#pragma once
#include "tenant/api/call.h"

/* A row (id, created_at, doc, identifier of the API). */
enum gh_err gh_client_grant_item(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t **ret);
bool gh_client_grant_keep(struct gh_call *c, const json_t *shown);
