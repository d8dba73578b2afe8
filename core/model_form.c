#include "core/model_form.h"

#define REFUSED GH_ERR_AMBIGUOUS_BODY
#define NOT_LOOSE UINT8_MAX

enum state {
    OPENING,   /* the first delimiter, which has no line before it */
    DELIMITER, /* behind a delimiter: CR for a part, - for the end */
    PART_LF,
    LAST_DASH,
    HEADER, /* in a header line */
    HEADER_LF,
    CONTENT,
    LAST, /* behind the last delimiter: nothing, or one CRLF */
    LAST_LF,
    OVER,
};

/* --- words ---------------------------------------------------------------------------------------------- */

static bool is_boundary_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("'()+_,-./:=?", c)); /* RFC 2046 5.1.1, without the blank */
}

enum gh_err gh_form_boundary(struct gh_str content_type, struct gh_str *ret) {
    struct gh_str rest = content_type, type, name;
    if (!gh_str_cut(&rest, ';', &type) || !gh_str_eq_nocase(gh_str_trim(type), GH_STR("multipart/form-data")))
        return GH_ERR_BODY_TYPE;
    rest = gh_str_trim(rest);
    if (!gh_str_cut(&rest, '=', &name) || !gh_str_eq_nocase(name, GH_STR("boundary")))
        return GH_ERR_BODY_TYPE;
    bool quoted = rest.len >= 2 && rest.ptr[0] == '"' && rest.ptr[rest.len - 1] == '"';
    if (quoted)
        rest = (struct gh_str){ rest.ptr + 1, rest.len - 2 };
    if (rest.len == 0 || rest.len > GH_LIMIT_FORM_BOUNDARY)
        return GH_ERR_BODY_TYPE;
    for (size_t i = 0; i < rest.len;
         i++) /* unquoted only as a token: a ';' or ',' would begin something else */
        if (!is_boundary_char(rest.ptr[i]) || (!quoted && strchr("(),/:=?", rest.ptr[i])))
            return GH_ERR_BODY_TYPE;
    *ret = rest;
    return GH_OK;
}

/* The next parameter of a Content-Disposition: ; name="value". The value holds no quote and no backslash, so
 * that no reader unescapes it. */
static bool take_parameter(struct gh_str *rest, struct gh_str *name, struct gh_str *value) {
    if (!gh_str_starts(*rest, GH_STR(";")))
        return false;
    *rest = gh_str_trim(gh_str_skip(*rest, 1));
    if (!gh_str_cut(rest, '=', name) || !gh_str_starts(*rest, GH_STR("\"")))
        return false;
    *rest = gh_str_skip(*rest, 1);
    if (!gh_str_cut(rest, '"', value) || memchr(value->ptr, '\\', value->len))
        return false;
    *rest = gh_str_trim(*rest);
    return true;
}

static enum gh_err disposition(struct gh_model_form *f, struct gh_str rest) {
    struct gh_str name, value, field = { 0 };
    bool has_field = false, has_file = false;
    if (f->has_disposition || rest.len < 9 ||
        !gh_str_eq_nocase((struct gh_str){ rest.ptr, 9 }, GH_STR("form-data")))
        return REFUSED;
    f->has_disposition = true;
    for (rest = gh_str_trim(gh_str_skip(rest, 9)); rest.len;) {
        if (!take_parameter(&rest, &name, &value))
            return REFUSED;
        bool is_name = gh_str_eq_nocase(name, GH_STR("name"));
        if (is_name ? has_field : !gh_str_eq_nocase(name, GH_STR("filename")) || has_file)
            return REFUSED;
        has_field = has_field || is_name;
        has_file = has_file || !is_name;
        if (is_name)
            field = value;
    }
    if (!has_field || gh_str_is(field, "_charset_")) /* HTML: how all of the form is encoded */
        return REFUSED;
    enum gh_model_word word = gh_model_word_find(field, true);
    f->is_model = word == GH_WORD_MODEL;
    if (word == GH_WORD_OTHER || word == GH_WORD_TOOLS || word == GH_WORD_INNER || word == GH_WORD_WRAP)
        return word == GH_WORD_OTHER ? GH_OK : REFUSED;
    if (!f->is_model || f->names->named || has_file)
        return REFUSED;
    f->names->named = true;
    return GH_OK;
}

static bool is_plain_text(struct gh_str type) {
    return gh_str_eq_nocase(type, GH_STR("text/plain")) ||
           gh_str_eq_nocase(type, GH_STR("text/plain; charset=utf-8")) ||
           gh_str_eq_nocase(type, GH_STR("text/plain;charset=utf-8"));
}

static bool is_identity(struct gh_str encoding) {
    return gh_str_eq_nocase(encoding, GH_STR("binary")) || gh_str_eq_nocase(encoding, GH_STR("8bit")) ||
           gh_str_eq_nocase(encoding, GH_STR("7bit"));
}

static enum gh_err header(struct gh_model_form *f) {
    struct gh_str rest = { f->line, f->line_len }, name;
    if (memchr(f->line, 0, f->line_len) || memchr(f->line, '\n', f->line_len) ||
        !gh_str_cut(&rest, ':', &name))
        return REFUSED;
    struct gh_str value = gh_str_trim(rest);
    if (gh_str_eq_nocase(name, GH_STR("content-disposition")))
        return disposition(f, value);
    if (gh_str_eq_nocase(name, GH_STR("content-type"))) {
        f->plain_type = is_plain_text(value);
        enum gh_err e = f->has_type ? REFUSED : GH_OK;
        f->has_type = true;
        return e;
    }
    if (gh_str_eq_nocase(name, GH_STR("content-transfer-encoding")))
        return is_identity(value) ? GH_OK : REFUSED;
    return gh_str_eq_nocase(name, GH_STR("content-length")) ? GH_OK : REFUSED;
}

/* --- the body ------------------------------------------------------------------------------------------- */

static enum gh_err headers_end(struct gh_model_form *f) {
    f->state = CONTENT;
    f->matched = 0;
    f->loose = 2; /* the line break of the empty line */
    return f->has_disposition && (!f->is_model || !f->has_type || f->plain_type) ? GH_OK : REFUSED;
}

static enum gh_err header_byte(struct gh_model_form *f, char c) {
    if (++f->head_bytes > GH_LIMIT_FORM_LINE)
        return REFUSED;
    if (f->state == HEADER && c != '\r') {
        f->line[f->line_len++] = c;
        return GH_OK;
    }
    if (f->state == HEADER) {
        f->state = HEADER_LF;
        return GH_OK;
    }
    if (c != '\n')
        return REFUSED;
    f->state = HEADER;
    enum gh_err e = f->line_len ? header(f) : headers_end(f);
    f->line_len = 0;
    return e;
}

static enum gh_err keep(struct gh_model_form *f, const char *bytes, size_t len) {
    if (!f->is_model)
        return GH_OK;
    if (len > (size_t)GH_LIMIT_MODEL_NAME - f->line_len)
        return REFUSED;
    memcpy(f->line + f->line_len, bytes, len);
    f->line_len = (uint16_t)(f->line_len + len);
    return GH_OK;
}

/* Some readers take a bare LF or CR before a boundary for a line break too: what is a delimiter to them only
 * is refused. */
static bool is_loose_delimiter(struct gh_model_form *f, char c) {
    if (c == '\r' || c == '\n') {
        f->loose = 2;
        return false;
    }
    if (f->loose == NOT_LOOSE)
        return false;
    f->loose = c == f->delimiter[f->loose] ? f->loose + 1 : NOT_LOOSE;
    return f->loose == f->delimiter_len;
}

/* A boundary has no CR, so that a delimiter that breaks off can only begin anew at the byte that broke it. */
static enum gh_err content_byte(struct gh_model_form *f, char c) {
    bool loose = is_loose_delimiter(f, c);
    if (c == f->delimiter[f->matched]) {
        if (++f->matched < f->delimiter_len)
            return GH_OK;
        f->state = DELIMITER;
        return f->is_model ? gh_model_names_add(f->names, (struct gh_str){ f->line, f->line_len }) : GH_OK;
    }
    enum gh_err e = loose ? REFUSED : keep(f, f->delimiter, f->matched);
    f->matched = c == '\r';
    return e || f->matched ? e : keep(f, &c, 1);
}

/* Files are long: to the next line break at once. */
static size_t content_skip(struct gh_model_form *f, struct gh_str rest) {
    size_t n = 0;
    if (f->state != CONTENT || f->is_model || f->matched || f->loose != NOT_LOOSE)
        return 0;
    while (n < rest.len && rest.ptr[n] != '\r' && rest.ptr[n] != '\n')
        n++;
    return n;
}

static enum gh_err byte(struct gh_model_form *f, char c) {
    switch (f->state) {
    case OPENING:
        if (c != f->delimiter[f->matched])
            return REFUSED;
        f->state = ++f->matched < f->delimiter_len ? OPENING : DELIMITER;
        return GH_OK;
    case DELIMITER:
        f->state = c == '-' ? LAST_DASH : PART_LF;
        return c == '-' || c == '\r' ? GH_OK : REFUSED;
    case PART_LF:
        f->state = HEADER;
        f->is_model = f->has_disposition = f->has_type = f->plain_type = false;
        f->head_bytes = f->line_len = 0;
        return c == '\n' ? GH_OK : REFUSED;
    case LAST_DASH:
        f->state = LAST;
        return c == '-' ? GH_OK : REFUSED;
    case HEADER:
    case HEADER_LF:
        return header_byte(f, c);
    case CONTENT:
        return content_byte(f, c);
    case LAST:
        f->state = LAST_LF;
        return c == '\r' ? GH_OK : REFUSED;
    case LAST_LF:
        f->state = OVER;
        return c == '\n' ? GH_OK : REFUSED;
    default:
        return REFUSED;
    }
}

enum gh_err gh_model_form_feed(struct gh_model_form *f, struct gh_str bytes) {
    for (size_t at = 0; !f->err && at < bytes.len; at++) {
        at += content_skip(f, gh_str_skip(bytes, at));
        if (at < bytes.len)
            f->err = byte(f, bytes.ptr[at]);
    }
    return f->err;
}

void gh_model_form_begin(struct gh_model_form *f, struct gh_model_names *names, struct gh_str boundary) {
    names->count = names->used = 0;
    names->named = false;
    f->names = names;
    f->err = boundary.len > 0 && boundary.len <= GH_LIMIT_FORM_BOUNDARY ? GH_OK : GH_ERR_BODY_TYPE;
    f->state = OPENING;
    memcpy(f->delimiter, "\r\n--", 4);
    if (!f->err)
        memcpy(f->delimiter + 4, boundary.ptr, boundary.len);
    f->delimiter_len = (uint8_t)(4 + (f->err ? 0 : boundary.len));
    f->matched = 2;
}

enum gh_err gh_model_form_end(struct gh_model_form *f) {
    if (!f->err && f->state != LAST && f->state != OVER)
        f->err = REFUSED;
    return f->err;
}
