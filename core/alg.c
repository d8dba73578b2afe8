#include "core/alg.h"

/* clang-format off */
static const struct gh_alg_traits table[] = {
    /*              name     digest    key type   group         curve      coordinate  pss */
    [GH_RS256] = { "RS256", "SHA256", "RSA",     NULL,         NULL,      0,          false },
    [GH_RS384] = { "RS384", "SHA384", "RSA",     NULL,         NULL,      0,          false },
    [GH_RS512] = { "RS512", "SHA512", "RSA",     NULL,         NULL,      0,          false },
    [GH_PS256] = { "PS256", "SHA256", "RSA",     NULL,         NULL,      0,          true  },
    [GH_PS384] = { "PS384", "SHA384", "RSA",     NULL,         NULL,      0,          true  },
    [GH_PS512] = { "PS512", "SHA512", "RSA",     NULL,         NULL,      0,          true  },
    [GH_ES256] = { "ES256", "SHA256", "EC",      "prime256v1", "P-256",   32,         false },
    [GH_ES384] = { "ES384", "SHA384", "EC",      "secp384r1",  "P-384",   48,         false },
    [GH_EDDSA] = { "EdDSA", NULL,     "ED25519", NULL,         "Ed25519", 32,         false },
};
/* clang-format on */

const struct gh_alg_traits *gh_alg_traits(enum gh_alg alg) {
    return alg > GH_ALG_UNKNOWN && alg < GH_COUNT(table) ? &table[alg] : NULL;
}

enum gh_alg gh_alg_from_name(struct gh_str name) {
    for (size_t i = GH_ALG_UNKNOWN + 1; i < GH_COUNT(table); i++)
        if (gh_str_is(name, table[i].name))
            return (enum gh_alg)i;
    return GH_ALG_UNKNOWN;
}

const char *gh_alg_name(enum gh_alg alg) {
    const struct gh_alg_traits *t = gh_alg_traits(alg);
    return t ? t->name : NULL;
}
