#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/check.h"

static const char *root(void) {
    static char path[4096];
    const char *given = getenv("GATEHOUSE_SHARED");
    if (!*path)
        snprintf(path, sizeof path, "%s/vectors", given ? given : GH_SOURCE_ROOT "/../shared");
    return path;
}

void vectors_or_skip(void) {
    if (access(root(), R_OK) == 0)
        return;
    printf("skipped: no test vectors in %s (set GATEHOUSE_SHARED)\n", root());
    exit(77);
}

static FILE *open_vector(const char *path) {
    char full[8192];
    snprintf(full, sizeof full, "%s/%s", root(), path);
    FILE *f = fopen(full, "rb");
    if (!f)
        print_error("%s is missing\n", full);
    CHECK(f);
    return f;
}

struct gh_str vectors_text(struct gh_arena *a, const char *path) {
    FILE *f = open_vector(path);
    CHECK(fseek(f, 0, SEEK_END) == 0);
    size_t len = (size_t)ftell(f);
    rewind(f);
    char *text = gh_arena_alloc(a, len + 1);
    CHECK(text && fread(text, 1, len, f) == len);
    fclose(f);
    return (struct gh_str){ text, len };
}

json_t *vectors_json(const char *path) {
    FILE *f = open_vector(path);
    json_error_t error;
    json_t *json = json_loadf(f, JSON_ALLOW_NUL, &error);
    fclose(f);
    CHECK_ROW(path, json);
    return json;
}

const json_t *member_of(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    CHECK_ROW(name, value);
    return value;
}

struct gh_str text_of(const json_t *object, const char *name) {
    const json_t *value = member_of(object, name);
    CHECK_ROW(name, json_is_string(value));
    return (struct gh_str){ json_string_value(value), json_string_length(value) };
}

struct gh_str bytes_of_hex(struct gh_arena *a, struct gh_str hex) {
    char *out = gh_arena_alloc(a, hex.len / 2 + 1);
    CHECK(out);
    for (size_t i = 0; i + 1 < hex.len; i += 2) {
        unsigned byte = 0;
        CHECK(sscanf(hex.ptr + i, "%2x", &byte) == 1);
        out[i / 2] = (char)byte;
    }
    return (struct gh_str){ out, hex.len / 2 };
}
