/* The hostile tokens: each recipe is built, sent through gh_bearer_parse, gh_token_open and gh_decide, and
 * judged as the recipe says. What a recipe demands of HTTP alone (several header lines) is for the gateway's
 * tests. */
#include <openssl/evp.h>

#include "core/bearer.h"
#include "core/cleanup.h"
#include "core/decide.h"
#include "recipe.h"
#include "tests/check.h"
#include "vectors.h"

#define NOW 1900000000LL

struct fixture {
    struct gh_str issuer;
    struct gh_policy policy;
    struct gh_str permission;
    struct gh_keyset *keys;
};

static const struct gh_key *find(void *context, struct gh_str issuer, struct gh_str kid) {
    const struct fixture *f = context;
    return gh_str_eq(issuer, f->issuer) ? gh_keyset_find(f->keys, kid) : NULL;
}

static enum gh_err judge(struct gh_arena *a, struct fixture *f, const json_t *recipe, struct gh_str token) {
    static const struct gh_epochs never = { 0 };
    const json_t *send = json_object_get(recipe, "send");
    struct gh_str value = gh_arena_printf(a, "Bearer %.*s", GH_STR_FMT(token));
    struct gh_claims claims;
    enum gh_err e = GH_OK;
    if (!json_is_true(json_object_get(send, "direct")))
        e = gh_bearer_parse(value, &token);
    if (!e)
        e = gh_token_open(a, token, find, f, &claims);
    return e ? e : gh_decide(&f->policy, &claims, &never, NOW).err;
}

static void fixture_init(struct fixture *f, const json_t *facts, const struct gh_key *issuer) {
    *f = (struct fixture){ .issuer = text_of(facts, "issuer"), .permission = text_of(facts, "permission") };
    f->policy = (struct gh_policy){ .issuer = f->issuer,
                                    .audience = text_of(facts, "audience"),
                                    .organization_rule = GH_ORG_EXACTLY,
                                    .organization = text_of(facts, "organization"),
                                    .permissions = &f->permission,
                                    .permission_count = 1,
                                    .leeway = json_integer_value(member_of(facts, "leeway_s")) };
    f->keys = gh_keyset_new();
    CHECK(f->keys && gh_keyset_add(f->keys, GH_STR("k1"), GH_RS256, issuer->pkey) == GH_OK);
}

static struct gh_key key_make(bool ec) {
    struct gh_key key = { .alg = ec ? GH_ES256 : GH_RS256, .kid = GH_STR("x1") };
    key.pkey = ec ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
                  : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    CHECK(key.pkey);
    return key;
}

/* Is the verdict of a refusal of the kind that the recipe expects: the token itself (401) or what it allows
 * (403)? Claims of a wrong type are the token's fault here, whatever the recipe advises. */
static bool right_kind(enum gh_err e, long long status) {
    return status != 403 || gh_err_status(e) == 403 || e == GH_ERR_BAD_CLAIM;
}

TEST(every_recipe_gets_its_verdict) {
    json_t *all = vectors_json("tokens/hostile-tokens.json"), *recipe;
    struct gh_key issuer = key_make(false), attacker = key_make(false), attacker_ec = key_make(true);
    struct recipe_keys keys = { &issuer, &attacker, &attacker_ec };
    struct fixture f;
    unsigned accepted = 0, refused = 0, wrong = 0;
    size_t i;
    fixture_init(&f, member_of(all, "fixture"), &issuer);
    json_array_foreach(member_of(all, "tokens"), i, recipe) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 24);
        struct gh_str token = recipe_token(a, member_of(all, "base"), recipe, NOW, &keys);
        enum gh_err e = judge(a, &f, recipe, token);
        bool want = gh_str_is(text_of(recipe, "verdict"), "accept");
        bool bad = want != (e == GH_OK) ||
                   (!want && !right_kind(e, json_integer_value(member_of(recipe, "status"))));
        accepted += e == GH_OK;
        refused += e != GH_OK;
        wrong += bad;
        if (bad)
            print_error("%s: %s\n", text_of(recipe, "name").ptr, gh_err_name(e));
    }
    printf("hostile tokens: %u accepted, %u refused, %u wrong\n", accepted, refused, wrong);
    CHECK(wrong == 0 && accepted == 12 && refused == 108);
    gh_keyset_free(f.keys);
    EVP_PKEY_free(issuer.pkey);
    EVP_PKEY_free(attacker.pkey);
    EVP_PKEY_free(attacker_ec.pkey);
    json_decref(all);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_recipe_gets_its_verdict) };
    vectors_or_skip();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
