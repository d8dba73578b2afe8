/* tenant/api/user_search.c - parse and evaluate a user search. */
#include "tenant/api/user_search.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/cleanup.h"

enum kind { AND, OR, NOT, TERM, RANGE, EXISTS };

struct gh_search {
    enum kind kind;
    const struct gh_search *left, *right; /* AND, OR; NOT has a left only */
    struct gh_str field;                  /* empty: any of the usual ones */
    struct gh_str value, upper;           /* still with their backslashes */
    bool quoted, wild, exact, includes_lower, includes_upper;
};

struct parser {
    struct gh_arena *arena;
    struct gh_str rest;
    struct gh_str field; /* of the parenthesis around us: name:(a OR b) */
    unsigned depth;
    enum gh_err err;
};

static const struct gh_search *parse_or(struct parser *p);

static const struct gh_search *fail(struct parser *p, enum gh_err e) {
    if (!p->err)
        p->err = e;
    return NULL;
}

static struct gh_search *make(struct parser *p, enum kind kind) {
    struct gh_search *s = GH_NEW(p->arena, struct gh_search);
    if (s)
        s->kind = kind;
    else
        fail(p, GH_ERR_NOMEM);
    return s;
}

/* --- words --- */

static void skip_blanks(struct parser *p) {
    while (p->rest.len && strchr(" \t\r\n", p->rest.ptr[0]))
        p->rest = gh_str_skip(p->rest, 1);
}

static char peek(const struct parser *p) {
    return p->rest.len ? p->rest.ptr[0] : 0;
}

static bool ends_word(char c) {
    return c == 0 || strchr(" \t\r\n()[]{}\"", c) != NULL;
}

/* A keyword is a whole word. */
static bool take_word(struct parser *p, struct gh_str word) {
    skip_blanks(p);
    if (!gh_str_starts(p->rest, word))
        return false;
    bool is_name = word.ptr[0] >= 'A' && word.ptr[0] <= 'Z';
    if (is_name && p->rest.len > word.len && !ends_word(p->rest.ptr[word.len]))
        return false;
    p->rest = gh_str_skip(p->rest, word.len);
    return true;
}

static bool read_quoted(struct parser *p, struct gh_str *ret) {
    const char *start = p->rest.ptr + 1;
    for (size_t i = 1; i < p->rest.len; i++) {
        if (p->rest.ptr[i] == '\\') {
            i++;
        } else if (p->rest.ptr[i] == '"') {
            *ret = (struct gh_str){ start, i - 1 };
            p->rest = gh_str_skip(p->rest, i + 1);
            return true;
        }
    }
    return false;
}

/* Up to a blank, a bracket or - for field names - a colon. */
static bool read_word(struct parser *p, bool is_field, struct gh_str *ret) {
    size_t i = 0;
    while (i < p->rest.len && !ends_word(p->rest.ptr[i]) && !(is_field && p->rest.ptr[i] == ':'))
        i += p->rest.ptr[i] == '\\' && i + 1 < p->rest.len ? 2 : 1;
    *ret = (struct gh_str){ p->rest.ptr, i };
    p->rest = gh_str_skip(p->rest, i);
    return i > 0;
}

static bool has_wildcard(struct gh_str s) {
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\\')
            i++;
        else if (s.ptr[i] == '*' || s.ptr[i] == '?')
            return true;
    }
    return false;
}

static bool read_value(struct parser *p, struct gh_search *s, struct gh_str *ret) {
    bool quoted = peek(p) == '"';
    s->quoted |= quoted;
    return quoted ? read_quoted(p, ret) : read_word(p, false, ret);
}

/* --- grammar --- */

static const struct gh_search *parse_group(struct parser *p, struct gh_str field) {
    struct gh_str outer = p->field;
    if (++p->depth > GH_SEARCH_DEPTH)
        return fail(p, GH_ERR_TOO_LARGE);
    p->rest = gh_str_skip(p->rest, 1);
    p->field = field;
    const struct gh_search *inner = parse_or(p);
    p->field = outer;
    p->depth--;
    skip_blanks(p);
    if (!inner || peek(p) != ')')
        return fail(p, GH_ERR_MALFORMED);
    p->rest = gh_str_skip(p->rest, 1);
    return inner;
}

static const struct gh_search *parse_range(struct parser *p, struct gh_str field) {
    struct gh_search *s = make(p, RANGE);
    if (!s)
        return NULL;
    s->field = field;
    s->includes_lower = peek(p) == '[';
    p->rest = gh_str_skip(p->rest, 1);
    skip_blanks(p);
    if (!read_value(p, s, &s->value) || !take_word(p, GH_STR("TO")))
        return fail(p, GH_ERR_MALFORMED);
    skip_blanks(p);
    if (!read_value(p, s, &s->upper))
        return fail(p, GH_ERR_MALFORMED);
    skip_blanks(p);
    s->includes_upper = peek(p) == ']';
    if (peek(p) != ']' && peek(p) != '}')
        return fail(p, GH_ERR_MALFORMED);
    p->rest = gh_str_skip(p->rest, 1);
    return s;
}

static const struct gh_search *parse_term(struct parser *p, struct gh_str field) {
    struct gh_search *s = make(p, TERM);
    if (!s)
        return NULL;
    s->field = field;
    if (!read_value(p, s, &s->value))
        return fail(p, GH_ERR_MALFORMED);
    s->wild = !s->quoted && has_wildcard(s->value);
    s->exact = gh_str_is(field, "user_id");
    if (gh_str_is(field, "_exists_")) {
        s->kind = EXISTS;
        s->field = s->value;
    }
    return s;
}

static const struct gh_search *parse_part(struct parser *p) {
    struct gh_str before = p->rest, field = p->field, word;
    skip_blanks(p);
    if (peek(p) == '(')
        return parse_group(p, p->field);
    if (peek(p) != '"') {
        before = p->rest;
        if (!read_word(p, true, &word))
            return fail(p, GH_ERR_MALFORMED);
        if (peek(p) == ':') {
            field = word;
            p->rest = gh_str_skip(p->rest, 1);
            skip_blanks(p);
        } else {
            p->rest = before;
        }
    }
    if (peek(p) == '(')
        return parse_group(p, field);
    if (peek(p) == '[' || peek(p) == '{')
        return parse_range(p, field);
    return parse_term(p, field);
}

static const struct gh_search *parse_not(struct parser *p) {
    skip_blanks(p);
    if (!take_word(p, GH_STR("NOT")) && !take_word(p, GH_STR("-")) && !take_word(p, GH_STR("!"))) {
        take_word(p, GH_STR("+"));
        return parse_part(p);
    }
    struct gh_search *s = make(p, NOT);
    if (!s)
        return NULL;
    s->left = parse_part(p);
    return s->left ? s : NULL;
}

static const struct gh_search *join(struct parser *p, enum kind kind, const struct gh_search *left,
                                    const struct gh_search *right) {
    struct gh_search *s = left && right ? make(p, kind) : NULL;
    if (s) {
        s->left = left;
        s->right = right;
    }
    return s;
}

static const struct gh_search *parse_and(struct parser *p) {
    const struct gh_search *left = parse_not(p);
    while (left && (take_word(p, GH_STR("AND")) || take_word(p, GH_STR("&&"))))
        left = join(p, AND, left, parse_not(p));
    return left;
}

static const struct gh_search *parse_or(struct parser *p) {
    const struct gh_search *left = parse_and(p);
    for (;;) {
        skip_blanks(p);
        if (!left || p->rest.len == 0 || peek(p) == ')')
            return left;
        if (!take_word(p, GH_STR("OR")))
            take_word(p, GH_STR("||"));
        left = join(p, OR, left, parse_and(p));
    }
}

enum gh_err gh_search_parse(struct gh_arena *a, struct gh_str text, const struct gh_search **ret) {
    struct parser p = { .arena = a, .rest = text };
    if (text.len > GH_SEARCH_MAX)
        return GH_ERR_TOO_LARGE;
    if (memchr(text.ptr ? text.ptr : "", 0, text.len))
        return GH_ERR_MALFORMED;
    const struct gh_search *s = parse_or(&p);
    if (!s || p.rest.len)
        return p.err ? p.err : GH_ERR_MALFORMED;
    *ret = s;
    return GH_OK;
}

/* --- evaluation --- */

static char fold(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* The pattern with its backslashes against the text. Two cursors and one place to come back to: linear in the
 * text for every star. */
static bool glob(const struct gh_search *s, struct gh_str text) {
    struct gh_str pattern = s->value;
    bool wild = s->wild;
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;
    while (t < text.len || p < pattern.len) {
        if (p < pattern.len && wild && pattern.ptr[p] == '*') {
            star = p++;
            mark = t;
            continue;
        }
        if (p < pattern.len && t < text.len) {
            bool escaped = pattern.ptr[p] == '\\' && p + 1 < pattern.len;
            char c = pattern.ptr[p + escaped];
            if ((wild && !escaped && c == '?') ||
                (s->exact ? c == text.ptr[t] : fold(c) == fold(text.ptr[t]))) {
                p += 1 + escaped;
                t++;
                continue;
            }
        }
        if (star == SIZE_MAX || mark >= text.len)
            return false;
        p = star + 1;
        t = ++mark;
    }
    return true;
}

static struct gh_str scalar_text(const json_t *v, char buffer[32]) {
    if (json_is_string(v))
        return (struct gh_str){ json_string_value(v), json_string_length(v) };
    if (json_is_boolean(v))
        return json_is_true(v) ? GH_STR("true") : GH_STR("false");
    int n = 0;
    if (json_is_integer(v))
        n = snprintf(buffer, 32, "%lld", (long long)json_integer_value(v));
    else if (json_is_real(v))
        n = snprintf(buffer, 32, "%.15g", json_real_value(v));
    return (struct gh_str){ buffer, (size_t)n };
}

static bool as_number(struct gh_str s, double *ret) {
    char text[32], *end;
    if (s.len == 0 || s.len >= sizeof(text))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    *ret = strtod(text, &end);
    return *end == 0;
}

static int compare(struct gh_str a, struct gh_str b) {
    double x, y;
    if (as_number(a, &x) && as_number(b, &y))
        return (x > y) - (x < y);
    int c = memcmp(a.ptr ? a.ptr : "", b.ptr ? b.ptr : "", a.len < b.len ? a.len : b.len);
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static bool in_range(const struct gh_search *s, struct gh_str text) {
    if (!gh_str_is(s->value, "*")) {
        int low = compare(text, s->value);
        if (low < 0 || (low == 0 && !s->includes_lower))
            return false;
    }
    if (gh_str_is(s->upper, "*"))
        return true;
    int high = compare(text, s->upper);
    return high < 0 || (high == 0 && s->includes_upper);
}

static bool value_fits(const struct gh_search *s, const json_t *v) {
    char buffer[32];
    if (s->kind == EXISTS)
        return v && !json_is_null(v);
    if (json_is_null(v) || json_is_object(v))
        return false;
    struct gh_str text = scalar_text(v, buffer);
    return s->kind == RANGE ? in_range(s, text) : glob(s, text);
}

/* Walks the path; an array anywhere stands for each of its items. The depth is bounded by the path's dots. */
static bool path_fits(const struct gh_search *s, const json_t *v, struct gh_str path) {
    if (json_is_array(v)) {
        size_t i;
        json_t *item;
        json_array_foreach(v, i, item) if (!json_is_array(item) && path_fits(s, item, path)) return true;
        return false;
    }
    if (path.len == 0)
        return value_fits(s, v);
    struct gh_str rest = path, head = path;
    if (!gh_str_cut(&rest, '.', &head))
        rest = (struct gh_str){ 0 };
    json_t *member = json_object_getn(v, head.ptr, head.len);
    return member && path_fits(s, member, rest);
}

static bool term_fits(const struct gh_search *s, const json_t *user) {
    static const struct gh_str usual[] = {
        { "email", 5 }, { "name", 4 }, { "nickname", 8 }, { "username", 8 }, { "user_id", 7 }
    };
    if (s->field.len)
        return path_fits(s, user, s->field);
    for (size_t i = 0; i < GH_COUNT(usual); i++)
        if (path_fits(s, user, usual[i]))
            return true;
    return false;
}

bool gh_search_matches(const struct gh_search *s, const json_t *user) {
    switch (s->kind) {
    case AND:
        return gh_search_matches(s->left, user) && gh_search_matches(s->right, user);
    case OR:
        return gh_search_matches(s->left, user) || gh_search_matches(s->right, user);
    case NOT:
        return !gh_search_matches(s->left, user);
    default:
        return term_fits(s, user);
    }
}

size_t gh_search_requires(const struct gh_search *s, const char *field, struct gh_str *ret, size_t room) {
    if (s->kind == AND) {
        size_t n = gh_search_requires(s->left, field, ret, room);
        return n ? n : gh_search_requires(s->right, field, ret, room);
    }
    if (s->kind == OR) {
        size_t left = gh_search_requires(s->left, field, ret, room);
        size_t right = left ? gh_search_requires(s->right, field, ret + left, room - left) : 0;
        return right ? left + right : 0;
    }
    if (room == 0 || s->kind != TERM || s->wild || !gh_str_is(s->field, field) ||
        memchr(s->value.ptr, '\\', s->value.len))
        return 0;
    *ret = s->value;
    return 1;
}
