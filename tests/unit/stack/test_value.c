#include <stdlib.h>
#include <string.h>

#include "stack/value.h"
#include "tests/check.h"

TEST(secrets_are_seen_opened_and_masked_at_any_depth) {
    json_t *value = json_pack("{s:[{s:o}], s:s}", "list", "password", gh_value_secret(json_string("canary")),
                              "name", "ada");
    CHECK(gh_value_has_secret(value) && !gh_value_is_secret(value) && !gh_value_has_unknown(value));
    json_t *plain = gh_value_plain(value), *masked = gh_value_masked(value);
    char *shown = json_dumps(masked, JSON_COMPACT | JSON_SORT_KEYS);
    char *open = json_dumps(plain, JSON_COMPACT | JSON_SORT_KEYS);
    CHECK(strcmp(shown, "{\"list\":[{\"password\":\"[secret]\"}],\"name\":\"ada\"}") == 0);
    CHECK(strcmp(open, "{\"list\":[{\"password\":\"canary\"}],\"name\":\"ada\"}") == 0);
    CHECK(gh_value_has_secret(value)); /* the original is as it was */
    free(shown);
    free(open);
    json_decref(plain);
    json_decref(masked);
    json_decref(value);
}

TEST(a_secret_in_a_secret_is_opened_whole) {
    json_t *value = gh_value_secret(gh_value_secret(json_integer(7)));
    json_t *plain = gh_value_plain(value);
    CHECK(json_integer_value(plain) == 7);
    json_decref(plain);
    json_decref(value);
}

TEST(only_the_marks_of_the_wire_form_count) {
    static const struct {
        const char *text;
        bool secret, unknown;
    } rows[] = {
        { "{\"" GH_SECRET_KEY "\":\"" GH_SECRET_MARK "\",\"value\":1}", true, false },
        { "{\"" GH_SECRET_KEY "\":\"other\",\"value\":1}", false, false },
        { "{\"" GH_SECRET_KEY "\":1}", false, false },
        { "{\"secret\":\"" GH_SECRET_MARK "\"}", false, false },
        { "[\"" GH_UNKNOWN "\"]", false, false },
        { "\"" GH_UNKNOWN "\"", false, true },
        { "\"" GH_UNKNOWN " \"", false, false },
        { "null", false, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *value = json_loads(rows[i].text, JSON_DECODE_ANY, NULL);
        CHECK_ROW(rows[i].text, gh_value_is_secret(value) == rows[i].secret);
        CHECK_ROW(rows[i].text, gh_value_is_unknown(value) == rows[i].unknown);
        json_decref(value);
    }
}

/* Keeps what is no "out", and fails at a number. */
static enum gh_err keep(void *calls, const char *key, json_t *value, json_t **ret) {
    ++*(int *)calls;
    if (key && strcmp(key, "out") == 0)
        return GH_OK;
    return json_is_integer(value) ? GH_ERR_UNSUPPORTED : gh_value_each(value, keep, calls, ret);
}

TEST(a_copy_leaves_out_what_nothing_is_made_of_and_ends_at_the_first_error) {
    static const struct {
        const char *text, *want;
        int calls;
    } rows[] = {
        { "{\"a\":[\"x\",{\"out\":1}],\"out\":[1]}", "{\"a\":[\"x\",{}]}", 5 },
        { "[]", "[]", 0 },
        { "\"x\"", "\"x\"", 0 },
        { "[[1],[\"x\"],2]", NULL, 2 },
        { "{\"a\":{\"b\":1}}", NULL, 2 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *value = json_loads(rows[i].text, JSON_DECODE_ANY, NULL), *copy = NULL;
        int calls = 0;
        enum gh_err e = gh_value_each(value, keep, &calls, &copy);
        char *text = copy ? json_dumps(copy, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        CHECK_ROW(rows[i].text, e == (rows[i].want ? GH_OK : GH_ERR_UNSUPPORTED) && calls == rows[i].calls);
        CHECK_ROW(rows[i].text, rows[i].want ? text && strcmp(text, rows[i].want) == 0 : !copy);
        free(text);
        json_decref(copy);
        json_decref(value);
    }
}

GH_TESTS(secrets_are_seen_opened_and_masked_at_any_depth, a_secret_in_a_secret_is_opened_whole,
         only_the_marks_of_the_wire_form_count,
         a_copy_leaves_out_what_nothing_is_made_of_and_ends_at_the_first_error)
