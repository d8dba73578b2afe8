/* core/model_list.h - the answer of GET /v1/models, with the models that the caller may use. */
#pragma once
#include "core/buf.h"
#include "core/err.h"
#include "core/str.h"

/* Appends a list (OpenAI's and Anthropic's: "data", of objects with a text "id") with those members for which
 * `allows` says so, as they were. Of the rest of the answer only what we know stays: "object", "has_more",
 * and "first_id" and "last_id" of what is left. MALFORMED, TOO_LARGE or BAD_CLAIM for what is no such list:
 * then nothing of it may be shown. */
enum gh_err gh_model_list_filter(struct gh_buf *ret, struct gh_str text,
                                 bool (*allows)(void *context, struct gh_str id), void *context);
