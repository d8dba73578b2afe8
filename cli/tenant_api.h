/* cli/tenant_api.h - the tenant that the environment names, for commands that call it. */
#pragma once
#include "stack/engine/api.h"

/* 0, or an exit status after a message on stderr. The settings live in the arena; free *ret with gh_api_free.
 * `waiting` may be NULL. */
int gh_tenant_api_open(struct gh_arena *a, gh_api_waiting *waiting, struct gh_api_settings *settings,
                       struct gh_api **ret);

/* The same for settings that are known; NULL after a message on stderr. */
struct gh_api *gh_tenant_api_new(const struct gh_api_settings *settings, gh_api_waiting *waiting);
