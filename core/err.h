/* core/err.h - every way to fail, with its HTTP status and its wording, in one table. */
#pragma once

/* clang-format off */
#define GH_ERR_TABLE(X)                                                                                     \
    X(OK,                 200, "ok", "ok")                                                                  \
    /* the caller's bytes */                                                                                \
    X(MALFORMED,          400, "malformed", "is not well formed")                                           \
    X(TOO_LARGE,          413, "too_large", "is larger than the limit")                                     \
    X(UNSUPPORTED,        400, "unsupported", "is not supported")                                           \
    X(AMBIGUOUS_TARGET,   400, "ambiguous_target", "the request target could mean two paths")               \
    X(TARGET_TOO_LONG,    414, "target_too_long", "the request target is longer than the limit")            \
    /* the token itself: 401 */                                                                             \
    X(NO_TOKEN,           401, "no_token", "no bearer token")                                               \
    X(WRONG_ALG,          401, "wrong_alg", "the algorithm is not the key's")                               \
    X(UNKNOWN_KEY,        401, "unknown_key", "the key is not known")                                       \
    X(BAD_SIGNATURE,      401, "bad_signature", "the signature does not hold")                              \
    X(BAD_CLAIM,          401, "bad_claim", "a claim is missing or has the wrong type")                     \
    X(WRONG_TYPE,         401, "wrong_type", "the token is of another type")                                \
    X(WRONG_ISSUER,       401, "wrong_issuer", "the token is of another issuer")                            \
    X(WRONG_AUDIENCE,     401, "wrong_audience", "the token is for another audience")                       \
    X(EXPIRED,            401, "expired", "the token has expired")                                          \
    X(NOT_YET,            401, "not_yet", "the token is not valid yet")                                     \
    X(REVOKED,            401, "revoked", "the token was revoked")                                          \
    /* what a good token does not allow: 403 */                                                             \
    X(NO_ORGANIZATION,    403, "no_organization", "the token has no organization")                          \
    X(WRONG_ORGANIZATION, 403, "wrong_organization", "the token is of another organization")                \
    X(NO_PERMISSION,      403, "no_permission", "the token lacks the permission")                           \
    X(NO_ROUTE,           403, "no_route", "no rule allows this route")                                     \
    X(MODEL_NOT_ALLOWED,  403, "model_not_allowed", "no permission of the token allows the model")          \
    X(MODEL_NOT_LISTED,   403, "model_not_allowed", "the organization may not use the model")               \
    X(WRONG_ORIGIN,       403, "wrong_origin", "scripts of this origin may not call the API")               \
    /* what the model rule cannot judge */                                                           \
    X(HIDDEN_MODEL, 403, "hidden_model", "a model could be named where the gateway does not look")           \
    X(NO_MODEL,           400, "no_model", "the request names no model")                                    \
    X(AMBIGUOUS_BODY,     400, "ambiguous_body", "the body is malformed or could be read in two ways")      \
    X(BODY_TOO_LARGE,     413, "body_too_large", "the body is larger than the gateway reads")               \
    X(BODY_TYPE,          415, "body_type", "a body of this type or encoding cannot be judged")             \
    /* a proxy that asks for another's request: 403 */                                                      \
    X(UNTRUSTED_PEER,     403, "untrusted_peer", "the peer is not listed")                                  \
    X(BAD_FORWARD,        403, "bad_forward", "the request to decide on is not told once and plainly")      \
    /* our side */                                                                                          \
    X(NOT_FOUND,          404, "not_found", "was not found")                                                \
    X(CONFLICT,           409, "conflict", "exists already")                                                \
    X(BUSY,               503, "busy", "too much is waiting; try again")                                    \
    X(NOMEM,              503, "nomem", "out of memory")                                                    \
    X(CRYPTO,             503, "crypto", "the crypto library failed")                                       \
    X(STORAGE,            503, "storage", "the storage failed")                                             \
    X(FEED,               503, "feed", "the feed is missing or damaged")                                    \
    X(IO,                 503, "io", "input or output failed")                                              \
    X(TIMEOUT,            504, "timeout", "took too long")                                                  \
    X(FORBIDDEN_ADDRESS,  502, "forbidden_address", "the address is not allowed")
/* clang-format on */

enum [[nodiscard]] gh_err{
#define GH_ERR_ENUM(symbol, status, name, text) GH_ERR_##symbol,
    GH_ERR_TABLE(GH_ERR_ENUM)
#undef GH_ERR_ENUM
};
#define GH_OK GH_ERR_OK

int gh_err_status(enum gh_err e);       /* HTTP status */
const char *gh_err_text(enum gh_err e); /* for people, lower case, no full stop */
const char *gh_err_name(enum gh_err e); /* for logs and error codes: "wrong_audience" */
