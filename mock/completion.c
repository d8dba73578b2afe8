#include "mock/completion.h"

#define ANSWER_MAX ((size_t)2 * GH_MOCK_BODY_MAX)
#define TOKENS_DEFAULT 256 /* the prompt comes back: a long one is cut, as a model would stop */
#define TOKENS_MAX 4096
#define CREATED 1700000000 /* a fixed time: answers are deterministic */

/* A request that was found good. The strings are those of the parsed document. */
struct chat {
    const char *model;
    struct gh_buf prompt; /* text of the last message */
    size_t prompt_tokens, max_tokens;
    bool stream, include_usage;
    char id[32];
};

/* {"error":{...}} through jansson: messages may quote what the caller wrote. */
void gh_mock_error(int status, const char *code, const char *param, const char *message,
                   struct gh_mock_answer *ret) {
    json_t *error = json_pack("{s:{s:s,s:s,s:s?,s:s?}}", "error", "message", message, "type",
                              "invalid_request_error", "param", param, "code", code);
    char *text = error ? json_dumps(error, JSON_COMPACT) : NULL;
    ret->status = status;
    ret->stream = false;
    gh_buf_reset(&ret->text);
    gh_buf_add(&ret->text, gh_str_from(text ? text : "{}"));
    free(text);
    json_decref(error);
}

static bool refuse(struct gh_mock_answer *ret, const char *param, const char *message) {
    gh_mock_error(400, NULL, param, message, ret);
    return false;
}

/* Takes `value` over. */
static void add_json(struct gh_buf *b, json_t *value) {
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    gh_buf_add(b, gh_str_from(text));
    b->failed |= !text;
    free(text);
    json_decref(value);
}

static void add_event(struct gh_buf *b, json_t *value) {
    gh_buf_add(b, GH_STR("data: "));
    add_json(b, value);
    gh_buf_add(b, GH_STR("\n\n"));
}

static void set_echo(json_t *answer, json_t *echo) {
    if (answer && echo)
        json_object_set(answer, "gatehouse", echo);
}

/* The text of a message's content: a string, or the text parts of a list. False when it is neither. */
static bool content_text(json_t *content, struct gh_buf *ret) {
    size_t i;
    json_t *part;
    if (!content || json_is_null(content)) /* an assistant's message with tool calls only */
        return true;
    if (json_is_string(content)) {
        gh_buf_add(ret, (struct gh_str){ json_string_value(content), json_string_length(content) });
        return true;
    }
    if (!json_is_array(content))
        return false;
    json_array_foreach(content, i, part) {
        if (!json_is_object(part) || !json_is_string(json_object_get(part, "type")))
            return false;
        json_t *text = json_object_get(part, "text");
        if (json_is_string(text))
            gh_buf_add(ret, (struct gh_str){ json_string_value(text), json_string_length(text) });
    }
    return true;
}

static bool read_messages(json_t *messages, struct chat *chat, struct gh_mock_answer *ret) {
    size_t i;
    json_t *message;
    if (!json_is_array(messages) || json_array_size(messages) == 0)
        return refuse(ret, "messages", "'messages' must be an array with at least one message.");
    json_array_foreach(messages, i, message) {
        if (!json_is_string(json_object_get(message, "role")))
            return refuse(ret, "messages", "Each of 'messages' must be an object with a string 'role'.");
        gh_buf_reset(&chat->prompt);
        if (!content_text(json_object_get(message, "content"), &chat->prompt))
            return refuse(ret, "messages", "'content' must be a string or an array of content parts.");
        chat->prompt_tokens += 4 + (chat->prompt.len + 3) / 4; /* about what real tokenisers count */
    }
    return true;
}

static bool read_max_tokens(json_t *request, const char *name, struct chat *chat,
                            struct gh_mock_answer *ret) {
    json_t *value = json_object_get(request, name);
    if (!value || json_is_null(value))
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 1)
        return refuse(ret, name, "The maximum of tokens must be a positive integer.");
    json_int_t n = json_integer_value(value);
    chat->max_tokens = n < TOKENS_MAX ? (size_t)n : TOKENS_MAX;
    return true;
}

static bool read_chat(json_t *request, struct chat *chat, struct gh_mock_answer *ret) {
    json_t *stream = json_object_get(request, "stream"), *n = json_object_get(request, "n");
    json_t *stream_options = json_object_get(request, "stream_options");
    chat->model = json_string_value(json_object_get(request, "model"));
    if (!chat->model || !*chat->model)
        return refuse(ret, "model", "you must provide a model parameter");
    if (!read_messages(json_object_get(request, "messages"), chat, ret))
        return false;
    if (stream && !json_is_boolean(stream) && !json_is_null(stream))
        return refuse(ret, "stream", "'stream' must be a boolean.");
    if (n && !json_is_null(n) && json_integer_value(n) != 1)
        return refuse(ret, "n", "This server makes one choice only: 'n' must be 1.");
    chat->stream = json_is_true(stream);
    chat->include_usage = json_is_true(json_object_get(stream_options, "include_usage"));
    if (stream_options && !json_is_null(stream_options) && !chat->stream)
        return refuse(ret, "stream_options", "'stream_options' is only allowed when 'stream' is true.");
    return read_max_tokens(request, "max_tokens", chat, ret) &&
           read_max_tokens(request, "max_completion_tokens", chat, ret);
}

/* Cuts the next word with the blanks behind it: the unit that the mock calls a token. */
static bool next_token(struct gh_str *rest, struct gh_str *ret) {
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] != ' ')
        n++;
    while (n < rest->len && rest->ptr[n] == ' ')
        n++;
    *ret = (struct gh_str){ rest->ptr, n };
    *rest = gh_str_skip(*rest, n);
    return n > 0;
}

static json_t *usage(const struct chat *chat, size_t completion_tokens) {
    return json_pack("{s:I,s:I,s:I}", "prompt_tokens", (json_int_t)chat->prompt_tokens, "completion_tokens",
                     (json_int_t)completion_tokens, "total_tokens",
                     (json_int_t)(chat->prompt_tokens + completion_tokens));
}

static void answer_plain(const struct chat *chat, struct gh_str text, json_t *echo,
                         struct gh_mock_answer *ret) {
    struct gh_str rest = text, token;
    size_t tokens = 0;
    while (tokens < chat->max_tokens && next_token(&rest, &token))
        tokens++;
    json_t *answer =
        json_pack("{s:s,s:s,s:i,s:s,s:[{s:i,s:{s:s,s:s%,s:n},s:n,s:s}],s:o}", "id", chat->id, "object",
                  "chat.completion", "created", CREATED, "model", chat->model, "choices", "index", 0,
                  "message", "role", "assistant", "content", text.ptr, text.len - rest.len, "refusal",
                  "logprobs", "finish_reason", rest.len ? "length" : "stop", "usage", usage(chat, tokens));
    set_echo(answer, echo);
    add_json(&ret->text, answer);
}

/* One chunk; takes `choices` over. Every chunk but the last says usage null when usage was asked for. */
static void add_chunk(const struct chat *chat, json_t *choices, json_t *usage_or_null, json_t *echo,
                      struct gh_buf *ret) {
    json_t *chunk = json_pack("{s:s,s:s,s:i,s:s,s:o}", "id", chat->id, "object", "chat.completion.chunk",
                              "created", CREATED, "model", chat->model, "choices", choices);
    if (chat->include_usage && chunk)
        json_object_set_new(chunk, "usage", usage_or_null ? usage_or_null : json_null());
    set_echo(chunk, echo);
    add_event(ret, chunk);
}

static json_t *delta(json_t *content, const char *finish_reason) {
    return json_pack("[{s:i,s:o,s:n,s:s?}]", "index", 0, "delta", content, "logprobs", "finish_reason",
                     finish_reason);
}

static void answer_stream(const struct chat *chat, struct gh_str text, json_t *echo,
                          struct gh_mock_answer *ret) {
    struct gh_str rest = text, token;
    size_t tokens = 0;
    ret->stream = true;
    add_chunk(chat, delta(json_pack("{s:s,s:s}", "role", "assistant", "content", ""), NULL), NULL, echo,
              &ret->text);
    while (!ret->text.failed && tokens < chat->max_tokens && next_token(&rest, &token)) {
        tokens++;
        add_chunk(chat, delta(json_pack("{s:s%}", "content", token.ptr, token.len), NULL), NULL, NULL,
                  &ret->text);
    }
    add_chunk(chat, delta(json_object(), rest.len ? "length" : "stop"), NULL, NULL, &ret->text);
    if (chat->include_usage)
        add_chunk(chat, json_array(), usage(chat, tokens), NULL, &ret->text);
    gh_buf_add(&ret->text, GH_STR("data: [DONE]\n\n"));
}

/* FNV-1a: the same request has the same id, which is all that is asked of it. */
static void make_id(struct gh_str body, char *ret, size_t size) {
    unsigned long long hash = 14695981039346656037ULL;
    for (size_t i = 0; i < body.len; i++)
        hash = (hash ^ gh_bytes(body)[i]) * 1099511628211ULL;
    snprintf(ret, size, "chatcmpl-%016llx", hash);
}

void gh_mock_chat(struct gh_str body, json_t *echo, struct gh_mock_answer *ret) {
    struct chat chat = { .prompt = gh_buf_make(GH_MOCK_BODY_MAX), .max_tokens = TOKENS_DEFAULT };
    struct gh_buf text = gh_buf_make(GH_MOCK_BODY_MAX);
    json_t *request = json_loadb(body.ptr ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES, NULL);

    *ret = (struct gh_mock_answer){ .status = 200, .text = gh_buf_make(ANSWER_MAX) };
    if (!json_is_object(request)) {
        refuse(ret, NULL, "We could not parse the JSON body of your request.");
    } else if (read_chat(request, &chat, ret)) {
        make_id(body, chat.id, sizeof(chat.id));
        gh_buf_addf(&text, "This is %s. You said: ", chat.model);
        gh_buf_add(&text, gh_buf_str(&chat.prompt));
        ret->text.failed |= text.failed;
        (chat.stream ? answer_stream : answer_plain)(&chat, gh_buf_str(&text), echo, ret);
    }
    json_decref(request);
    gh_buf_release(&chat.prompt);
    gh_buf_release(&text);
}

static json_t *model(const char *id, size_t len) {
    return json_pack("{s:s%,s:s,s:i,s:s}", "id", id, len, "object", "model", "created", CREATED, "owned_by",
                     "gatehouse-mock");
}

void gh_mock_models(json_t *echo, struct gh_mock_answer *ret) {
    *ret = (struct gh_mock_answer){ .status = 200, .text = gh_buf_make(ANSWER_MAX) };
    json_t *list = json_pack("{s:s,s:[o,o]}", "object", "list", "data", model("mock-small", 10),
                             model("mock-large", 10));
    set_echo(list, echo);
    add_json(&ret->text, list);
}

void gh_mock_model(struct gh_str id, json_t *echo, struct gh_mock_answer *ret) {
    *ret = (struct gh_mock_answer){ .status = 200, .text = gh_buf_make(ANSWER_MAX) };
    json_t *one = model(id.ptr, id.len);
    if (!one) { /* not UTF-8 */
        gh_mock_error(404, "model_not_found", "model", "The model does not exist.", ret);
        return;
    }
    set_echo(one, echo);
    add_json(&ret->text, one);
}
