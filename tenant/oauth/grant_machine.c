/* tenant/oauth/grant_machine.c - client_credentials: a machine in its own name, perhaps for one organization.
 * The client grant decides about organizations, not the client (rule 4; notes, 2.8). */
#include "sys/random.h"
#include "tenant/oauth/error.h"
#include "tenant/oauth/issuance.h"
#include "tenant/oauth/scope.h"
#include "tenant/organization.h"
#include "tenant/record.h"

struct machine {
    const struct gh_caller *caller;
    struct gh_str audience;
    json_t *settings, *api, *grant, *organization; /* owned */
};

static void release(struct machine *m) {
    json_decref(m->settings);
    json_decref(m->api);
    json_decref(m->grant);
    json_decref(m->organization);
}

/* The steps below return false after they have refused. */

static bool find_api(struct gh_exchange *x, struct machine *m) {
    enum gh_err e = gh_settings_get(x->db, &m->settings);
    if (e) {
        gh_oauth_fail(x, e);
        return false;
    }
    m->audience = gh_audience_of(m->caller->params, m->caller->param_count);
    if (!m->audience.ptr)
        m->audience = gh_doc_string(m->settings, "default_audience");
    if (m->audience.len == 0) {
        gh_oauth_refuse(x, 400, "invalid_request", "Missing required parameter: audience");
        return false;
    }
    e = gh_issuance_api(x, m->audience, &m->api);
    if (e == GH_ERR_NOT_FOUND)
        gh_oauth_refuse(x, 403, "access_denied", "Service not enabled within domain: %.*s",
                        GH_STR_FMT(m->audience));
    else if (e == GH_ERR_UNSUPPORTED)
        gh_oauth_refuse(x, 403, "access_denied", "Tokens for %.*s would need an algorithm that is not issued",
                        GH_STR_FMT(m->audience));
    else if (e)
        gh_oauth_fail(x, e);
    return !e;
}

static bool find_grant(struct gh_exchange *x, struct machine *m) {
    struct gh_str key = gh_arena_printf(x->arena, "%.*s\n%.*s\nclient", GH_STR_FMT(m->caller->client_id),
                                        GH_STR_FMT(m->audience));
    const json_t *policy = json_object_get(json_object_get(m->api, "subject_type_authorization"), "client");
    enum gh_err e = key.ptr ? gh_record_find(x->db, GH_CLIENT_GRANTS, key, &m->grant) : GH_ERR_NOMEM;
    if (e == GH_ERR_NOT_FOUND || (!e && gh_str_is(gh_doc_string(policy, "policy"), "deny_all")))
        gh_oauth_refuse(
            x, 403, "access_denied",
            "Client \"%.*s\" is not authorized to access resource server \"%.*s\". You need to create a "
            "\"client-grant\" associated to this API.",
            GH_STR_FMT(m->caller->client_id), GH_STR_FMT(m->audience));
    else if (e)
        gh_oauth_fail(x, e);
    else
        return true;
    return false;
}

/* The organization asked for, or the client's default one where the grant requires one. Empty: none. */
static struct gh_str wanted_organization(const struct machine *m, struct gh_str usage) {
    struct gh_str wanted = gh_caller_param(m->caller, "organization");
    const json_t *fallback = json_object_get(m->caller->client, "default_organization");
    if (wanted.len == 0 && gh_str_is(usage, "require") &&
        gh_doc_array_has(fallback, "flows", GH_STR("client_credentials")))
        wanted = gh_doc_string(fallback, "organization_id");
    return wanted;
}

static bool find_organization(struct gh_exchange *x, struct machine *m) {
    struct gh_str usage = gh_doc_string(m->grant, "organization_usage");
    bool allow = gh_str_is(usage, "allow"), require = gh_str_is(usage, "require"); /* all else is deny */
    struct gh_str wanted = wanted_organization(m, usage);
    if (wanted.len == 0 && !require)
        return true;
    if (wanted.len == 0 || (!allow && !require)) {
        gh_oauth_refuse(x, 400, "invalid_request", "parameter organization is %s for this client",
                        require ? "required" : "not allowed");
        return false;
    }
    bool names = gh_doc_bool(m->settings, "allow_organization_name_in_authentication_api", false);
    enum gh_err e = gh_organization_find(x->db, x->arena, wanted, names, &m->organization);
    if (e == GH_ERR_NOT_FOUND) {
        gh_oauth_refuse(x, 400, "invalid_request", "parameter organization is invalid: %.*s",
                        GH_STR_FMT(wanted));
        return false;
    }
    if (!e)
        e = gh_organization_grant(x->db, gh_doc_string(m->organization, "id"), m->grant, m->caller->client);
    if (e == GH_ERR_NO_PERMISSION)
        gh_oauth_refuse(x, 403, "access_denied",
                        "The client grant is not associated with the organization: %.*s", GH_STR_FMT(wanted));
    else if (e)
        gh_oauth_fail(x, e);
    return !e;
}

/* A scope that the API no longer defines is not given, whatever the grant says. */
static enum gh_err decide_scope(struct gh_exchange *x, const struct machine *m, struct gh_scopes *ret) {
    struct gh_scopes wanted, granted, defined, kept;
    enum gh_err e = gh_scopes_parse(x->arena, gh_caller_param(m->caller, "scope"), &wanted);
    if (!e)
        e = gh_scopes_from_array(x->arena, json_object_get(m->api, "scopes"), &defined);
    if (!e)
        e = gh_scopes_from_array(x->arena, json_object_get(m->grant, "scope"), &granted);
    if (e)
        return e;
    if (gh_doc_bool(m->grant, "allow_all_scopes", false))
        kept = defined;
    else if (granted.count ==
             0) /* the intersection reads an empty wish as "all": a grant of nothing is none */
        kept = granted;
    else
        e = gh_scopes_intersect(x->arena, &granted, &defined, &kept);
    if (e || kept.count == 0) { /* nothing is left to ask for */
        *ret = kept;
        return e;
    }
    return gh_scopes_intersect(x->arena, &wanted, &kept, ret);
}

static enum gh_err issue(struct gh_exchange *x, const struct machine *m) {
    struct gh_issuance *s = x->state;
    struct gh_scopes scopes;
    struct gh_issue issue = {
        .issuer = x->tenant->issuer,
        .client = m->caller->client,
        .organization = m->organization,
        .api = m->api,
        .names = gh_doc_bool(m->settings, "allow_organization_name_in_authentication_api", false),
        .gty = "client-credentials",
        .now = s->now,
    };
    enum gh_err e = decide_scope(x, m, &scopes);
    if (!e)
        e = gh_scopes_join(x->arena, &scopes, &issue.scope);
    if (!e)
        e = gh_random_urlsafe(x->arena, 22, &issue.jti);
    if (e)
        return e;
    issue.permissions = scopes.items; /* a machine's permissions are its scopes */
    issue.permission_count = scopes.count;
    if (scopes.count > 0)
        s->scope = issue.scope;
    s->audit = (struct gh_audit){
        .type = "seccft",
        .description = "Client credentials exchange",
        .client_id = m->caller->client_id,
        .organization_id = gh_arena_dup(x->arena, gh_doc_string(m->organization, "id")),
    };
    return gh_issuance_prepare(x, &issue);
}

void gh_grant_machine(struct gh_exchange *x, const struct gh_caller *c) {
    struct machine m = { .caller = c };
    if (find_api(x, &m) && find_grant(x, &m) && find_organization(x, &m) &&
        gh_issuance_may_start(x, (struct gh_str){ 0 }, gh_doc_string(m.organization, "id"), c->client_id,
                              m.audience, gh_token_issue)) {
        enum gh_err e = issue(x, &m);
        if (e == GH_ERR_MALFORMED || e == GH_ERR_TOO_LARGE)
            gh_oauth_refuse(x, 400, "invalid_scope", "The scope is not well formed");
        else if (e)
            gh_oauth_fail(x, e);
        else
            gh_issuance_finish(x, NULL, NULL);
    }
    release(&m);
}
