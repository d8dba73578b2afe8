/* The lines of --diff, without a tenant. */
#include <stdlib.h>
#include <string.h>

#include "stack/engine/display.h"
#include "stack/engine/shown.h"
#include "tests/check.h"

static char *printed(const char *changes) {
    char *text = NULL;
    size_t size = 0;
    json_t *list = json_loads(changes, 0, NULL);
    FILE *out = open_memstream(&text, &size);
    assert_true(list && out);
    gh_display_changes(out, list);
    fclose(out);
    json_decref(list);
    return text;
}

TEST(changes_are_nested_as_in_the_program) {
    static const struct {
        const char *changes, *want;
    } rows[] = {
        { "[]", "" },
        { "[{\"path\":[\"name\"],\"kind\":\"add\",\"to\":\"a\"}]", "      + name: \"a\"\n" },
        { "[{\"path\":[\"name\"],\"kind\":\"update\",\"from\":1,\"to\":null}]", "      ~ name: 1 => null\n" },
        { "[{\"path\":[\"n\"],\"kind\":\"delete\",\"from\":\"[secret]\",\"default\":true,\"drift\":true}]",
          "      - n: [secret] => (default)  (changed outside the stack)\n" },
        { "[{\"path\":[\"n\"],\"kind\":\"add\",\"to\":\"04da6b54-80e4-46f7-96ec-b56ff0331ba9\"}]",
          "      + n: [unknown]\n" },
        { "[{\"path\":[\"a\",\"b\",\"c\"],\"to\":1},{\"path\":[\"a\",\"b\",\"d\"],\"to\":2},{\"path\":[\"a\","
          "\"e\"],\"from\":3}]",
          "      ~ a: {\n          ~ b: {\n              + c: 1\n              + d: 2\n            }\n       "
          "   - e: 3\n        }\n" },
        { "[{\"path\":[\"s\"],\"element\":true,\"to\":\"x\"},{\"path\":[\"s\"],\"element\":true,\"from\":{"
          "\"k\":[1]},\"foreign\":true}]",
          "      ~ s: [\n          + \"x\"\n          - {  (not put there by the stack)\n              - k: "
          "[\n"
          "                  - 1\n                ]\n            }\n        ]\n" },
        { "[{\"path\":[\"l\"],\"from\":[1,2],\"to\":[2,3]}]",
          "      ~ l: [\n          - 1\n          + 3\n        ]\n" },
        { "[{\"path\":[\"s\"],\"element\":true,\"from\":{\"id\":1,\"on\":true,\"old\":0},\"to\":{\"id\":1,"
          "\"on\":false,\"new\":0}}]",
          "      ~ s: [\n          ~ {\n                id: 1\n              ~ on: true => false\n           "
          "   + new: 0\n"
          "              - old: 0\n            }\n        ]\n" },
        { "[{\"path\":[\"n\"],\"from\":\"a\",\"to\":\"b\",\"replace\":true}]",
          "      ~ n: \"a\" => \"b\"  (replaces)\n" },
        { "[{\"path\":[\"e\\u001b[2J\"],\"to\":\"\\u001b[2J\\u009b2J\\u007f\"}]",
          "      + e\\u001b[2J: \"\\u001B[2J\\u009b2J\\u007f\"\n" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        char *text = printed(rows[i].changes);
        if (strcmp(text, rows[i].want) != 0)
            print_error("%s", text);
        CHECK_ROW(rows[i].changes, strcmp(text, rows[i].want) == 0);
        free(text);
    }
}

TEST(paths_are_those_of_pulumi) {
    struct gh_buf path = gh_buf_make(256);
    json_t *segments = json_loads("[\"metadata\",\"a.b\\\"\",\"c\"]", 0, NULL);
    gh_shown_path(segments, &path);
    CHECK(gh_str_is(gh_buf_str(&path), "metadata[\"a.b\\\"\"].c"));
    json_decref(segments);
    gh_buf_release(&path);
}

TEST(what_the_schema_calls_secret_is_hidden_wherever_it_is) {
    const struct gh_resource_type *type = gh_schema_resource(GH_STR("auth0:Connection"));
    json_t *inputs = json_loads("{\"name\":\"c\",\"options\":{\"clientSecret\":\"canary\",\"clientId\":"
                                "\"id\",\"configuration\":{\"k\":\"canary\"}}}",
                                0, NULL);
    json_t *shown = gh_shown_members(type, inputs, false), *open = gh_shown_members(type, inputs, true);
    char *text = json_dumps(shown, JSON_COMPACT);
    CHECK_ROW(text, !strstr(text, "canary") && strstr(text, "\"clientId\":\"id\""));
    CHECK(json_equal(open, inputs));
    free(text);
    json_decref(shown);
    json_decref(open);
    json_decref(inputs);
}

GH_TESTS(changes_are_nested_as_in_the_program, paths_are_those_of_pulumi,
         what_the_schema_calls_secret_is_hidden_wherever_it_is)
