/* mock/completion.h - what the mock answers: JSON in, JSON out; knows nothing of HTTP but statuses. */
#pragma once
#include <jansson.h>

#include "core/buf.h"

#define GH_MOCK_BODY_MAX (8 << 20)

struct gh_mock_answer {
    int status;
    bool stream; /* `text` is server-sent events, each ended by an empty line; else one JSON document */
    struct gh_buf text; /* to be released; failed = out of memory */
};

/* `echo` (may be NULL) becomes the member "gatehouse" of the answer: what the caller wants to see of the
 * request that arrived. It is borrowed. */
void gh_mock_chat(struct gh_str body, json_t *echo, struct gh_mock_answer *ret);
void gh_mock_models(json_t *echo, struct gh_mock_answer *ret);
void gh_mock_model(struct gh_str id, json_t *echo, struct gh_mock_answer *ret);
void gh_mock_error(int status, const char *code, const char *param, const char *message,
                   struct gh_mock_answer *ret);
