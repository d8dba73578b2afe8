/* mock/ai.h - a small upstream that speaks the OpenAI API: chat completions (plain and streamed), models. Any
 * model name is there; the same request always gets the same answer. For demos, tests and benches. */
#pragma once
#include "core/err.h"

struct gh_mock_ai;

/* Serves the connections of a listening socket, which is its own from now on, in threads of its own. IO. */
enum gh_err gh_mock_ai_start(int listening, struct gh_mock_ai **ret);
void gh_mock_ai_stop(struct gh_mock_ai *m); /* NULL is fine */
