/* gateway/credentials.c - the upstream's credentials (credential_files.c): set
 * on the request of an admitted caller, and seen by nobody but a proven
 * upstream. X-Gatehouse-Identity (identity.c) goes the same way.
 *
 * They lie in the list of request headers, because proxy_pass sends that list.
 * So each pass of a request through the rewrite phase takes them away again:
 * redirects, named locations and subrequests (mirror, auth_request, SSI) start
 * there. And $http_NAME, for access logs, does not find them. */

#include "gateway/credentials.h"

#include "gateway/wire.h"

static ngx_int_t ngx_http_gatehouse_credentials_filter(ngx_http_request_t *r,
    ngx_array_t *credentials, ngx_uint_t names, ngx_uint_t room);


ngx_int_t
ngx_http_gatehouse_credentials_handler(ngx_http_request_t *r)
{
    ngx_http_gatehouse_main_conf_t *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_gatehouse_module);

    return ngx_http_gatehouse_credentials_filter(r, mcf->credentials, 0, 0)
                   == NGX_OK
               ? NGX_DECLINED
               : NGX_HTTP_SERVICE_UNAVAILABLE;
}


ngx_int_t
ngx_http_gatehouse_credentials_add(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf)
{
    ngx_uint_t i;
    ngx_http_gatehouse_credential_t **credential;

    if (conf->credentials == NULL || conf->mode != NGX_HTTP_GATEHOUSE_ON) {
        return NGX_OK;
    }

    if (ngx_http_gatehouse_credentials_filter(r, conf->credentials, 1,
                                              conf->credentials->nelts)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    credential = conf->credentials->elts;
    for (i = 0; i < conf->credentials->nelts; i++) {
        if (ngx_http_gatehouse_request_header(r, credential[i]->name,
                                              credential[i]->lowcase,
                                              credential[i]->hash,
                                              credential[i]->value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* True for a credential itself, and with `names` for any header of its name. */

static ngx_uint_t
ngx_http_gatehouse_credentials_match(ngx_table_elt_t *h,
    ngx_array_t *credentials, ngx_uint_t names)
{
    ngx_uint_t i;
    ngx_http_gatehouse_credential_t **credential = credentials->elts;

    if (!names && h->lowcase_key == ngx_http_gatehouse_identity_name) {
        return 1; /* a signed word of ours, known by its very place */
    }

    for (i = 0; i < credentials->nelts; i++) {
        if (h->value.data == credential[i]->value.data
            || (names
                && gh_header_is(ngx_http_gatehouse_str(h->key),
                                (struct gh_str){
                                    (char *) credential[i]->lowcase,
                                    credential[i]->name.len })))
        {
            return 1;
        }
    }

    return 0;
}


/* A list of what does not match, with room for more; the old list stays as it
 * is, for nginx's pointers into it and for the requests that share it. */

static ngx_int_t
ngx_http_gatehouse_credentials_filter(ngx_http_request_t *r,
    ngx_array_t *credentials, ngx_uint_t names, ngx_uint_t room)
{
    ngx_list_t kept;
    ngx_uint_t count, found;
    ngx_table_elt_t *h, *copy;
    ngx_http_gatehouse_walk_t walk = { &r->headers_in.headers.part, 0 };

    count = found = 0;
    while ((h = ngx_http_gatehouse_next(&walk))) {
        count++;
        found += ngx_http_gatehouse_credentials_match(h, credentials, names);
    }

    if (found == 0 && room == 0) {
        return NGX_OK;
    }

    if (ngx_list_init(&kept, r->pool, count + room + 1,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    walk = (ngx_http_gatehouse_walk_t){ &r->headers_in.headers.part, 0 };
    while ((h = ngx_http_gatehouse_next(&walk))) {
        if (ngx_http_gatehouse_credentials_match(h, credentials, names)) {
            continue;
        }
        copy = ngx_list_push(&kept); /* there is room for all */
        if (copy == NULL) {
            return NGX_ERROR;
        }
        *copy = *h;
    }

    r->headers_in.headers = kept;
    r->headers_in.headers.last = &r->headers_in.headers.part;

    return NGX_OK;
}


/* $http_NAME of the caller's header, as nginx gives it, but never ours. */

ngx_int_t
ngx_http_gatehouse_credential_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_table_elt_t *h;
    ngx_http_gatehouse_walk_t walk = { &r->headers_in.headers.part, 0 };
    ngx_http_gatehouse_main_conf_t *mcf;
    ngx_http_gatehouse_credential_t *credential;

    credential = (ngx_http_gatehouse_credential_t *) data;
    mcf = ngx_http_get_module_main_conf(r, ngx_http_gatehouse_module);

    while ((h = ngx_http_gatehouse_next(&walk))) {
        if (gh_header_is(ngx_http_gatehouse_str(h->key),
                         (struct gh_str){ (char *) credential->lowcase,
                                          credential->name.len })
            && !ngx_http_gatehouse_credentials_match(h, mcf->credentials, 0))
        {
            v->data = h->value.data;
            v->len = h->value.len;
            v->valid = 1;
            v->no_cacheable = 0;
            v->not_found = 0;
            return NGX_OK;
        }
    }

    v->not_found = 1;

    return NGX_OK;
}
