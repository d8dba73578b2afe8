/* gateway/credential_files.c - what gatehouse_upstream_credential says: read
 * from files while nginx is still root, for credentials.c to send. */

#include "gateway/credentials.h"

#include "core/limits.h"
#include "gateway/settings.h"
#include "gateway/wire.h"

static char *ngx_http_gatehouse_credential_name(ngx_conf_t *cf,
    ngx_http_gatehouse_credential_t *credential);
static char *ngx_http_gatehouse_credential_enter(ngx_conf_t *cf,
    ngx_http_gatehouse_credential_t *credential);
static char *ngx_http_gatehouse_credential_read(ngx_conf_t *cf,
    ngx_str_t *file, ngx_str_t *ret);
static char *ngx_http_gatehouse_credential_scheme(ngx_conf_t *cf,
    ngx_str_t *scheme, ngx_str_t *secret);
static void ngx_http_gatehouse_credential_cleanup(void *data);


char *
ngx_http_gatehouse_credential(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char *rv;
    ngx_uint_t i;
    ngx_str_t *value = cf->args->elts;
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
        rv = ngx_http_gatehouse_credential_read(cf, &value[2],
                                                &credential->value);
    }
    if (rv == NGX_CONF_OK && cf->args->nelts == 4) {
        rv = ngx_http_gatehouse_credential_scheme(cf, &value[3],
                                                  &credential->value);
    }
    if (rv != NGX_CONF_OK) {
        return rv;
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


/* Checks the name and brings it into the forms that lookups need. */

static char *
ngx_http_gatehouse_credential_name(ngx_conf_t *cf,
    ngx_http_gatehouse_credential_t *credential)
{
    u_char c, *p;
    size_t i;
    struct gh_str name = ngx_http_gatehouse_str(credential->name);

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
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < name.len; i++) {
        c = ngx_tolower(name.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
            return "takes a header's name of letters, digits and '-'";
        }
        p[i] = c;
    }
    credential->lowcase = p;
    credential->hash = ngx_hash_key(p, name.len);

    return ngx_http_gatehouse_credential_enter(cf, credential);
}


/* Takes $http_NAME over, and enters the credential among all. */

static char *
ngx_http_gatehouse_credential_enter(ngx_conf_t *cf,
    ngx_http_gatehouse_credential_t *credential)
{
    size_t i;
    u_char *p;
    ngx_str_t variable;
    ngx_http_variable_t *var;
    ngx_http_gatehouse_credential_t **slot;
    ngx_http_gatehouse_main_conf_t *mcf;

    variable.len = credential->name.len + 5;
    variable.data = ngx_pnalloc(cf->pool, variable.len);
    if (variable.data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_cpymem(variable.data, "http_", 5);
    for (i = 0; i < credential->name.len; i++) {
        *p++ = credential->lowcase[i] == '-' ? '_' : credential->lowcase[i];
    }

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


/* Puts the scheme and a blank before the secret. */

static char *
ngx_http_gatehouse_credential_scheme(ngx_conf_t *cf, ngx_str_t *scheme,
    ngx_str_t *secret)
{
    u_char *p, *text;

    if (!gh_scope_token_ok(ngx_http_gatehouse_str(*scheme))) {
        return "takes one word as the scheme";
    }

    text = ngx_pnalloc(cf->pool, scheme->len + 1 + secret->len);
    if (text == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_cpymem(text, scheme->data, scheme->len);
    *p++ = ' ';
    p = ngx_cpymem(p, secret->data, secret->len);

    explicit_bzero(secret->data, secret->len);
    secret->data = text;
    secret->len = p - text;

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
