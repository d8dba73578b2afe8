/* fuzz/fuzz_model.c - a body means the same in one piece and in many, and what is accepted jansson reads as
 * naming the same models. First byte 'f': a form whose boundary is "b"; anything else: JSON. */
#include <jansson.h>
#include <string.h>

#include "core/model_form.h"
#include "core/model_scan.h"
#include "fuzz/fuzz.h"

static enum gh_err scan(struct gh_str body, size_t piece, struct gh_model_names *names) {
    static struct gh_model_scan s;
    memset(&s, (int)piece, sizeof s);
    gh_model_scan_begin(&s, names);
    for (size_t at = 0; at < body.len; at += piece)
        if (gh_model_scan_feed(
                &s, (struct gh_str){ body.ptr + at, body.len - at < piece ? body.len - at : piece }))
            break;
    return gh_model_scan_end(&s);
}

static enum gh_err form(struct gh_str body, size_t piece, struct gh_model_names *names) {
    static struct gh_model_form f;
    memset(&f, (int)piece, sizeof f);
    gh_model_form_begin(&f, names, GH_STR("b"));
    for (size_t at = 0; at < body.len; at += piece)
        if (gh_model_form_feed(
                &f, (struct gh_str){ body.ptr + at, body.len - at < piece ? body.len - at : piece }))
            break;
    return gh_model_form_end(&f);
}

static bool named(const struct gh_model_names *names, const json_t *model) {
    for (size_t i = 0; i < names->count; i++)
        if (json_string_length(model) == names->name[i].len &&
            memcmp(json_string_value(model), names->name[i].ptr, names->name[i].len) == 0)
            return true;
    return false;
}

/* Each place where a reader may look. */
static void same_names(const struct gh_model_names *names, const json_t *body) {
    const char *const lists[] = { "models", "fallbacks", "tools" };
    const json_t *model = json_object_get(body, "model");
    MUST(json_is_object(body) && names->named == (model != NULL) && (!model || named(names, model)));
    for (size_t i = 0; i < 3; i++) {
        size_t k;
        const json_t *one;
        json_array_foreach(json_object_get(body, lists[i]), k, one) {
            const json_t *inner = json_is_object(one) ? json_object_get(one, "model") : one;
            MUST(!json_is_string(inner) || (i == 2 && inner == one) || named(names, inner));
        }
    }
    MUST(!json_is_string(json_object_get(body, "engine")) || named(names, json_object_get(body, "engine")));
    model = json_object_get(json_object_get(body, "extra_body"), "model");
    MUST(!model || named(names, model));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct gh_model_names whole, parts;
    const bool is_form = size > 0 && data[0] == 'f';
    const struct gh_str body = { (const char *)data + is_form, size - is_form };
    enum gh_err e = is_form ? form(body, body.len + 1, &whole) : scan(body, body.len + 1, &whole);
    MUST(e == GH_OK || e == GH_ERR_AMBIGUOUS_BODY);
    for (size_t piece = 1; piece <= 7; piece += 3) {
        MUST((is_form ? form(body, piece, &parts) : scan(body, piece, &parts)) == e);
        if (e)
            continue;
        MUST(parts.count == whole.count && parts.named == whole.named);
        for (size_t i = 0; i < whole.count; i++)
            MUST(gh_str_eq(parts.name[i], whole.name[i]));
    }
    if (e || is_form) {
        MUST(e || whole.named == (whole.count == 1));
        return 0;
    }
    json_t *theirs = json_loadb(body.ptr, body.len, 0, NULL);
    same_names(&whole, theirs);
    json_decref(theirs);
    return 0;
}
