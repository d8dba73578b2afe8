#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "core/jwk.h"
#include "core/limits.h"

GH_DEFINE_FREEP(BIGNUM, BN_free)
GH_DEFINE_FREEP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

static bool is_power_of_65537(unsigned value, unsigned prime) {
    unsigned power = 1;
    do {
        if (power == value)
            return true;
        power = power * (65537 % prime) % prime;
    } while (power != 1);
    return false;
}

/* ROCA (CVE-2017-15361): primes of the Infineon library are powers of 65537 modulo many small primes, and so
 * are their products. A random modulus passes all of these with probability below 2^-100. */
static bool is_roca(const BIGNUM *modulus) {
    static const unsigned char primes[] = { 3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
                                            47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
                                            107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167 };
    for (size_t i = 0; i < GH_COUNT(primes); i++)
        if (!is_power_of_65537((unsigned)BN_mod_word(modulus, primes[i]), primes[i]))
            return false;
    return true;
}

static enum gh_err check_rsa(EVP_PKEY *pkey) {
    gh_auto(BIGNUM_freep) BIGNUM *n = NULL;
    gh_auto(BIGNUM_freep) BIGNUM *e = NULL;
    if (!EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) ||
        !EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e))
        return GH_ERR_CRYPTO;
    int bits = BN_num_bits(n);
    if (bits < GH_LIMIT_RSA_BITS_MIN || bits > GH_LIMIT_RSA_BITS_MAX)
        return GH_ERR_UNSUPPORTED;
    return BN_is_odd(n) && BN_is_word(e, 65537) && !is_roca(n) ? GH_OK : GH_ERR_UNSUPPORTED;
}

static enum gh_err check_ec(EVP_PKEY *pkey, const char *group) {
    char name[32];
    if (!EVP_PKEY_get_group_name(pkey, name, sizeof name, NULL) || strcmp(name, group) != 0)
        return GH_ERR_UNSUPPORTED;
    gh_auto(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (!ctx)
        return GH_ERR_NOMEM;
    return EVP_PKEY_public_check(ctx) == 1 ? GH_OK : GH_ERR_UNSUPPORTED; /* on the curve, not infinity */
}

enum gh_err gh_jwk_check(enum gh_alg alg, EVP_PKEY *pkey) {
    const struct gh_alg_traits *t = gh_alg_traits(alg);
    if (!t || strcmp(EVP_PKEY_get0_type_name(pkey), t->key_type) != 0) /* EVP_PKEY_is_a asks for memory */
        return GH_ERR_UNSUPPORTED;
    if (t->group)
        return check_ec(pkey, t->group);
    return t->digest ? check_rsa(pkey) : GH_OK;
}
