/* What is well typed and does not work: limits of the API, and combinations that keep people out. */
#include <stdlib.h>

#include "stack/language/tree.h"

static const struct expr *property_of(const struct declaration *d, const char *name) {
    for (const struct expr *m = d->properties ? d->properties->first : NULL; m; m = m->next)
        if (gh_str_is(m->key, name))
            return m;
    return NULL;
}

static bool is_type(const struct declaration *d, const char *type) {
    return d->kind == DECLARED_RESOURCE && strcmp(gh_schema_short_name(d->resource), type) == 0;
}

/* The resource that a property refers to, or NULL. */
static const struct declaration *referred(const struct declaration *d, const char *property) {
    const struct expr *e = property_of(d, property);
    const struct declaration *root = e && e->kind == EXPR_ACCESS ? e->root : NULL;
    return root && root->kind == DECLARED_RESOURCE ? root : NULL;
}

static bool is_text(const struct expr *e, const char *text) {
    return e && e->kind == EXPR_STRING && gh_str_is(e->text, text);
}

/* ---- limits: the documented entity limits of Auth0 ---- */

/* clang-format off */
static const struct {
    const char *type, *property;
    size_t most;
} limits[] = {
    { "Organization",                "metadata",          10 },
    { "Client",                      "clientMetadata",    10 },
    { "OrganizationConnections",     "enabledConnections", 10 },
    { "OrganizationMemberRoles",     "roles",             50 },
    { "OrganizationDiscoveryDomains", "discoveryDomains", 100 },
    { "ResourceServerScopes",        "scopes",            1000 },
    { "RolePermissions",             "permissions",       1000 },
};
/* clang-format on */

static void check_limits(const struct gh_program *p, struct gh_diagnostics *d, const struct declaration *r) {
    for (size_t i = 0; i < GH_COUNT(limits); i++) {
        const struct expr *e = is_type(r, limits[i].type) ? property_of(r, limits[i].property) : NULL;
        if (!e || e->kind == EXPR_CALL || e->count <= limits[i].most)
            continue;
        gh_diagnose(d, GH_SEVERITY_ERROR, at_place(p->file, e->key_at),
                    "%s of %s holds at most %zu entries, not %zu", limits[i].property, limits[i].type,
                    limits[i].most, e->count);
    }
}

/* ---- so many resources of a type for one organization ---- */

static void check_crowd(const struct gh_program *p, struct gh_diagnostics *d, const char *type, size_t most,
                        const char *what) {
    size_t *counts = calloc(p->count + 1, sizeof *counts);
    for (size_t i = 0; counts && i < p->count; i++) {
        const struct declaration *of =
            is_type(p->all[i], type) ? referred(p->all[i], "organizationId") : NULL;
        if (of && ++counts[of->index] == most + 1)
            gh_diagnose(d, GH_SEVERITY_ERROR, at_place(p->file, p->all[i]->at),
                        "organization '%s' has more than %zu %s", of->name.ptr, most, what);
    }
    free(counts);
}

/* ---- combinations ---- */

static void mark_referred(const struct gh_program *p, const char *type, const char *property, bool *marks) {
    for (size_t i = 0; i < p->count; i++) {
        const struct declaration *r = is_type(p->all[i], type) ? referred(p->all[i], property) : NULL;
        if (r)
            marks[r->index] = true;
    }
}

/* Enabled for the organization but for no client: the sign-in page has nothing to offer. */
static void check_sign_in(const struct gh_program *p, struct gh_diagnostics *d, bool *has_client) {
    mark_referred(p, "ConnectionClients", "connectionId", has_client);
    mark_referred(p, "ConnectionClient", "connectionId", has_client);
    for (size_t i = 0; i < p->count; i++) {
        const struct declaration *r = p->all[i];
        const struct declaration *connection =
            is_type(r, "OrganizationConnection") ? referred(r, "connectionId") : NULL;
        if (!connection || has_client[connection->index])
            continue;
        gh_diagnose(
            d, GH_SEVERITY_WARNING, at_place(p->file, r->at),
            "connection '%s' is enabled for the organization but for no client: nobody can sign in with it",
            connection->name.ptr);
        gh_diagnose_detail(d, "Declare ConnectionClients with connectionId: ${%s.id} and enabledClients",
                           connection->name.ptr);
    }
}

static bool has_permissions_in_token(const struct declaration *api) {
    const struct expr *enforce = property_of(api, "enforcePolicies"),
                      *dialect = property_of(api, "tokenDialect");
    bool off = !enforce || (enforce->kind == EXPR_BOOLEAN && !enforce->boolean);
    bool plain = !dialect || is_text(dialect, "access_token") || is_text(dialect, "rfc9068_profile");
    return !off && !plain;
}

/* Permissions are given, and no token will ever say so. */
static void check_permissions(const struct gh_program *p, struct gh_diagnostics *d, bool *granted) {
    for (size_t i = 0; i < p->count; i++) {
        const struct expr *list =
            is_type(p->all[i], "RolePermissions") ? property_of(p->all[i], "permissions") : NULL;
        for (const struct expr *e = list && list->kind == EXPR_LIST ? list->first : NULL; e; e = e->next)
            for (const struct expr *m = e->first; m; m = m->next)
                if (m->kind == EXPR_ACCESS && m->root && gh_str_is(m->key, "resourceServerIdentifier"))
                    granted[m->root->index] = true;
    }
    for (size_t i = 0; i < p->count; i++) {
        const struct declaration *api = p->all[i];
        if (!granted[i] || !is_type(api, "ResourceServer") || has_permissions_in_token(api))
            continue;
        gh_diagnose(d, GH_SEVERITY_WARNING, at_place(p->file, api->at),
                    "roles have permissions of '%s', but its tokens will not carry them", api->name.ptr);
        gh_diagnose_detail(d, "Set enforcePolicies: true and tokenDialect: access_token_authz");
    }
}

static void check_machine_grants(const struct gh_program *p, struct gh_diagnostics *d) {
    for (size_t i = 0; i < p->count; i++) {
        const struct declaration *r = p->all[i];
        const struct declaration *grant =
            is_type(r, "OrganizationClientGrant") ? referred(r, "grantId") : NULL;
        const struct expr *usage = grant ? property_of(grant, "organizationUsage") : NULL;
        if (!grant || (usage && !is_text(usage, "deny")))
            continue;
        gh_diagnose(d, GH_SEVERITY_WARNING, at_place(p->file, r->at),
                    "grant '%s' is given to an organization, but denies tokens for organizations",
                    grant->name.ptr);
        gh_diagnose_detail(d, "Set organizationUsage: allow or require on the grant");
    }
}

void trap_check(const struct gh_program *p, struct gh_diagnostics *d) {
    bool *clients = calloc(p->count + 1, sizeof *clients), *granted = calloc(p->count + 1, sizeof *granted);
    for (size_t i = 0; i < p->count; i++)
        check_limits(p, d, p->all[i]);
    check_crowd(p, d, "OrganizationConnection", 10, "connections");
    check_crowd(p, d, "OrganizationClientGrant", 100, "client grants");
    check_crowd(p, d, "OrganizationDiscoveryDomain", 100, "discovery domains");
    if (clients)
        check_sign_in(p, d, clients);
    if (granted)
        check_permissions(p, d, granted);
    check_machine_grants(p, d);
    free(clients);
    free(granted);
}
