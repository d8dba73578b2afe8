#include "tenant/login/template.h"

#include <stdio.h>

#include "tenant/login/html_state.h"

enum node_kind { NODE_TEXT, NODE_VALUE, NODE_IF, NODE_ELSE, NODE_FOR, NODE_END, NODE_STOP };

struct node {
    enum node_kind kind;
    struct gh_str text;           /* literal text, or the path of a value, condition or list */
    struct gh_str variable;       /* of a for */
    enum gh_html_context context; /* of a value */
    size_t partner; /* if: its else or end; else: its end; for: its end; end: its for, or itself */
};

struct gh_template {
    struct node *nodes; /* ended by NODE_STOP */
};

/* --- parsing --- */

struct block {
    size_t at; /* the if, else or for that waits for its end */
    struct gh_html before;
};

struct parser {
    struct gh_str whole, rest;
    struct node *nodes;
    size_t count;
    struct gh_html html;
    struct block blocks[GH_TEMPLATE_DEPTH];
    size_t depth;
    const char *problem;
};

static struct node *add_node(struct parser *p, enum node_kind kind, struct gh_str text) {
    struct node *n = &p->nodes[p->count];
    *n = (struct node){ .kind = kind, .text = text, .partner = p->count };
    p->count++;
    return n;
}

static bool fail(struct parser *p, const char *problem) {
    p->problem = problem;
    return false;
}

static bool is_path(struct gh_str s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
              c == '.'))
            return false;
    }
    return s.len > 0 && s.ptr[0] != '.' && s.ptr[s.len - 1] != '.';
}

static bool open_block(struct parser *p) {
    if (p->depth == GH_TEMPLATE_DEPTH)
        return fail(p, "blocks are nested too deeply");
    p->blocks[p->depth++] = (struct block){ .at = p->count - 1, .before = p->html };
    return true;
}

/* Both ways through a block must leave the reader at the same place of the HTML: else a value behind it would
 * stand in two places at once. */
static bool close_part(struct parser *p, struct block **ret) {
    if (p->depth == 0)
        return fail(p, "nothing is open here");
    *ret = &p->blocks[p->depth - 1];
    if (!gh_html_same(&(*ret)->before, &p->html))
        return fail(p, "a block must not open or close a tag, a quote or an element with its own rules");
    return true;
}

static bool parse_else(struct parser *p) {
    struct block *b;
    if (!close_part(p, &b))
        return false;
    if (p->nodes[b->at].kind != NODE_IF)
        return fail(p, "else without if");
    p->nodes[b->at].partner = p->count;
    b->at = p->count;
    add_node(p, NODE_ELSE, (struct gh_str){ 0 });
    return true;
}

static bool parse_end(struct parser *p, bool of_for) {
    struct block *b;
    if (!close_part(p, &b))
        return false;
    if ((p->nodes[b->at].kind == NODE_FOR) != of_for)
        return fail(p, "this end belongs to another block");
    p->nodes[b->at].partner = p->count;
    struct node *end = add_node(p, NODE_END, (struct gh_str){ 0 });
    if (of_for)
        end->partner = b->at;
    p->depth--;
    return true;
}

static bool parse_for(struct parser *p, struct gh_str words) {
    struct gh_str variable, in;
    if (!gh_str_cut(&words, ' ', &variable))
        return fail(p, "for needs a name, in, and a list");
    words = gh_str_trim(words);
    if (!gh_str_cut(&words, ' ', &in) || !gh_str_is(in, "in") || !is_path(variable) ||
        !is_path(gh_str_trim(words)))
        return fail(p, "for needs a name, in, and a list");
    if (memchr(variable.ptr, '.', variable.len))
        return fail(p, "the name in a for has no dots");
    add_node(p, NODE_FOR, gh_str_trim(words))->variable = variable;
    return open_block(p);
}

static bool parse_tag(struct parser *p, struct gh_str inside) {
    struct gh_str rest = gh_str_trim(inside), word;
    if (!gh_str_cut(&rest, ' ', &word)) {
        word = rest;
        rest = (struct gh_str){ 0 };
    }
    rest = gh_str_trim(rest);
    if (gh_str_is(word, "for"))
        return parse_for(p, rest);
    if (gh_str_is(word, "if")) {
        if (!is_path(rest))
            return fail(p, "if needs one name");
        add_node(p, NODE_IF, rest);
        return open_block(p);
    }
    if (rest.len > 0)
        return fail(p, "unknown tag");
    if (gh_str_is(word, "else"))
        return parse_else(p);
    if (gh_str_is(word, "endif") || gh_str_is(word, "endfor"))
        return parse_end(p, gh_str_is(word, "endfor"));
    return fail(p, "unknown tag");
}

static bool parse_value(struct parser *p, struct gh_str inside) {
    struct gh_str path = gh_str_trim(inside);
    if (!is_path(path))
        return fail(p, "a value is one name with dots");
    enum gh_html_context context = gh_html_context(&p->html);
    if (context == GH_CONTEXT_NONE)
        return fail(
            p, "a value must not stand here: only in text, in known double-quoted attributes and in <style>");
    add_node(p, NODE_VALUE, path)->context = context;
    return true;
}

/* The next "{{" or "{%", or the end. */
static size_t find_mark(struct gh_str s) {
    for (size_t i = 0; i + 1 < s.len; i++)
        if (s.ptr[i] == '{' && (s.ptr[i + 1] == '{' || s.ptr[i + 1] == '%'))
            return i;
    return s.len;
}

static bool parse_next(struct parser *p) {
    size_t len = find_mark(p->rest);
    if (len > 0) {
        struct gh_str literal = { p->rest.ptr, len };
        add_node(p, NODE_TEXT, literal);
        gh_html_feed(&p->html, literal);
        p->rest = gh_str_skip(p->rest, len);
        return true;
    }
    bool value = p->rest.ptr[1] == '{';
    struct gh_str body = gh_str_skip(p->rest, 2);
    for (size_t i = 0; i + 1 < body.len; i++) {
        if (body.ptr[i] != (value ? '}' : '%') || body.ptr[i + 1] != '}')
            continue;
        struct gh_str inside = { body.ptr, i };
        if (!(value ? parse_value(p, inside) : parse_tag(p, inside)))
            return false;
        p->rest = gh_str_skip(body, i + 2);
        return true;
    }
    return fail(p, "this is never closed");
}

static int line_of(const struct parser *p) {
    int line = 1;
    for (const char *c = p->whole.ptr; c < p->rest.ptr; c++)
        line += *c == '\n';
    return line;
}

enum gh_err gh_template_parse(struct gh_arena *a, struct gh_str text, const struct gh_template **ret,
                              char why[160]) {
    if (text.len > GH_TEMPLATE_MAX) {
        snprintf(why, 160, "a template has at most %d bytes", GH_TEMPLATE_MAX);
        return GH_ERR_TOO_LARGE;
    }
    size_t marks = 0;
    for (size_t i = 0; i < text.len; i++)
        marks += text.ptr[i] == '{';
    struct gh_template *t = GH_NEW(a, struct gh_template);
    struct parser p = { .whole = text,
                        .rest = text,
                        .nodes = gh_arena_calloc(a, 2 * marks + 2, sizeof *p.nodes) };
    if (!t || !p.nodes) {
        snprintf(why, 160, "out of memory");
        return GH_ERR_NOMEM;
    }

    bool fine = true;
    while (fine && p.rest.len > 0)
        fine = parse_next(&p);
    if (fine && p.depth > 0)
        fine = fail(&p, "a block is not ended");
    if (!fine) {
        snprintf(why, 160, "line %d: %s", line_of(&p), p.problem);
        return GH_ERR_MALFORMED;
    }
    add_node(&p, NODE_STOP, (struct gh_str){ 0 });
    t->nodes = p.nodes;
    *ret = t;
    return GH_OK;
}

/* --- rendering --- */

struct loop {
    struct gh_str variable;
    const json_t *list;
    size_t at;
};

struct renderer {
    const json_t *data;
    struct loop loops[GH_TEMPLATE_DEPTH];
    size_t depth;
};

static const json_t *member(const json_t *object, struct gh_str name) {
    return json_is_object(object) ? json_object_getn(object, name.ptr, name.len) : NULL;
}

static const json_t *look_up(const struct renderer *r, struct gh_str path) {
    struct gh_str name, rest = path;
    bool more = gh_str_cut(&rest, '.', &name);
    if (!more)
        name = path;

    const json_t *value = NULL;
    bool found = false;
    for (size_t i = r->depth; i > 0 && !found; i--)
        if ((found = gh_str_eq(r->loops[i - 1].variable, name)))
            value = json_array_get(r->loops[i - 1].list, r->loops[i - 1].at);
    if (!found)
        value = member(r->data, name);
    while (more) {
        more = gh_str_cut(&rest, '.', &name);
        value = member(value, more ? name : rest);
    }
    return value;
}

static bool truthy(const json_t *v) {
    if (json_is_string(v))
        return json_string_length(v) > 0;
    return json_is_array(v) ? json_array_size(v) > 0 : v && !json_is_null(v) && !json_is_false(v);
}

static void add_value(const json_t *v, enum gh_html_context context, struct gh_buf *ret) {
    char digits[32];
    struct gh_str text = { json_string_value(v), json_string_length(v) };
    if (json_is_integer(v)) {
        snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(v));
        text = gh_str_from(digits);
    }
    if (context == GH_CONTEXT_URL)
        gh_escape_url(text, ret);
    else if (context == GH_CONTEXT_CSS)
        gh_escape_css(text, ret);
    else
        gh_escape_html(text, ret);
}

/* Each returns the node that comes next. */
static size_t render_for(struct renderer *r, const struct node *n, size_t at) {
    const json_t *list = look_up(r, n->text);
    if (json_array_size(list) == 0)
        return n->partner + 1;
    r->loops[r->depth++] = (struct loop){ .variable = n->variable, .list = list };
    return at + 1;
}

static size_t render_end(struct renderer *r, const struct node *n, size_t at) {
    if (n->partner == at) /* of an if */
        return at + 1;
    struct loop *l = &r->loops[r->depth - 1];
    if (++l->at < json_array_size(l->list))
        return n->partner + 1;
    r->depth--;
    return at + 1;
}

void gh_template_render(const struct gh_template *t, const json_t *data, struct gh_buf *ret) {
    struct renderer r = { .data = data };
    for (size_t at = 0; !ret->failed;) {
        const struct node *n = &t->nodes[at];
        switch (n->kind) {
        case NODE_STOP:
            return;
        case NODE_TEXT:
            gh_buf_add(ret, n->text);
            at++;
            break;
        case NODE_VALUE:
            add_value(look_up(&r, n->text), n->context, ret);
            at++;
            break;
        case NODE_IF:
            at = truthy(look_up(&r, n->text)) ? at + 1 : n->partner + 1;
            break;
        case NODE_ELSE:
            at = n->partner + 1;
            break;
        case NODE_FOR:
            at = render_for(&r, n, at);
            break;
        case NODE_END:
            at = render_end(&r, n, at);
            break;
        }
    }
}
