#include "tenant/password.h"

#include <sodium.h>

#include "core/limits.h"

#define MEMORY (19UL << 20)
#define PASSES 2UL

/* What an unknown user's password is compared with: the same cost, and no password has this hash (the digest
 * is 32 zero bytes). */
#define DUMMY                                                                                                \
    "$argon2id$v=19$m=19456,t=2,p=1$Z2F0ZWhvdXNlLWR1bW15IQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

enum gh_err gh_password_hash(struct gh_arena *a, struct gh_str password, struct gh_str *ret) {
    if (password.len > GH_LIMIT_PASSWORD)
        return GH_ERR_TOO_LARGE;
    char *hash = gh_arena_alloc(a, crypto_pwhash_argon2id_STRBYTES);
    if (!hash)
        return GH_ERR_NOMEM;
    if (crypto_pwhash_argon2id_str(hash, password.ptr ? password.ptr : "", password.len, PASSES, MEMORY))
        return GH_ERR_NOMEM; /* the library's only way to fail */
    *ret = gh_str_from(hash);
    return GH_OK;
}

enum gh_err gh_password_verify(struct gh_str stored, struct gh_str password) {
    char hash[crypto_pwhash_argon2id_STRBYTES];
    bool known = stored.len > 0;
    struct gh_str against = known ? stored : GH_STR(DUMMY);
    if (password.len > GH_LIMIT_PASSWORD || against.len >= sizeof hash)
        return GH_ERR_NO_PERMISSION;
    memcpy(hash, against.ptr, against.len);
    hash[against.len] = '\0';
    int differs = crypto_pwhash_argon2id_str_verify(hash, password.ptr ? password.ptr : "", password.len);
    sodium_memzero(hash, sizeof hash);
    return known && differs == 0 ? GH_OK : GH_ERR_NO_PERMISSION;
}
