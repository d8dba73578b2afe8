/* follow/machine.h - a machine that calls an issuer's own API: its token, and the calls with it. Blocking;
 * one machine is one thread's. */
#pragma once
#include "core/arena.h"
#include "core/err.h"
#include "sys/http_client.h"

struct gh_machine;

/* The secret is read from its file each time a token is asked for. The texts stay the caller's. NULL when out
 * of memory. */
struct gh_machine *gh_machine_new(const char *issuer, const char *ca_file, const char *client_id,
                                  const char *secret_file);
void gh_machine_free(struct gh_machine *m);

/* GET of the issuer's PATH (without a leading slash), answered 200. A token that was refused is asked for
 * anew once. IO, TIMEOUT, TOO_LARGE, NO_PERMISSION (401, 403, no token), NOMEM; `why` for a log, never a
 * secret. */
enum gh_err gh_machine_get(struct gh_machine *m, struct gh_arena *a, const char *path, struct gh_str *ret,
                           char why[256]);
