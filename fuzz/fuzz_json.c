/* Differential: what the scanner accepts, jansson accepts with the same members. */
#include <jansson.h>
#include <math.h>

#include "core/json.h"
#include "fuzz/fuzz.h"

#define DEPTH 32

static struct gh_arena *arena;

static void same(struct gh_json ours, const json_t *theirs);

static void same_string(struct gh_json ours, const json_t *theirs) {
    struct gh_str text;
    MUST(gh_json_string(arena, ours, &text) == GH_OK && json_is_string(theirs));
    MUST(gh_str_eq(text, (struct gh_str){ json_string_value(theirs), json_string_length(theirs) }));
}

static void same_number(struct gh_json ours, const json_t *theirs) {
    long long n;
    MUST(json_is_number(theirs) && isfinite(json_number_value(theirs)));
    if (gh_json_integer(ours, &n) == GH_OK)
        MUST(json_number_value(theirs) == (double)n);
}

static void same_array(struct gh_json ours, const json_t *theirs) {
    struct gh_str key;
    struct gh_json value;
    size_t count = 0;
    MUST(json_is_array(theirs));
    for (size_t at = 0; gh_json_next(ours, &at, &key, &value); count++)
        same(value, json_array_get(theirs, count));
    MUST(count == json_array_size(theirs));
}

static void same_object(struct gh_json ours, const json_t *theirs) {
    struct gh_str key, name;
    struct gh_json value, found;
    size_t count = 0;
    MUST(json_is_object(theirs));
    for (size_t at = 0; gh_json_next(ours, &at, &key, &value); count++) {
        struct gh_json quoted = { GH_JSON_STRING, { key.ptr - 1, key.len + 2 } };
        MUST(gh_json_string(arena, quoted, &name) == GH_OK && gh_json_key_spells(key, name));
        MUST(gh_json_member(ours, name, &found) && found.text.ptr == value.text.ptr);
        same(value, json_object_getn(theirs, name.ptr, name.len));
    }
    MUST(count == json_object_size(theirs));
}

static void same(struct gh_json ours, const json_t *theirs) {
    MUST(theirs);
    switch (ours.type) {
    case GH_JSON_NULL:
        MUST(json_is_null(theirs));
        break;
    case GH_JSON_FALSE:
        MUST(json_is_false(theirs));
        break;
    case GH_JSON_TRUE:
        MUST(json_is_true(theirs));
        break;
    case GH_JSON_NUMBER:
        same_number(ours, theirs);
        break;
    case GH_JSON_STRING:
        same_string(ours, theirs);
        break;
    case GH_JSON_ARRAY:
        same_array(ours, theirs);
        break;
    case GH_JSON_OBJECT:
        same_object(ours, theirs);
        break;
    }
}

/* The only texts that we call malformed and jansson does not: one with a number that may overflow, and one
 * with a raw NUL, which jansson 2.14 skips between tokens. */
static bool is_stricter_here(struct gh_str s) {
    size_t digits = 0;
    for (size_t i = 0; i < s.len; i++) {
        digits = s.ptr[i] >= '0' && s.ptr[i] <= '9' ? digits + 1 : 0;
        if (digits > 300 || s.ptr[i] == 'e' || s.ptr[i] == 'E' || s.ptr[i] == '\0')
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gh_str text = { (const char *)data, size };
    struct gh_json ours;
    enum gh_err e = gh_json_parse(text, DEPTH, &ours);
    json_t *theirs = json_loadb((const char *)data, size,
                                JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    arena = gh_arena_new(1 << 24);
    if (e == GH_OK)
        same(ours, theirs);
    else if (e == GH_ERR_MALFORMED && theirs)
        MUST(is_stricter_here(text));
    gh_arena_free(arena);
    json_decref(theirs);
    return 0;
}
