/* Lists of models show what the caller may use, or nothing at all. */
#include "core/model_list.h"
#include "core/models.h"
#include "tests/check.h"

static bool allows(void *context, struct gh_str id) {
    return gh_model_list_allows(*(struct gh_str *)context, id);
}

TEST(a_list_shows_what_is_allowed_or_is_refused) {
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "{\"object\":\"list\",\"data\":[{\"id\":\"gpt-5\",\"x\":[1, {}]} , "
          "{\"id\":\"gpt-4\"},{\"id\":\"o1\"}]}",
          "{\"object\":\"list\",\"data\":[{\"id\":\"gpt-5\",\"x\":[1, {}]},{\"id\":\"o1\"}]}" },
        { "{\"data\":[{\"id\":\"gpt-4\"}],\"secret\":\"gpt-4\",\"more\":[1]}",
          "{\"object\":\"list\",\"data\":[]}" },
        { "{\"data\":[]}", "{\"object\":\"list\",\"data\":[]}" },
        { "{\"data\":[{\"id\":\"gpt-4\"},{\"id\":\"o1\"}],\"has_more\":false,\"first_id\":\"gpt-4\",\"last_"
          "id\":\"o1\"}",
          "{\"object\":\"list\",\"data\":[{\"id\":\"o1\"}],\"has_more\":false,\"first_id\":\"o1\",\"last_"
          "id\":\"o1\"}" },
        { "{\"data\":[{\"id\":\"gpt-4\"}],\"has_more\":\"gpt-4\",\"first_id\":\"gpt-4\"}",
          "{\"object\":\"list\",\"data\":[],\"first_id\":null,\"last_id\":null}" },
        { "{\"data\":[{\"id\":\"\\u006f1\"}]}", "{\"object\":\"list\",\"data\":[{\"id\":\"\\u006f1\"}]}" },
        { "", NULL },
        { "[]", NULL },
        { "{}", NULL },
        { "<html>gpt-4</html>", NULL },
        { "{\"data\":{}}", NULL },
        { "{\"data\":[\"gpt-5\"]}", NULL },
        { "{\"data\":[{\"name\":\"gpt-5\"}]}", NULL },
        { "{\"data\":[{\"id\":5}]}", NULL },
        { "{\"data\":[{\"id\":\"o1\",\"id\":\"gpt-4\"}]}", NULL },
        { "{\"data\":[],\"data\":[{\"id\":\"gpt-4\"}]}", NULL },
        { "{\"models\":[{\"name\":\"models/gpt-4\"}]}", NULL },
        { "{\"data\":[{\"id\":\"o1\"}]", NULL },
    };
    struct gh_str list = GH_STR("gpt-5 o1");
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_buf b = gh_buf_make(4096);
        enum gh_err e = gh_model_list_filter(&b, gh_str_from(rows[i].text), allows, &list);
        CHECK_ROW(rows[i].text, (e == GH_OK) == (rows[i].want != NULL));
        CHECK_ROW(rows[i].text, e || gh_str_is((struct gh_str){ b.ptr, b.len }, rows[i].want));
        gh_buf_release(&b);
    }
    struct gh_buf small = gh_buf_make(40);
    CHECK(gh_model_list_filter(&small, gh_str_from(rows[0].text), allows, &list) == GH_ERR_NOMEM);
    gh_buf_release(&small);
}

GH_TESTS(a_list_shows_what_is_allowed_or_is_refused)
