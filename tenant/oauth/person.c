#include "tenant/oauth/person.h"

#include "tenant/login/usable.h"
#include "tenant/oauth/issuance.h"
#include "tenant/oauth/scope.h"
#include "tenant/organization.h"
#include "tenant/record.h"

void gh_person_release(struct gh_person *p) {
    json_decref(p->settings);
    json_decref(p->user);
    json_decref(p->organization);
    json_decref(p->api);
}

enum gh_err gh_person_check(struct gh_db *db, struct gh_arena *a, const struct gh_authorization *auth,
                            json_t **user) {
    struct gh_usable_list usable;
    enum gh_err e = gh_record_get(db, GH_USERS, auth->user_id, user);
    if (e)
        return e == GH_ERR_NOT_FOUND ? GH_ERR_NO_PERMISSION : e;
    if (gh_doc_bool(*user, "blocked", false))
        return GH_ERR_NO_PERMISSION;
    e = gh_usable_connections(db, a, auth->client_id, auth->organization_id, auth->connection_id, &usable);
    if (e)
        return e;
    if (auth->connection_id.len == 0 || usable.count == 0)
        return GH_ERR_NO_PERMISSION;
    if (auth->organization_id.len == 0)
        return GH_OK;
    bool member = gh_organization_has_member(db, auth->organization_id, auth->user_id, &e);
    return e ? e : member ? GH_OK : GH_ERR_NO_PERMISSION;
}

/* The Management API is for machines: a person's permissions there would come from whatever scope was typed.
 */
enum gh_err gh_person_api_grant(struct gh_exchange *x, const json_t *api, struct gh_str client_id,
                                json_t **grant) {
    struct gh_str audience = gh_doc_string(api, "identifier");
    const json_t *policies = json_object_get(json_object_get(api, "subject_type_authorization"), "user");
    struct gh_str policy = gh_doc_string(policies, "policy");
    *grant = NULL;
    if (gh_str_eq(audience, x->tenant->management_audience) || gh_doc_bool(api, "is_system", false) ||
        gh_str_is(policy, "deny_all"))
        return GH_ERR_NO_PERMISSION;
    if (!gh_str_is(policy, "require_client_grant"))
        return GH_OK;
    struct gh_str key =
        gh_arena_printf(x->arena, "%.*s\n%.*s\nuser", GH_STR_FMT(client_id), GH_STR_FMT(audience));
    if (!key.ptr)
        return GH_ERR_NOMEM;
    enum gh_err e = gh_record_find(x->db, GH_CLIENT_GRANTS, key, grant);
    return e == GH_ERR_NOT_FOUND ? GH_ERR_NO_PERMISSION : e;
}

/* The lists that a scope has to be on; they live in the arena. */
struct lists {
    struct gh_scopes wanted, defined, permitted, granted, decided;
};

static enum gh_err read_lists(struct gh_exchange *x, const struct gh_authorization *auth, struct gh_person *p,
                              struct lists *l, struct gh_scope_rule *rule) {
    json_auto_t *grant = NULL;
    enum gh_err e = gh_person_api_grant(x, p->api, auth->client_id, &grant);
    if (!e)
        e = gh_scopes_from_array(x->arena, json_object_get(p->api, "scopes"), &l->defined);
    rule->defined = &l->defined;
    if (!e && gh_doc_bool(p->api, "enforce_policies", false)) {
        e = gh_permissions_of(x->db, x->arena, auth->user_id, auth->organization_id,
                              gh_doc_string(p->api, "id"), &l->permitted.items, &l->permitted.count);
        rule->permitted = &l->permitted;
        p->issue.permissions = l->permitted.items;
        p->issue.permission_count = l->permitted.count;
    }
    if (!e && grant && !gh_doc_bool(grant, "allow_all_scopes", false)) {
        e = gh_scopes_from_array(x->arena, json_object_get(grant, "scope"), &l->granted);
        rule->granted = &l->granted;
    }
    return e;
}

static enum gh_err decide_scope(struct gh_exchange *x, const struct gh_authorization *auth,
                                struct gh_str wanted, struct gh_person *p) {
    struct lists l = { 0 };
    struct gh_scope_rule rule = {
        .offline = gh_doc_array_has(p->issue.client, "grant_types", GH_STR("refresh_token")) &&
                   (!p->api || gh_doc_bool(p->api, "allow_offline_access", false)),
    };
    enum gh_err e = gh_scopes_parse(x->arena, wanted, &l.wanted);
    if (!e && p->api)
        e = read_lists(x, auth, p, &l, &rule);
    if (!e)
        e = gh_scopes_decide(x->arena, &l.wanted, &rule, &l.decided);
    if (!e)
        e = gh_scopes_join(x->arena, &l.decided, &p->issue.scope);
    p->issue.openid = gh_scopes_have(&l.decided, GH_STR("openid"));
    p->offline = gh_scopes_have(&l.decided, GH_STR("offline_access"));
    p->scope_differs = l.decided.count != l.wanted.count;
    return e;
}

enum gh_err gh_person_evaluate(struct gh_exchange *x, const struct gh_authorization *auth,
                               const json_t *client, struct gh_str wanted, long long now,
                               struct gh_person *ret) {
    *ret = (struct gh_person){ 0 };
    enum gh_err e = gh_settings_get(x->db, &ret->settings);
    if (!e)
        e = gh_person_check(x->db, x->arena, auth, &ret->user);
    if (!e && auth->organization_id.len > 0) {
        e = gh_record_get(x->db, GH_ORGANIZATIONS, auth->organization_id, &ret->organization);
        if (e == GH_ERR_NOT_FOUND)
            e = GH_ERR_NO_PERMISSION;
    }
    if (!e && auth->audience.len > 0)
        e = gh_issuance_api(x, auth->audience, &ret->api);
    if (e)
        return e;

    ret->issue = (struct gh_issue){
        .issuer = x->tenant->issuer,
        .client = client,
        .user = ret->user,
        .organization = ret->organization,
        .api = ret->api,
        .names = gh_doc_bool(ret->settings, "allow_organization_name_in_authentication_api", false),
        .nonce = auth->nonce,
        .sid = auth->sid,
        .now = now,
        .auth_time = auth->auth_time,
    };
    return decide_scope(x, auth, wanted, ret);
}
