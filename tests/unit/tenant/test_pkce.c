#include "tenant/oauth/pkce.h"

#include "core/cleanup.h"
#include "tests/check.h"

/* RFC 7636, appendix B */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

TEST(only_the_verifier_of_the_challenge_is_believed) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    static const struct {
        const char *verifier;
        enum gh_err want;
    } rows[] = {
        { VERIFIER, GH_OK },
        { "eBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", GH_ERR_BAD_SIGNATURE },
        { VERIFIER "a", GH_ERR_BAD_SIGNATURE },
        { CHALLENGE, GH_ERR_BAD_SIGNATURE }, /* "plain" */
        { "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX", GH_ERR_MALFORMED },
        { "", GH_ERR_MALFORMED },
        { "dBjftJeZ4CVP mB92K27uhbUJU1p1r_wW1gFWFOEjXk", GH_ERR_MALFORMED },
        { VERIFIER VERIFIER VERIFIER, GH_ERR_MALFORMED },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i].verifier,
                  gh_pkce_verify(a, gh_str_from(rows[i].verifier), GH_STR(CHALLENGE)) == rows[i].want);
}

TEST(a_challenge_has_one_spelling) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    CHECK(gh_pkce_challenge_ok(a, GH_STR(CHALLENGE)));
    CHECK(!gh_pkce_challenge_ok(a, GH_STR(CHALLENGE "=")));
    CHECK(
        !gh_pkce_challenge_ok(a, GH_STR("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN"))); /* stray low bits */
    CHECK(!gh_pkce_challenge_ok(a, GH_STR("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM")));
    CHECK(!gh_pkce_challenge_ok(a, GH_STR("")));
}

GH_TESTS(only_the_verifier_of_the_challenge_is_believed, a_challenge_has_one_spelling)
