/* tenant/changes.h - GET /gatehouse/changes: what the feed was told, in order, for gateways on other
 * machines. A long poll, answered when there is news:
 *
 *     since=N    the number that the caller has all changes up to; 0: none
 *     log=N      whose numbers those are; of another log, everything is told from the start
 *     global=N   the global epoch that the caller knows
 *     wait=S     at most so many seconds (0 to 20)
 *
 *     { "log": N, "sequence": N, "more": false, "global": N, "changes": [
 *         { "kind": "user", "a": "auth0|...", "b": "", "epoch": N },
 *         { "kind": "models", "a": "org_...", "text": "gpt-*" } ] }
 *
 * A fact that is gone has no text. The caller needs a token for the Management API with
 * read:gatehouse_changes. docs/internals/feed.md tells more. */
#pragma once
#include "tenant/exchange.h"

extern const struct gh_route gh_changes_routes[];
extern const size_t gh_changes_route_count;
