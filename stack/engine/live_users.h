/* stack/engine/live_users.h - many users with few requests. GET /users ends at 1,000 users, and the API has
 * no other listing of them; but a search can name a hundred at a time:
 *     q=user_id:("auth0|1" OR "auth0|2" …)
 * (Auth0 docs, "User Search Query Syntax", "Retrieve Users with the Get Users Endpoint"). The search engine
 * is eventually consistent, so what it says is not the last word. */
#pragma once
#include "stack/engine/api.h"

/* An id or an address that a quoted text of the query can hold as it is. */
bool gh_live_users_may_search(const char *text);

/* Moves `id` and as many more of the keys of `waiting` as one request may name to `taken`. */
void gh_live_users_take(json_t *waiting, const char *id, json_t *taken);

/* The users with these ids, or addresses (keys of `asked`). *ret: new array; NULL, without a request, when
 * there is only one, which the caller reads by itself; and when the answer may not be whole. Errors are those
 * of gh_api_call. Any number of addresses; ids as gh_live_users_take took them. */
enum gh_err gh_live_users_search(struct gh_api *api, json_t *asked, json_t **ret, struct gh_api_reply *reply);
enum gh_err gh_live_emails_search(struct gh_api *api, json_t *asked, json_t **ret,
                                  struct gh_api_reply *reply);

/* How many of these ids (keys of `ids`) are users of that connection. */
enum gh_err gh_live_users_among(struct gh_api *api, json_t *ids, const char *connection, size_t *ret,
                                struct gh_api_reply *reply);
