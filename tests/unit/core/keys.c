#include "keys.h"

static struct gh_key keys[16];

static EVP_PKEY *make(const struct gh_alg_traits *t) {
    if (t->group)
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", t->group);
    return t->digest ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
                     : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

/* One RSA key serves all RSA algorithms: making one takes as long as a hundred tests. */
static EVP_PKEY *pkey_of(enum gh_alg alg) {
    enum gh_alg shared = alg < GH_ES256 ? GH_RS256 : alg;
    if (!keys[shared].pkey)
        keys[shared].pkey = make(gh_alg_traits(shared));
    return keys[shared].pkey;
}

const struct gh_key *test_key(enum gh_alg alg, const char *kid) {
    keys[alg].pkey = pkey_of(alg);
    keys[alg].alg = alg;
    keys[alg].kid = gh_str_from(kid);
    return &keys[alg];
}

void test_keys_free(void) {
    for (size_t i = 0; i < GH_COUNT(keys); i++)
        if (i == GH_RS256 || i >= GH_ES256)
            EVP_PKEY_free(keys[i].pkey);
}
