/* tenant/login/html_state.h - where in an HTML text do we stand? Enough of the HTML tokenizer to know what a
 * value put here would be; what it is not sure of is GH_HTML_NOWHERE, and a value may not stand there. */
#pragma once
#include "core/str.h"

enum gh_html_state {
    GH_HTML_TEXT,
    GH_HTML_STYLE,    /* inside <style> */
    GH_HTML_SCRIPT,   /* inside <script> */
    GH_HTML_COMMENT,  /* and doctype */
    GH_HTML_TAG_NAME, /* after '<' */
    GH_HTML_IN_TAG,   /* between attributes */
    GH_HTML_ATTR_NAME,
    GH_HTML_ATTR_IS, /* after '=' */
    GH_HTML_ATTR,    /* inside "…" */
    GH_HTML_NOWHERE, /* unquoted or single-quoted value, or lost */
};

struct gh_html {
    enum gh_html_state state;
    char tag[12], attr[16]; /* lower case, cut: compared with short names only */
    size_t tag_len, attr_len;
};

void gh_html_feed(struct gh_html *h, struct gh_str text);
bool gh_html_same(const struct gh_html *a, const struct gh_html *b);

/* What a value standing here is. */
enum gh_html_context { GH_CONTEXT_NONE, GH_CONTEXT_TEXT, GH_CONTEXT_URL, GH_CONTEXT_CSS };
enum gh_html_context gh_html_context(const struct gh_html *h);
