/* gateway/credentials.c - the upstream's credentials: read from files while nginx
 * is still root, set on the request of an admitted caller, and seen by nobody
 * but a proven upstream. X-Gatehouse-Identity (identity.c) goes the same way.
 *
 * They lie in the list of request headers, because proxy_pass sends that list.
 * So each pass of a request through the rewrite phase takes them away again:
 * redirects, named locations and subrequests (mirror, auth_request, SSI) start
 * there. And $http_NAME, for access logs, does not find them. */

#include "gateway/ngx_http_gatehouse_module.h"

#include "core/limits.h"
#include "gateway/settings.h"
#include "gateway/wire.h"

typedef struct {
    ngx_str_t name;
    u_char *lowcase; /* as written for $http_...: with '-' */
    ngx_uint_t hash;
    ngx_str_t value;
} ngx_http_gatehouse_credential_t;

static char *ngx_http_gatehouse_credential_name(ngx_conf_t *cf,
    ngx_http_gatehouse_credential_t *credential);
static char *ngx_http_gatehouse_credential_read(ngx_conf_t *cf,
    ngx_str_t *file, ngx_str_t *ret);
static void ngx_http_gatehouse_credential_cleanup(void *data);
static ngx_int_t ngx_http_gatehouse_credentials_handler(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_gatehouse_credentials_filter(ngx_http_request_t *r,
    ngx_array_t *credentials, ngx_uint_t names, ngx_uint_t room);
static ngx_int_t ngx_http_gatehouse_credential_variable(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);


char *
ngx_http_gatehouse_credential(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char *rv;
    u_char *p;
    ngx_uint_t i;
    ngx_str_t content, *value = cf->args->elts;
    ngx_pool_cleanup_t *cln;
    ngx_http_gatehouse_loc_conf_t *lcf = conf;
    ngx_http_gatehouse_credential_t *credential, **slot;

    if (lcf->credentials == NGX_CONF_UNSET_PTR) {
        lcf->credentials = ngx_array_create(cf->pool, 2, sizeof(void *));
        if (lcf->credentials == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    slot = lcf->credentials->elts;
    for (i = 0; i < lcf->credentials->nelts; i++) {
        if (gh_header_is(ngx_http_gatehouse_str(value[1]),
                         ngx_http_gatehouse_str(
                             (ngx_str_t){ slot[i]->name.len,
                                          slot[i]->lowcase })))
        {
            return "names a header twice";
        }
    }

    credential = ngx_pcalloc(cf->pool,
                             sizeof(ngx_http_gatehouse_credential_t));
    slot = ngx_array_push(lcf->credentials);
    if (credential == NULL || slot == NULL) {
        return NGX_CONF_ERROR;
    }
    *slot = credential;
    credential->name = value[1];

    rv = ngx_http_gatehouse_credential_name(cf, credential);
    if (rv == NGX_CONF_OK) {
        rv = ngx_http_gatehouse_credential_read(cf, &value[2], &content);
    }
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (cf->args->nelts == 4) {
        if (!gh_scope_token_ok(ngx_http_gatehouse_str(value[3]))) {
            return "takes one word as the scheme";
        }

        p = ngx_pnalloc(cf->pool, value[3].len + 1 + content.len);
        if (p == NULL) {
            return NGX_CONF_ERROR;
        }
        credential->value.data = p;
        credential->value.len = value[3].len + 1 + content.len;
        p = ngx_cpymem(p, value[3].data, value[3].len);
        *p++ = ' ';
        ngx_memcpy(p, content.data, content.len);
        explicit_bzero(content.data, content.len);
    } else {
        credential->value = content;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }
    cln->handler = ngx_http_gatehouse_credential_cleanup;
    cln->data = credential;

    return NGX_CONF_OK;
}


static void
ngx_http_gatehouse_credential_cleanup(void *data)
{
    ngx_http_gatehouse_credential_t *credential = data;

    explicit_bzero(credential->value.data, credential->value.len);
}


/* Takes $http_NAME over, and enters the credential among all. */

static char *
ngx_http_gatehouse_credential_name(ngx_conf_t *cf,
    ngx_http_gatehouse_credential_t *credential)
{
    u_char c, *p;
    size_t i;
    ngx_str_t variable;
    struct gh_str name = ngx_http_gatehouse_str(credential->name);
    ngx_http_variable_t *var;
    ngx_http_gatehouse_credential_t **slot;
    ngx_http_gatehouse_main_conf_t *mcf;

    /* those that frame a message, and those that nginx keeps pointers to */
    static const struct gh_str taken[] = {
        { "host", 4 }, { "connection", 10 }, { "content-length", 14 },
        { "transfer-encoding", 17 }, { "te", 2 }, { "trailer", 7 },
        { "upgrade", 7 }, { "keep-alive", 10 }, { "expect", 6 },
        { "cookie", 6 }, { "user-agent", 10 }, { "referer", 7 },
        { "via", 3 }, { "x-forwarded-for", 15 },
    };

    for (i = 0; i < GH_COUNT(taken); i++) {
        if (gh_header_is(name, taken[i])) {
            return "does not set this header";
        }
    }
    if (gh_header_classify(name) == GH_HEADER_IDENTITY) {
        return "does not set headers of our own";
    }

    p = ngx_pnalloc(cf->pool, name.len);
    variable.len = name.len + 5;
    variable.data = ngx_pnalloc(cf->pool, variable.len);
    if (p == NULL || variable.data == NULL) {
        return NGX_CONF_ERROR;
    }
    ngx_memcpy(variable.data, "http_", 5);

    for (i = 0; i < name.len; i++) {
        c = ngx_tolower(name.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
            return "takes a header's name of letters, digits and '-'";
        }
        p[i] = c;
        variable.data[5 + i] = c == '-' ? '_' : c;
    }
    credential->lowcase = p;
    credential->hash = ngx_hash_key(p, name.len);

    var = ngx_http_add_variable(cf, &variable,
                                NGX_HTTP_VAR_CHANGEABLE
                                    | NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_CONF_ERROR;
    }
    var->get_handler = ngx_http_gatehouse_credential_variable;
    var->data = (uintptr_t) credential;

    if (ngx_http_gatehouse_credentials_take_away(cf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }
    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_gatehouse_module);
    slot = ngx_array_push(mcf->credentials);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }
    *slot = credential;

    return NGX_CONF_OK;
}


/* One line of visible ASCII and blanks. Nothing of it is ever said. */

static char *
ngx_http_gatehouse_credential_read(ngx_conf_t *cf, ngx_str_t *file,
    ngx_str_t *ret)
{
    size_t i;

    if (ngx_http_gatehouse_secret_read(cf, file, GH_LIMIT_CREDENTIAL + 1, ret)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ret->len > 0 && ret->data[ret->len - 1] == '\n') {
        ret->len--;
    }

    for (i = 0; i < ret->len; i++) {
        if (ret->data[i] < 0x20 || ret->data[i] > 0x7e) {
            break;
        }
    }

    if (i < ret->len || ret->len == 0 || ret->len > GH_LIMIT_CREDENTIAL
        || ret->data[0] == ' ' || ret->data[ret->len - 1] == ' ')
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the credential \"%V\" must be one line of visible "
                           "ASCII, not empty and of at most %d bytes",
                           file, GH_LIMIT_CREDENTIAL);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_gatehouse_credentials_merge(ngx_conf_t *cf,
    ngx_http_gatehouse_loc_conf_t *prev, ngx_http_gatehouse_loc_conf_t *conf)
{
    ngx_uint_t own;
    ngx_http_core_loc_conf_t *clcf;

    own = conf->credentials != NGX_CONF_UNSET_PTR;
    ngx_conf_merge_ptr_value(conf->credentials, prev->credentials, NULL);

    if (conf->credentials == NULL) {
        return NGX_CONF_OK;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (conf->mode != NGX_HTTP_GATEHOUSE_ON) {
        /* what is written above for a whole server stays unused where nobody
         * is asked; what is written for such a place is a mistake */
        if (own && clcf->name.len) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"gatehouse_upstream_credential\" in \"%V\" "
                               "would be anybody's: it needs \"gatehouse on\"",
                               &clcf->name);
            return NGX_CONF_ERROR;
        }
        return NGX_CONF_OK;
    }

    return clcf->handler ? ngx_http_gatehouse_upstream_prove(cf, conf)
                         : NGX_CONF_OK;
}


/* From now on there is something to take away. */

ngx_int_t
ngx_http_gatehouse_credentials_take_away(ngx_conf_t *cf)
{
    ngx_http_gatehouse_main_conf_t *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_gatehouse_module);
    if (mcf->credentials == NULL) {
        mcf->credentials = ngx_array_create(cf->pool, 4, sizeof(void *));
    }

    return mcf->credentials ? NGX_OK : NGX_ERROR;
}


/* After all directives were read. */

ngx_int_t
ngx_http_gatehouse_credentials_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt *h;
    ngx_http_core_main_conf_t *cmcf;
    ngx_http_gatehouse_main_conf_t *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_gatehouse_module);
    if (mcf->credentials == NULL) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }
    *h = ngx_http_gatehouse_credentials_handler;

    return NGX_OK;
}


static ngx_int_t
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
    ngx_table_elt_t *h;
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
        h = ngx_list_push(&r->headers_in.headers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(h, sizeof(ngx_table_elt_t));
        h->key = credential[i]->name;
        h->lowcase_key = credential[i]->lowcase;
        h->hash = credential[i]->hash;
        h->value = credential[i]->value;
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

static ngx_int_t
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
