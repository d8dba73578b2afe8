/* tenant/api/security.h - which changes take something away, and from whom. */
#pragma once
#include "tenant/api/call.h"

enum gh_security_change {
    GH_REVOKE_MEMBER,                  /* a = organization, b = user: removed, or one of its roles */
    GH_REVOKE_ORGANIZATION,            /* a */
    GH_REVOKE_ORGANIZATION_CONNECTION, /* a = organization, b = connection: removed or switched off */
    GH_REVOKE_CONNECTION,              /* a: deleted, with its users */
    GH_REVOKE_ROLE,                    /* a: deleted, or a permission of it removed */
    GH_REVOKE_USER,   /* a: deleted, blocked, new password, or a role or permission removed */
    GH_REVOKE_CLIENT, /* a: deleted, new secret, a grant removed or narrowed, fewer grant types, switched off
                         for a connection */
    GH_REVOKE_API,    /* a = identifier: deleted, a scope of it removed, or other rules for its tokens */
};

/* Called inside the write closure BEFORE the rows go: whom it concerns is read from them. Publishes with the
 * answer (change.h). Adding things never calls it. */
enum gh_err gh_security_changed(struct gh_db *db, struct gh_call *c, enum gh_security_change what,
                                struct gh_str a, struct gh_str b);
