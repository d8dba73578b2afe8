/* gateway/modules.c - what nginx looks up in a dynamic module, as its own
 * build would generate it. Of the filters ours runs after those that make the
 * final headers known and before add_header. */

#include "gateway/ngx_http_gatehouse_module.h"

extern ngx_module_t *ngx_modules[];
extern char *ngx_module_names[];
extern char *ngx_module_order[];

ngx_module_t *ngx_modules[] = { &ngx_http_gatehouse_module, NULL };

char *ngx_module_names[] = { "ngx_http_gatehouse_module", NULL };

char *ngx_module_order[] = { "ngx_http_gatehouse_module",
                             "ngx_http_copy_filter_module", NULL };
