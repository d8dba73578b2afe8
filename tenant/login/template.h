/* tenant/login/template.h - pages in a small subset of Liquid: {{ a.b }}, {% if a.b %} {% else %} {% endif
 * %},
 * {% for x in list %} {% endfor %}. What a value becomes depends on where it stands in the HTML: text and
 * attributes are entity-escaped, links and images must be https (or a path of ours), and inside <style> only
 * a colour passes. A value anywhere else (script, comment, event handler, unquoted or single-quoted
 * attribute, tag) does not parse. */
#pragma once
#include <jansson.h>

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"

#define GH_TEMPLATE_MAX (256 << 10) /* bytes of a template */
#define GH_TEMPLATE_DEPTH 8         /* open if and for blocks */

struct gh_template;

/* Views into `text`, which must live as long as the template; nodes in the arena. MALFORMED with `why` (a
 * sentence with the line), TOO_LARGE, NOMEM. */
enum gh_err gh_template_parse(struct gh_arena *a, struct gh_str text, const struct gh_template **ret,
                              char why[160]);

/* Appends the page to `ret`; whoever calls asks ret->failed afterwards. An absent value is empty text. */
void gh_template_render(const struct gh_template *t, const json_t *data, struct gh_buf *ret);

/* The escapers by context, for the tests and for what is no template. */
void gh_escape_html(struct gh_str value, struct gh_buf *ret); /* text and quoted attributes */
void gh_escape_url(struct gh_str value,
                   struct gh_buf *ret); /* https:, http:, or "/path"; else "about:invalid" */
void gh_escape_css(struct gh_str value, struct gh_buf *ret); /* #rgb or #rrggbb; else "transparent" */
bool gh_is_color(struct gh_str value);
