#include "tenant/login/html_state.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void keep(char *name, size_t room, size_t *len, char c) {
    if (*len < room)
        name[(*len)++] = lower(c);
}

static struct gh_str tag_of(const struct gh_html *h) {
    return (struct gh_str){ h->tag, h->tag_len };
}

static struct gh_str attr_of(const struct gh_html *h) {
    return (struct gh_str){ h->attr, h->attr_len };
}

static enum gh_html_state after_tag(const struct gh_html *h) {
    if (gh_str_is(tag_of(h), "style"))
        return GH_HTML_STYLE;
    return gh_str_is(tag_of(h), "script") ? GH_HTML_SCRIPT : GH_HTML_TEXT;
}

/* Inside a raw element the only thing that ends it is its own end tag ("</stylex" is none); we then read that
 * tag as any other. */
static bool ends_raw(const struct gh_html *h, struct gh_str rest) {
    struct gh_str name = tag_of(h);
    if (rest.len <= name.len + 2 || rest.ptr[0] != '<' || rest.ptr[1] != '/')
        return false;
    char after = rest.ptr[name.len + 2];
    return gh_str_eq_nocase((struct gh_str){ rest.ptr + 2, name.len }, name) &&
           (is_blank(after) || after == '>' || after == '/');
}

static void open_tag(struct gh_html *h) {
    h->state = GH_HTML_TAG_NAME;
    h->tag_len = h->attr_len = 0;
}

static void in_tag(struct gh_html *h, char c) {
    if (c == '>')
        h->state = after_tag(h);
    else if (!is_blank(c) && c != '/') {
        h->state = GH_HTML_ATTR_NAME;
        h->attr_len = 0;
        keep(h->attr, sizeof h->attr, &h->attr_len, c);
    }
}

static void attr_name(struct gh_html *h, char c) {
    if (c == '=')
        h->state = GH_HTML_ATTR_IS;
    else if (is_blank(c) || c == '>' || c == '/') {
        h->state = GH_HTML_IN_TAG;
        in_tag(h, c);
    } else
        keep(h->attr, sizeof h->attr, &h->attr_len, c);
}

static void tag_name(struct gh_html *h, char c) {
    if (c == '!' && h->tag_len == 0)
        h->state = GH_HTML_COMMENT;
    else if (is_blank(c) || c == '>' || (c == '/' && h->tag_len > 0)) {
        h->state = GH_HTML_IN_TAG;
        in_tag(h, c);
    } else
        keep(h->tag, sizeof h->tag, &h->tag_len, c); /* an end tag is named "/style" */
}

static void step(struct gh_html *h, struct gh_str rest) {
    char c = rest.ptr[0];
    switch (h->state) {
    case GH_HTML_TEXT:
        if (c == '<')
            open_tag(h);
        break;
    case GH_HTML_STYLE:
    case GH_HTML_SCRIPT:
        if (ends_raw(h, rest))
            open_tag(h);
        break;
    case GH_HTML_COMMENT: /* too short on purpose: "-->" is not looked for, a '>' in a comment ends it for us
                           */
        if (c == '>')
            h->state = GH_HTML_TEXT;
        break;
    case GH_HTML_TAG_NAME:
        tag_name(h, c);
        break;
    case GH_HTML_IN_TAG:
        in_tag(h, c);
        break;
    case GH_HTML_ATTR_NAME:
        attr_name(h, c);
        break;
    case GH_HTML_ATTR_IS:
        h->state = c == '"' ? GH_HTML_ATTR : is_blank(c) ? GH_HTML_ATTR_IS : GH_HTML_NOWHERE;
        break;
    case GH_HTML_ATTR:
        if (c == '"')
            h->state = GH_HTML_IN_TAG;
        break;
    case GH_HTML_NOWHERE: /* single-quoted and unquoted values: we do not read on, so no value can follow */
        break;
    }
}

void gh_html_feed(struct gh_html *h, struct gh_str text) {
    for (size_t i = 0; i < text.len; i++)
        step(h, gh_str_skip(text, i));
}

bool gh_html_same(const struct gh_html *a, const struct gh_html *b) {
    if (a->state != b->state || a->state == GH_HTML_TEXT) /* in text nobody asks which tag came last */
        return a->state == b->state;
    return gh_str_eq(tag_of(a), tag_of(b)) && (a->state != GH_HTML_ATTR || gh_str_eq(attr_of(a), attr_of(b)));
}

static enum gh_html_context attr_context(const struct gh_html *h) {
    static const char *const urls[] = { "href", "src", "action", "formaction", "poster", "cite" };
    static const char *const plain[] = { "value", "alt", "title", "nonce", "lang",        "class",
                                         "name",  "id",  "for",   "dir",   "placeholder", "aria-label" };
    for (size_t i = 0; i < GH_COUNT(urls); i++)
        if (gh_str_is(attr_of(h), urls[i]))
            return GH_CONTEXT_URL;
    for (size_t i = 0; i < GH_COUNT(plain); i++)
        if (gh_str_is(attr_of(h), plain[i]))
            return GH_CONTEXT_TEXT;
    return GH_CONTEXT_NONE; /* style, on…, srcdoc, srcset, and what is not invented yet */
}

enum gh_html_context gh_html_context(const struct gh_html *h) {
    switch (h->state) {
    case GH_HTML_TEXT:
        return GH_CONTEXT_TEXT;
    case GH_HTML_STYLE:
        return GH_CONTEXT_CSS;
    case GH_HTML_ATTR:
        return attr_context(h);
    default:
        return GH_CONTEXT_NONE;
    }
}
