/* tenant/oauth/claims.c: what our tokens say, by dialect and situation. */
#include "tenant/oauth/claims.h"

#include <string.h>

#include "core/cleanup.h"
#include "tests/check.h"

#define CLIENT "{\"client_id\":\"app\",\"jwt_configuration\":{\"lifetime_in_seconds\":60}}"
#define USER                                                                                                 \
    "{\"user_id\":\"auth0|1\",\"name\":\"Ada\",\"email\":\"a@x.example\",\"email_verified\":false,"          \
    "\"picture\":null}"
#define ORGANIZATION "{\"id\":\"org_1\",\"name\":\"acme\"}"

/* The documents of one issuance. */
struct made {
    struct gh_arena *arena;
    json_t *client, *user, *organization, *api;
    struct gh_issue issue;
    struct gh_str permissions[2];
};

static void make(struct made *m, const char *api) {
    *m = (struct made){ .arena = gh_arena_new(1 << 16),
                        .permissions = { GH_STR("chat:invoke"), GH_STR("models:list") } };
    m->client = json_loads(CLIENT, 0, NULL);
    m->user = json_loads(USER, 0, NULL);
    m->organization = json_loads(ORGANIZATION, 0, NULL);
    m->api = api ? json_loads(api, 0, NULL) : NULL;
    m->issue = (struct gh_issue){
        .issuer = GH_STR("https://t/"),
        .client = m->client,
        .user = m->user,
        .organization = m->organization,
        .api = m->api,
        .scope = GH_STR("openid email"),
        .openid = true,
        .permissions = m->permissions,
        .permission_count = 2,
        .jti = GH_STR("j1"),
        .now = 1000,
    };
}

static void release(struct made *m) {
    json_decref(m->client);
    json_decref(m->user);
    json_decref(m->organization);
    json_decref(m->api);
    gh_arena_free(m->arena);
}

static bool access_is(const struct made *m, const char *want) {
    struct gh_str got;
    if (gh_access_claims(m->arena, &m->issue, &got) == GH_OK && gh_str_is(got, want))
        return true;
    print_error("got: %.*s\n", GH_STR_FMT(got));
    return false;
}

TEST(each_dialect_says_it_in_its_own_way) {
    static const struct {
        const char *dialect, *typ, *want;
    } rows[] = {
        { "access_token", "JWT", "\"azp\":\"app\",\"gty\":\"refresh_token\",\"org_id\":\"org_1\"}" },
        { "access_token_authz", "JWT",
          "\"azp\":\"app\",\"gty\":\"refresh_token\",\"org_id\":\"org_1\",\"permissions\":[\"chat:invoke\","
          "\"models:list\"]}" },
        { "rfc9068_profile", "at+jwt", "\"client_id\":\"app\",\"jti\":\"j1\",\"org_id\":\"org_1\"}" },
        { "rfc9068_profile_authz", "at+jwt",
          "\"client_id\":\"app\",\"jti\":\"j1\",\"org_id\":\"org_1\",\"permissions\":[\"chat:invoke\","
          "\"models:list\"]}" },
        { "what is this", "JWT", "\"azp\":\"app\",\"gty\":\"refresh_token\",\"org_id\":\"org_1\"}" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct made m;
        char api[256], want[512];
        snprintf(api, sizeof api,
                 "{\"identifier\":\"https://"
                 "api\",\"token_lifetime\":60,\"enforce_policies\":true,\"token_dialect\":\"%s\"}",
                 rows[i].dialect);
        snprintf(want, sizeof want,
                 "{\"iss\":\"https://t/\",\"sub\":\"auth0|1\",\"aud\":[\"https://api\",\"https://t/"
                 "userinfo\"],\"iat\":1000,"
                 "\"exp\":1060,\"scope\":\"openid email\",%s",
                 rows[i].want);
        make(&m, api);
        m.issue.gty = "refresh_token";
        CHECK_ROW(rows[i].dialect, access_is(&m, want));
        CHECK_ROW(rows[i].dialect, !strcmp(gh_dialect_of(m.api)->typ, rows[i].typ));
        release(&m);
    }
}

TEST(permissions_are_said_only_where_policies_are_enforced) {
    struct made m;
    make(&m, "{\"identifier\":\"https://"
             "api\",\"token_dialect\":\"access_token_authz\",\"enforce_policies\":false}");
    m.issue.openid = false;
    CHECK(access_is(
        &m, "{\"iss\":\"https://t/\",\"sub\":\"auth0|1\",\"aud\":\"https://api\",\"iat\":1000,\"exp\":87400,"
            "\"scope\":\"openid email\",\"azp\":\"app\",\"org_id\":\"org_1\"}"));
    release(&m);
    make(&m, "{\"identifier\":\"https://"
             "api\",\"token_dialect\":\"access_token_authz\",\"enforce_policies\":true}");
    m.issue.openid = false;
    m.issue.permission_count = 0; /* an empty list is not an absent one */
    m.issue.names = true;
    CHECK(access_is(
        &m, "{\"iss\":\"https://t/\",\"sub\":\"auth0|1\",\"aud\":\"https://api\",\"iat\":1000,\"exp\":87400,"
            "\"scope\":\"openid email\",\"azp\":\"app\",\"org_id\":\"org_1\",\"org_name\":\"acme\","
            "\"permissions\":[]}"));
    release(&m);
}

TEST(a_machine_is_its_own_subject_and_has_no_userinfo) {
    struct made m;
    make(&m, "{\"identifier\":\"https://api\"}");
    m.issue.user = m.issue.organization = NULL;
    m.issue.gty = "client-credentials";
    m.issue.scope = (struct gh_str){ 0 };
    CHECK(access_is(
        &m,
        "{\"iss\":\"https://t/\",\"sub\":\"app@clients\",\"aud\":\"https://api\",\"iat\":1000,\"exp\":87400,"
        "\"azp\":\"app\",\"gty\":\"client-credentials\"}"));
    release(&m);
}

TEST(without_an_api_a_token_is_for_userinfo_only) {
    struct made m;
    make(&m, NULL);
    m.issue.organization = NULL;
    CHECK(access_is(&m,
                    "{\"iss\":\"https://t/\",\"sub\":\"auth0|1\",\"aud\":\"https://t/userinfo\",\"iat\":1000,"
                    "\"exp\":87400,\"scope\":\"openid email\",\"azp\":\"app\",\"jti\":\"j1\"}"));
    release(&m);
}

TEST(an_id_token_opens_what_the_scopes_open) {
    struct made m;
    struct gh_str got;
    make(&m, NULL);
    m.issue.nonce = GH_STR("n");
    m.issue.sid = GH_STR("s");
    m.issue.auth_time = 900;
    CHECK(gh_id_claims(m.arena, &m.issue, &got) == GH_OK);
    CHECK(gh_str_is(
        got, "{\"email\":\"a@x.example\",\"email_verified\":false,\"iss\":\"https://t/\",\"aud\":\"app\","
             "\"iat\":1000,\"exp\":1060,\"sub\":\"auth0|1\",\"auth_time\":900,\"sid\":\"s\",\"nonce\":\"n\","
             "\"org_id\":\"org_1\"}"));
    json_auto_t *profile = gh_profile_claims(m.user, GH_STR("openid profile"));
    CHECK(json_object_size(profile) == 2 && json_object_get(profile, "name")); /* sub, name; null is absent */
    json_auto_t *none = gh_profile_claims(m.user, GH_STR("profiles emails"));
    CHECK(json_object_size(none) == 1);
    release(&m);
}

TEST(a_shortage_of_memory_signs_nothing) {
    struct made m;
    make(&m, "{\"identifier\":\"https://api\"}");
    enum gh_err e = GH_ERR_NOMEM;
    for (size_t cap = 0; e == GH_ERR_NOMEM && cap < 8192; cap += 64) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(cap);
        struct gh_str got;
        if (a)
            e = gh_access_claims(a, &m.issue, &got);
    }
    CHECK(e == GH_OK);
    release(&m);
}

GH_TESTS(each_dialect_says_it_in_its_own_way, permissions_are_said_only_where_policies_are_enforced,
         a_machine_is_its_own_subject_and_has_no_userinfo, without_an_api_a_token_is_for_userinfo_only,
         an_id_token_opens_what_the_scopes_open, a_shortage_of_memory_signs_nothing)
