#include "gateway/wire.h"
#include "tests/check.h"

TEST(our_namespace_is_recognised_in_every_spelling) {
    static const char *const ours[] = {
        "X-Gatehouse-Subject", "x-gatehouse-subject", "X_Gatehouse_Subject",   "X-GATEHOUSE_Subject",
        "x_gatehouse-x",       "X-Gatehouse",         "X.Gatehouse.Subject",   "x-gatehouse-",
        "X-Gatehousex",        "X Gatehouse Subject", "x\x80gatehouse\x80sub",
    };
    static const char *const foreign[] = {
        "",     "X-Gatehous",   "XX-Gatehouse-Subject", "-X-Gatehouse", "XGatehouse", "X--Gatehouse",
        "Host", "X-Request-Id",
    };
    for (size_t i = 0; i < GH_COUNT(ours); i++)
        CHECK_ROW(ours[i], gh_header_classify(gh_str_from(ours[i])) == GH_HEADER_IDENTITY);
    for (size_t i = 0; i < GH_COUNT(foreign); i++)
        CHECK_ROW(foreign[i], gh_header_classify(gh_str_from(foreign[i])) == GH_HEADER_FOREIGN);
}

TEST(credentials_are_recognised_by_their_whole_name) {
    static const struct {
        const char *name;
        enum gh_header_class want;
    } rows[] = {
        { "Authorization", GH_HEADER_AUTHORIZATION },
        { "aUTHORIZATION", GH_HEADER_AUTHORIZATION },
        { "Authorization2", GH_HEADER_FOREIGN },
        { "Authorizatio", GH_HEADER_FOREIGN },
        { "Proxy-Authorization", GH_HEADER_CREDENTIAL },
        { "Proxy_Authorization", GH_HEADER_CREDENTIAL },
        { "Cookie", GH_HEADER_COOKIE },
        { "cookie2", GH_HEADER_COOKIE },
        { "OpenAI-Organization", GH_HEADER_CREDENTIAL },
        { "openai_project", GH_HEADER_CREDENTIAL },
        { "Connection", GH_HEADER_CONNECTION },
        { "Content-Type", GH_HEADER_FOREIGN },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i].name, gh_header_classify(gh_str_from(rows[i].name)) == rows[i].want);
}

TEST(a_connection_header_cannot_name_ours_away) {
    CHECK(gh_connection_names_identity(GH_STR("close, X-Gatehouse-Subject")));
    CHECK(gh_connection_names_identity(GH_STR("x_gatehouse_subject")));
    CHECK(!gh_connection_names_identity(GH_STR("keep-alive, Upgrade")));
    CHECK(!gh_connection_names_identity(GH_STR("x-gatehous")));
    CHECK(!gh_connection_names_identity((struct gh_str){ 0 }));
}

TEST(a_claim_becomes_one_word_of_visible_ascii) {
    static const struct {
        struct gh_str value;
        const char *want;
    } rows[] = {
        { { "auth0|u1", 8 }, "auth0|u1" },
        { { "read:models", 11 }, "read:models" },
        { { "a b", 3 }, "a%20b" },
        { { "a\r\nX-Gatehouse-Organization: org_b", 34 }, "a%0D%0AX-Gatehouse-Organization:%20org_b" },
        { { "a\0b", 3 }, "a%00b" },
        { { "100%", 4 }, "100%25" },
        { { "%41", 3 }, "%2541" },
        { { "Zo\xc3\xab", 4 }, "Zo%C3%AB" },
        { { "\x7f\t", 2 }, "%7F%09" },
        { { NULL, 0 }, "" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        char text[64];
        size_t n = gh_wire_word_length(rows[i].value);
        CHECK(n < sizeof(text));
        CHECK(gh_wire_word_write(text, rows[i].value) == text + n);
        CHECK_ROW(rows[i].want, gh_str_eq((struct gh_str){ text, n }, gh_str_from(rows[i].want)));
    }
}

TEST(only_a_plain_request_id_is_taken_over) {
    char long_id[129];
    memset(long_id, 'a', sizeof(long_id));
    CHECK(gh_request_id_ok(GH_STR("req-1.A_b")));
    CHECK(gh_request_id_ok((struct gh_str){ long_id, 128 }));
    CHECK(!gh_request_id_ok((struct gh_str){ long_id, 129 }));
    CHECK(!gh_request_id_ok((struct gh_str){ 0 }));
    CHECK(!gh_request_id_ok(GH_STR("a b")));
    CHECK(!gh_request_id_ok(GH_STR("a\"b")));
    CHECK(!gh_request_id_ok(GH_STR("a=b")));
    CHECK(!gh_request_id_ok((struct gh_str){ "a\0b", 3 }));
    CHECK(!gh_request_id_ok(GH_STR("caf\xc3\xa9")));
}

TEST(whatever_is_wrong_with_a_token_is_401_and_our_trouble_503) {
    static const struct {
        enum gh_err err;
        int want;
    } rows[] = {
        { GH_ERR_MALFORMED, 401 },
        { GH_ERR_TOO_LARGE, 401 },
        { GH_ERR_UNSUPPORTED, 401 },
        { GH_ERR_NO_TOKEN, 401 },
        { GH_ERR_REVOKED, 401 },
        { GH_ERR_BAD_CLAIM, 401 },
        { GH_ERR_NO_PERMISSION, 403 },
        { GH_ERR_WRONG_ORGANIZATION, 403 },
        { GH_ERR_NO_ROUTE, 403 },
        { GH_ERR_FEED, 503 },
        { GH_ERR_NOMEM, 503 },
        { GH_ERR_CRYPTO, 503 },
        { GH_ERR_NOT_FOUND, 503 },
        { GH_ERR_CONFLICT, 503 },
        { GH_ERR_TIMEOUT, 503 },
        { GH_ERR_OK, 503 },
        { GH_ERR_AMBIGUOUS_TARGET, 400 },
        { GH_ERR_TARGET_TOO_LONG, 414 },
        { GH_ERR_UNTRUSTED_PEER, 403 },
        { GH_ERR_BAD_FORWARD, 403 },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(gh_err_name(rows[i].err), gh_refusal_status(rows[i].err) == rows[i].want);
}

static void check_challenge(enum gh_err e, struct gh_str scope, const char *want) {
    struct gh_buf b = gh_buf_make(4096);
    gh_challenge_format(&b, e, GH_STR("https://api/"), scope);
    CHECK_ROW(want, !b.failed && gh_str_eq(gh_buf_str(&b), gh_str_from(want)));
    gh_buf_release(&b);
}

TEST(a_challenge_says_what_rfc_6750_lets_it_say) {
    check_challenge(GH_ERR_NO_TOKEN, (struct gh_str){ 0 }, "Bearer realm=\"https://api/\"");
    check_challenge(
        GH_ERR_EXPIRED, (struct gh_str){ 0 },
        "Bearer realm=\"https://api/\", error=\"invalid_token\", error_description=\"the token has "
        "expired\"");
    check_challenge(
        GH_ERR_NO_PERMISSION, GH_STR("a b"),
        "Bearer realm=\"https://api/\", error=\"insufficient_scope\", error_description=\"the token "
        "lacks the permission\", scope=\"a b\"");
    check_challenge(GH_ERR_FEED, (struct gh_str){ 0 }, "");
    check_challenge(GH_ERR_AMBIGUOUS_TARGET, (struct gh_str){ 0 }, "");
    check_challenge(GH_ERR_UNTRUSTED_PEER, (struct gh_str){ 0 }, "");
    check_challenge(GH_ERR_BAD_FORWARD, (struct gh_str){ 0 }, "");
    check_challenge(GH_ERR_WRONG_ORIGIN, (struct gh_str){ 0 }, "");
}

TEST(an_error_body_has_the_four_members_that_clients_read) {
    static const struct {
        enum gh_err err;
        const char *missing, *want;
    } rows[] = {
        { GH_ERR_EXPIRED, "",
          "{\"error\":{\"message\":\"the token has "
          "expired\",\"type\":\"invalid_request_error\",\"param\":null,"
          "\"code\":\"expired\"}}" },
        { GH_ERR_MALFORMED, "",
          "{\"error\":{\"message\":\"the token is not well "
          "formed\",\"type\":\"invalid_request_error\",\"param\":"
          "null,\"code\":\"malformed\"}}" },
        { GH_ERR_NO_PERMISSION, "chat:invoke",
          "{\"error\":{\"message\":\"the token lacks the permission chat:invoke\",\"type\":"
          "\"invalid_request_error\",\"param\":null,\"code\":\"no_permission\"}}" },
        { GH_ERR_FEED, "",
          "{\"error\":{\"message\":\"the gateway cannot decide now: the feed is missing or "
          "damaged\",\"type\":"
          "\"server_error\",\"param\":null,\"code\":\"feed\"}}" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_buf b = gh_buf_make(4096);
        gh_error_body_format(&b, rows[i].err, gh_str_from(rows[i].missing));
        CHECK_ROW(rows[i].want, !b.failed && gh_str_eq(gh_buf_str(&b), gh_str_from(rows[i].want)));
        gh_buf_release(&b);
    }
}

TEST(what_stands_in_a_challenge_is_checked_at_start) {
    CHECK(gh_quotable(GH_STR("https://api.example/v1 x")));
    CHECK(!gh_quotable(GH_STR("a\"b")));
    CHECK(!gh_quotable(GH_STR("a\\b")));
    CHECK(!gh_quotable(GH_STR("a\nb")));
    CHECK(!gh_quotable(GH_STR("caf\xc3\xa9")));
    CHECK(gh_scope_token_ok(GH_STR("chat:invoke")));
    CHECK(!gh_scope_token_ok(GH_STR("")));
    CHECK(!gh_scope_token_ok(GH_STR("a b")));
}

TEST(an_origin_is_what_browsers_write_and_nothing_else) {
    static const struct {
        struct gh_str origin;
        bool want;
    } rows[] = {
        { { "https://a.example", 17 }, true },    { { "http://localhost:3000", 21 }, true },
        { { "https://[::1]:8443", 18 }, true },   { { "https://", 8 }, false },
        { { "https://a.example/", 18 }, false },  { { "https://A.example", 17 }, false },
        { { "https://a.example:", 18 }, false },  { { "https://:443", 12 }, false },
        { { "ftp://a.example", 15 }, false },     { { "null", 4 }, false },
        { { "https://a\0.example", 18 }, false }, { { "https://a b", 11 }, false },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i].origin.ptr, gh_origin_ok(rows[i].origin) == rows[i].want);
}

GH_TESTS(our_namespace_is_recognised_in_every_spelling, credentials_are_recognised_by_their_whole_name,
         a_connection_header_cannot_name_ours_away, a_claim_becomes_one_word_of_visible_ascii,
         only_a_plain_request_id_is_taken_over, whatever_is_wrong_with_a_token_is_401_and_our_trouble_503,
         a_challenge_says_what_rfc_6750_lets_it_say, an_error_body_has_the_four_members_that_clients_read,
         what_stands_in_a_challenge_is_checked_at_start, an_origin_is_what_browsers_write_and_nothing_else)
