/* tenant/key_make.h - a new signing key and its papers. Finding two primes takes 0.25 s and sometimes 0.7 s,
 * so at a first start it runs beside the rest. */
#pragma once
#include <openssl/types.h>

#include "core/arena.h"
#include "core/err.h"

EVP_PKEY *gh_key_make(void); /* RSA-2048, e = 65537; NULL when the library failed */

/* Starts making one on a thread; join gives it, or NULL when none was started or it failed. One at a time,
 * from the main thread. */
void gh_key_maker_start(void);
EVP_PKEY *gh_key_maker_join(void);
void gh_key_maker_discard(void); /* joins, and frees what nobody took */

enum gh_err gh_key_to_pem(struct gh_arena *a, EVP_PKEY *pkey, struct gh_str *ret); /* private, PKCS #8 */
EVP_PKEY *gh_key_from_pem(struct gh_str pem);                                      /* NULL when it is none */

/* A self-signed certificate over the public half, base64 of its DER: some clients want x5c. Nothing of ours
 * trusts it. */
enum gh_err gh_key_certificate(struct gh_arena *a, EVP_PKEY *pkey, struct gh_str common_name,
                               struct gh_str *ret);
