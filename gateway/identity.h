/* gateway/identity.h - a key that signs X-Gatehouse-Identity, and what a worker
 * signed with it. */

#pragma once

#include "gateway/ngx_http_gatehouse_module.h"

#include "core/keyset.h"

#define NGX_HTTP_GATEHOUSE_SIGNED 1024 /* tokens that a worker keeps */

/* What was signed for a caller's token, for half of its life. */
typedef struct {
    u_char key[32]; /* SHA-256 of audience and Authorization */
    time_t renew;
    ngx_str_t token; /* of ngx_alloc() */
} ngx_http_gatehouse_signed_t;

struct ngx_http_gatehouse_signer_s {
    struct gh_key key;
    ngx_str_t issuer;
    ngx_str_t jwks;
    ngx_http_gatehouse_signed_t *kept; /* each worker's own */
    EVP_MD *sha256;
};
