/* gateway/wire.h - what the gateway writes and recognises on the wire, apart from nginx: header names that
 * are ours or secret, values that are safe in a header, challenges and error bodies. */
#pragma once
#include "core/buf.h"
#include "core/err.h"
#include "core/str.h"

/* What a request header of a guarded route is. */
enum gh_header_class {
    GH_HEADER_FOREIGN,       /* the upstream gets it as it came */
    GH_HEADER_IDENTITY,      /* our namespace, however spelt: X-Gatehouse-*, x_gatehouse_*, ... */
    GH_HEADER_AUTHORIZATION, /* the caller's token */
    GH_HEADER_COOKIE,
    GH_HEADER_CREDENTIAL, /* others that a caller may not choose for the upstream */
    GH_HEADER_CONNECTION, /* could name one of ours, so that the next hop removes it */
};

/* Upstreams fold case and take every separator for '_' or '-' (CGI, PHP): so does this. */
enum gh_header_class gh_header_classify(struct gh_str name);

/* True when `name` is `known`, written in lower case with '-', in any such spelling. */
bool gh_header_is(struct gh_str name, struct gh_str known);

/* True when a Connection header's value names a header of our namespace. */
bool gh_connection_names_identity(struct gh_str value);

/* `value` as one word of visible ASCII: all else, and '%', becomes %XX. Nothing that an issuer writes into a
 * claim can so forge a header, a line, or a second member of a blank-separated list. `write` puts exactly
 * `length` bytes at `to` and returns the place behind them. */
size_t gh_wire_word_length(struct gh_str value);
char *gh_wire_word_write(char *to, struct gh_str value);

/* A request id that we take over from a caller: 1 to 128 of [A-Za-z0-9._-]. */
bool gh_request_id_ok(struct gh_str id);

/* A quoted-string can hold it as it is (RFC 9110 5.6.4): visible ASCII and blanks without '"' and '\'. */
bool gh_quotable(struct gh_str text);

/* A scope-token (RFC 6749 3.3), as a permission must be to stand in a challenge. */
bool gh_scope_token_ok(struct gh_str text);

/* An origin as browsers write it (RFC 6454 6.2): scheme, host and perhaps a port, in lower case, no path. */
bool gh_origin_ok(struct gh_str origin);

/* Header names parted by commas and blanks, none of them of our namespace, at most `max` bytes. */
bool gh_cors_headers_ok(struct gh_str list, size_t max);

/* application/json, in UTF-8 at most in words. */
bool gh_is_json_type(struct gh_str content_type);

/* The HTTP status of a refusal: what is wrong with a token is 401, whichever way it is wrong. */
int gh_refusal_status(enum gh_err e);

/* The value of WWW-Authenticate (RFC 6750 3); `scope` may be empty. Nothing for statuses that have none. */
void gh_challenge_format(struct gh_buf *ret, enum gh_err e, struct gh_str realm, struct gh_str scope);

/* {"error":{"message":…,"type":…,"param":null,"code":…}}, as clients of the OpenAI API read it. */
void gh_error_body_format(struct gh_buf *ret, enum gh_err e, struct gh_str missing);
