/* stack/config.h - Pulumi.<stack>.yaml: the values of one stack, secrets in Pulumi's passphrase format
 * (PBKDF2-SHA256, 1,000,000 rounds, AES-256-GCM; "v1:nonce:ciphertext", both base64). */
#pragma once
#include "core/buf.h"
#include "stack/diagnostic.h"
#include "stack/value.h"

struct gh_config;
struct gh_program;

/* Reads DIR/Pulumi.<stack>.yaml when it is there. PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE
 * opens secrets, when one is met; without them a secret value stays locked until gh_config_check asks for it.
 * The program is borrowed. MALFORMED, CRYPTO (wrong passphrase), IO, NOMEM: diagnosed. */
enum gh_err gh_config_open(const char *dir, const char *stack, const struct gh_program *p,
                           struct gh_diagnostics *d, struct gh_config **ret);
void gh_config_free(struct gh_config *c);
const char *gh_config_stack(const struct gh_config *c);

/* Every value that the program declares is there, open and of its type; otherwise each that is not is named,
 * with the way to set it, and the result is MALFORMED. gh_program_run asks this first. */
enum gh_err gh_config_check(const struct gh_config *c, struct gh_diagnostics *d);

/* key as typed ("memberEmail" or "project:memberEmail"); saved to the file at once, encrypted when the
 * program declares it secret or `secret` is set. UNSUPPORTED when a secret is to be stored and there is no
 * passphrase (the command exits 2). */
enum gh_err gh_config_set(struct gh_config *c, struct gh_str key, struct gh_str value, bool secret,
                          struct gh_diagnostics *d);

/* Takes the key out of the file. NOT_FOUND (it is not in there), IO, NOMEM: diagnosed. */
enum gh_err gh_config_remove(struct gh_config *c, struct gh_str key, struct gh_diagnostics *d);

/* What the file holds, by full key ("project:key"), in its order: wire form, a locked secret with null in it.
 * Borrowed. */
json_t *gh_config_values(const struct gh_config *c);

/* What "encryptionsalt" says, for the secrets of other files; borrowed, or NULL. */
const char *gh_config_salt(const struct gh_config *c);

/* The value (wire form, new reference) of a key with its default, or NULL when it has none, is locked or does
 * not fit its type. A key of another package is written with it: "auth0:domain". */
json_t *gh_config_get(const struct gh_config *c, const char *key);

/* All values, by full key ("project:key"), with the defaults of those that the program declares: a new object
 * in wire form. MALFORMED when a secret is locked: diagnosed, *ret is NULL then. */
enum gh_err gh_config_for_host(const struct gh_config *c, struct gh_diagnostics *d, json_t **ret);

/* Pulumi's passphrase crypter for state files too: text <-> "v1:…". */
struct gh_crypter;

/* `state` is what "encryptionsalt" holds: NULL makes a new one. CRYPTO when the passphrase is not the one of
 * the state, MALFORMED when the state is none. The passphrase is not kept. */
enum gh_err gh_crypter_new(struct gh_str passphrase, const char *state, struct gh_crypter **ret);
void gh_crypter_free(struct gh_crypter *c);
const char *gh_crypter_state(const struct gh_crypter *c);

/* The crypter of the stack; its state is saved in the stack's file when it is new. */
struct gh_crypter *
gh_config_crypter(struct gh_config *c,
                  struct gh_diagnostics *d); /* borrowed; NULL when there is no passphrase */

/* The crypter of another passphrase state, opened by the same passphrase. UNSUPPORTED when there is none,
 * CRYPTO when it is not the one of that state, MALFORMED when the state is none. */
enum gh_err gh_config_crypter_for(const char *state, struct gh_crypter **ret);
enum gh_err gh_crypter_encrypt(struct gh_crypter *c, struct gh_str plain, struct gh_buf *ret);
enum gh_err gh_crypter_decrypt(struct gh_crypter *c, struct gh_str text, struct gh_buf *ret);

static inline void gh_config_freep(struct gh_config **c) {
    gh_config_free(*c);
}

static inline void gh_crypter_freep(struct gh_crypter **c) {
    gh_crypter_free(*c);
}
