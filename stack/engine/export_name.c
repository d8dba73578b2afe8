#include "stack/engine/export_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/str.h"

/* Lower case; what is neither letter nor digit becomes one hyphen between them. At most 60 bytes. */
static size_t slug(const char *text, char *out, size_t at) {
    size_t start = at;
    for (; *text && at - start < 60; text++) {
        unsigned char c = (unsigned char)*text;
        if (isascii(c) && isalnum(c))
            out[at++] = (char)tolower(c);
        else if (at > start && out[at - 1] != '-')
            out[at++] = '-';
    }
    while (at > start && out[at - 1] == '-')
        at--;
    out[at] = '\0';
    return at;
}

static bool take(json_t *taken, const char *name) {
    return *name && !json_object_get(taken, name) && json_object_set_new(taken, name, json_true()) == 0;
}

void gh_export_name(json_t *taken, const char *base, const char *part, const char *kind,
                    char ret[GH_EXPORT_NAME]) {
    char name[GH_EXPORT_NAME], first[GH_EXPORT_NAME];
    size_t at = slug(base, name, 0);
    if (part && at) {
        name[at++] = '-';
        at = slug(part, name, at);
    }
    snprintf(first, sizeof first, "%.90s%s%s", name, at ? "-" : "", kind);
    snprintf(ret, GH_EXPORT_NAME, "%s", name);
    if (take(taken, ret))
        return;
    snprintf(ret, GH_EXPORT_NAME, "%s", first);
    for (unsigned n = 2; !take(taken, ret) && n < 1000000; n++)
        snprintf(ret, GH_EXPORT_NAME, "%.110s-%u", first, n);
}

const char *gh_export_kind(const char *token) {
    static const char *const kinds[][2] = {
        { "resourceServer:", "api" },    { "organization:", "organization" },
        { "connection:", "connection" }, { "role:", "role" },
        { "client:", "client" },         { "user:", "user" }
    };
    for (size_t i = 0; i < GH_COUNT(kinds); i++)
        if (strstr(token, kinds[i][0]))
            return kinds[i][1];
    const char *colon = strrchr(token, ':');
    return colon ? colon + 1 : token;
}

const char *gh_export_part(const char *token, const char *parent) {
    const char *type = strrchr(token, ':') + 1, *of = strrchr(parent, ':') + 1;
    size_t len = strlen(of);
    return strncmp(type, of, len) == 0 && type[len] ? type + len : type;
}

void gh_export_config_name(const char *name, const char *property, char ret[GH_EXPORT_NAME]) {
    size_t at = 0;
    bool up = false;
    for (; *name && at < 60; name++) {
        if (*name == '-')
            up = at > 0;
        else {
            ret[at++] = (char)(up ? toupper((unsigned char)*name) : *name);
            up = false;
        }
    }
    snprintf(ret + at, GH_EXPORT_NAME - at, "%c%.60s", toupper((unsigned char)*property),
             *property ? property + 1 : "");
}
