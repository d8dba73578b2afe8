/* tenant/login/session.h - who is signed in, in this browser. A session is of the tenant: whether it counts
 * for a client, an organization and a connection is asked each time (tenant/oauth/person.h). */
#pragma once
#include "tenant/exchange.h"

struct gh_session {
    struct gh_str hash, sid, user_id, connection_id;
    long long authenticated_at; /* seconds */
};

/* The session of the request's cookie. NOT_FOUND when there is none or it has run out; STORAGE, NOMEM. */
enum gh_err gh_session_find(struct gh_exchange *x, const json_t *settings, struct gh_session *ret);

/* Inside a write closure: a new one with a new id, so that an id known before the sign-in is worth nothing
 * after it; the session that the browser had (`replaces`, a hash, or empty) ends. *cookie: the value for the
 * browser. */
enum gh_err gh_session_make(struct gh_db *db, struct gh_arena *a, struct gh_str user_id,
                            struct gh_str connection_id, long long lifetime /* seconds */,
                            struct gh_str replaces, struct gh_session *ret, struct gh_str *cookie);

/* Inside a write closure: NOT_FOUND when it has ended meanwhile. */
enum gh_err gh_session_touch(struct gh_db *db, const struct gh_session *s);

/* The hash of the request's session cookie, or empty; NOMEM, CRYPTO. */
enum gh_err gh_session_hash(struct gh_exchange *x, struct gh_str *ret);

long long gh_session_lifetime(const json_t *settings); /* seconds, from sign-in to its end */
