/* The mock is a test's upstream: it is tested where the gateway is. */
#include "mock/completion.h"
#include "tests/check.h"

static void answer(const char *body, struct gh_mock_answer *ret) {
    gh_mock_chat(gh_str_from(body), NULL, ret);
    CHECK(!ret->text.failed);
}

TEST(a_bad_request_is_refused_with_the_member_that_is_wrong) {
    static const struct {
        const char *body, *param;
    } rows[] = {
        { "", NULL },
        { "{", NULL },
        { "[]", NULL },
        { "{\"model\":\"x\",\"model\":\"y\",\"messages\":[{\"role\":\"user\"}]}", NULL },
        { "{\"messages\":[{\"role\":\"user\"}]}", "model" },
        { "{\"model\":\"\",\"messages\":[{\"role\":\"user\"}]}", "model" },
        { "{\"model\":1,\"messages\":[{\"role\":\"user\"}]}", "model" },
        { "{\"model\":\"x\"}", "messages" },
        { "{\"model\":\"x\",\"messages\":[]}", "messages" },
        { "{\"model\":\"x\",\"messages\":[1]}", "messages" },
        { "{\"model\":\"x\",\"messages\":[{\"role\":1}]}", "messages" },
        { "{\"model\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":1}]}", "messages" },
        { "{\"model\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":[1]}]}", "messages" },
        { "{\"model\":\"x\",\"messages\":[{\"role\":\"user\"}],\"stream\":1}", "stream" },
        { "{\"model\":\"x\",\"messages\":[{\"role\":\"user\"}],\"n\":2}", "n" },
        { "{\"model\":\"x\",\"messages\":[{\"role\":\"user\"}],\"max_tokens\":0}", "max_tokens" },
        { "{\"model\":\"x\",\"messages\":[{\"role\":\"user\"}],\"max_tokens\":\"1\"}", "max_tokens" },
        { "{\"model\":\"x\",\"messages\":[{\"role\":\"user\"}],\"stream_options\":{}}", "stream_options" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_mock_answer got;
        answer(rows[i].body, &got);
        json_t *document = json_loadb(got.text.ptr, got.text.len, 0, NULL);
        json_t *error = json_object_get(document, "error");
        const char *param = json_string_value(json_object_get(error, "param"));
        CHECK_ROW(rows[i].body, got.status == 400 && !got.stream && json_object_size(error) == 4);
        CHECK_ROW(rows[i].body, rows[i].param ? param && strcmp(param, rows[i].param) == 0 : !param);
        json_decref(document);
        gh_buf_release(&got.text);
    }
}

TEST(the_same_request_gets_the_same_answer) {
    static const char body[] = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"one two\"}]}";
    struct gh_mock_answer a, b;
    answer(body, &a);
    answer(body, &b);
    CHECK(a.status == 200 && !a.stream && gh_str_eq(gh_buf_str(&a.text), gh_buf_str(&b.text)));
    CHECK(strstr(a.text.ptr, "You said: one two\"") && strstr(a.text.ptr, "\"finish_reason\":\"stop\""));
    CHECK(strstr(a.text.ptr, "\"prompt_tokens\":6,\"completion_tokens\":7,\"total_tokens\":13"));
    gh_buf_release(&a.text);
    gh_buf_release(&b.text);
}

static size_t count(const char *text, const char *what) {
    size_t n = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        n++;
    return n;
}

TEST(a_stream_counts_its_chunks_and_says_usage_only_when_asked) {
    struct gh_mock_answer got;
    answer("{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_"
           "tokens\":3}",
           &got);
    CHECK(got.stream && count(got.text.ptr, "data: ") == 6); /* role, three words, finish, [DONE] */
    CHECK(count(got.text.ptr, "\"usage\"") == 0 && count(got.text.ptr, "\"finish_reason\":\"length\"") == 1);
    CHECK(gh_str_ends(gh_buf_str(&got.text), GH_STR("data: [DONE]\n\n")));
    gh_buf_release(&got.text);

    answer("{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
           "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
           &got);
    CHECK(count(got.text.ptr, "\"usage\":null") == count(got.text.ptr, "data: ") - 2);
    CHECK(count(got.text.ptr, "\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6,") == 1);
    gh_buf_release(&got.text);
}

GH_TESTS(a_bad_request_is_refused_with_the_member_that_is_wrong, the_same_request_gets_the_same_answer,
         a_stream_counts_its_chunks_and_says_usage_only_when_asked)
