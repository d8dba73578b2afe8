#include "core/models.h"

#include "core/limits.h"

static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._:/@+=~|", c));
}

bool gh_model_name_ok(struct gh_str name) {
    if (name.len == 0 || name.len > GH_LIMIT_MODEL_NAME || name.ptr[0] == '/' ||
        name.ptr[name.len - 1] == '/')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_char(name.ptr[i]))
            return false;
        if (i > 0 && (name.ptr[i] == '.' || name.ptr[i] == '/') && name.ptr[i] == name.ptr[i - 1])
            return false;
    }
    return true;
}

bool gh_model_matches(struct gh_str pattern, struct gh_str name) {
    if (pattern.len == 0 || !gh_model_name_ok(name))
        return false;
    if (pattern.ptr[pattern.len - 1] != '*')
        return gh_str_eq(pattern, name);
    return gh_str_starts(name, (struct gh_str){ pattern.ptr, pattern.len - 1 });
}

static bool parts(char c) {
    return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool gh_model_list_allows(struct gh_str list, struct gh_str name) {
    for (size_t at = 0; at < list.len;) {
        size_t from = at;
        while (at < list.len && !parts(list.ptr[at]))
            at++;
        if (gh_model_matches((struct gh_str){ list.ptr + from, at - from }, name))
            return true;
        at++;
    }
    return false;
}

bool gh_claims_allow_model(const struct gh_claims *claims, struct gh_str name) {
    const struct gh_str prefix = GH_STR("model:");
    for (size_t i = 0; i < claims->permission_count; i++)
        if (gh_str_starts(claims->permissions[i], prefix) &&
            gh_model_matches(gh_str_skip(claims->permissions[i], prefix.len), name))
            return true;
    return false;
}
