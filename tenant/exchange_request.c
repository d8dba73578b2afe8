/* tenant/exchange_request.c - what a handler asks about its request. */
#include "core/limits.h"
#include "tenant/exchange_private.h"
#include "tenant/form.h"

bool gh_param_find(const struct gh_param *params, size_t count, const char *name, struct gh_str *ret) {
    for (size_t i = 0; i < count; i++)
        if (gh_str_is(params[i].name, name)) {
            *ret = params[i].value;
            return true;
        }
    return false;
}

bool gh_request_header(struct gh_exchange *x, const char *name, struct gh_str *ret) {
    struct gh_str wanted = gh_str_from(name);
    const struct gh_exchange_private *p = x->private;
    for (size_t i = 0; i < p->header_count; i++)
        if (gh_str_eq_nocase(p->headers[i].name, wanted)) {
            *ret = p->headers[i].value;
            return true;
        }
    return false;
}

bool gh_request_query(struct gh_exchange *x, const char *name, struct gh_str *ret) {
    return gh_param_find(x->query, x->query_count, name, ret);
}

/* RFC 6265 4.2.1. A cookie that stands there twice (another path or a sibling host planted it) is none. */
bool gh_request_cookie(struct gh_exchange *x, const char *name, struct gh_str *ret) {
    struct gh_str rest, pair, found = { 0 };
    size_t times = 0;
    if (!gh_request_header(x, "Cookie", &rest))
        return false;
    while (rest.len > 0) {
        if (!gh_str_cut(&rest, ';', &pair)) {
            pair = rest;
            rest.len = 0;
        }
        struct gh_str value = gh_str_trim(pair), key;
        if (gh_str_cut(&value, '=', &key) && gh_str_is(key, name)) {
            found = value;
            times++;
        }
    }
    if (times != 1)
        return false;
    *ret = found;
    return true;
}

/* Counts brackets outside strings: jansson's own limit is far above ours. Whether the text is JSON at all is
 * jansson's to say. */
static bool is_too_deep(struct gh_str text, unsigned max) {
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > max)
                return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

enum gh_err gh_request_json(struct gh_exchange *x, json_t **ret, const char **why) {
    struct gh_exchange_private *p = x->private;
    if (!p->json) {
        json_error_t error;
        if (x->body.len &&
            memchr(x->body.ptr, 0, x->body.len)) { /* jansson takes it for a blank between tokens */
            *why = "a NUL byte";
            return GH_ERR_MALFORMED;
        }
        if (is_too_deep(x->body, GH_LIMIT_BODY_DEPTH)) {
            *why = "nested too deeply";
            return GH_ERR_TOO_LARGE;
        }
        p->json = json_loadb(x->body.ptr ? x->body.ptr : "", x->body.len,
                             JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
        if (!p->json) {
            struct gh_str words = gh_arena_printf(x->arena, "%s", error.text);
            *why = words.ptr ? words.ptr : "out of memory";
            return json_error_code(&error) == json_error_out_of_memory ? GH_ERR_NOMEM : GH_ERR_MALFORMED;
        }
    }
    *ret = p->json;
    return GH_OK;
}

/* A JSON scalar as the text a form would have carried. */
static enum gh_err scalar_text(struct gh_arena *a, const json_t *value, struct gh_str *ret) {
    switch (json_typeof(value)) {
    case JSON_STRING:
        *ret = (struct gh_str){ json_string_value(value), json_string_length(value) };
        return GH_OK;
    case JSON_INTEGER:
        *ret = gh_arena_printf(a, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        *ret = json_is_true(value) ? GH_STR("true") : GH_STR("false");
        return GH_OK;
    default:
        return GH_ERR_MALFORMED;
    }
    return ret->ptr ? GH_OK : GH_ERR_NOMEM;
}

/* A member that is null counts as absent: clients write all fields of a structure. */
static enum gh_err params_of_json(struct gh_exchange *x, const struct gh_param **ret, size_t *count) {
    json_t *body, *value;
    const char *why, *key;
    enum gh_err e = gh_request_json(x, &body, &why);
    if (e)
        return e;
    if (!json_is_object(body))
        return GH_ERR_MALFORMED;
    if (json_object_size(body) > GH_FORM_MAX)
        return GH_ERR_TOO_LARGE;
    struct gh_param *params = gh_arena_calloc(x->arena, json_object_size(body), sizeof *params);
    size_t n = 0;
    if (!params)
        return GH_ERR_NOMEM;
    json_object_foreach(body, key, value) {
        if (json_is_null(value))
            continue;
        params[n].name = gh_str_from(key);
        if ((e = scalar_text(x->arena, value, &params[n++].value)))
            return e;
    }
    *ret = params;
    *count = n;
    return GH_OK;
}

enum gh_err gh_request_params(struct gh_exchange *x, const struct gh_param **ret, size_t *count) {
    if (x->body.len == 0) {
        *ret = NULL;
        *count = 0;
        return GH_OK;
    }
    if (gh_str_is(x->content_type, "application/json"))
        return params_of_json(x, ret, count);
    if (!gh_str_is(x->content_type, "application/x-www-form-urlencoded"))
        return GH_ERR_UNSUPPORTED;
    enum gh_err e = gh_form_parse(x->arena, x->body, ret, count);
    return e ? e : gh_form_is_single(*ret, *count) ? GH_OK : GH_ERR_MALFORMED;
}
