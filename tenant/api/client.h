/* tenant/api/client.h - what a client is made of. */
#pragma once
#include "tenant/api/call.h"

/* Fills in what Auth0 fills in at creation. Also for fresh.c. NOMEM. */
enum gh_err gh_client_defaults(json_t *doc);

/* Members sent as null at creation are as good as not sent. */
void gh_client_drop_nulls(json_t *doc);

/* PATCH: a shallow merge, but client_metadata and addons merge key by key (a null removes one). */
enum gh_err gh_client_merge(json_t *doc, const json_t *patch);

void gh_client_show_credentials(json_t *doc, bool creating);

/* Gives ids, key ids and times to the credentials sent inside client_authentication_methods. */
enum gh_err gh_client_add_credentials(struct gh_call *c, json_t *doc);
