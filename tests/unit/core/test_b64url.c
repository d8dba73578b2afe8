#include "core/b64url.h"
#include "core/cleanup.h"
#include "tests/check.h"

typedef enum gh_err codec(struct gh_arena *a, struct gh_str in, struct gh_str *ret);

/* RFC 4648 10, without padding where the alphabet is the url one. */
TEST(the_examples_of_the_rfc) {
    static const struct {
        const char *bytes, *url, *std;
    } rows[] = {
        { "", "", "" },
        { "f", "Zg", "Zg==" },
        { "fo", "Zm8", "Zm8=" },
        { "foo", "Zm9v", "Zm9v" },
        { "foob", "Zm9vYg", "Zm9vYg==" },
        { "fooba", "Zm9vYmE", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
        { "\xfb\xff\xbf", "-_-_", "+/+/" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4096);
        struct gh_str ret;
        CHECK(gh_b64url_encode(a, gh_str_from(rows[i].bytes), &ret) == GH_OK && gh_str_is(ret, rows[i].url));
        CHECK(gh_b64_encode(a, gh_str_from(rows[i].bytes), &ret) == GH_OK && gh_str_is(ret, rows[i].std));
        CHECK(gh_b64url_decode(a, gh_str_from(rows[i].url), &ret) == GH_OK && gh_str_is(ret, rows[i].bytes));
        CHECK(gh_b64_decode(a, gh_str_from(rows[i].std), &ret) == GH_OK && gh_str_is(ret, rows[i].bytes));
    }
}

TEST(every_other_spelling_is_refused_at_any_memory_limit) {
    static const struct {
        codec *decode;
        const char *text;
    } rows[] = {
        { gh_b64url_decode, "Z" },       { gh_b64url_decode, "Zm9vY" },  /* one character left over */
        { gh_b64url_decode, "Zh" },      { gh_b64url_decode, "Zm9" },    /* stray low bits */
        { gh_b64url_decode, "Zg==" },    { gh_b64url_decode, "Zm8=" },   /* padding */
        { gh_b64url_decode, "+/+/" },    { gh_b64url_decode, "Zm9v\n" }, /* another alphabet */
        { gh_b64url_decode, "Zm 9v" },   { gh_b64url_decode, "Zm9v.Zm9v" }, { gh_b64url_decode, "Zm9\xc3" },
        { gh_b64_decode, "Zg" },         { gh_b64_decode, "Zm8" },          { gh_b64_decode, "Zg=" },
        { gh_b64_decode, "Zh==" },       { gh_b64_decode, "Zm9=" },         { gh_b64_decode, "-_-_" },
        { gh_b64_decode, "Zg==Zg==" },   { gh_b64_decode, "Z===" },         { gh_b64_decode, "====" },
        { gh_b64_decode, "Zm9vZg==\n" }, { gh_b64_decode, "=Zg=" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        enum gh_err e = GH_ERR_NOMEM;
        for (size_t cap = 0; e == GH_ERR_NOMEM && cap < 4096; cap += 16) {
            gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(cap);
            struct gh_str ret;
            e = rows[i].decode(a, gh_str_from(rows[i].text), &ret);
        }
        CHECK_ROW(rows[i].text, e == GH_ERR_MALFORMED);
    }
}

TEST(each_byte_outside_the_alphabet_is_refused_at_each_place) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (int byte = 0; byte < 256; byte++)
        for (size_t at = 0; at < 6; at++) {
            gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4096);
            char text[] = "AAAAAA";
            struct gh_str ret, again;
            text[at] = (char)byte;
            struct gh_str in = { text, 6 };
            bool ok = gh_b64url_decode(a, in, &ret) == GH_OK;
            bool legal = byte && strchr(alphabet, byte);
            CHECK(ok ? legal : !legal || at == 5);
            if (ok)
                CHECK(gh_b64url_encode(a, ret, &again) == GH_OK && gh_str_eq(again, in));
        }
}

GH_TESTS(the_examples_of_the_rfc, every_other_spelling_is_refused_at_any_memory_limit,
         each_byte_outside_the_alphabet_is_refused_at_each_place)
