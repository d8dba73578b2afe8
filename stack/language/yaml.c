#include "stack/language/yaml.h"

#include <stdlib.h>
#include <yaml.h>

#include "core/limits.h"

struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    struct gh_arena *arena;
    struct gh_diagnostics *d;
    const char *file;
    size_t nodes;
    enum gh_err error; /* the first; nothing is read after it */
};

static void reader_release(struct reader *r) {
    if (r->has_event)
        yaml_event_delete(&r->event);
    yaml_parser_delete(&r->parser);
}

static struct gh_position position(const struct reader *r, yaml_mark_t mark) {
    return (struct gh_position){ r->file, (unsigned)mark.line + 1, (unsigned)mark.column + 1 };
}

static bool refuse(struct reader *r, enum gh_err e, yaml_mark_t at, const char *what) {
    if (!r->error)
        gh_diagnose(r->d, GH_SEVERITY_ERROR, position(r, at), "%s", what);
    r->error = e;
    return false;
}

/* libyaml's own words name a place in its grammar ("did not find expected key"): they help, so they are kept.
 */
static bool refuse_grammar(struct reader *r) {
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return refuse(r, GH_ERR_NOMEM, p->mark, "out of memory");
    yaml_mark_t at = p->problem_mark;
    if (p->error == YAML_READER_ERROR) { /* bad bytes: only the offset is known */
        at = (yaml_mark_t){ .line = p->mark.line, .column = p->mark.column };
    }
    gh_diagnose(r->d, GH_SEVERITY_ERROR, position(r, at), "this is not YAML: %s",
                p->problem ? p->problem : "it cannot be read");
    if (p->context)
        gh_diagnose_detail(r->d, "%s that starts in line %zu", p->context, p->context_mark.line + 1);
    r->error = GH_ERR_MALFORMED;
    return false;
}

static bool advance(struct reader *r) {
    if (r->error)
        return false;
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = yaml_parser_parse(&r->parser, &r->event);
    return r->has_event || refuse_grammar(r);
}

static struct gh_yaml *node_new(struct reader *r, enum gh_yaml_kind kind) {
    yaml_mark_t at = r->event.start_mark;
    if (++r->nodes > GH_LIMIT_STACK_NODES) {
        refuse(r, GH_ERR_TOO_LARGE, at, "the file holds too many values");
        return NULL;
    }
    struct gh_yaml *n = GH_NEW(r->arena, struct gh_yaml);
    if (!n) {
        refuse(r, GH_ERR_NOMEM, at, "out of memory");
        return NULL;
    }
    n->kind = kind;
    n->line = n->last_line = (unsigned)at.line + 1;
    n->column = (unsigned)at.column + 1;
    return n;
}

/* The last line of what an event covers: one that ends at the start of a line covers the lines before. */
static unsigned end_line(yaml_mark_t start, yaml_mark_t end) {
    if (end.column == 0 && end.line > start.line)
        return (unsigned)end.line;
    return (unsigned)end.line + 1;
}

static void end_at(struct gh_yaml *n, yaml_mark_t start, yaml_mark_t end) {
    n->last_line = end_line(start, end);
    n->end_column = n->last_line == end.line + 1 ? (unsigned)end.column + 1 : 0;
}

static bool decorated(struct reader *r, const yaml_char_t *anchor, const yaml_char_t *tag) {
    if (anchor)
        return !refuse(r, GH_ERR_MALFORMED, r->event.start_mark,
                       "anchors and alias nodes are not supported: write the value out");
    if (tag)
        return !refuse(r, GH_ERR_MALFORMED, r->event.start_mark,
                       "tags are not supported: put a text in quotes, write other values plainly");
    return false;
}

static struct gh_yaml *read_node(struct reader *r, unsigned depth);

static struct gh_yaml *read_scalar(struct reader *r) {
    const yaml_event_t *e = &r->event;
    if (decorated(r, e->data.scalar.anchor, e->data.scalar.tag))
        return NULL;
    struct gh_yaml *n = node_new(r, GH_YAML_SCALAR);
    if (!n)
        return NULL;
    if (memchr(e->data.scalar.value, 0, e->data.scalar.length)) {
        refuse(r, GH_ERR_MALFORMED, e->start_mark, "a text cannot hold the character NUL");
        return NULL;
    }
    n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    end_at(n, e->start_mark, e->end_mark);
    n->text =
        gh_arena_dup(r->arena, (struct gh_str){ (const char *)e->data.scalar.value, e->data.scalar.length });
    if (!n->text.ptr) {
        refuse(r, GH_ERR_NOMEM, e->start_mark, "out of memory");
        return NULL;
    }
    return n;
}

static void append(struct gh_yaml *parent, struct gh_yaml **tail, struct gh_yaml *child) {
    if (*tail)
        (*tail)->next = child;
    else
        parent->first = child;
    *tail = child;
    parent->count++;
    if (child->last_line > parent->last_line)
        parent->last_line = child->last_line;
}

static struct gh_yaml *read_sequence(struct reader *r, unsigned depth) {
    if (decorated(r, r->event.data.sequence_start.anchor, r->event.data.sequence_start.tag))
        return NULL;
    struct gh_yaml *n = node_new(r, GH_YAML_SEQUENCE), *tail = NULL;
    if (!n)
        return NULL;
    n->flow = r->event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    while (advance(r) && r->event.type != YAML_SEQUENCE_END_EVENT) {
        struct gh_yaml *item = read_node(r, depth + 1);
        if (!item)
            return NULL;
        append(n, &tail, item);
    }
    if (n->flow && !r->error)
        end_at(n, r->event.start_mark, r->event.end_mark);
    return r->error ? NULL : n;
}

static int key_order(const void *left, const void *right) {
    const struct gh_yaml *a = *(const struct gh_yaml *const *)left,
                         *b = *(const struct gh_yaml *const *)right;
    size_t shorter = a->text.len < b->text.len ? a->text.len : b->text.len;
    int c = shorter ? memcmp(a->text.ptr, b->text.ptr, shorter) : 0;
    if (c)
        return c;
    if (a->text.len != b->text.len)
        return a->text.len < b->text.len ? -1 : 1;
    return a->line != b->line ? (a->line < b->line ? -1 : 1)
                              : (a->column > b->column) - (a->column < b->column);
}

/* Sorted, not hashed: nobody can choose keys that make this slow. */
static bool refuse_duplicates(struct reader *r, const struct gh_yaml *map) {
    if (map->count < 2)
        return true;
    const struct gh_yaml **keys = gh_arena_calloc(r->arena, map->count, sizeof *keys);
    if (!keys)
        return refuse(r, GH_ERR_NOMEM, r->event.start_mark, "out of memory");
    size_t n = 0;
    for (const struct gh_yaml *v = map->first; v; v = v->next)
        keys[n++] = v->key;
    qsort(keys, n, sizeof *keys, key_order);
    for (size_t i = 1; i < n; i++) {
        if (!gh_str_eq(keys[i - 1]->text, keys[i]->text))
            continue;
        struct gh_position at = { r->file, keys[i]->line, keys[i]->column };
        gh_diagnose(r->d, GH_SEVERITY_ERROR, at, "the key '%.*s' is there twice; it was first in line %u",
                    GH_STR_FMT(keys[i]->text), keys[i - 1]->line);
        r->error = GH_ERR_MALFORMED;
    }
    return !r->error;
}

/* A plain 1, true or null as a key is no string to other readers. */
static bool key_is_text(struct reader *r, const struct gh_yaml *key) {
    if (key->kind != GH_YAML_SCALAR)
        return refuse(r, GH_ERR_MALFORMED, r->event.start_mark, "a key of a map must be a text");
    if (!key->plain)
        return true;
    yaml_mark_t at = { .line = key->line - 1, .column = key->column - 1 };
    if (gh_str_is(key->text, "<<"))
        return refuse(r, GH_ERR_MALFORMED, at, "merge keys are not supported: write the values out");
    json_t *meaning = gh_yaml_scalar(key);
    bool text = json_is_string(meaning);
    json_decref(meaning);
    return text || refuse(r, GH_ERR_MALFORMED, at, "a key of a map must be a text: put it in quotes");
}

static struct gh_yaml *read_mapping(struct reader *r, unsigned depth) {
    if (decorated(r, r->event.data.mapping_start.anchor, r->event.data.mapping_start.tag))
        return NULL;
    struct gh_yaml *n = node_new(r, GH_YAML_MAPPING), *tail = NULL;
    if (!n)
        return NULL;
    n->flow = r->event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    while (advance(r) && r->event.type != YAML_MAPPING_END_EVENT) {
        struct gh_yaml *key = read_node(r, depth + 1);
        if (!key || !key_is_text(r, key) || !advance(r))
            return NULL;
        struct gh_yaml *value = read_node(r, depth + 1);
        if (!value)
            return NULL;
        value->key = key;
        append(n, &tail, value);
    }
    if (r->error || !refuse_duplicates(r, n))
        return NULL;
    if (n->flow)
        end_at(n, r->event.start_mark, r->event.end_mark);
    return n;
}

static struct gh_yaml *read_node(struct reader *r, unsigned depth) {
    if (depth > GH_LIMIT_STACK_DEPTH) {
        refuse(r, GH_ERR_TOO_LARGE, r->event.start_mark, "this is nested too deeply");
        return NULL;
    }
    switch (r->event.type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(r);
    case YAML_SEQUENCE_START_EVENT:
        return read_sequence(r, depth);
    case YAML_MAPPING_START_EVENT:
        return read_mapping(r, depth);
    case YAML_ALIAS_EVENT:
        refuse(r, GH_ERR_MALFORMED, r->event.start_mark,
               "alias nodes are not supported: write the value out");
        return NULL;
    default:
        refuse(r, GH_ERR_MALFORMED, r->event.start_mark, "a value was expected here");
        return NULL;
    }
}

static struct gh_yaml *read_document(struct reader *r) {
    if (!advance(r) || !advance(r)) /* the start of the stream; then of the document, or the end */
        return NULL;
    if (r->event.type == YAML_STREAM_END_EVENT) {
        struct gh_yaml *empty = node_new(r, GH_YAML_SCALAR);
        if (empty)
            empty->plain = true;
        return empty;
    }
    if (!advance(r))
        return NULL;
    struct gh_yaml *root = read_node(r, 1);
    if (!root || !advance(r) || !advance(r)) /* the document's end; then the stream's */
        return NULL;
    if (r->event.type != YAML_STREAM_END_EVENT) {
        refuse(r, GH_ERR_MALFORMED, r->event.start_mark, "a file holds one document only");
        return NULL;
    }
    return root;
}

enum gh_err gh_yaml_parse(struct gh_arena *a, const char *file, struct gh_str text, struct gh_diagnostics *d,
                          const struct gh_yaml **ret) {
    struct gh_position whole = { .file = file };
    if (text.len > GH_LIMIT_STACK_FILE) {
        gh_diagnose(d, GH_SEVERITY_ERROR, whole, "the file is larger than %d bytes", GH_LIMIT_STACK_FILE);
        return GH_ERR_TOO_LARGE;
    }
    gh_auto(reader_release) struct reader r = { .arena = a, .d = d, .file = file };
    if (!yaml_parser_initialize(&r.parser)) {
        gh_diagnose(d, GH_SEVERITY_ERROR, whole, "out of memory");
        return GH_ERR_NOMEM;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING); /* no guessing of UTF-16 */
    yaml_parser_set_input_string(&r.parser, text.ptr ? gh_bytes(text) : (const unsigned char *)"", text.len);
    const struct gh_yaml *root = read_document(&r);
    if (!root)
        return r.error ? r.error : GH_ERR_MALFORMED;
    *ret = root;
    return GH_OK;
}

const struct gh_yaml *gh_yaml_get(const struct gh_yaml *map, struct gh_str key) {
    if (map->kind != GH_YAML_MAPPING)
        return NULL;
    for (const struct gh_yaml *v = map->first; v; v = v->next)
        if (gh_str_eq(v->key->text, key))
            return v;
    return NULL;
}
