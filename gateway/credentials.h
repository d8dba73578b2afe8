/* gateway/credentials.h - a header that the upstream gets from us: between the
 * file that reads it and the one that sends it. */

#pragma once

#include "gateway/ngx_http_gatehouse_module.h"

typedef struct {
    ngx_str_t name;
    u_char *lowcase; /* as written for $http_...: with '-' */
    ngx_uint_t hash;
    ngx_str_t value;
} ngx_http_gatehouse_credential_t;

/* credentials.c: takes them away in the rewrite phase; is $http_NAME */
ngx_int_t ngx_http_gatehouse_credentials_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_gatehouse_credential_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
