#include "cli/dev/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#include "core/arena.h"
#include "core/cleanup.h"
#include "sys/file.h"

GH_DEFINE_FREEP(EVP_PKEY, EVP_PKEY_free)
GH_DEFINE_FREEP(X509, X509_free)
GH_DEFINE_FREEP(BIO, BIO_free_all)
GH_DEFINE_FREEP(ASN1_INTEGER, ASN1_INTEGER_free)
GH_DEFINE_FREEP(BIGNUM, BN_free)

#define DAY (24L * 60 * 60)
#define CA_DAYS 3650
#define LEAF_DAYS 397 /* the longest that browsers take */
#define RENEW_DAYS 30
#define MAX_PEM 65536
#define MAX_BUNDLE (4 << 20)

struct extension {
    int nid;
    const char *value;
};

/* clang-format off */
static const struct extension ca_extensions[] = {
    { NID_basic_constraints,      "critical,CA:TRUE,pathlen:0" },
    { NID_key_usage,              "critical,keyCertSign,cRLSign" },
    { NID_subject_key_identifier, "hash" },
    { NID_authority_key_identifier, "keyid:always" },
    { NID_name_constraints,       "critical,permitted;DNS:localhost,permitted;IP:127.0.0.0/255.0.0.0,"
                                  "permitted;IP:0:0:0:0:0:0:0:1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
};

static const struct extension leaf_extensions[] = {
    { NID_basic_constraints,      "critical,CA:FALSE" },
    { NID_key_usage,              "critical,digitalSignature" },
    { NID_ext_key_usage,          "serverAuth" },
    { NID_subject_key_identifier, "hash" },
    { NID_authority_key_identifier, "keyid:always" },
    { NID_subject_alt_name,       "DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1" },
};
/* clang-format on */

static bool set_random_serial(X509 *certificate) {
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) |
                               0x40); /* positive, and always of full length (RFC 5280 4.1.2.2) */
    gh_auto(BIGNUM_freep) BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    gh_auto(ASN1_INTEGER_freep) ASN1_INTEGER *serial = number ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
    return serial && X509_set_serialNumber(certificate, serial) == 1;
}

static bool add_extensions(X509 *certificate, X509 *issuer, const struct extension *rows, size_t count) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, rows[i].nid, rows[i].value);
        int added = extension && X509_add_ext(certificate, extension, -1) == 1;
        X509_EXTENSION_free(extension);
        if (!added)
            return false;
    }
    return true;
}

/* Signed by `issuer`, or by itself when issuer is NULL. */
static X509 *make_certificate(const char *common_name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
                              long days, const struct extension *rows, size_t count) {
    X509 *certificate = X509_new();
    if (!certificate)
        return NULL;
    X509_NAME *name = X509_get_subject_name(certificate);
    bool ok = X509_set_version(certificate, X509_VERSION_3) == 1 && set_random_serial(certificate) &&
              X509_gmtime_adj(X509_getm_notBefore(certificate), -5 * 60) &&
              X509_gmtime_adj(X509_getm_notAfter(certificate), days * DAY) &&
              X509_set_pubkey(certificate, key) == 1 &&
              X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Gatehouse", -1, -1,
                                         0) == 1 &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1,
                                         -1, 0) == 1 &&
              X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate)) == 1 &&
              add_extensions(certificate, issuer ? issuer : certificate, rows, count) &&
              X509_sign(certificate, issuer_key, EVP_sha256()) > 0;
    if (ok)
        return certificate;
    X509_free(certificate);
    return NULL;
}

static enum gh_err write_bio(const char *path, BIO *bio, mode_t mode) {
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    return len > 0 ? gh_file_write_atomic(path, (struct gh_str){ data, (size_t)len }, mode) : GH_ERR_CRYPTO;
}

static enum gh_err write_key(const char *path, EVP_PKEY *key) {
    gh_auto(BIO_freep) BIO *bio = BIO_new(BIO_s_secmem()); /* cleansed when freed */
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return GH_ERR_CRYPTO;
    return write_bio(path, bio, 0600);
}

static enum gh_err write_chain(const char *path, X509 *first, X509 *second) {
    gh_auto(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_X509(bio, first) != 1 || (second && PEM_write_bio_X509(bio, second) != 1))
        return GH_ERR_CRYPTO;
    return write_bio(path, bio, 0644);
}

static BIO *read_bio(struct gh_arena *a, const char *path) {
    struct gh_str text;
    if (gh_file_read(a, path, MAX_PEM, &text))
        return NULL;
    return BIO_new_mem_buf(text.ptr, (int)text.len);
}

static X509 *read_certificate(struct gh_arena *a, const char *path) {
    gh_auto(BIO_freep) BIO *bio = read_bio(a, path);
    return bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
}

static EVP_PKEY *read_key(struct gh_arena *a, const char *path) {
    gh_auto(BIO_freep) BIO *bio = read_bio(a, path);
    return bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
}

static bool is_fresh(const X509 *certificate, long days) {
    time_t then = time(NULL) + days * DAY;
    return certificate && X509_cmp_time(X509_get0_notAfter(certificate), &then) > 0;
}

/* What trusts ours must go on trusting the rest: SSL_CERT_FILE replaces the system's list. */
static enum gh_err write_bundle(struct gh_arena *a, const char *ca_path, const char *bundle_path) {
    struct gh_str ours, theirs = { 0 };
    enum gh_err e = gh_file_read(a, ca_path, MAX_PEM, &ours);
    if (e)
        return e;
    /* The system's list is a link on Debian: read what it points to, and do without where there is none. */
    e = gh_file_read(a, "/etc/ssl/certs/ca-certificates.crt", MAX_BUNDLE, &theirs);
    if (e && e != GH_ERR_NOT_FOUND)
        return e;
    struct gh_str both = gh_arena_printf(a, "%.*s\n%.*s", GH_STR_FMT(theirs), GH_STR_FMT(ours));
    if (!both.ptr)
        return GH_ERR_NOMEM;
    struct gh_str old;
    if (gh_file_read(a, bundle_path, MAX_BUNDLE + MAX_PEM, &old) == GH_OK && gh_str_eq(old, both))
        return GH_OK;
    return gh_file_write_atomic(bundle_path, both, 0644);
}

struct paths {
    const char *ca, *ca_key, *leaf, *leaf_key, *bundle;
};

static enum gh_err make_authority(const struct paths *p, X509 **ret, EVP_PKEY **ret_key) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *ca = key ? make_certificate("Gatehouse local CA", key, NULL, key, CA_DAYS, ca_extensions,
                                      GH_COUNT(ca_extensions))
                   : NULL;
    enum gh_err e = ca ? write_key(p->ca_key, key) : GH_ERR_CRYPTO;
    if (!e)
        e = write_chain(p->ca, ca, NULL);
    if (e) {
        X509_free(ca);
        EVP_PKEY_free(key);
        return e;
    }
    *ret = ca;
    *ret_key = key;
    return GH_OK;
}

static enum gh_err make_leaf(const struct paths *p, X509 *ca, EVP_PKEY *ca_key) {
    gh_auto(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
    gh_auto(X509_freep) X509 *leaf = key ? make_certificate("localhost", key, ca, ca_key, LEAF_DAYS,
                                                            leaf_extensions, GH_COUNT(leaf_extensions))
                                         : NULL;
    enum gh_err e = leaf ? write_key(p->leaf_key, key) : GH_ERR_CRYPTO;
    return e ? e : write_chain(p->leaf, leaf, ca);
}

static enum gh_err make_what_is_missing(struct gh_arena *a, const struct paths *p) {
    gh_auto(X509_freep) X509 *ca = read_certificate(a, p->ca);
    gh_auto(EVP_PKEY_freep) EVP_PKEY *ca_key = ca ? read_key(a, p->ca_key) : NULL;
    gh_auto(X509_freep) X509 *leaf = NULL;
    enum gh_err e = GH_OK;
    if (!ca_key || !is_fresh(ca, LEAF_DAYS) || X509_check_private_key(ca, ca_key) != 1) {
        X509_free(ca);
        EVP_PKEY_free(ca_key);
        ca = NULL;
        ca_key = NULL;
        e = make_authority(p, &ca, &ca_key);
    } else {
        leaf = read_certificate(a, p->leaf);
    }
    gh_auto(EVP_PKEY_freep) EVP_PKEY *leaf_key = leaf ? read_key(a, p->leaf_key) : NULL;
    bool keep = leaf_key && is_fresh(leaf, RENEW_DAYS) && X509_check_private_key(leaf, leaf_key) == 1 &&
                X509_check_issued(ca, leaf) == X509_V_OK;
    if (!e && !keep)
        e = make_leaf(p, ca, ca_key);
    return e ? e : write_bundle(a, p->ca, p->bundle);
}

enum gh_err gh_dev_certificates(const char *dir, char why[256]) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(16 << 20);
    if (!a)
        return GH_ERR_NOMEM;
    struct paths p = {
        .ca = gh_arena_printf(a, "%s/ca.pem", dir).ptr,
        .ca_key = gh_arena_printf(a, "%s/ca.key", dir).ptr,
        .leaf = gh_arena_printf(a, "%s/localhost.pem", dir).ptr,
        .leaf_key = gh_arena_printf(a, "%s/localhost.key", dir).ptr,
        .bundle = gh_arena_printf(a, "%s/bundle.pem", dir).ptr,
    };
    enum gh_err e = p.bundle ? gh_dir_make(dir, 0700) : GH_ERR_NOMEM;
    if (!e)
        e = make_what_is_missing(a, &p);
    if (e)
        snprintf(why, 256, "cannot make the certificates in %s: %s", dir, gh_err_text(e));
    return e;
}
