/* stack/config_private.h - what config.c (reading) and config_set.c (writing) share. */
#pragma once
#include "stack/config.h"
#include "stack/language/tree.h"

#define CONFIG_ARENA (64 << 20)

struct gh_config {
    const struct gh_program *program;
    char *stack, *path, *shown; /* shown: the path as people typed it */
    struct gh_arena *arena;     /* of the text and its nodes: new after each change */
    struct gh_str text;
    const struct gh_yaml *root;
    json_t
        *values; /* by full key ("project:key"): wire form, a secret with its text or, while locked, null */
    struct gh_crypter *crypter;
};

static inline struct gh_position config_file(const struct gh_config *c) {
    return (struct gh_position){ .file = c->shown };
}

/* Takes the text as the file's new content; the arena that it lives in is stolen, also on an error. */
enum gh_err config_load(struct gh_config *c, struct gh_arena *a, struct gh_str text,
                        struct gh_diagnostics *d);

/* Makes c->crypter when there is a passphrase; without one it stays NULL. */
enum gh_err config_crypter_open(struct gh_config *c, struct gh_diagnostics *d);
const char *config_saved_state(const struct gh_config *c); /* "encryptionsalt", or NULL */

/* "memberEmail" and "project:memberEmail" are the same key. */
void config_full_key(const struct gh_config *c, struct gh_str key, struct gh_buf *ret);
const struct declaration *config_declared(const struct gh_config *c, struct gh_str full);

/* `pulumi config set` saves every value as a text: it means what its JSON means. New reference; NULL: it is
 * none. */
json_t *config_typed(json_t *value, const char *type);
