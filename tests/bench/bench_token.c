/* tests/bench/bench_token.c - what it costs to believe a token: gh_token_open and gh_decide, without network
 * and cache. Not a test: it prints numbers. `ninja -C build tests/bench/bench_token &&
 * build/tests/bench/bench_token` */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/cleanup.h"
#include "core/decide.h"
#include "tests/unit/core/keys.h"

#define ISSUER "https://tenant.example/"
#define AUDIENCE "https://ai.example.com/v1"
#define NOW 1900000000

/* What Auth0 puts into an organization's access token. */
static const char claims_text[] =
    "{\"iss\":\"" ISSUER "\",\"sub\":\"auth0|0123456789abcdef01234567\",\"aud\":[\"" AUDIENCE "\",\"" ISSUER
    "userinfo\"],\"iat\":1899999990,\"exp\":1900086390,\"scope\":\"openid profile email\",\"org_id\":"
    "\"org_0123456789abcdef\",\"azp\":\"0123456789abcdefghijklmnopqrstuv\",\"permissions\":[\"chat:invoke\","
    "\"models:list\",\"model:gpt-5\",\"model:small-*\"]}";

static size_t allocations;

/* glibc lets a program interpose these; the library's own calls are counted with ours. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);

void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    allocations++;
    return __libc_calloc(count, size);
}

static const struct gh_key *find(void *context, struct gh_str issuer, struct gh_str kid) {
    return gh_keyset_find(context, kid);
}

static enum gh_err believe(struct gh_keyset *ks, struct gh_str token) {
    static const struct gh_str permission = { "chat:invoke", 11 };
    static const struct gh_epochs never = { 0 };
    const struct gh_policy policy = { .issuer = GH_STR(ISSUER),
                                      .audience = GH_STR(AUDIENCE),
                                      .organization_rule = GH_ORG_ANY,
                                      .permissions = &permission,
                                      .permission_count = 1 };
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    struct gh_claims claims;
    enum gh_err e = gh_token_open(a, token, find, ks, &claims);
    return e ? e : gh_decide(&policy, &claims, &never, NOW).err;
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of rounds, since others use the machine too. */
static double measure(struct gh_keyset *ks, struct gh_str token, int times) {
    double rounds[9];
    for (size_t r = 0; r < GH_COUNT(rounds); r++) {
        double start = seconds();
        for (int i = 0; i < times; i++)
            if (believe(ks, token) != GH_OK)
                abort();
        rounds[r] = (seconds() - start) / times * 1e6;
    }
    qsort(rounds, GH_COUNT(rounds), sizeof *rounds, compare);
    return rounds[GH_COUNT(rounds) / 2];
}

/* The signature check alone, without parsing. */
static double measure_signature(const struct gh_key *key, struct gh_str token, int times) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    struct gh_jws jws;
    if (gh_jws_split(a, token, &jws))
        abort();
    double start = seconds();
    for (int i = 0; i < times; i++)
        if (gh_jws_verify(&jws, key->alg, key) != GH_OK)
            abort();
    return (seconds() - start) / times * 1e6;
}

int main(void) {
    printf("%-6s %12s %12s %12s\n", "alg", "µs a token", "µs to verify", "allocations");
    for (int alg = GH_RS256; alg <= GH_EDDSA; alg++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
        gh_auto(gh_keyset_freep) struct gh_keyset *ks = gh_keyset_new();
        const struct gh_key *key = test_key((enum gh_alg)alg, "k1");
        struct gh_str token;
        if (gh_keyset_add(ks, key->kid, key->alg, key->pkey) ||
            gh_jws_sign(a, key, GH_STR("JWT"), gh_str_from(claims_text), &token) || believe(ks, token))
            return 1;
        size_t before = allocations;
        if (believe(ks, token) != GH_OK)
            return 1;
        size_t each = allocations - before;
        double all = measure(ks, token, alg < GH_ES256 ? 2000 : 500);
        double signature = measure_signature(gh_keyset_find(ks, key->kid), token, 2000);
        printf("%-6s %12.1f %12.1f %12zu\n", gh_alg_name(key->alg), all, signature, each);
    }
    test_keys_free();
    return 0;
}
