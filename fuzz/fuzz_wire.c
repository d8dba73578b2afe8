#include <string.h>

#include <jansson.h>

#include "fuzz/fuzz.h"
#include "gateway/wire.h"

/* Header names in all their spellings, values as words, and the answers that quote them. */
static void word(struct gh_str value) {
    size_t length = gh_wire_word_length(value), back = 0;
    char *text = malloc(length + 1);
    MUST(text && gh_wire_word_write(text, value) == text + length);
    for (size_t i = 0; i < length; i++) {
        unsigned c = (unsigned char)text[i];
        MUST(c > 0x20 && c < 0x7f);
        if (c == '%') {
            char hex[3] = { text[i + 1], text[i + 2], 0 };
            MUST(i + 2 < length && strspn(hex, "0123456789ABCDEF") == 2);
            c = (unsigned)strtoul(hex, NULL, 16);
            i += 2;
        }
        MUST(back < value.len && (unsigned char)value.ptr[back] == c);
        back++;
    }
    MUST(back == value.len);
    free(text);
}

/* Whatever a server may fold together is one name here. */
static void spellings(struct gh_str name) {
    char *other = malloc(name.len + 1);
    MUST(other);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        other[i] = (char)(c == '-'               ? '_'
                          : c >= 'a' && c <= 'z' ? c - 'a' + 'A'
                          : c >= 'A' && c <= 'Z' ? c - 'A' + 'a'
                                                 : c);
    }
    MUST(gh_header_classify(name) == gh_header_classify((struct gh_str){ other, name.len }));
    if (gh_header_classify(name) == GH_HEADER_IDENTITY)
        MUST(gh_connection_names_identity(name));
    if (gh_header_is(name, GH_STR("authorization")))
        MUST(gh_header_classify(name) == GH_HEADER_AUTHORIZATION);
    free(other);
}

static void answers(struct gh_str text) {
    struct gh_str scope = gh_scope_token_ok(text) ? text : GH_STR("");
    struct gh_str realm = gh_quotable(text) ? text : GH_STR("");
#define EACH(symbol, status, name, words) GH_ERR_##symbol,
    static const enum gh_err all[] = { GH_ERR_TABLE(EACH) };
#undef EACH
    for (size_t i = 1; i < sizeof all / sizeof all[0]; i++) {
        int status = gh_refusal_status(all[i]);
        MUST(status >= 400 && status <= 599);
        struct gh_buf b = gh_buf_make(1 << 20);
        gh_error_body_format(&b, all[i], scope);
        json_t *body = json_loadb(b.ptr, b.len, JSON_REJECT_DUPLICATES, NULL);
        MUST(!b.failed && json_is_string(json_object_get(json_object_get(body, "error"), "code")));
        json_decref(body);
        gh_buf_reset(&b);
        gh_challenge_format(&b, all[i], realm, scope);
        size_t quotes = 0;
        for (size_t at = 0; at < b.len; at++) {
            MUST((unsigned char)b.ptr[at] >= 0x20 && (unsigned char)b.ptr[at] < 0x7f && b.ptr[at] != '\\');
            quotes += b.ptr[at] == '"';
        }
        MUST(quotes % 2 == 0);
        gh_buf_release(&b);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gh_str text = { (const char *)data, size };
    word(text);
    spellings(text);
    answers(text);
    if (gh_request_id_ok(text))
        MUST(size >= 1 && size <= 128 && gh_scope_token_ok(text) && gh_wire_word_length(text) == size);
    if (gh_scope_token_ok(text))
        MUST(gh_quotable(text) && !memchr(data, ' ', size));
    return 0;
}
