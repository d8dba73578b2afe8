#include "core/claims.h"
#include "core/cleanup.h"
#include "core/limits.h"
#include "tests/check.h"

TEST(claims_of_the_wrong_type_are_refused_at_any_memory_limit) {
    static const struct {
        const char *json;
        enum gh_err want;
    } rows[] = {
        { "{\"exp\":1}", GH_OK },
        { "{\"exp\":0}", GH_OK }, /* 1970: decide.c finds it expired */
        { "{\"exp\":9007199254740992,\"iat\":0,\"nbf\":0}", GH_OK },
        { "{\"exp\":1,\"aud\":\"a\"}", GH_OK },
        { "{\"exp\":1,\"aud\":[\"a\",\"b\\u0063\"],\"permissions\":[\"a\\/b\"],\"scope\":\"\"}", GH_OK },
        { "{\"exp\":1,\"permissions\":[]}", GH_OK },
        { "{\"exp\":1,\"https:\\/\\/ns.example\\/x\":{\"a\":[null,1.5]}}", GH_OK }, /* unknown and escaped */
        { "{\"exp\":1,\"org_name\":7}", GH_OK },
        { "{}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":\"1\"}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1.0}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1e3}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":-1}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":-0}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":9007199254740993}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":null}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":true}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":[1]}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"nbf\":\"0\"}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"nbf\":-1}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"iat\":1.5}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"iat\":null}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"iss\":1}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"iss\":\"\"}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"iss\":[\"a\"]}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"sub\":null}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"azp\":{}}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"client_id\":1}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"scope\":[\"a\"]}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"jti\":1}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"org_id\":\"\"}", GH_ERR_BAD_CLAIM }, /* would look like no organization */
        { "{\"exp\":1,\"org_id\":null}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"org_id\":0}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"org_id\":[\"org_a\"]}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"aud\":1}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"aud\":null}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"aud\":{\"a\":true}}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"aud\":[\"a\",7]}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"permissions\":\"a\"}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"permissions\":null}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"permissions\":{\"a\":true}}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"permissions\":[[\"a\"]]}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"permissions\":[\"a\",{\"b\":1}]}", GH_ERR_BAD_CLAIM },
        { "{\"exp\":1,\"exp\":2}", GH_ERR_MALFORMED },
        { "{\"exp\":1,\"\\u0065xp\":2}", GH_ERR_MALFORMED },
        { "{\"\\u0065xp\":1}", GH_ERR_MALFORMED }, /* alone too: another reader might not see it */
        { "{\"exp\":1,\"org\\u005fid\":\"org_a\"}", GH_ERR_MALFORMED },
        { "{\"exp\":1,\"sub\":\"a\\u0000b\"}", GH_ERR_MALFORMED },
        { "{\"exp\":1,\"sub\":\"\\ud800\"}", GH_ERR_MALFORMED },
        { "{\"exp\":1} {}", GH_ERR_MALFORMED },
        { "[{\"exp\":1}]", GH_ERR_MALFORMED },
        { "1", GH_ERR_MALFORMED },
        { "", GH_ERR_MALFORMED },
        { "{\"exp\":1,\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}", GH_OK },              /* 16 deep */
        { "{\"exp\":1,\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", GH_ERR_TOO_LARGE }, /* 17 */
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        enum gh_err e = GH_ERR_NOMEM;
        for (size_t cap = 0; e == GH_ERR_NOMEM && cap < 4096; cap += 16) {
            gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(cap);
            struct gh_claims claims;
            e = gh_claims_parse(a, gh_str_from(rows[i].json), &claims);
        }
        CHECK_ROW(rows[i].json, e == rows[i].want);
    }
}

TEST(both_dialects_of_an_access_token_are_read) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    struct gh_claims c;
    CHECK(gh_claims_parse(
              a,
              GH_STR("{\"iss\":\"i\",\"sub\":\"s\",\"aud\":[\"a\",\"b\"],\"iat\":1,\"exp\":2,\"nbf\":3,"
                     "\"azp\":\"c\",\"org_id\":\"o\",\"permissions\":[\"p\\u0031\",\"p2\"],"
                     "\"scope\":\"x y\",\"jti\":\"j\"}"),
              &c) == GH_OK);
    CHECK(gh_str_is(c.issuer, "i") && gh_str_is(c.subject, "s") && gh_str_is(c.client, "c"));
    CHECK(c.audience_count == 2 && gh_str_is(c.audiences[1], "b"));
    CHECK(c.issued_at == 1 && c.has_issued_at && c.expires_at == 2 && c.not_before == 3);
    CHECK(gh_str_is(c.organization, "o") && gh_str_is(c.scope, "x y") && gh_str_is(c.token_id, "j"));
    CHECK(c.has_permissions && c.permission_count == 2 && gh_str_is(c.permissions[0], "p1"));

    CHECK(gh_claims_parse(a, GH_STR("{\"exp\":2,\"client_id\":\"d\"}"), &c) == GH_OK); /* RFC 9068 2.2 */
    CHECK(gh_str_is(c.client, "d") && !c.has_permissions && !c.has_issued_at && c.organization.len == 0);
    CHECK(gh_claims_parse(a, GH_STR("{\"exp\":2,\"client_id\":\"d\",\"azp\":\"c\"}"), &c) == GH_OK);
    CHECK(gh_str_is(c.client, "c"));
    CHECK(gh_claims_parse(a, GH_STR("{\"exp\":2,\"permissions\":[]}"), &c) == GH_OK);
    CHECK(c.has_permissions && c.permission_count == 0);
}

static struct gh_str list_of(struct gh_buf *b, const char *name, size_t count) {
    gh_buf_reset(b);
    gh_buf_addf(b, "{\"exp\":1,\"%s\":[\"x\"", name);
    for (size_t i = 1; i < count; i++)
        gh_buf_add(b, GH_STR(",\"x\""));
    gh_buf_add(b, GH_STR("]}"));
    return gh_buf_str(b);
}

TEST(lists_have_a_longest_length) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 18);
    gh_auto(gh_buf_release) struct gh_buf b = gh_buf_make(1 << 18);
    struct gh_claims c;
    CHECK(gh_claims_parse(a, list_of(&b, "aud", GH_LIMIT_AUDIENCES), &c) == GH_OK);
    CHECK(gh_claims_parse(a, list_of(&b, "aud", GH_LIMIT_AUDIENCES + 1), &c) == GH_ERR_TOO_LARGE);
    CHECK(gh_claims_parse(a, list_of(&b, "permissions", GH_LIMIT_PERMISSIONS), &c) == GH_OK);
    CHECK(gh_claims_parse(a, list_of(&b, "permissions", GH_LIMIT_PERMISSIONS + 1), &c) == GH_ERR_TOO_LARGE);
}

GH_TESTS(claims_of_the_wrong_type_are_refused_at_any_memory_limit, both_dialects_of_an_access_token_are_read,
         lists_have_a_longest_length)
