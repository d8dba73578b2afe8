/* tenant/seal.h - secrets at rest: AES-256-GCM under the key-encryption key, bound to (table, row id) so that
 * rows cannot be swapped. */
#pragma once
#include "core/arena.h"
#include "core/err.h"

struct gh_sealer;
enum gh_err gh_sealer_open(const char *kek_file, bool make_when_absent, struct gh_sealer **ret);
void gh_sealer_close(struct gh_sealer *s);
enum gh_err gh_seal(struct gh_sealer *s, struct gh_arena *a, const char *table, struct gh_str id,
                    struct gh_str plain, struct gh_str *ret);
enum gh_err gh_unseal(struct gh_sealer *s, struct gh_arena *a, const char *table, struct gh_str id,
                      struct gh_str sealed, struct gh_str *ret);

/* SHA-256 as 64 hex digits: how codes, refresh tokens, session ids and tickets are stored. */
enum gh_err gh_token_hash(struct gh_arena *a, struct gh_str token, struct gh_str *ret);
