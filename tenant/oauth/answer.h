/* tenant/oauth/answer.h - what the application gets back through the browser. */
#pragma once
#include "tenant/exchange.h"
#include "tenant/oauth/authorization.h"

/* Sends the browser to auth->redirect_uri, which was checked when the authorization was made: with a code, or
 * with an error and its description. `state` and, where the tenant says so, `iss` (RFC 9207) go with both. By
 * redirect (302, after a POST 303) or by a form that the browser posts (response_mode). The error of an
 * authorization for a device is a page. */
void gh_answer_code(struct gh_exchange *x, const struct gh_authorization *auth, struct gh_str code);
void gh_answer_error(struct gh_exchange *x, const struct gh_authorization *auth, const char *error,
                     struct gh_str description);
