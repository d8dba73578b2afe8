/* What an issuer says of itself, where its feed lies, and how long its keys may be kept. */
#include "follow/discovery.h"

#include <stdlib.h>

#include "core/limits.h"
#include "follow/follower.h"
#include "tests/check.h"

#define ME "https://a.example/"

TEST(the_document_is_where_the_standards_say) {
    static const struct {
        const char *issuer, *openid, *oauth; /* NULL: no issuer */
    } rows[] = {
        { ME, "https://a.example/.well-known/openid-configuration",
          "https://a.example/.well-known/oauth-authorization-server" },
        { "https://a.example", "https://a.example/.well-known/openid-configuration",
          "https://a.example/.well-known/oauth-authorization-server" },
        { "https://a.example:8443/t/1/", "https://a.example:8443/t/1/.well-known/openid-configuration",
          "https://a.example:8443/.well-known/oauth-authorization-server/t/1" },
        { "http://a.example/", NULL, NULL },
        { "HTTPS://a.example/", NULL, NULL },
        { "https://", NULL, NULL },
        { "https:///x", NULL, NULL },
        { "https://a.example/?x", NULL, NULL },
        { "https://a.example/#x", NULL, NULL },
        { "https://user@a.example/", NULL, NULL },
        { "https://a.example\\@b.example/", NULL, NULL },
        { "https://a.example/ x", NULL, NULL },
        { "https://a.example/\r\nHost: b", NULL, NULL },
        { "https://\xc3\xa4.example/", NULL, NULL },
        { "", NULL, NULL },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
        struct gh_str openid, oauth, issuer = gh_str_from(rows[i].issuer);
        enum gh_err e = gh_discovery_url(a, GH_DISCOVERY_OPENID, issuer, &openid);
        CHECK_ROW(rows[i].issuer, e == (rows[i].openid ? GH_OK : GH_ERR_MALFORMED));
        CHECK_ROW(rows[i].issuer, gh_discovery_url(a, GH_DISCOVERY_OAUTH, issuer, &oauth) == e);
        CHECK_ROW(rows[i].issuer,
                  e || (gh_str_is(openid, rows[i].openid) && gh_str_is(oauth, rows[i].oauth)));
    }
}

TEST(a_document_is_believed_about_its_own_issuer_only) {
    static const struct {
        const char *json;
        enum gh_err want;
    } rows[] = {
        { "{\"issuer\":\"" ME "\",\"jwks_uri\":\"https://keys.example/k?v=1\",\"x\":[{}]}", GH_OK },
        { "{\"jwks_uri\":\"https:\\/\\/keys.example\\/k?v=1\",\"issuer\":\"" ME "\"}", GH_OK },
        { "{\"issuer\":\"https://a.example\",\"jwks_uri\":\"https://keys.example/k\"}", GH_ERR_WRONG_ISSUER },
        { "{\"issuer\":\"https://A.example/\",\"jwks_uri\":\"https://keys.example/k\"}",
          GH_ERR_WRONG_ISSUER },
        { "{\"issuer\":\"https://b.example/\",\"jwks_uri\":\"https://keys.example/k\"}",
          GH_ERR_WRONG_ISSUER },
        { "{\"issuer\":\"\",\"jwks_uri\":\"https://keys.example/k\"}", GH_ERR_WRONG_ISSUER },
        { "{\"issuer\":[\"" ME "\"],\"jwks_uri\":\"https://keys.example/k\"}", GH_ERR_MALFORMED },
        { "{\"issuer\":\"https://b.example/\",\"issuer\":\"" ME "\",\"jwks_uri\":\"https://keys.example/k\"}",
          GH_ERR_MALFORMED },
        { "{\"jwks_uri\":\"https://keys.example/k\"}", GH_ERR_MALFORMED },
        { "{\"issuer\":\"" ME "\"}", GH_ERR_MALFORMED },
        { "{\"issuer\":\"" ME "\",\"jwks_uri\":null}", GH_ERR_MALFORMED },
        { "{\"issuer\":\"" ME "\",\"jwks_uri\":\"http://keys.example/k\"}", GH_ERR_UNSUPPORTED },
        { "{\"issuer\":\"" ME "\",\"jwks_uri\":\"file:///etc/passwd\"}", GH_ERR_UNSUPPORTED },
        { "{\"issuer\":\"" ME "\",\"jwks_uri\":\"https://a@keys.example/k\"}", GH_ERR_UNSUPPORTED },
        { "{\"issuer\":\"" ME "\",\"jwks_uri\":\"https://keys.example/\\u000d\\u000aX: y\"}",
          GH_ERR_UNSUPPORTED },
        { "{\"issuer\":\"" ME "\",\"jwks_uri\":\"\"}", GH_ERR_UNSUPPORTED },
        { "[]", GH_ERR_MALFORMED },
        { "<html></html>", GH_ERR_MALFORMED },
        { "", GH_ERR_MALFORMED },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
        struct gh_str uri = { 0 };
        enum gh_err e = gh_discovery_parse(a, gh_str_from(rows[i].json), GH_STR(ME), &uri);
        CHECK_ROW(rows[i].json, e == rows[i].want);
        CHECK_ROW(rows[i].json, e ? !uri.ptr : gh_str_is(uri, "https://keys.example/k?v=1"));
    }
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
    struct gh_str uri, large = { calloc(1, GH_LIMIT_DISCOVERY + 1), GH_LIMIT_DISCOVERY + 1 };
    CHECK(gh_discovery_parse(a, large, GH_STR(ME), &uri) == GH_ERR_TOO_LARGE);
    free((char *)large.ptr);
}

TEST(only_the_same_host_and_port_are_the_issuers_own) {
    static const struct {
        const char *url;
        bool want;
    } rows[] = {
        { "https://a.example/jwks", true },        { "https://A.EXAMPLE/jwks", true },
        { "https://a.example?x", true },           { "https://a.example", true },
        { "https://a.example:443/jwks", false },   { "https://a.example.evil.example/", false },
        { "https://b.example/a.example/", false },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i].url, gh_url_same_origin(gh_str_from(rows[i].url), GH_STR(ME)) == rows[i].want);
}

TEST(cache_control_is_read_as_seconds_or_not_at_all) {
    static const struct {
        const char *text;
        long long want;
    } rows[] = {
        { "", -1 },
        { "public", -1 },
        { "max-age=60", 60 },
        { "public, Max-Age=15, stale-while-revalidate=15, stale-if-error=86400", 15 },
        { "s-maxage=9, max-age=7", 7 },
        { "max-age=0", 0 },
        { "no-cache", 0 },
        { "max-age=60, no-store", 0 },
        { "max-age=", -1 },
        { "max-age=-1", -1 },
        { "max-age=\"60\"", -1 },
        { "max-age=99999999999999999999", -1 },
        { "max-age=5,max-age=9", 5 },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i].text, gh_max_age(gh_str_from(rows[i].text)) == rows[i].want);
}

TEST(a_feed_is_named_after_its_issuer_and_stays_in_its_folder) {
    static const struct {
        const char *issuer, *want;
    } rows[] = {
        { ME, "/d/a.example.feed" },
        { "https://a.example:8443/t/1/", "/d/a.example_8443_t_1.feed" },
        { "https://../../etc/passwd", "/d/.._.._etc_passwd.feed" },
        { "http://a.example/", NULL },
        { "https:///", NULL },
        { "https://", NULL },
    };
    char path[PATH_MAX], name[512] = "https://";
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        enum gh_err e = gh_follow_path("/d", rows[i].issuer, ".feed", path);
        CHECK_ROW(rows[i].issuer, e == (rows[i].want ? GH_OK : GH_ERR_MALFORMED));
        CHECK_ROW(rows[i].issuer, e || strcmp(path, rows[i].want) == 0);
    }
    memset(name + 8, 'a', 201);
    CHECK(gh_follow_path("/d", name, ".feed", path) == GH_ERR_MALFORMED);
}

GH_TESTS(the_document_is_where_the_standards_say, a_document_is_believed_about_its_own_issuer_only,
         only_the_same_host_and_port_are_the_issuers_own, cache_control_is_read_as_seconds_or_not_at_all,
         a_feed_is_named_after_its_issuer_and_stays_in_its_folder)
