/* What plain scalars mean. Pulumi reads them by go-yaml's rules; where these differ from the core schema of
 * YAML 1.2 a value has two meanings, and then it has none here. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "stack/language/yaml.h"

static bool one_of(struct gh_str s, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (gh_str_is(s, words[i]))
            return true;
    return false;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static size_t digits(struct gh_str s, size_t at) {
    while (at < s.len && is_digit(s.ptr[at]))
        at++;
    return at;
}

/* [-+]?[0-9]+ is an integer; with a fraction or an exponent it is a number. */
enum shape { TEXT, INTEGER, NUMBER, DOUBTFUL };

static enum shape decimal(struct gh_str s) {
    size_t at = s.len && (s.ptr[0] == '-' || s.ptr[0] == '+'), start = at;
    at = digits(s, at);
    size_t whole = at - start, fraction = 0;
    bool real = false;
    if (at < s.len && s.ptr[at] == '.') {
        size_t from = ++at;
        at = digits(s, at);
        fraction = at - from;
        real = true;
    }
    if (whole + fraction == 0)
        return TEXT;
    if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
        at++;
        at += at < s.len && (s.ptr[at] == '-' || s.ptr[at] == '+');
        size_t from = at;
        at = digits(s, at);
        if (at == from)
            return TEXT;
        real = true;
    }
    if (at != s.len)
        return TEXT;
    if (!real && whole > 1 && s.ptr[start] == '0') /* octal to some: 012 is 10 or 12 */
        return DOUBTFUL;
    return real ? NUMBER : INTEGER;
}

/* 1_000 and 0b1 are numbers to go-yaml and texts in YAML 1.2. */
static bool number_to_some(struct gh_str s) {
    static const char *const unreal[] = { ".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf", "+.INF",
                                          "-.inf", "-.Inf", "-.INF", ".nan",  ".NaN",  ".NAN" };
    if (one_of(s, unreal, GH_COUNT(unreal)))
        return true;
    if (s.len && (s.ptr[0] == '-' || s.ptr[0] == '+'))
        s = gh_str_skip(s, 1);
    if (s.len < 2 || !is_digit(s.ptr[0]))
        return false;
    bool binary = s.ptr[0] == '0' && s.ptr[1] == 'b', underscore = false;
    if (binary || (s.ptr[0] == '0' && (s.ptr[1] == 'x' || s.ptr[1] == 'o')))
        s = gh_str_skip(s, 2);
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.ptr[i]) && s.ptr[i] != '_' && s.ptr[i] != '.')
            return false;
        underscore |= s.ptr[i] == '_';
    }
    return s.len && (underscore || binary);
}

static json_t *based(struct gh_str s, int base) {
    char *end = NULL;
    errno = 0;
    long long n = strtoll(s.ptr + 2, &end, base);
    return errno || end != s.ptr + s.len ? NULL : json_integer(n);
}

static bool has_base(struct gh_str s, char letter, const char *alphabet) {
    return s.len > 2 && s.ptr[0] == '0' && s.ptr[1] == letter && strspn(s.ptr + 2, alphabet) == s.len - 2;
}

json_t *gh_yaml_scalar(const struct gh_yaml *n) {
    static const char *const yes[] = { "true", "True", "TRUE" }, *const no[] = { "false", "False", "FALSE" };
    struct gh_str s = n->text; /* NUL-terminated: it was copied into the arena */
    if (!n->plain)
        return json_stringn(s.ptr, s.len);
    if (gh_yaml_is_null(n))
        return json_null();
    if (one_of(s, yes, GH_COUNT(yes)) || one_of(s, no, GH_COUNT(no)))
        return json_boolean(s.ptr[0] == 't' || s.ptr[0] == 'T');
    if (has_base(s, 'x', "0123456789abcdefABCDEF"))
        return based(s, 16);
    if (has_base(s, 'o', "01234567"))
        return based(s, 8);
    enum shape shape = decimal(s);
    errno = 0;
    if (shape == INTEGER) {
        long long value = strtoll(s.ptr, NULL, 10);
        return errno ? NULL : json_integer(value);
    }
    if (shape == NUMBER) {
        double value = strtod(s.ptr, NULL);
        return isfinite(value) ? json_real(value) : NULL;
    }
    if (shape == DOUBTFUL || number_to_some(s))
        return NULL;
    return json_stringn(s.ptr, s.len);
}

json_t *gh_yaml_json(const struct gh_yaml *n, const struct gh_yaml **culprit) {
    json_t *ret;
    if (n->kind == GH_YAML_SCALAR) {
        if (!(ret = gh_yaml_scalar(n)))
            *culprit = n;
        return ret;
    }
    ret = n->kind == GH_YAML_MAPPING ? json_object() : json_array();
    for (const struct gh_yaml *v = n->first; ret && v; v = v->next) {
        json_t *item = gh_yaml_json(v, culprit);
        int failed = !item                        ? -1
                     : n->kind == GH_YAML_MAPPING ? json_object_set_new(ret, v->key->text.ptr, item)
                                                  : json_array_append_new(ret, item);
        if (failed) {
            json_decref(ret);
            return NULL;
        }
    }
    return ret;
}
