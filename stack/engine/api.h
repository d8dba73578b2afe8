/* stack/engine/api.h - a client of the public Management API: token, paging, waiting for rate limits, and
 * what may be sent twice. Blocking; in a crew, whoever calls gives the turn away meanwhile. */
#pragma once
#include <jansson.h>

#include "core/arena.h"
#include "core/err.h"
#include "stack/crew.h"
#include "stack/engine/provider.h"

/* Where and as whom. All borrowed for the life of the client. */
struct gh_api_settings {
    const char *domain;                    /* "localhost:8443", "acme.eu.auth0.com" */
    const char *client_id, *client_secret; /* or: */
    const char *token;                     /* AUTH0_API_TOKEN */
    const char *audience;                  /* NULL: https://DOMAIN/api/v2/ */
    const char *organization;              /* NULL: a token of no organization */
    const char *ca_file;                   /* NULL: the system's */
};

/* Fills the settings from AUTH0_DOMAIN, AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET, AUTH0_API_TOKEN, AUTH0_AUDIENCE
 * and SSL_CERT_FILE; a scheme before the domain and slashes behind it are dropped. The returned sentence says
 * what is missing or wrong; NULL when all is there. No HTTP. */
const char *gh_api_settings_from_environment(struct gh_arena *a, struct gh_api_settings *ret);

/* localhost, *.localhost, 127.0.0.0/8, [::1]: with any port. */
bool gh_api_is_loopback(const char *domain);

/* Called before a wait that people notice. */
typedef void gh_api_waiting(void *context, unsigned seconds, const char *why);

struct gh_api;
struct gh_api *gh_api_new(const struct gh_api_settings *settings, gh_api_waiting *waiting, void *context);
void gh_api_free(struct gh_api *api);
unsigned long gh_api_calls(const struct gh_api *api); /* requests sent so far */

/* Calls come from the workers of this crew from now on; NULL: from one thread again. */
void gh_api_set_crew(struct gh_api *api, struct gh_crew *crew);
struct gh_crew *gh_api_crew(const struct gh_api *api);

/* What the tenant last said of its rate limit. */
struct gh_api_budget {
    long long limit, remaining, reset; /* of X-RateLimit-*; limit 0: it said nothing */
};

/* Seconds to wait before the next call, 0 for none: three in ten of the limit are left to those who sign in.
 * `under_way`: our own calls that the tenant has not answered yet. Pure. */
unsigned gh_api_budget_wait(const struct gh_api_budget *b, unsigned under_way, long long now);

/* There is no use in going on: the tenant never answered, or refused our credentials. Later calls fail at
 * once. */
bool gh_api_is_lost(const struct gh_api *api);

/* What came of a call. */
struct gh_api_reply {
    int status;     /* 0: there was no answer */
    json_t *body;   /* NULL when it is no JSON; owned by the reply */
    bool uncertain; /* no usable answer, and it may have been done: only for methods that must not be repeated
                     */
    char error[400]; /* "409 Conflict: The role already exists. (…)", or why there was no answer */
};
void gh_api_reply_release(struct gh_api_reply *r);

/* The access token by itself, borrowed until the client goes. NO_TOKEN when it was refused. */
enum gh_err gh_api_token(struct gh_api *api, const char **ret, struct gh_api_reply *reply);

/* Sends and, where that is safe, sends again: 429 always (it was not done), no connection always, 5xx and
 * lost answers for all methods but POST. `path` begins with a slash and is encoded already. The result is
 * GH_OK for 2xx, NOT_FOUND for 404, CONFLICT for 409, NO_TOKEN when Auth0 refused our credentials (401, or at
 * the token endpoint), NO_PERMISSION for 403, TIMEOUT or IO without an answer, MALFORMED for any other. */
enum gh_err gh_api_call(struct gh_api *api, const char *method, const char *path,
                        json_t *body /* borrowed, or NULL */, struct gh_api_reply *ret);

/* Reads a whole collection, page by page. *items: new array. */
enum gh_err gh_api_list(struct gh_api *api, const char *path, const char *member, enum gh_paging paging,
                        json_t **items, struct gh_api_reply *ret);

/* The same with at most *left pages, which it takes off there; TOO_LARGE when there are more. */
enum gh_err gh_api_list_within(struct gh_api *api, const char *path, const char *member,
                               enum gh_paging paging, size_t *left, json_t **items, struct gh_api_reply *ret);

/* Seconds to wait after a 429 with these header texts (empty: absent), at the time `now`. Never 0: a reset in
 * the past must not make us spin. */
unsigned gh_api_retry_seconds(struct gh_str retry_after, struct gh_str reset, long long now);
