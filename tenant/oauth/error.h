/* tenant/oauth/error.h - how the Authentication API says no: {"error", "error_description"[, "error_uri"]},
 * in Auth0's words where they are known (notes, 1.2 and 2.6). */
#pragma once
#include "tenant/exchange.h"

/* Answers and adds Cache-Control: no-store. The text is for people; it never repeats a secret. A 403
 * `invalid_grant` is a 400 for tenants with the flag `strict_oauth_errors` (RFC 6749 5.2; Auth0 answers 403).
 */
void gh_oauth_refuse(struct gh_exchange *x, int status, const char *error, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Our own trouble: 503 temporarily_unavailable for storage, queues, memory, crypto (rule 8); 400
 * invalid_request for what the caller sent. */
void gh_oauth_fail(struct gh_exchange *x, enum gh_err e);

/* The refusal of an unproven client: 401 with WWW-Authenticate when it tried Basic. */
void gh_oauth_refuse_client(struct gh_exchange *x, const char *error, const char *description, bool basic);

/* Cache-Control: no-store, Pragma: no-cache (RFC 6749 5.1). */
void gh_oauth_no_store(struct gh_exchange *x);
