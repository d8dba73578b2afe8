/* tenant/record.h - stored objects as JSON documents: what Management API and Authentication API both read.
 * A document is what was declared and its defaults, under Auth0's names, with its id; secrets are not in it.
 */
#pragma once
#include <jansson.h>

#include "core/err.h"
#include "store/store.h"

enum gh_collection {
    GH_ORGANIZATIONS,
    GH_CONNECTIONS,
    GH_CLIENTS,
    GH_RESOURCE_SERVERS,
    GH_ROLES,
    GH_USERS,
    GH_CLIENT_GRANTS,
};

/* The Management API's identifier derives from the origin and is never stored: its row and the grants on it
 * have this one instead. The functions below take and give the derived one, which gh_tenant_open tells
 * here (one process serves one tenant). */
#define GH_MANAGEMENT_IDENTIFIER "urn:gatehouse:management"
void gh_record_set_management(struct gh_str audience); /* borrowed */

/* By id; the caller owns the reference. NOT_FOUND, STORAGE, NOMEM. */
enum gh_err gh_record_get(struct gh_db *db, enum gh_collection c, struct gh_str id, json_t **ret);

/* By natural key: organization and connection by name, resource server by identifier, client grant by
 * "client_id\naudience\nsubject_type". */
enum gh_err gh_record_find(struct gh_db *db, enum gh_collection c, struct gh_str key, json_t **ret);

/* A database user of a connection by e-mail or user name (lower-cased here). */
enum gh_err gh_record_find_user(struct gh_db *db, struct gh_str connection_id, struct gh_str login,
                                json_t **ret);

/* Tenant settings: one document with defaults filled in. */
enum gh_err gh_settings_get(struct gh_db *db, json_t **ret);

/* A string member, or empty (ptr NULL); a boolean member, or the fallback. Borrowed from the document. */
struct gh_str gh_doc_string(const json_t *doc, const char *name);
bool gh_doc_bool(const json_t *doc, const char *name, bool fallback);
long long gh_doc_int(const json_t *doc, const char *name, long long fallback);
bool gh_doc_array_has(const json_t *doc, const char *name, struct gh_str value);
