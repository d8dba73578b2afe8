/* tenant/oauth/authorize_check.c - is this authorization request one that we can answer? Row by row, in the
 * order in which refusals win. */
#include <stdio.h>

#include "core/utf8.h"
#include "tenant/login/usable.h"
#include "tenant/oauth/authorize.h"
#include "tenant/oauth/device.h"
#include "tenant/oauth/issuance.h"
#include "tenant/oauth/person.h"
#include "tenant/oauth/pkce.h"
#include "tenant/oauth/redirect.h"
#include "tenant/oauth/scope.h"
#include "tenant/organization.h"
#include "tenant/record.h"

enum { TEXT_MAX = 4096 }; /* bytes of state, nonce, login_hint: they are stored and sent back */

void gh_authorize_release(struct gh_authorize *r) {
    json_decref(r->client);
    json_decref(r->settings);
    json_decref(r->organization);
}

struct gh_str gh_authorize_param(const struct gh_authorize *r, const char *name) {
    struct gh_str value;
    if (!gh_param_find(r->params, r->count, name, &value) || value.len == 0)
        return (struct gh_str){ 0 };
    return value;
}

/* --- before the redirect URI is trusted --- */

static enum gh_err no_page(struct gh_exchange *x, struct gh_authorize *r, const char *text,
                           struct gh_str what) {
    size_t shown = what.len > 200 ? gh_utf8_whole(what.ptr, 200) : what.len;
    r->description = gh_arena_printf(x->arena, "%s%.*s", text, (int)shown, what.ptr);
    return GH_ERR_NOT_FOUND;
}

enum gh_err gh_authorize_identify(struct gh_exchange *x, struct gh_authorize *r) {
    struct gh_str id = gh_authorize_param(r, "client_id"), uri = gh_authorize_param(r, "redirect_uri");
    if (!id.ptr)
        return no_page(x, r, "Missing required parameter: client_id", GH_STR(""));
    enum gh_err e = gh_record_get(x->db, GH_CLIENTS, id, &r->client);
    if (e == GH_ERR_NOT_FOUND || (!e && gh_doc_bool(r->client, "global", false)))
        return no_page(x, r, "Unknown client: ", id);
    if (e)
        return e;
    const json_t *callbacks = json_object_get(r->client, "callbacks");
    r->auth.client_id = id;
    r->auth.redirect_given = uri.ptr != NULL;
    r->auth.redirect_uri = uri.ptr ? uri : gh_arena_dup(x->arena, gh_redirect_only(callbacks));
    if (!uri.ptr && r->auth.redirect_uri.len == 0)
        return no_page(x, r, "Missing required parameter: redirect_uri", GH_STR(""));
    return gh_redirect_allowed(callbacks, r->auth.redirect_uri) ? GH_OK : GH_ERR_NO_PERMISSION;
}

/* --- the checks: each returns GH_OK, having set r->error when it refuses --- */

static enum gh_err refuse(struct gh_exchange *x, struct gh_authorize *r, const char *error, const char *fmt,
                          ...) __attribute__((format(printf, 4, 5)));

static enum gh_err refuse(struct gh_exchange *x, struct gh_authorize *r, const char *error, const char *fmt,
                          ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    r->description = gh_arena_dup(x->arena, (struct gh_str){ text, gh_utf8_whole(text, strlen(text)) });
    if (!r->description.ptr)
        return GH_ERR_NOMEM;
    r->error = error;
    return GH_OK;
}

/* First of all how the answer travels, since a refusal travels that way too. */
static enum gh_err check_response(struct gh_exchange *x, struct gh_authorize *r) {
    struct gh_str type = gh_authorize_param(r, "response_type"),
                  mode = gh_authorize_param(r, "response_mode");
    r->auth.state = gh_authorize_param(r, "state");
    bool web = gh_str_starts(r->auth.redirect_uri, GH_STR("https://")) ||
               gh_str_starts(r->auth.redirect_uri, GH_STR("http://"));
    if (mode.ptr && !gh_str_is(mode, "query") && (!gh_str_is(mode, "form_post") || !web))
        return refuse(x, r, "invalid_request", "Unsupported response_mode: %.*s", GH_STR_FMT(mode));
    r->auth.response_mode = mode;
    if (!type.ptr)
        return refuse(x, r, "invalid_request", "Missing required parameter: response_type");
    if (!gh_str_is(type, "code"))
        return refuse(x, r, "unsupported_response_type", "Unsupported response type: %.*s", GH_STR_FMT(type));
    if (gh_authorize_param(r, "request").ptr)
        return refuse(x, r, "request_not_supported", "The request parameter is not supported");
    if (gh_authorize_param(r, "request_uri").ptr)
        return refuse(x, r, "request_uri_not_supported", "The request_uri parameter is not supported");
    return GH_OK;
}

static enum gh_err check_grant(struct gh_exchange *x, struct gh_authorize *r, const char *grant) {
    if (!gh_doc_array_has(r->client, "grant_types", gh_str_from(grant)))
        return refuse(x, r, "unauthorized_client", "Grant type '%s' not allowed for the client.", grant);
    /* Somebody else's application would need the user's consent, and there is no page for it. */
    if (!gh_doc_bool(r->client, "is_first_party", true))
        return refuse(x, r, "access_denied",
                      "Third-party clients are not supported: consent cannot be asked for");
    return GH_OK;
}

static enum gh_err check_client(struct gh_exchange *x, struct gh_authorize *r) {
    return check_grant(x, r, "authorization_code");
}

static enum gh_err check_device_client(struct gh_exchange *x, struct gh_authorize *r) {
    return check_grant(x, r, GH_DEVICE_GRANT);
}

static enum gh_err check_pkce(struct gh_exchange *x, struct gh_authorize *r) {
    struct gh_str challenge = gh_authorize_param(r, "code_challenge"),
                  method = gh_authorize_param(r, "code_challenge_method");
    bool needed = gh_str_is(gh_doc_string(r->client, "token_endpoint_auth_method"), "none");
    if (!challenge.ptr && !method.ptr)
        return needed ? refuse(x, r, "invalid_request", "Missing required parameter: code_challenge") : GH_OK;
    if (!gh_str_is(method, "S256")) /* absent means plain (RFC 7636 4.3) */
        return refuse(x, r, "invalid_request", "code_challenge_method must be S256");
    if (!gh_pkce_challenge_ok(x->arena, challenge))
        return refuse(x, r, "invalid_request", "code_challenge is not the base64url of a SHA-256");
    r->auth.code_challenge = challenge;
    return GH_OK;
}

static enum gh_err check_texts(struct gh_exchange *x, struct gh_authorize *r) {
    static const struct {
        const char *name;
        size_t at;
    } rows[] = { { "state", offsetof(struct gh_authorization, state) },
                 { "nonce", offsetof(struct gh_authorization, nonce) },
                 { "login_hint", offsetof(struct gh_authorization, login_hint) } };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_str value = gh_authorize_param(r, rows[i].name);
        if (value.len > TEXT_MAX) {
            r->auth.state = (struct gh_str){ 0 };
            return refuse(x, r, "invalid_request", "%s is too long", rows[i].name);
        }
        *(struct gh_str *)((char *)&r->auth + rows[i].at) = value;
    }
    return GH_OK;
}

static enum gh_err check_scope(struct gh_exchange *x, struct gh_authorize *r) {
    struct gh_scopes scopes;
    r->auth.scope = gh_authorize_param(r, "scope");
    if (!r->auth.scope.ptr)
        r->auth.scope = GH_STR("openid"); /* as Auth0 does; OIDC would refuse */
    enum gh_err e = gh_scopes_parse(x->arena, r->auth.scope, &scopes);
    if (e == GH_ERR_MALFORMED || e == GH_ERR_TOO_LARGE)
        return refuse(x, r, "invalid_scope", "The scope is not well formed");
    return e;
}

static enum gh_err check_prompt(struct gh_exchange *x, struct gh_authorize *r) {
    struct gh_scopes prompts;
    struct gh_str age = r->auth.max_age = gh_authorize_param(r, "max_age");
    unsigned long long seconds;
    r->auth.prompt = gh_authorize_param(r, "prompt");
    enum gh_err e = gh_scopes_parse(x->arena, r->auth.prompt, &prompts);
    if (e)
        return e == GH_ERR_NOMEM ? e : refuse(x, r, "invalid_request", "The prompt is not well formed");
    r->silent = gh_scopes_have(&prompts, GH_STR("none"));
    r->fresh =
        gh_scopes_have(&prompts, GH_STR("login")) || gh_scopes_have(&prompts, GH_STR("select_account"));
    if (r->silent && prompts.count > 1) /* OIDC Core 3.1.2.1 */
        return refuse(x, r, "invalid_request", "prompt=none stands alone");
    r->max_age = -1;
    if (!age.ptr)
        return GH_OK;
    if (!gh_str_to_u64(age, 1ULL << 40, &seconds))
        return refuse(x, r, "invalid_request", "max_age is a number of seconds");
    r->max_age = (long long)seconds;
    return GH_OK;
}

static enum gh_err check_audience(struct gh_exchange *x, struct gh_authorize *r) {
    json_auto_t *api = NULL, *grant = NULL;
    struct gh_str audience = gh_audience_of(r->params, r->count);
    if (!audience.ptr)
        audience = gh_arena_dup(x->arena, gh_doc_string(r->settings, "default_audience"));
    if (audience.len == 0)
        return GH_OK;
    enum gh_err e = gh_issuance_api(x, audience, &api);
    if (e == GH_ERR_NOT_FOUND)
        return refuse(x, r, "access_denied", "Service not found: %.*s", GH_STR_FMT(audience));
    if (e == GH_ERR_UNSUPPORTED)
        return refuse(x, r, "access_denied", "Tokens for %.*s would need an algorithm that is not issued",
                      GH_STR_FMT(audience));
    if (!e)
        e = gh_person_api_grant(x, api, r->auth.client_id, &grant);
    if (e == GH_ERR_NO_PERMISSION)
        return refuse(x, r, "invalid_request", "Client is not authorized to access resource server \"%.*s\".",
                      GH_STR_FMT(audience));
    r->auth.audience = audience;
    return e;
}

/* The client's organization_usage decides about people (rule 4; notes, 2.2). */
static enum gh_err check_organization(struct gh_exchange *x, struct gh_authorize *r) {
    struct gh_str usage = gh_doc_string(r->client, "organization_usage"),
                  behavior = gh_doc_string(r->client, "organization_require_behavior"),
                  wanted = gh_authorize_param(r, "organization");
    bool allow = gh_str_is(usage, "allow"), require = gh_str_is(usage, "require"); /* all else is deny */
    if (!wanted.ptr && !require)
        return GH_OK;
    if (!wanted.ptr) {
        r->auth.ask_organization = gh_str_is(behavior, "pre_login_prompt");
        r->auth.pick_organization = gh_str_is(behavior, "post_login_prompt");
        if (r->silent && (r->auth.ask_organization || r->auth.pick_organization))
            return refuse(x, r, "interaction_required", "An organization has to be chosen");
        return r->auth.ask_organization || r->auth.pick_organization
                   ? GH_OK
                   : refuse(x, r, "invalid_request", "parameter organization is required for this client");
    }
    if (!allow && !require)
        return refuse(x, r, "invalid_request", "parameter organization is not allowed for this client");
    bool names = gh_doc_bool(r->settings, "allow_organization_name_in_authentication_api", false);
    enum gh_err e = gh_organization_find(x->db, x->arena, wanted, names, &r->organization);
    if (e == GH_ERR_NOT_FOUND)
        return refuse(x, r, "invalid_request", "parameter organization is invalid: %.*s", GH_STR_FMT(wanted));
    r->auth.organization_id = gh_arena_dup(x->arena, gh_doc_string(r->organization, "id"));
    return e ? e : r->auth.organization_id.ptr ? GH_OK : GH_ERR_NOMEM;
}

/* A device cannot be asked: it names its organization itself. */
static enum gh_err check_chosen(struct gh_exchange *x, struct gh_authorize *r) {
    return r->auth.ask_organization || r->auth.pick_organization
               ? refuse(x, r, "invalid_request", "parameter organization is required for this client")
               : GH_OK;
}

/* At least one connection must be left: for this client, this organization, and as asked for. */
static enum gh_err check_connection(struct gh_exchange *x, struct gh_authorize *r) {
    json_auto_t *connection = NULL;
    struct gh_usable_list usable;
    struct gh_str name = gh_authorize_param(r, "connection");
    enum gh_err e = GH_OK;
    if (name.ptr)
        e = gh_record_find(x->db, GH_CONNECTIONS, name, &connection);
    if (e && e != GH_ERR_NOT_FOUND)
        return e;
    if (!e && name.ptr)
        r->auth.connection_id = gh_arena_dup(x->arena, gh_doc_string(connection, "id"));
    if (!e)
        e = gh_usable_connections(x->db, x->arena, r->auth.client_id, r->auth.organization_id,
                                  r->auth.connection_id, &usable);
    if (e == GH_ERR_NOT_FOUND || (!e && usable.count == 0 && !r->auth.ask_organization))
        return r->auth.organization_id.len > 0
                   ? refuse(x, r, "access_denied", "no connections enabled for the organization")
                   : refuse(x, r, "invalid_request", "no connections enabled for the client");
    return e;
}

/* The parameters that matter, to ask again once an organization was chosen. */
enum gh_err gh_authorize_url(struct gh_exchange *x, const struct gh_authorization *auth,
                             struct gh_str organization, struct gh_str *ret) {
    json_auto_t *connection = NULL;
    if (auth->connection_id.len > 0 && !auth->user_id.ptr) {
        enum gh_err e = gh_record_get(x->db, GH_CONNECTIONS, auth->connection_id, &connection);
        if (e)
            return e;
    }
    struct gh_str name = gh_doc_string(connection, "name");
    bool signed_in = auth->user_id.len > 0; /* then it was as fresh as was asked for */
    const struct gh_redirect_param params[] = {
        { "client_id", auth->client_id },
        { "response_type", GH_STR("code") },
        { "redirect_uri", auth->redirect_given ? auth->redirect_uri : (struct gh_str){ 0 } },
        { "response_mode", auth->response_mode },
        { "scope", auth->scope },
        { "state", auth->state },
        { "nonce", auth->nonce },
        { "audience", auth->audience },
        { "code_challenge", auth->code_challenge },
        { "code_challenge_method", auth->code_challenge.ptr ? GH_STR("S256") : (struct gh_str){ 0 } },
        { "login_hint", auth->login_hint },
        { "prompt", signed_in ? (struct gh_str){ 0 } : auth->prompt },
        { "max_age", signed_in ? (struct gh_str){ 0 } : auth->max_age },
        { "connection", name },
        { "organization", organization },
    };
    return gh_redirect_build(x->arena, GH_STR("/authorize"), params, GH_COUNT(params), ret);
}

typedef enum gh_err check_fn(struct gh_exchange *x, struct gh_authorize *r);

static enum gh_err run(struct gh_exchange *x, struct gh_authorize *r, check_fn *const *checks, size_t count) {
    enum gh_err e = gh_settings_get(x->db, &r->settings);
    for (size_t i = 0; !e && !r->error && i < count; i++)
        e = checks[i](x, r);
    return e;
}

enum gh_err gh_authorize_check(struct gh_exchange *x, struct gh_authorize *r) {
    static check_fn *const checks[] = {
        check_response, check_client,   check_pkce,         check_texts,      check_scope,
        check_prompt,   check_audience, check_organization, check_connection,
    };
    return run(x, r, checks, GH_COUNT(checks));
}

enum gh_err gh_authorize_check_device(struct gh_exchange *x, struct gh_authorize *r) {
    static check_fn *const checks[] = {
        check_device_client, check_scope, check_audience, check_organization, check_chosen, check_connection,
    };
    return run(x, r, checks, GH_COUNT(checks));
}
