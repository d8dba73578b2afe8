#include "tenant/oauth/pkce.h"

#include <openssl/evp.h>

#include "core/b64url.h"

enum { SHA256_SIZE = 32, VERIFIER_MIN = 43, VERIFIER_MAX = 128 };

/* RFC 7636 4.1: the unreserved characters of RFC 3986. */
static bool is_unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

bool gh_pkce_challenge_ok(struct gh_arena *a, struct gh_str challenge) {
    struct gh_str digest;
    return challenge.len == 43 && gh_b64url_decode(a, challenge, &digest) == GH_OK &&
           digest.len == SHA256_SIZE;
}

enum gh_err gh_pkce_verify(struct gh_arena *a, struct gh_str verifier, struct gh_str challenge) {
    if (verifier.len < VERIFIER_MIN || verifier.len > VERIFIER_MAX)
        return GH_ERR_MALFORMED;
    for (size_t i = 0; i < verifier.len; i++)
        if (!is_unreserved(verifier.ptr[i]))
            return GH_ERR_MALFORMED;

    unsigned char digest[SHA256_SIZE];
    if (EVP_Digest(verifier.ptr, verifier.len, digest, NULL, EVP_sha256(), NULL) != 1)
        return GH_ERR_CRYPTO;
    struct gh_str text;
    enum gh_err e = gh_b64url_encode(a, (struct gh_str){ (const char *)digest, sizeof digest }, &text);
    if (e)
        return e;
    return gh_str_eq_secret(text, challenge) ? GH_OK : GH_ERR_BAD_SIGNATURE;
}
