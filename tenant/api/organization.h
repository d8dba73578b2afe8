/* tenant/api/organization.h - organizations as other objects' lists show them. */
#pragma once
#include "tenant/api/call.h"

#define GH_ORGANIZATION_CONNECTIONS 10 /* connections of one organization (documented limit) */
#define GH_MEMBER_ROLES 50             /* roles of one member */
#define GH_ORGANIZATION_GRANTS 100     /* client grants of one organization */

enum gh_err gh_organization_show(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t *doc);
enum gh_err gh_organization_item(struct gh_db *db, struct gh_call *c, struct gh_rows *row, json_t **ret);

/* Enables a connection for the organization; *shown is the relation as the API shows it. */
enum gh_err gh_organization_connect(struct gh_db *db, struct gh_call *c, struct gh_str organization,
                                    const json_t *wanted, json_t **shown);
