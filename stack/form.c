#include "stack/form.h"

#include <openssl/crypto.h>
#include <string.h>

void gh_percent_add(struct gh_buf *out, const char *text) {
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text; text++)
        if (strchr(unreserved, *text))
            gh_buf_add_char(out, *text);
        else
            gh_buf_addf(out, "%%%02X", (unsigned char)*text);
}

void gh_form_add(struct gh_buf *out, const char *name, const char *value) {
    if (!value)
        return;
    gh_buf_addf(out, "%s%s=", out->len ? "&" : "", name);
    gh_percent_add(out, value);
}

void gh_form_wipe(struct gh_buf *form) {
    if (form->ptr)
        OPENSSL_cleanse(form->ptr, form->len);
    gh_buf_release(form);
}
