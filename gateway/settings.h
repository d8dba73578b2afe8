/* gateway/settings.h - the setters and the words that directives.h names, and how
 * what they set is inherited. */

#pragma once

#include "gateway/ngx_http_gatehouse_module.h"

/* settings.c */
extern ngx_conf_enum_t ngx_http_gatehouse_modes[];
extern ngx_conf_enum_t ngx_http_gatehouse_cookies[];
extern ngx_conf_enum_t ngx_http_gatehouse_forward_auths[];
extern ngx_conf_enum_t ngx_http_gatehouse_model_rules[];
extern ngx_conf_bitmask_t ngx_http_gatehouse_methods[];
extern ngx_conf_num_bounds_t ngx_http_gatehouse_leeway_bounds;

/* What nginx calls for a directive. */
typedef char *ngx_http_gatehouse_setter(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

ngx_http_gatehouse_setter ngx_http_gatehouse_issuer;
ngx_http_gatehouse_setter ngx_http_gatehouse_text;
ngx_http_gatehouse_setter ngx_http_gatehouse_organization;
ngx_http_gatehouse_setter ngx_http_gatehouse_permission;
ngx_http_gatehouse_setter ngx_http_gatehouse_own_route;
ngx_http_gatehouse_setter ngx_http_gatehouse_cors_origins;
ngx_http_gatehouse_setter ngx_http_gatehouse_feed_file;
ngx_http_gatehouse_setter ngx_http_gatehouse_peers;
ngx_http_gatehouse_setter ngx_http_gatehouse_stream_interval;
ngx_http_gatehouse_setter ngx_http_gatehouse_token_cache;
ngx_http_gatehouse_setter ngx_http_gatehouse_credential; /* credential_files.c */
ngx_http_gatehouse_setter ngx_http_gatehouse_identity_key; /* identity_keys.c */
ngx_http_gatehouse_setter ngx_http_gatehouse_identity_jwks;
ngx_http_gatehouse_setter ngx_http_gatehouse_metrics; /* metrics.c */

/* secret.c: the content of a file that holds a secret, and which nobody else
 * may read or change; at most `limit` bytes, else it says why */
char *ngx_http_gatehouse_secret_read(ngx_conf_t *cf, ngx_str_t *file,
    size_t limit, ngx_str_t *ret);

/* metrics_feeds.c: for metrics.c */
struct gh_buf;
void ngx_http_gatehouse_metrics_feeds(struct gh_buf *text,
    ngx_http_gatehouse_main_conf_t *mcf);

/* identity_keys.c: for inherit.c */
char *ngx_http_gatehouse_identity_merge(ngx_conf_t *cf,
    ngx_http_gatehouse_loc_conf_t *prev, ngx_http_gatehouse_loc_conf_t *conf);

/* upstream.c: does not start unless the upstream of a location may hear secrets */
char *ngx_http_gatehouse_upstream_prove(ngx_conf_t *cf,
    ngx_http_gatehouse_loc_conf_t *conf);

/* credential_files.c: for inherit.c and at the end of the configuration */
char *ngx_http_gatehouse_credentials_merge(ngx_conf_t *cf,
    ngx_http_gatehouse_loc_conf_t *prev, ngx_http_gatehouse_loc_conf_t *conf);
ngx_int_t ngx_http_gatehouse_credentials_take_away(ngx_conf_t *cf);
ngx_int_t ngx_http_gatehouse_credentials_init(ngx_conf_t *cf);

/* inherit.c */
void *ngx_http_gatehouse_create_main_conf(ngx_conf_t *cf);
char *ngx_http_gatehouse_init_main_conf(ngx_conf_t *cf, void *conf);
void *ngx_http_gatehouse_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_gatehouse_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
