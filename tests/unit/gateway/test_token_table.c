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
    for (size_t i = 0; i < GH_TOKEN_KEY; i += sizeof n) {
        uint64_t hash = (n * GH_TOKEN_KEY + i) * 0x9e3779b97f4a7c15;
        hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9;
        hash = (hash ^ hash >> 27) * 0x94d049bb133111eb;
        hash ^= hash >> 31;
        memcpy(key + i, &hash, sizeof hash);
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
    munmap(m, SIZE);
}

/* The characters of `text` from `at` on, by chance of `letters`. */
static struct gh_str chance(char *text, size_t at, size_t len, const char *letters) {
    for (size_t i = at; i < len; i++)
        text[i] = letters[(size_t)rand() % strlen(letters)];
    return (struct gh_str){ text, len };
}

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* Thousands of tokens, no two alike, each with six permissions: what the ring and the index spend on one, and
 * how many of them a full table still finds. */
TEST(a_usual_token_takes_at_most_200_bytes) {
    static const struct gh_str six[] = { GH_STR("chat:invoke"), GH_STR("models:list"),
                                         GH_STR("model:gpt-5"), GH_STR("model:small-*"),
                                         GH_STR("files:read"),  GH_STR("files:write") };
    enum { TOKENS = 5000 };
    unsigned char key[GH_TOKEN_KEY], *m = memory(), *before = memory();
    char subject[30] = "auth0|", client[32], organization[20] = "org_", id[22];
    struct gh_token_table t;
    CHECK(gh_token_table_view(&t, m, SIZE));
    srand(20);
    for (uint64_t n = 0; n < TOKENS; n++) {
        struct gh_claims c = sample;
        c.subject = chance(subject, 6, sizeof subject, "0123456789abcdef");
        c.client = chance(client, 0, sizeof client, ALNUM);
        c.organization = chance(organization, 4, sizeof organization, ALNUM);
        c.token_id = chance(id, 0, sizeof id, ALNUM "-_");
        c.permissions = six;
        c.permission_count = GH_COUNT(six);
        c.issued_at += rand() % 100000;
        c.expires_at = c.issued_at + 86400;
        gh_token_table_put(&t, key_of(n, key), &scope, &c);
    }
    double ring = (double)*t.head * 8 / TOKENS, share = SIZE / ((double)t.words * 8);
    memcpy(before, m, SIZE);
    size_t kept = 0;
    for (uint64_t n = 0; n < TOKENS; n++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
        struct gh_claims c;
        kept += gh_token_table_find(&t, key_of(n, key), a, &scope, &c) == GH_OK;
        if (*t.head != *(uint64_t *)before) /* it was old and written again, over another one */
            memcpy(m, before, SIZE);
    }
    print_message("%.1f bytes with the index; %zu kept in %d bytes, %zu each\n", ring * share, kept, SIZE,
                  SIZE / kept);
    CHECK(ring * share <= 200);
    CHECK(SIZE / kept <= 200);
    munmap(before, SIZE);
    munmap(m, SIZE);
}

TEST(claims_that_do_not_fit_are_not_kept) {
    unsigned char key[GH_TOKEN_KEY];
    static char text[GH_TOKEN_RECORD_MAX * 4 / 3]; /* packed, as long as the record */
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

/* Written and read as the subject, a name and a permission: the very same bytes. The length of the record. */
static size_t through(struct gh_str text) {
    unsigned char bytes[GH_TOKEN_RECORD_MAX];
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
    struct gh_claims c = sample, ret;
    c.subject = c.token_id = text;
    c.permissions = &text;
    c.permission_count = 1;
    size_t length = gh_token_record_write(&scope, &c, bytes);
    CHECK(length > 0);
    CHECK(gh_token_record_read(a, (struct gh_str){ (char *)bytes, length }, &scope, &ret) == GH_OK);
    CHECK(gh_str_eq(ret.subject, text) && gh_str_eq(ret.token_id, text) && ret.permission_count == 1 &&
          gh_str_eq(ret.permissions[0], text) && gh_str_eq(ret.client, sample.client) &&
          gh_str_eq(ret.organization, sample.organization));
    return length;
}

TEST(every_text_comes_back_to_the_byte) {
    static const char *letters[] = { ALNUM "-_", "0123456789abcdef-",
                                     "abcdefghijklmnopqrstuvwxyz:*/. _~?0123456789", ALNUM ":|",
                                     "\x80\xff\x1f\x7f^@`AZaz" };
    char text[80];
    for (int c = 0; c < 256; c++)
        for (size_t len = 1; len < 10; len += 4) {
            memset(text, 'a', len);
            text[len / 2] = (char)c;
            through((struct gh_str){ text, len });
        }
    for (size_t i = 0; i < GH_COUNT(letters); i++)
        for (size_t len = 0; len < sizeof text; len++)
            through(chance(text, 0, len, letters[i]));

    static const struct gh_str close[] = {
        GH_STR("auth0|0123456789abcdef0123456"),     GH_STR("auth0|0123456789abcdef012345678"),
        GH_STR("auth0|0123456789ABCDEF01234567"),    GH_STR("auth0|0123456789abcdef0123456g"),
        GH_STR("Auth0|0123456789abcdef01234567"),    GH_STR("auth0:0123456789abcdef01234567"),
        GH_STR("auth0|0123456789abcdef012345\0007"), GH_STR("auth0|"),
    };
    size_t usual = through(sample.subject);
    for (size_t i = 0; i + 1 < GH_COUNT(close); i++)
        CHECK(through(close[i]) > usual);
    through(close[GH_COUNT(close) - 1]);
}

/* The last byte of a packed text has bits that belong to no character. */
TEST(bits_behind_a_packed_text_are_refused) {
    unsigned char bytes[GH_TOKEN_RECORD_MAX];
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    for (size_t len = 1; len <= 11; len++) {
        struct gh_str text = { "chat:invoke", len };
        struct gh_claims c = sample, ret;
        c.permissions = &text;
        c.permission_count = 1;
        size_t length = gh_token_record_write(&scope, &c, bytes), refused = 0;
        for (int bit = 0; bit < 8; bit++) {
            bytes[length - 1] ^= (unsigned char)(1 << bit);
            refused += gh_token_record_read(a, (struct gh_str){ (char *)bytes, length }, &scope, &ret) ==
                       GH_ERR_MALFORMED;
            bytes[length - 1] ^= (unsigned char)(1 << bit);
        }
        CHECK(refused == len * 2 % 8);
    }
}

TEST(dates_that_no_record_can_hold_are_not_kept) {
    static const struct {
        long long issued_at, expires_at, not_before;
    } dates[] = { { 1700000000, 1699999999, 0 }, { -1, 1700000000, 0 }, { 0, 1700000000, -1 } };
    unsigned char bytes[GH_TOKEN_RECORD_MAX];
    for (size_t i = 0; i < GH_COUNT(dates); i++) {
        struct gh_claims c = sample;
        c.issued_at = dates[i].issued_at;
        c.expires_at = dates[i].expires_at;
        c.not_before = dates[i].not_before;
        CHECK(gh_token_record_write(&scope, &c, bytes) == 0);
    }
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

GH_TESTS(a_usual_token_takes_at_most_200_bytes, every_text_comes_back_to_the_byte,
         bits_behind_a_packed_text_are_refused, dates_that_no_record_can_hold_are_not_kept,
         what_was_put_is_found_by_its_whole_key_only, a_damaged_byte_is_a_miss_and_never_a_lie,
         a_full_table_forgets_the_oldest_and_keeps_what_is_used, claims_that_do_not_fit_are_not_kept,
         a_refusal_is_remembered_with_its_reason, a_record_cut_or_lengthened_is_refused,
         readers_believe_no_half_written_record)
