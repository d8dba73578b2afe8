/* tenant/oauth/userinfo.c - GET and POST /userinfo (OIDC Core 5.3): who is it? Judged like any API would: by
 * signature, issuer, audience, time and epochs. */
#include "core/bearer.h"
#include "core/decide.h"
#include "feed/epochs.h"
#include "sys/clock.h"
#include "tenant/keys.h"
#include "tenant/oauth/claims.h"
#include "tenant/oauth/endpoints.h"
#include "tenant/oauth/error.h"
#include "tenant/oauth/scope.h"
#include "tenant/organization.h"
#include "tenant/record.h"

static void refuse(struct gh_exchange *x, int status, const char *error, const char *text) {
    struct gh_str challenge =
        error
            ? gh_arena_printf(x->arena, "Bearer realm=\"gatehouse\", error=\"%s\", error_description=\"%s\"",
                              error, text)
            : GH_STR("Bearer realm=\"gatehouse\"");
    if (challenge.ptr)
        gh_response_header(x, "WWW-Authenticate", challenge);
    gh_oauth_refuse(x, status, error ? error : "invalid_token", "%s", text);
}

/* The header, or the form of a POST; both is one too many (RFC 6750 2). */
static enum gh_err find_token(struct gh_exchange *x, struct gh_str *ret) {
    struct gh_str header, body = { 0 };
    const struct gh_param *params;
    size_t count;
    bool has_header = gh_request_header(x, "Authorization", &header);
    if (x->method == GH_POST && x->body.len > 0) {
        enum gh_err e = gh_request_params(x, &params, &count);
        if (e)
            return e;
        gh_param_find(params, count, "access_token", &body);
    }
    if (has_header && body.len > 0)
        return GH_ERR_MALFORMED;
    if (has_header)
        return gh_bearer_parse(header, ret);
    *ret = body;
    return body.len > 0 ? GH_OK : GH_ERR_NO_TOKEN;
}

static enum gh_err judge(struct gh_exchange *x, struct gh_str token, struct gh_claims *ret) {
    struct gh_epochs epochs;
    struct gh_policy policy = {
        .issuer = x->tenant->issuer,
        .audience = gh_arena_printf(x->arena, "%.*suserinfo", GH_STR_FMT(x->tenant->issuer)),
        .organization_rule = GH_ORG_OPTIONAL,
    };
    if (!policy.audience.ptr)
        return GH_ERR_NOMEM;
    enum gh_err e = gh_token_open(x->arena, token, gh_keys_find, x->tenant, ret);
    if (!e)
        e = gh_feed_epochs_of(x->tenant->feed, ret, policy.audience, &epochs);
    return e ? e : gh_decide(&policy, ret, &epochs, gh_clock_seconds()).err;
}

static void answer(struct gh_exchange *x, const struct gh_claims *claims) {
    json_auto_t *user = NULL, *settings = NULL, *organization = NULL;
    struct gh_scopes scopes;
    enum gh_err e = gh_scopes_parse(x->arena, claims->scope, &scopes);
    if (!e && !gh_scopes_have(&scopes, GH_STR("openid"))) {
        refuse(x, 403, "insufficient_scope", "The token has no openid scope");
        return;
    }
    if (!e)
        e = gh_record_get(x->db, GH_USERS, claims->subject, &user);
    if (!e && claims->organization.len > 0)
        e = gh_record_get(x->db, GH_ORGANIZATIONS, claims->organization, &organization);
    if (!e)
        e = gh_settings_get(x->db, &settings);
    if (e == GH_ERR_NOT_FOUND || (!e && gh_doc_bool(user, "blocked", false))) {
        refuse(x, 401, "invalid_token", "The user or organization of the token is gone");
        return;
    }
    json_t *body = e ? NULL : gh_profile_claims(user, claims->scope);
    if (body && organization) {
        json_object_set(body, "org_id", json_object_get(organization, "id"));
        if (gh_doc_bool(settings, "allow_organization_name_in_authentication_api", false))
            json_object_set(body, "org_name", json_object_get(organization, "name"));
    }
    if (e)
        gh_oauth_fail(x, e);
    else {
        gh_oauth_no_store(x);
        gh_respond_json(x, 200, body);
    }
}

void gh_userinfo(struct gh_exchange *x) {
    struct gh_str token;
    struct gh_claims claims;
    gh_response_header(x, "Access-Control-Allow-Origin", GH_STR("*"));
    enum gh_err e = find_token(x, &token);
    if (e == GH_ERR_NO_TOKEN) {
        refuse(x, 401, NULL, "Unauthorized");
        return;
    }
    if (!e)
        e = judge(x, token, &claims);
    int status = gh_err_status(e);
    if (!e)
        answer(x, &claims);
    else if (status == 503)
        gh_oauth_fail(x, e);
    else
        refuse(x, 401, "invalid_token", gh_err_text(e));
}
