/* tenant/password.h - password hashes: argon2id, m = 19 MiB, t = 2. Both calls run in the hash pool's job
 * (gh_await_work), never on the loop. */
#pragma once
#include "core/arena.h"
#include "core/err.h"

/* A PHC string ($argon2id$…) in the arena. TOO_LARGE above GH_LIMIT_PASSWORD, NOMEM. */
enum gh_err gh_password_hash(struct gh_arena *a, struct gh_str password, struct gh_str *ret);

/* GH_OK when it matches, NO_PERMISSION when not. An empty `stored` is checked against a dummy hash of the
 * same cost and never matches. */
enum gh_err gh_password_verify(struct gh_str stored, struct gh_str password);
