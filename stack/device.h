/* stack/device.h - a token for a person who signs in on another screen: the device authorization grant
 * (RFC 8628), the client's side. Blocking. */
#pragma once
#include "core/err.h"

struct gh_device_request {
    const char *domain, *client_id;
    const char *client_secret;                   /* NULL: a public client */
    const char *audience, *scope, *organization; /* each may be NULL */
    const char *ca_file;                         /* NULL: the system's */
};

/* Told once, when the person has to act. Both are printable ASCII; `uri` is where the code is typed,
 * `complete` holds the code already, or is NULL. */
typedef void gh_device_prompt(void *context, const char *code, const char *uri, const char *complete);

/* Asks for a code, tells it, and waits until the person has decided. *token is new: the caller cleanses and
 * frees it. NO_TOKEN: refused, or the person said no; NOT_FOUND: the tenant does not serve this; TIMEOUT:
 * nobody came in time; MALFORMED: an answer that is none; IO, NOMEM. `error` says more, always. */
enum gh_err gh_device_token(const struct gh_device_request *r, gh_device_prompt *prompt, void *context,
                            char **token, char error[400]);
