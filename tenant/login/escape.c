/* tenant/login/escape.c - what a value becomes, by the place where it stands. */
#include "tenant/login/template.h"

void gh_escape_html(struct gh_str value, struct gh_buf *ret) {
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        switch (c) {
        case '&':
            gh_buf_add(ret, GH_STR("&amp;"));
            break;
        case '<':
            gh_buf_add(ret, GH_STR("&lt;"));
            break;
        case '>':
            gh_buf_add(ret, GH_STR("&gt;"));
            break;
        case '"':
            gh_buf_add(ret, GH_STR("&quot;"));
            break;
        case '\'':
            gh_buf_add(ret, GH_STR("&#39;"));
            break;
        case 0: /* a browser would show U+FFFD or drop it; we drop it */
            break;
        default:
            gh_buf_add_char(ret, c);
        }
    }
}

/* Blanks and controls are refused, because browsers strip them while they look for the scheme. */
static bool is_url(struct gh_str v) {
    for (size_t i = 0; i < v.len; i++)
        if ((unsigned char)v.ptr[i] <= 0x20 || v.ptr[i] == 0x7f || v.ptr[i] == '\\')
            return false;
    if (v.len > 0 && v.ptr[0] == '/')
        return v.len == 1 || v.ptr[1] != '/';
    return gh_str_starts(v, GH_STR("https://")) || gh_str_starts(v, GH_STR("http://"));
}

void gh_escape_url(struct gh_str value, struct gh_buf *ret) {
    gh_escape_html(is_url(value) ? value : GH_STR("about:invalid"), ret);
}

bool gh_is_color(struct gh_str value) {
    if ((value.len != 4 && value.len != 7) || value.ptr[0] != '#')
        return false;
    for (size_t i = 1; i < value.len; i++) {
        char c = value.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
    }
    return true;
}

void gh_escape_css(struct gh_str value, struct gh_buf *ret) {
    gh_buf_add(ret, gh_is_color(value) ? value : GH_STR("transparent"));
}
