#include "tenant/key_make.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "core/b64url.h"
#include "sys/random.h"

#define BITS 2048
#define CERTIFICATE_DAYS 4750 /* 13 years, as Auth0's */
#define SECONDS_A_DAY 86400L
#define COMMON_NAME_MAX 64 /* ub-common-name, RFC 5280 A.1 */

GH_DEFINE_FREEP(BIO, BIO_free_all)
GH_DEFINE_FREEP(X509, X509_free)

static pthread_t maker;
static bool making;

EVP_PKEY *gh_key_make(void) {
    return EVP_RSA_gen(BITS);
}

static void *make(void *unused) {
    return gh_key_make();
}

void gh_key_maker_start(void) {
    making = pthread_create(&maker, NULL, make, NULL) == 0;
}

EVP_PKEY *gh_key_maker_join(void) {
    void *key = NULL;
    if (making)
        pthread_join(maker, &key);
    making = false;
    return key;
}

void gh_key_maker_discard(void) {
    EVP_PKEY_free(gh_key_maker_join());
}

enum gh_err gh_key_to_pem(struct gh_arena *a, EVP_PKEY *pkey, struct gh_str *ret) {
    gh_auto(BIO_freep) BIO *bio = BIO_new(BIO_s_secmem());
    char *text;
    if (!bio)
        return GH_ERR_NOMEM;
    if (PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1)
        return GH_ERR_CRYPTO;
    long len = BIO_get_mem_data(bio, &text);
    *ret = gh_arena_dup(a, (struct gh_str){ text, (size_t)len });
    return ret->ptr ? GH_OK : GH_ERR_NOMEM;
}

EVP_PKEY *gh_key_from_pem(struct gh_str pem) {
    gh_auto(BIO_freep) BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    return bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
}

static bool set_serial(X509 *cert) {
    unsigned char bytes[16];
    BIGNUM *n = NULL;
    if (gh_random_bytes(bytes, sizeof bytes) == GH_OK) {
        bytes[0] &= 0x7F; /* positive: RFC 5280 4.1.2.2 */
        n = BN_bin2bn(bytes, sizeof bytes, NULL);
    }
    bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
    BN_free(n);
    return ok;
}

static bool fill(X509 *cert, EVP_PKEY *pkey, struct gh_str cn) {
    X509_NAME *name = X509_get_subject_name(cert);
    int len = cn.len > COMMON_NAME_MAX ? COMMON_NAME_MAX : (int)cn.len;
    return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
           X509_gmtime_adj(X509_getm_notBefore(cert), 0) &&
           X509_gmtime_adj(X509_getm_notAfter(cert), CERTIFICATE_DAYS * SECONDS_A_DAY) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, gh_bytes(cn), len, -1, 0) == 1 &&
           X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, pkey) == 1 &&
           X509_sign(cert, pkey, EVP_sha256()) > 0;
}

enum gh_err gh_key_certificate(struct gh_arena *a, EVP_PKEY *pkey, struct gh_str common_name,
                               struct gh_str *ret) {
    gh_auto(X509_freep) X509 *cert = X509_new();
    unsigned char *der = NULL;
    if (!cert)
        return GH_ERR_NOMEM;
    if (!fill(cert, pkey, common_name))
        return GH_ERR_CRYPTO;
    int len = i2d_X509(cert, &der);
    if (len < 0)
        return GH_ERR_CRYPTO;
    enum gh_err e = gh_b64_encode(a, (struct gh_str){ (const char *)der, (size_t)len }, ret);
    OPENSSL_free(der);
    return e;
}
