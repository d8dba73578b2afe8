#include "gateway/token_table.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/token_record.h"
#include "tests/check.h"

#define SIZE (256 * 1024)

static const struct gh_str audiences[] = { GH_STR("https://a.example/"), GH_STR("https://b.example/") };
static const struct gh_str issuers[] = { GH_STR("https://other.example/"),
                                         GH_STR("https://issuer.example/") };
static const struct gh_token_scope scope = { issuers, 2, audiences, 2 };
static const struct gh_str claimed[] = { GH_STR("https://b.example/"), GH_STR("https://elsewhere.example/") };
static const struct gh_str permissions[] = { GH_STR("chat:invoke"), GH_STR("models:list") };
static const struct gh_claims sample = {
    .issuer = GH_STR("https://issuer.example/"),
    .subject = GH_STR("auth0|0123456789abcdef01234567"),
    .client = GH_STR("abcdefghijklmnopqrstuvwxyz012345"),
    .organization = GH_STR("org_0123456789abcdef"),
    .token_id = GH_STR("0123456789abcdefghijkl"),
    .audiences = claimed,
    .audience_count = 2,
    .permissions = permissions,
    .permission_count = 2,
    .has_permissions = true,
    .issued_at = 1700000000,
    .expires_at = 1700086400,
    .has_issued_at = true,
};

static void *memory(void) {
    void *m = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(m != MAP_FAILED);
    return m;
}

/* A key as a hash would spread it. */
static const unsigned char *key_of(uint64_t n, unsigned char key[GH_TOKEN_KEY]) {
    for (size_t i = 0; i < GH_TOKEN_KEY; i++) {
        n = n * 6364136223846793005ULL + 1442695040888963407ULL;
        key[i] = (unsigned char)(n >> 56);
    }
    return key;
}

static bool same(const struct gh_claims *c) {
    return gh_str_eq(c->issuer, sample.issuer) && gh_str_eq(c->subject, sample.subject) &&
           gh_str_eq(c->client, sample.client) && gh_str_eq(c->organization, sample.organization) &&
           gh_str_eq(c->token_id, sample.token_id) && c->audience_count == 1 &&
           gh_str_eq(c->audiences[0], audiences[1]) && c->permission_count == 2 &&
           gh_str_eq(c->permissions[1], permissions[1]) && c->has_permissions && c->has_issued_at &&
           c->issued_at == sample.issued_at && c->expires_at == sample.expires_at && c->not_before == 0;
}

static bool hit(const struct gh_token_table *t, const unsigned char *key) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
    struct gh_claims c = { 0 };
    enum gh_err e = gh_token_table_find(t, key, a, &scope, &c);
    CHECK(e == GH_OK || e == GH_ERR_NOT_FOUND);
    CHECK(e || same(&c)); /* never somebody else's, never half of it */
    return e == GH_OK;
}

TEST(what_was_put_is_found_by_its_whole_key_only) {
    unsigned char key[GH_TOKEN_KEY];
    struct gh_token_table t;
    void *m = memory();
    CHECK(!gh_token_table_view(&t, m, GH_TOKEN_TABLE_MIN - 1));
    CHECK(gh_token_table_view(&t, m, SIZE));
    CHECK(!hit(&t, key_of(1, key)));
    gh_token_table_put(&t, key, &scope, &sample);
    CHECK(hit(&t, key));
    for (size_t i = 0; i < GH_TOKEN_KEY; i++)
        for (int bit = 0; bit < 8; bit++) {
            key[i] ^= (unsigned char)(1 << bit);
            CHECK(!hit(&t, key));
            key[i] ^= (unsigned char)(1 << bit);
        }
    munmap(m, SIZE);
}

TEST(a_damaged_byte_is_a_miss_and_never_a_lie) {
    unsigned char key[GH_TOKEN_KEY], *m = memory();
    struct gh_token_table t;
    CHECK(gh_token_table_view(&t, m, SIZE));
    gh_token_table_put(&t, key_of(1, key), &scope, &sample);
    size_t hits = 0, bytes = 0, start = (size_t)((unsigned char *)t.ring - m);
    for (size_t i = start; i < start + 256; i++, bytes++)
        for (int bit = 0; bit < 8; bit++) {
            m[i] ^= (unsigned char)(1 << bit);
            hits += hit(&t, key);
            m[i] ^= (unsigned char)(1 << bit);
        }
    CHECK(hit(&t, key));
    CHECK(hits < bytes * 8 / 2);         /* only what lies behind the record may be damaged unseen */
    for (size_t i = 0; i < start; i++) { /* and the index leads nowhere wrong */
        m[i] ^= 0x55;
        hit(&t, key);
        m[i] ^= 0x55;
    }
    munmap(m, SIZE);
}

TEST(a_full_table_forgets_the_oldest_and_keeps_what_is_used) {
    unsigned char key[GH_TOKEN_KEY], hot[GH_TOKEN_KEY];
    struct gh_token_table t;
    void *m = memory();
    CHECK(gh_token_table_view(&t, m, SIZE));
    gh_token_table_put(&t, key_of(0, hot), &scope, &sample);
    size_t lost = 0;
    for (uint64_t n = 1; n <= 20000; n++) {
        gh_token_table_put(&t, key_of(n, key), &scope, &sample);
        CHECK(hit(&t, key));
        if (n % 100 == 0 && !hit(&t, hot)) {
            lost++;
            gh_token_table_put(&t, hot, &scope, &sample);
        }
    }
    CHECK(lost <= 2); /* two keys of one tag and set may push each other out */
    CHECK(!hit(&t, key_of(1, key)));
    size_t kept = 0;
    for (uint64_t n = 1; n <= 20000; n++)
        kept += hit(&t, key_of(n, key));
    print_message("%zu tokens in %d bytes: %zu bytes each\n", kept, SIZE, SIZE / kept);
    CHECK(SIZE / kept <= 256);
    munmap(m, SIZE);
}

TEST(claims_that_do_not_fit_are_not_kept) {
    unsigned char key[GH_TOKEN_KEY];
    static char text[GH_TOKEN_RECORD_MAX];
    struct gh_token_table t;
    void *m = memory();
    CHECK(gh_token_table_view(&t, m, SIZE));
    memset(text, 'x', sizeof text);
    struct gh_claims large = sample;
    large.subject = (struct gh_str){ text, sizeof text };
    gh_token_table_put(&t, key_of(1, key), &scope, &large);
    CHECK(!hit(&t, key));
    munmap(m, SIZE);
}

TEST(a_refusal_is_remembered_with_its_reason) {
    unsigned char key[GH_TOKEN_KEY];
    struct gh_token_table t;
    void *m = memory();
    CHECK(gh_token_table_view(&t, m, SIZE));
    CHECK(gh_token_table_refusal(&t, key_of(1, key)) == GH_OK);
    gh_token_table_put_refusal(&t, key, GH_ERR_BAD_SIGNATURE);
    CHECK(gh_token_table_refusal(&t, key) == GH_ERR_BAD_SIGNATURE);
    CHECK(gh_token_table_refusal(&t, key_of(2, key)) == GH_OK);
    munmap(m, SIZE);
}

TEST(a_record_cut_or_lengthened_is_refused) {
    unsigned char bytes[GH_TOKEN_RECORD_MAX];
    size_t length = gh_token_record_write(&scope, &sample, bytes);
    CHECK(length > 0 && length < 200);
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    struct gh_claims c;
    for (size_t cut = 0; cut < length; cut++)
        CHECK(gh_token_record_read(a, (struct gh_str){ (char *)bytes, cut }, &scope, &c) == GH_ERR_MALFORMED);
    bytes[length] = 0;
    CHECK(gh_token_record_read(a, (struct gh_str){ (char *)bytes, length + 1 }, &scope, &c) ==
          GH_ERR_MALFORMED);
    CHECK(gh_token_record_read(a, (struct gh_str){ (char *)bytes, length }, &scope, &c) == GH_OK && same(&c));
}

/* Three writers go round a small ring while we read: whatever is found is whole. */
TEST(readers_believe_no_half_written_record) {
    unsigned char key[GH_TOKEN_KEY];
    struct gh_token_table t;
    void *m = memory();
    pid_t child[3];
    CHECK(gh_token_table_view(&t, m, GH_TOKEN_TABLE_MIN));
    for (size_t i = 0; i < GH_COUNT(child); i++) {
        child[i] = fork();
        CHECK(child[i] >= 0);
        for (uint64_t n = 0; child[i] == 0 && n < 60000; n++)
            gh_token_table_put(&t, key_of(n % 500, key), &scope, &sample);
        if (child[i] == 0)
            _exit(0);
    }
    size_t hits = 0;
    for (uint64_t n = 0; n < 60000; n++)
        hits += hit(&t, key_of(n % 500, key));
    for (size_t i = 0; i < GH_COUNT(child); i++)
        CHECK(waitpid(child[i], NULL, 0) == child[i]);
    CHECK(hits > 0);
    munmap(m, SIZE);
}

GH_TESTS(what_was_put_is_found_by_its_whole_key_only, a_damaged_byte_is_a_miss_and_never_a_lie,
         a_full_table_forgets_the_oldest_and_keeps_what_is_used, claims_that_do_not_fit_are_not_kept,
         a_refusal_is_remembered_with_its_reason, a_record_cut_or_lengthened_is_refused,
         readers_believe_no_half_written_record)
