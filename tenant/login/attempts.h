/* tenant/login/attempts.h - failed sign-ins per (account, address): ten, then a pause. Kept in memory, fixed
 * size; the account is what was typed, known or not, so that the counter tells nothing. */
#pragma once
#include "core/err.h"
#include "core/str.h"

#define GH_ATTEMPTS_MAX 10
#define GH_ATTEMPTS_WINDOW 900 /* seconds from the last failure until all is forgotten */

/* True when this pair has to wait. Takes a failure that may follow for granted: it is counted here, before
 * the password is looked at, so that a hundred parallel guesses are a hundred. CRYPTO. */
enum gh_err gh_attempts_take(struct gh_str account, struct gh_str address, long long now, bool *ret_blocked);

/* This one was no failure after all; those before it stay counted. */
void gh_attempts_excuse(struct gh_str account, struct gh_str address);

/* The password was right: the count starts again. */
void gh_attempts_forget(struct gh_str account, struct gh_str address);
