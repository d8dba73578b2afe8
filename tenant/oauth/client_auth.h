/* tenant/oauth/client_auth.h - which application is calling /oauth/token and /oauth/revoke, and can it prove
 * it? */
#pragma once
#include "tenant/exchange.h"

struct gh_caller {
    const struct gh_param *params;
    size_t param_count;
    struct gh_str client_id;
    json_t *client; /* owned by the caller of gh_client_authenticate; NULL unless GH_OK */
    bool is_public; /* token_endpoint_auth_method is none: it proved nothing but its name */
    bool basic;     /* it used the Authorization header */
};

/* Form or JSON body; HTTP Basic or body credentials, never both (RFC 6749 2.3). When it returns false the
 * refusal was sent already: 400 invalid_request, or 401 with `refusal` (access_denied at /oauth/token, as
 * Auth0; invalid_client at /oauth/revoke). */
bool gh_client_authenticate(struct gh_exchange *x, const char *refusal, struct gh_caller *ret);

/* A parameter of the body; empty (ptr NULL) when absent or of length 0. */
struct gh_str gh_caller_param(const struct gh_caller *c, const char *name);
