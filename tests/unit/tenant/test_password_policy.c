/* tests/unit/tenant/test_password_policy.c - levels and complexity rules. */
#include "tenant/api/connection.h"
#include "tests/check.h"

TEST(a_password_is_as_strong_as_its_connection_asks) {
    static const struct {
        const char *options, *password;
        bool strong;
    } rows[] = {
        { "{\"passwordPolicy\":\"none\"}", "a", true },
        { "{\"passwordPolicy\":\"none\"}", "", false },
        { "{\"passwordPolicy\":\"low\"}", "abcde", false },
        { "{\"passwordPolicy\":\"low\"}", "abcdef", true },
        { "{\"passwordPolicy\":\"fair\"}", "abcdefgh", false },
        { "{\"passwordPolicy\":\"fair\"}", "abcdeFG1", true },
        { "{\"passwordPolicy\":\"fair\"}", "abcFG1", false },
        { "{\"passwordPolicy\":\"good\"}", "abcdefg1", false }, /* two kinds of four */
        { "{\"passwordPolicy\":\"good\"}", "abcdef1$", true },
        { "{\"passwordPolicy\":\"good\"}", "abc1$", false },
        { "{\"passwordPolicy\":\"excellent\"}", "abcdef1$xy", true },
        { "{\"passwordPolicy\":\"excellent\"}", "aaabcdef1$", false }, /* three in a row */
        { "{\"passwordPolicy\":\"excellent\"}", "abcdef1$x", false },
        { "{}", "abcdefg1", false }, /* nothing said is `good` */
        { "{\"passwordPolicy\":\"low\",\"password_complexity_options\":{\"min_length\":12}}", "abcdefghijk",
          false },
        { "{\"password_options\":{\"complexity\":{\"min_length\":10}}}", "aaaaaaaaa", false },
        { "{\"password_options\":{\"complexity\":{\"min_length\":10}}}", "aaaaaaaaaa", true },
        { "{\"password_options\":{\"complexity\":{\"min_length\":3,\"character_types\":[\"number\","
          "\"special\"]}}}",
          "ab1", false },
        { "{\"password_options\":{\"complexity\":{\"min_length\":3,\"character_types\":[\"number\","
          "\"special\"]}}}",
          "a1$", true },
        { "{\"password_options\":{\"complexity\":{\"min_length\":3,\"identical_characters\":\"block\"}}}",
          "aaa", false },
        { "{\"passwordPolicy\":\"low\"}", "\xc3\xa9\xc3\xa9\xc3\xa9",
          false }, /* three characters, six bytes */
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        json_auto_t *options = json_loads(rows[i].options, 0, NULL);
        json_auto_t *connection = json_pack("{s:O}", "options", options);
        CHECK_ROW(rows[i].password,
                  gh_password_is_strong(connection, gh_str_from(rows[i].password)) == rows[i].strong);
    }
}

GH_TESTS(a_password_is_as_strong_as_its_connection_asks)
