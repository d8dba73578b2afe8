/* stack/engine/live_users.h - many users with few requests. GET /users ends at 1,000 users, and the API has
 * no other listing of them; but a search can name a hundred at a time:
 *     q=user_id:("auth0|1" OR "auth0|2" …)
 * (Auth0 docs, "User Search Query Syntax", "Retrieve Users with the Get Users Endpoint"). The search engine
 * is eventually consistent, so what it says is not the last word. */
#pragma once
#include "stack/engine/api.h"

/* An id that a quoted text of the query can hold as it is. */
bool gh_live_users_may_search(const char *id);

/* Reads `id` and, of the keys of `waiting`, as many more as one request may name; takes them all out of
 * `waiting`. When `id` was the only one nothing is asked: *ret is NULL and the caller reads it by itself.
 * Else *ret is a new array of the users that were found. Errors are those of gh_api_call. */
enum gh_err gh_live_users_search(struct gh_api *api, json_t *waiting, const char *id, json_t **ret,
                                 struct gh_api_reply *reply);
