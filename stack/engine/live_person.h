/* stack/engine/live_person.h - a person by a natural key: the e-mail address, or what a connection refuses a
 * second one of, too, the user name or the id. */
#pragma once
#include "stack/engine/api.h"

/* Appends to `ret` the user of the connection in the inputs with the `userId` or the `username` that they
 * give, if there is one. Nothing is asked where they give neither, or where the connection is not known yet.
 * Errors are those of gh_api_call. */
enum gh_err gh_live_person_by_name(struct gh_api *api, const json_t *inputs, json_t *ret,
                                   struct gh_api_reply *reply);

/* The users with this address, of any connection: asked for together with the addresses of other workers. New
 * array; NULL: ask for it alone. */
json_t *gh_live_person_by_email(struct gh_api *api, const char *email);
