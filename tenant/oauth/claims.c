#include "tenant/oauth/claims.h"

#include "tenant/record.h"

enum { ACCESS_LIFETIME = 86400, ACCESS_LIFETIME_MAX = 2592000, ID_LIFETIME = 36000 };

/* clang-format off */
static const struct gh_dialect dialects[] = {
    /* name                     typ       client       jti    gty    permissions */
    { "access_token",           "JWT",    "azp",       false, true,  false },
    { "access_token_authz",     "JWT",    "azp",       false, true,  true  },
    { "rfc9068_profile",        "at+jwt", "client_id", true,  false, false },
    { "rfc9068_profile_authz",  "at+jwt", "client_id", true,  false, true  },
};

/* OIDC Core 5.4: which claims a scope opens. */
static const struct { const char *scope, *claim; } scope_claims[] = {
    { "profile", "nickname" }, { "profile", "name" },       { "profile", "given_name" }, { "profile", "family_name" },
    { "profile", "picture" },  { "profile", "updated_at" }, { "email", "email" },        { "email", "email_verified" },
    { "phone", "phone_number" }, { "phone", "phone_verified" },
};
/* clang-format on */

/* Without an API the token is good at our own /userinfo only: nobody's expectations, so it can be revoked by
 * its jti. */
static const struct gh_dialect userinfo_dialect = { "userinfo", "JWT", "azp", true, true, false };

const struct gh_dialect *gh_dialect_of(const json_t *api) {
    if (!api)
        return &userinfo_dialect;
    struct gh_str name = gh_doc_string(api, "token_dialect");
    for (size_t i = 0; i < GH_COUNT(dialects); i++)
        if (gh_str_is(name, dialects[i].name))
            return &dialects[i];
    return &dialects[0];
}

long long gh_access_lifetime(const json_t *api) {
    long long seconds = gh_doc_int(api, "token_lifetime", ACCESS_LIFETIME);
    return seconds > 0 && seconds <= ACCESS_LIFETIME_MAX ? seconds : ACCESS_LIFETIME;
}

/* jansson reports a failed set; an object with a member too few must never be signed, so failures add up. */
struct maker {
    json_t *object;
    bool failed;
};

static void set(struct maker *m, const char *name, json_t *value) {
    if (json_object_set_new(m->object, name, value) != 0)
        m->failed = true;
}

static void set_text(struct maker *m, const char *name, struct gh_str value) {
    set(m, name, json_stringn(value.ptr ? value.ptr : "", value.len));
}

static void set_text_if(struct maker *m, const char *name, struct gh_str value) {
    if (value.len > 0)
        set_text(m, name, value);
}

static enum gh_err finish(struct gh_arena *a, struct maker *m, struct gh_str *ret) {
    json_auto_t *object = m->object;
    if (m->failed || !object)
        return GH_ERR_NOMEM;
    size_t size = json_dumpb(object, NULL, 0, JSON_COMPACT);
    char *text = gh_arena_alloc(a, size + 1);
    if (size == 0 || !text || json_dumpb(object, text, size, JSON_COMPACT) != size)
        return GH_ERR_NOMEM;
    *ret = (struct gh_str){ text, size };
    return GH_OK;
}

static json_t *text_array(const struct gh_str *items, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(array, json_stringn(items[i].ptr, items[i].len)) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

/* A string for one audience; an array whose last member is ours when the token opens /userinfo as well. */
static json_t *audience(struct gh_arena *a, const struct gh_issue *issue) {
    struct gh_str userinfo = gh_arena_printf(a, "%.*suserinfo", GH_STR_FMT(issue->issuer));
    struct gh_str both[] = { gh_doc_string(issue->api, "identifier"), userinfo };
    if (!userinfo.ptr)
        return NULL;
    if (!issue->api)
        return json_stringn(userinfo.ptr, userinfo.len);
    if (issue->openid && issue->user)
        return text_array(both, 2);
    return json_stringn(both[0].ptr, both[0].len);
}

static void set_organization(struct maker *m, const struct gh_issue *issue) {
    if (!issue->organization)
        return;
    set_text(m, "org_id", gh_doc_string(issue->organization, "id"));
    if (issue->names)
        set_text(m, "org_name", gh_doc_string(issue->organization, "name"));
}

static struct gh_str subject(struct gh_arena *a, const struct gh_issue *issue) {
    if (issue->user)
        return gh_doc_string(issue->user, "user_id");
    return gh_arena_printf(a, "%.*s@clients", GH_STR_FMT(gh_doc_string(issue->client, "client_id")));
}

enum gh_err gh_access_claims(struct gh_arena *a, const struct gh_issue *issue, struct gh_str *ret) {
    const struct gh_dialect *dialect = gh_dialect_of(issue->api);
    struct maker m = { .object = json_object() };
    struct gh_str sub = subject(a, issue);
    m.failed = sub.len == 0;
    set_text(&m, "iss", issue->issuer);
    set_text(&m, "sub", sub);
    set(&m, "aud", audience(a, issue));
    set(&m, "iat", json_integer(issue->now));
    set(&m, "exp", json_integer(issue->now + gh_access_lifetime(issue->api)));
    set_text_if(&m, "scope", issue->scope);
    set_text(&m, dialect->client_claim, gh_doc_string(issue->client, "client_id"));
    if (dialect->has_gty && issue->gty)
        set(&m, "gty", json_string(issue->gty));
    if (dialect->has_jti)
        set_text(&m, "jti", issue->jti);
    set_organization(&m, issue);
    if (dialect->has_permissions && gh_doc_bool(issue->api, "enforce_policies", false))
        set(&m, "permissions", text_array(issue->permissions, issue->permission_count));
    return finish(a, &m, ret);
}

static bool has_scope(struct gh_str scope, const char *name) {
    struct gh_str rest = scope, word;
    while (gh_str_cut(&rest, ' ', &word))
        if (gh_str_is(word, name))
            return true;
    return gh_str_is(rest, name);
}

static void set_profile(struct maker *m, const json_t *user, struct gh_str scope) {
    for (size_t i = 0; i < GH_COUNT(scope_claims); i++) {
        json_t *value = json_object_get(user, scope_claims[i].claim);
        if (value && !json_is_null(value) && has_scope(scope, scope_claims[i].scope))
            set(m, scope_claims[i].claim, json_incref(value));
    }
}

json_t *gh_profile_claims(const json_t *user, struct gh_str scope) {
    struct maker m = { .object = json_object() };
    set_text(&m, "sub", gh_doc_string(user, "user_id"));
    set_profile(&m, user, scope);
    if (!m.failed)
        return m.object;
    json_decref(m.object);
    return NULL;
}

enum gh_err gh_id_claims(struct gh_arena *a, const struct gh_issue *issue, struct gh_str *ret) {
    const json_t *settings = json_object_get(issue->client, "jwt_configuration");
    long long lifetime = gh_doc_int(settings, "lifetime_in_seconds", ID_LIFETIME);
    if (lifetime <= 0 || lifetime > ACCESS_LIFETIME_MAX)
        lifetime = ID_LIFETIME;

    struct maker m = { .object = json_object() };
    set_profile(&m, issue->user, issue->scope);
    set_text(&m, "iss", issue->issuer);
    set_text(&m, "aud", gh_doc_string(issue->client, "client_id"));
    set(&m, "iat", json_integer(issue->now));
    set(&m, "exp", json_integer(issue->now + lifetime));
    set_text(&m, "sub", gh_doc_string(issue->user, "user_id"));
    if (issue->auth_time > 0)
        set(&m, "auth_time", json_integer(issue->auth_time));
    set_text_if(&m, "sid", issue->sid);
    set_text_if(&m, "nonce", issue->nonce);
    set_organization(&m, issue);
    return finish(a, &m, ret);
}
