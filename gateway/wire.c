#include "gateway/wire.h"

static bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Compares a header name with one of ours, written in lower case with '-'. */
static bool starts_folded(struct gh_str name, struct gh_str with) {
    if (name.len < with.len)
        return false;
    for (size_t i = 0; i < with.len; i++) {
        char c = name.ptr[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        else if (!is_alnum(c))
            c = '-';
        if (c != with.ptr[i])
            return false;
    }
    return true;
}

/* clang-format off */
static const struct {
    struct gh_str name; /* a whole name, but for our namespace */
    enum gh_header_class class;
} headers[] = {
    { { "authorization",       13 }, GH_HEADER_AUTHORIZATION },
    { { "connection",          10 }, GH_HEADER_CONNECTION    },
    { { "cookie",               6 }, GH_HEADER_COOKIE        },
    { { "cookie2",              7 }, GH_HEADER_COOKIE        },
    { { "openai-organization", 19 }, GH_HEADER_CREDENTIAL    },
    { { "openai-project",      14 }, GH_HEADER_CREDENTIAL    },
    { { "proxy-authorization", 19 }, GH_HEADER_CREDENTIAL    },
};
/* clang-format on */

static const struct gh_str identity_prefix = { "x-gatehouse", 11 };

/* What ours begin with: most names of a request are known by one look. */
static const bool initials[256] = {
    ['a'] = true, ['c'] = true, ['o'] = true, ['p'] = true, ['x'] = true,
    ['A'] = true, ['C'] = true, ['O'] = true, ['P'] = true, ['X'] = true,
};

enum gh_header_class gh_header_classify(struct gh_str name) {
    if (name.len == 0 || !initials[gh_bytes(name)[0]])
        return GH_HEADER_FOREIGN;
    if (starts_folded(name, identity_prefix))
        return GH_HEADER_IDENTITY;
    for (size_t i = 0; i < GH_COUNT(headers); i++)
        if (gh_header_is(name, headers[i].name))
            return headers[i].class;
    return GH_HEADER_FOREIGN;
}

bool gh_header_is(struct gh_str name, struct gh_str known) {
    return name.len == known.len && starts_folded(name, known);
}

bool gh_connection_names_identity(struct gh_str value) {
    for (; value.len >= identity_prefix.len; value = gh_str_skip(value, 1))
        if (starts_folded(value, identity_prefix))
            return true;
    return false;
}

/* How many bytes more than itself a byte becomes. */
static const unsigned char growth[256] = {
    [0 ... 0x20] = 2,
    ['%'] = 2,
    [0x7f ... 0xff] = 2,
};

size_t gh_wire_word_length(struct gh_str value) {
    size_t length = value.len;
    for (size_t i = 0; i < value.len; i++)
        length += growth[gh_bytes(value)[i]];
    return length;
}

char *gh_wire_word_write(char *to, struct gh_str value) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = gh_bytes(value)[i];
        if (growth[c] == 0) {
            *to++ = (char)c;
            continue;
        }
        *to++ = '%';
        *to++ = digits[c >> 4];
        *to++ = digits[c & 15];
    }
    return to;
}

bool gh_request_id_ok(struct gh_str id) {
    if (id.len == 0 || id.len > 128)
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (!is_alnum(id.ptr[i]) && id.ptr[i] != '.' && id.ptr[i] != '_' && id.ptr[i] != '-')
            return false;
    return true;
}

bool gh_quotable(struct gh_str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
            return false;
    }
    return true;
}

bool gh_scope_token_ok(struct gh_str text) {
    return text.len > 0 && gh_quotable(text) && !memchr(text.ptr, ' ', text.len);
}

bool gh_origin_ok(struct gh_str origin) {
    struct gh_str host = origin;
    if (gh_str_starts(origin, GH_STR("https://")))
        host = gh_str_skip(origin, 8);
    else if (gh_str_starts(origin, GH_STR("http://")))
        host = gh_str_skip(origin, 7);
    else
        return false;
    for (size_t i = 0; i < host.len; i++)
        if (!(is_alnum(host.ptr[i]) || memchr("-.:[]", host.ptr[i], 5)) ||
            (host.ptr[i] >= 'A' && host.ptr[i] <= 'Z'))
            return false;
    return host.len > 0 && host.ptr[host.len - 1] != ':' && host.ptr[0] != ':';
}

static bool is_header_name(struct gh_str name) {
    for (size_t i = 0; i < name.len; i++)
        if (!is_alnum(name.ptr[i]) && name.ptr[i] != '-' && name.ptr[i] != '_')
            return false;
    return name.len > 0 && gh_header_classify(name) != GH_HEADER_IDENTITY;
}

bool gh_cors_headers_ok(struct gh_str list, size_t max) {
    struct gh_str rest = list, name;
    if (list.len > max)
        return false;
    while (gh_str_cut(&rest, ',', &name))
        if (!is_header_name(gh_str_trim(name)))
            return false;
    return is_header_name(gh_str_trim(rest));
}

bool gh_is_json_type(struct gh_str content_type) {
    struct gh_str rest = content_type, type = content_type, name;
    if (!gh_str_cut(&rest, ';', &type))
        return gh_str_eq_nocase(gh_str_trim(type), GH_STR("application/json"));
    rest = gh_str_trim(rest);
    return gh_str_eq_nocase(gh_str_trim(type), GH_STR("application/json")) && gh_str_cut(&rest, '=', &name) &&
           gh_str_eq_nocase(name, GH_STR("charset")) &&
           (gh_str_eq_nocase(rest, GH_STR("utf-8")) || gh_str_eq_nocase(rest, GH_STR("\"utf-8\"")));
}

int gh_refusal_status(enum gh_err e) {
    switch (e) {
    case GH_ERR_NO_MODEL:
    case GH_ERR_AMBIGUOUS_BODY:
    case GH_ERR_BODY_TOO_LARGE:
    case GH_ERR_BODY_TYPE:
    case GH_ERR_TARGET_TOO_LONG:
        return gh_err_status(e);
    case GH_ERR_AMBIGUOUS_TARGET:
        return 400;
    case GH_ERR_MALFORMED: /* of the token: nothing else of the request is read here */
    case GH_ERR_TOO_LARGE:
    case GH_ERR_UNSUPPORTED:
        return 401;
    default:;
        int status = gh_err_status(e);
        return status == 401 || status == 403 ? status : 503; /* our trouble is never the caller's fault */
    }
}

void gh_challenge_format(struct gh_buf *ret, enum gh_err e, struct gh_str realm, struct gh_str scope) {
    int status = gh_refusal_status(e);
    if (status != 401 && status != 403)
        return;
    if (e == GH_ERR_UNTRUSTED_PEER || e == GH_ERR_BAD_FORWARD || e == GH_ERR_WRONG_ORIGIN)
        return; /* no token helps there */
    gh_buf_add(ret, GH_STR("Bearer realm=\""));
    gh_buf_add(ret, realm);
    gh_buf_add_char(ret, '"');
    if (e != GH_ERR_NO_TOKEN) /* RFC 6750 3.1: no error code for a caller that sent no credentials */
        gh_buf_addf(ret, ", error=\"%s\", error_description=\"%s\"",
                    status == 401 ? "invalid_token" : "insufficient_scope", gh_err_text(e));
    if (scope.len > 0) {
        gh_buf_add(ret, GH_STR(", scope=\""));
        gh_buf_add(ret, scope);
        gh_buf_add_char(ret, '"');
    }
}

static bool is_about_model(enum gh_err e) {
    return e == GH_ERR_MODEL_NOT_ALLOWED || e == GH_ERR_MODEL_NOT_LISTED || e == GH_ERR_NO_MODEL ||
           e == GH_ERR_HIDDEN_MODEL;
}

void gh_error_body_format(struct gh_buf *ret, enum gh_err e, struct gh_str missing) {
    int status = gh_refusal_status(e);
    gh_buf_addf(ret, "{\"error\":{\"message\":\"%s", status == 503 ? "the gateway cannot decide now: " : "");
    if (e == GH_ERR_MALFORMED || e == GH_ERR_TOO_LARGE || e == GH_ERR_UNSUPPORTED)
        gh_buf_add(ret, GH_STR("the token ")); /* "is not well formed" */
    gh_buf_addf(ret, "%s", gh_err_text(e));
    if (gh_scope_token_ok(missing)) { /* which needs no escape in JSON; a model may have any name */
        gh_buf_add(ret, GH_STR(" "));
        gh_buf_add(ret, missing);
    }
    gh_buf_addf(ret, "\",\"type\":\"%s\",\"param\":%s,\"code\":\"%s\"}}",
                status == 503 ? "server_error" : "invalid_request_error",
                is_about_model(e) ? "\"model\"" : "null", gh_err_name(e));
}
