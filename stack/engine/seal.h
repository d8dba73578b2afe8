/* stack/engine/seal.h - how secrets lie in the ledger. With the stack's passphrase: encrypted in Pulumi's own
 * form. Without: only a salted, slow digest, which can say "unchanged" and nothing else. */
#pragma once
#include <jansson.h>

#include "stack/config.h"

/* A copy in which each secret is {GH_SECRET_KEY: mark, "ciphertext": "v1:…"} or {…, "digest":
 * "d1:salt:hash"}. A secret that `former` (may be NULL) already holds sealed, at the same place, keeps its
 * bytes. */
enum gh_err gh_ledger_seal(json_t *value, json_t *former, struct gh_crypter *crypter, json_t **ret);

/* Is that sealed secret this plain value? A ciphertext that cannot be opened is not. */
bool gh_ledger_seal_matches(const json_t *sealed, json_t *plain, struct gh_crypter *crypter);

/* A copy with the ciphertexts opened to secrets again; digests stay as they are (gh_ledger_seal_is_lost).
 * UNSUPPORTED when one needs a passphrase that is not there. */
enum gh_err gh_ledger_unseal(json_t *value, struct gh_crypter *crypter, json_t **ret);
bool gh_ledger_seal_is_lost(const json_t *value);       /* only its digest was kept */
bool gh_ledger_seal_needs_crypter(const json_t *value); /* a ciphertext is somewhere inside */
