/* gateway/secret.c - files that hold a secret. They are read while nginx is still
 * root, and nothing of their content is ever said. */

#include "gateway/ngx_http_gatehouse_module.h"

#include "gateway/settings.h"


char *
ngx_http_gatehouse_secret_read(ngx_conf_t *cf, ngx_str_t *file, size_t limit,
    ngx_str_t *ret)
{
    char *rv;
    ssize_t n;
    ngx_fd_t fd;
    ngx_str_t path = *file;
    struct stat st;

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    /* not blocking: it may be a fifo */
    fd = open((char *) path.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "the secret \"%V\" cannot be opened", &path);
        return NGX_CONF_ERROR;
    }

    rv = NGX_CONF_ERROR;
    ret->len = 0;
    ret->data = ngx_pnalloc(cf->pool, limit + 1);

    if (ret->data == NULL || fstat(fd, &st) == -1) {
        goto done;
    }

    if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP))
        || (st.st_uid != 0 && st.st_uid != geteuid()))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the secret \"%V\" must be a file of root or of "
                           "nginx's user, which others cannot read and group "
                           "and others cannot write: chmod 0600",
                           &path);
        goto done;
    }

    while (ret->len <= limit) {
        n = read(fd, ret->data + ret->len, limit + 1 - ret->len);
        if (n <= 0) {
            break;
        }
        ret->len += n;
    }

    rv = NGX_CONF_OK;

done:

    close(fd);

    return rv;
}
