#include "core/cleanup.h"
#include "core/json.h"
#include "core/limits.h"
#include "tests/check.h"

#define DEEP8 "[[[[[[[["
#define SHALLOW8 "]]]]]]]]"

TEST(only_strict_json_with_one_meaning_is_accepted) {
    static const struct {
        const char *text;
        enum gh_err want;
    } rows[] = {
        { "{}", GH_OK },
        { " [1 , 2.5e-3 ,\"a\\u00e9\\ud83d\\ude00\", null,true,false ] ", GH_OK },
        { "{\"a\":{\"a\":1},\"b\":{\"a\":1}}", GH_OK },
        { "{\"a\":1,\"A\":2,\"\":3,\"ab\":4}", GH_OK },
        { DEEP8 DEEP8 SHALLOW8 SHALLOW8, GH_OK },
        { "-0", GH_OK },
        { "1e307", GH_OK },
        { "1e-99999", GH_OK },
        { "1000000000000000000000e280", GH_OK },
        { "1000000000000000000000e290", GH_ERR_MALFORMED },
        { "[" DEEP8 DEEP8 SHALLOW8 SHALLOW8 "]", GH_ERR_TOO_LARGE },
        { "", GH_ERR_MALFORMED },
        { " ", GH_ERR_MALFORMED },
        { "{}{}", GH_ERR_MALFORMED },
        { "{} x", GH_ERR_MALFORMED },
        { "\xef\xbb\xbf{}", GH_ERR_MALFORMED }, /* byte order mark */
        { "{\"a\":1,\"a\":1}", GH_ERR_MALFORMED },
        { "{\"a\":1,\"\\u0061\":2}", GH_ERR_MALFORMED },
        { "{\"\\u00e9\":1,\"\xc3\xa9\":2}", GH_ERR_MALFORMED },
        { "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", GH_ERR_MALFORMED },
        { "{\"b\":1,\"a\":1,\"d\":1,\"c\":1,\"a\":2}", GH_ERR_MALFORMED },
        { "{\"x\":{\"a\":1,\"b\":2,\"a\":3}}", GH_ERR_MALFORMED },
        { "{\"a\" 1}", GH_ERR_MALFORMED },
        { "{\"a\":}", GH_ERR_MALFORMED },
        { "{\"a\":1,}", GH_ERR_MALFORMED },
        { "{a:1}", GH_ERR_MALFORMED },
        { "{1:1}", GH_ERR_MALFORMED },
        { "[1,]", GH_ERR_MALFORMED },
        { "[,1]", GH_ERR_MALFORMED },
        { "[1 2]", GH_ERR_MALFORMED },
        { "[1}", GH_ERR_MALFORMED },
        { "[", GH_ERR_MALFORMED },
        { "{\"a\":[", GH_ERR_MALFORMED },
        { "\"a", GH_ERR_MALFORMED },
        { "\"a\nb\"", GH_ERR_MALFORMED },
        { "\"a\tb\"", GH_ERR_MALFORMED },
        { "\"\\x41\"", GH_ERR_MALFORMED },
        { "\"\\u00g0\"", GH_ERR_MALFORMED },
        { "\"\\u004\"", GH_ERR_MALFORMED },
        { "\"\\", GH_ERR_MALFORMED },
        { "\"\\u0000\"", GH_ERR_MALFORMED },
        { "\"\\ud83d\"", GH_ERR_MALFORMED },        /* lone high surrogate */
        { "\"\\ude00\"", GH_ERR_MALFORMED },        /* lone low surrogate */
        { "\"\\ud83d\\ud83d\"", GH_ERR_MALFORMED }, /* two high ones */
        { "\"\\ud83d\\n\"", GH_ERR_MALFORMED },
        { "\"\xff\"", GH_ERR_MALFORMED },
        { "\"\xc0\xaf\"", GH_ERR_MALFORMED },     /* overlong */
        { "\"\xe0\x80\xaf\"", GH_ERR_MALFORMED }, /* overlong */
        { "\"\xed\xa0\x80\"", GH_ERR_MALFORMED }, /* a surrogate in UTF-8 */
        { "\"\xf4\x90\x80\x80\"", GH_ERR_MALFORMED },
        { "\"\xe2\x82\"", GH_ERR_MALFORMED },
        { "01", GH_ERR_MALFORMED },
        { "+1", GH_ERR_MALFORMED },
        { "-", GH_ERR_MALFORMED },
        { ".5", GH_ERR_MALFORMED },
        { "1.", GH_ERR_MALFORMED },
        { "1e", GH_ERR_MALFORMED },
        { "1e+", GH_ERR_MALFORMED },
        { "0x1", GH_ERR_MALFORMED },
        { "1e308", GH_ERR_MALFORMED }, /* may be infinity */
        { "1e99999999999999999999", GH_ERR_MALFORMED },
        { "NaN", GH_ERR_MALFORMED },
        { "Infinity", GH_ERR_MALFORMED },
        { "nul", GH_ERR_MALFORMED },
        { "True", GH_ERR_MALFORMED },
        { "'a'", GH_ERR_MALFORMED },
        { "/**/1", GH_ERR_MALFORMED },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_json value;
        CHECK_ROW(rows[i].text, gh_json_parse(gh_str_from(rows[i].text), 16, &value) == rows[i].want);
    }
    struct gh_json value;
    CHECK(gh_json_parse((struct gh_str){ "[0\0]", 4 }, 16, &value) == GH_ERR_MALFORMED);
    CHECK(gh_json_parse((struct gh_str){ "\"a\0b\"", 5 }, 16, &value) == GH_ERR_MALFORMED);
}

/* Strings are scanned eight bytes at a step: each special byte must be seen at each place of a step. */
TEST(a_special_byte_is_seen_at_every_place) {
    static const char specials[] = { '\n', 0x1f, '\0', (char)0x80, (char)0xff };
    for (size_t len = 0; len < 40; len++)
        for (size_t at = 0; at < len; at++)
            for (size_t s = 0; s < sizeof specials; s++) {
                char text[64];
                struct gh_json value;
                memset(text, 'x', sizeof text);
                text[0] = text[len + 1] = '"';
                CHECK(gh_json_parse((struct gh_str){ text, len + 2 }, 1, &value) == GH_OK);
                text[1 + at] = specials[s];
                CHECK(gh_json_parse((struct gh_str){ text, len + 2 }, 1, &value) == GH_ERR_MALFORMED);
            }
}

static struct gh_str object_of(struct gh_buf *b, size_t members, const char *letter, size_t twice) {
    gh_buf_reset(b);
    for (size_t i = 0; i < members; i++) {
        gh_buf_add_char(b, i ? ',' : '{');
        gh_buf_addf(b, "\"%s%04zu\":0", letter, (i == twice && i ? 0 : i) * 7919 % 4096);
    }
    gh_buf_add_char(b, '}');
    return gh_buf_str(b);
}

TEST(members_are_bounded_and_a_duplicate_is_found_among_many) {
    gh_auto(gh_buf_release) struct gh_buf b = gh_buf_make(1 << 20);
    struct gh_json value;
    static const char plain[] = "k", escaped[] = "\\u006b";
    CHECK(gh_json_parse(object_of(&b, GH_LIMIT_JSON_MEMBERS, plain, 0), 1, &value) == GH_OK);
    CHECK(gh_json_parse(object_of(&b, GH_LIMIT_JSON_MEMBERS, escaped, 0), 1, &value) == GH_OK);
    CHECK(gh_json_parse(object_of(&b, GH_LIMIT_JSON_MEMBERS + 1, plain, 0), 1, &value) == GH_ERR_TOO_LARGE);
    for (size_t twice = 1; twice < GH_LIMIT_JSON_MEMBERS; twice += 101)
        CHECK(gh_json_parse(object_of(&b, GH_LIMIT_JSON_MEMBERS, plain, twice), 1, &value) ==
              GH_ERR_MALFORMED);
}

TEST(no_caller_can_lift_the_nesting_that_the_stack_bears) {
    char text[2 * GH_LIMIT_JSON_NESTING + 2];
    struct gh_json value;
    size_t n = GH_LIMIT_JSON_NESTING + 1;
    memset(text, '[', n);
    memset(text + n, ']', n);
    CHECK(gh_json_parse((struct gh_str){ text, 2 * n }, 1000000, &value) == GH_ERR_TOO_LARGE);
    CHECK(gh_json_parse((struct gh_str){ text + 1, 2 * n - 2 }, 1000000, &value) == GH_OK);
}

TEST(a_walk_gives_keys_and_values_as_written) {
    struct gh_json object, value, inner;
    struct gh_str key;
    size_t at = 0;
    CHECK(gh_json_parse(GH_STR(" { \"a\" : [1,{\"x\":\"]\"}] ,\"\\u0062\":\"}\\\"\" , \"c\":-1.5e3}"), 8,
                        &object) == GH_OK);
    CHECK(gh_json_next(object, &at, &key, &value) && gh_str_is(key, "a") && value.type == GH_JSON_ARRAY);
    CHECK(gh_str_is(value.text, "[1,{\"x\":\"]\"}]"));
    CHECK(gh_json_next(object, &at, &key, &inner) && gh_str_is(key, "\\u0062"));
    CHECK(gh_json_key_spells(key, GH_STR("b")) && !gh_json_key_is(key, GH_STR("b")));
    CHECK(!gh_json_key_is(key, GH_STR("\\u0062")));
    CHECK(!gh_json_key_spells(key, GH_STR("bb")) && !gh_json_key_spells(key, GH_STR("")));
    CHECK(inner.type == GH_JSON_STRING && gh_str_is(inner.text, "\"}\\\"\""));
    CHECK(gh_json_next(object, &at, &key, &inner) && gh_str_is(inner.text, "-1.5e3"));
    CHECK(!gh_json_next(object, &at, &key, &inner));

    at = 0;
    CHECK(gh_json_next(value, &at, &key, &inner) && !key.ptr && gh_str_is(inner.text, "1"));
    CHECK(gh_json_next(value, &at, &key, &inner) && inner.type == GH_JSON_OBJECT);
    CHECK(!gh_json_next(value, &at, &key, &inner));
    at = 0;
    CHECK(!gh_json_next(inner = (struct gh_json){ GH_JSON_NUMBER, GH_STR("1") }, &at, &key, &value));

    CHECK(gh_json_member(object, GH_STR("b"), &value) && value.type == GH_JSON_STRING);
    CHECK(gh_json_member(object, GH_STR("c"), &value) && value.type == GH_JSON_NUMBER);
    CHECK(!gh_json_member(object, GH_STR("x"), &value)); /* one level deeper */
    CHECK(!gh_json_member(value, GH_STR("a"), &inner));  /* no object */
}

TEST(empty_containers_have_no_members) {
    static const char *const rows[] = { "{}", "[]", "{ }", "[ \n ]" };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_json container, value;
        struct gh_str key;
        size_t at = 0;
        CHECK(gh_json_parse(gh_str_from(rows[i]), 1, &container) == GH_OK);
        CHECK_ROW(rows[i], !gh_json_next(container, &at, &key, &value));
    }
}

TEST(strings_are_unescaped_at_any_memory_limit) {
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "\"plain\"", "plain" },
        { "\"\"", "" },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
        { "\"\\u00e9\\u20ac\\ud83d\\ude00x\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        enum gh_err e = GH_ERR_NOMEM;
        struct gh_json value;
        CHECK(gh_json_parse(gh_str_from(rows[i].text), 1, &value) == GH_OK);
        for (size_t cap = 0; e == GH_ERR_NOMEM && cap < 4096; cap += 16) {
            gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(cap);
            struct gh_str text;
            e = gh_json_string(a, value, &text);
            CHECK_ROW(rows[i].text, e != GH_OK || gh_str_is(text, rows[i].want));
        }
        CHECK_ROW(rows[i].text, e == GH_OK);
    }
    struct gh_str text;
    CHECK(gh_json_string(NULL, gh_json_view(GH_STR("1")), &text) == GH_ERR_BAD_CLAIM);
}

TEST(integers_are_plain) {
    static const struct {
        const char *text;
        long long want; /* -7 stands for refused */
    } rows[] = {
        { "0", 0 },
        { "1", 1 },
        { "-1", -1 },
        { "9007199254740992", 1LL << 53 },
        { "9007199254740993", -7 },
        { "-0", -7 },
        { "1.0", -7 },
        { "1e2", -7 },
        { "1E0", -7 },
        { "-9007199254740993", -7 },
        { "\"1\"", -7 },
        { "null", -7 },
        { "[1]", -7 },
        { "18446744073709551617", -7 },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        long long n = -7;
        enum gh_err e = gh_json_integer(gh_json_view(gh_str_from(rows[i].text)), &n);
        CHECK_ROW(rows[i].text, e == (rows[i].want == -7 ? GH_ERR_BAD_CLAIM : GH_OK) && n == rows[i].want);
    }
}

TEST(what_is_quoted_is_read_again) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4096);
    gh_auto(gh_buf_release) struct gh_buf b = gh_buf_make(4096);
    struct gh_str text = GH_STR("a\"b\\c\n\x01\x1f\xc3\xa9</script>"), again;
    struct gh_json value;
    gh_json_quote(&b, text);
    CHECK(gh_json_parse(gh_buf_str(&b), 1, &value) == GH_OK);
    CHECK(gh_json_string(a, value, &again) == GH_OK && gh_str_eq(again, text));
    gh_buf_reset(&b);
    gh_json_quote(&b, (struct gh_str){ 0 });
    CHECK(gh_str_is(gh_buf_str(&b), "\"\""));
}

GH_TESTS(only_strict_json_with_one_meaning_is_accepted, a_special_byte_is_seen_at_every_place,
         members_are_bounded_and_a_duplicate_is_found_among_many,
         no_caller_can_lift_the_nesting_that_the_stack_bears, a_walk_gives_keys_and_values_as_written,
         empty_containers_have_no_members, strings_are_unescaped_at_any_memory_limit, integers_are_plain,
         what_is_quoted_is_read_again)
