#include "stack/engine/reference.h"

#include <stdint.h>
#include <string.h>

#include "stack/engine/export.h"
#include "stack/engine/export_name.h"
#include "stack/value.h"

#define USER "auth0:index/user:User"
#define API "auth0:index/resourceServer:ResourceServer"
#define CONNECTION "auth0:index/connection:Connection"

/* Properties that name an object of a type by one of its own properties, not by its id. */
static const struct {
    const char *property, *token, *by;
} by_name[] = {
    { "resourceServerIdentifier", API, "identifier" },
    { "audience", API, "identifier" },
    { "connectionName", CONNECTION, "name" },
};

static const char *text(const json_t *object, const char *member) {
    const char *value = json_string_value(json_object_get(object, member));
    return value ? value : "";
}

bool gh_references_init(struct gh_references *r) {
    *r = (struct gh_references){
        .ids = json_object(), .named = json_object(), .config = json_object(), .variables = json_object()
    };
    return r->ids && r->named && r->config && r->variables;
}

void gh_references_release(struct gh_references *r) {
    json_t *owned[] = { r->ids, r->named, r->config, r->variables, r->management };
    for (size_t i = 0; i < GH_COUNT(owned); i++)
        json_decref(owned[i]);
}

void gh_references_note(struct gh_references *r, const struct gh_provider *p, const char *name,
                        const char *id, const json_t *inputs) {
    json_object_set_new(r->ids, id, json_string(name));
    for (size_t i = 0; i < GH_COUNT(by_name); i++) {
        gh_auto(gh_buf_release) struct gh_buf key = gh_buf_make(8192);
        gh_buf_addf(&key, "%s\n%s", p->token, text(inputs, by_name[i].by));
        if (strcmp(by_name[i].token, p->token) == 0 && !key.failed)
            json_object_set_new(r->named, key.ptr, json_string(name));
    }
}

const char *gh_references_name(const struct gh_references *r, const char *id) {
    return json_string_value(json_object_get(r->ids, id));
}

const char *gh_references_named(const struct gh_references *r, const char *token, const char *value) {
    gh_auto(gh_buf_release) struct gh_buf key = gh_buf_make(8192);
    gh_buf_addf(&key, "%s\n%s", token, value);
    return key.failed ? NULL : json_string_value(json_object_get(r->named, key.ptr));
}

/* One resource while it is written. */
struct writing {
    struct gh_references *r;
    const struct gh_provider *p;
    const char *name;
    json_t *ignored, *used;
};

static json_t *reference(const struct writing *w, const char *name, const char *property) {
    if (w->used)
        json_array_append_new(w->used, json_string(name));
    return json_sprintf("${%s.%s}", name, property);
}

static json_t *named(const struct writing *w, const char *property, const char *value) {
    for (size_t i = 0; i < GH_COUNT(by_name); i++) {
        if (strcmp(by_name[i].property, property) != 0)
            continue;
        const char *name = gh_references_named(w->r, by_name[i].token, value);
        if (name)
            return reference(w, name, by_name[i].by);
        if (w->r->management && strcmp(value, json_string_value(w->r->management)) == 0) {
            json_object_set_new(w->r->variables, "tenant", json_pack("{s:{}}", "fn::auth0:getTenant"));
            return json_string("${tenant.managementApiIdentifier}");
        }
    }
    return NULL;
}

static json_t *secret(struct gh_references *r, const char *name) {
    json_object_set_new(r->config, name, json_pack("{s:s, s:b}", "type", "string", "secret", 1));
    return json_sprintf("${%s}", name);
}

static json_t *resolved(const struct writing *w, const char *property, const char *path, json_t *value);

static json_t *resolved_text(const struct writing *w, const char *property, const char *value) {
    const char *name = gh_references_name(w->r, value);
    if (name && strcmp(name, w->name) != 0)
        return reference(w, name, "id");
    json_t *ret = named(w, property, value);
    return ret ? ret : gh_program_text(value);
}

static json_t *resolved_members(const struct writing *w, const char *property, const char *path,
                                json_t *value) {
    json_t *ret = json_is_object(value) ? json_object() : json_array(), *member;
    const char *key;
    size_t i;
    json_object_foreach(value, key, member) {
        gh_auto(gh_buf_release) struct gh_buf inner = gh_buf_make(8192);
        gh_buf_addf(&inner, "%s%s%s", path, *path ? "." : "", key);
        json_object_set_new(ret, key, resolved(w, key, inner.failed ? "" : inner.ptr, member));
    }
    json_array_foreach(value, i, member) json_array_append_new(ret, resolved(w, property, path, member));
    return ret;
}

static json_t *resolved(const struct writing *w, const char *property, const char *path, json_t *value) {
    if (gh_value_is_secret(value)) {
        char name[GH_EXPORT_NAME];
        gh_export_config_name(w->name, property, name);
        json_array_append_new(w->ignored, json_string(path));
        return secret(w->r, name);
    }
    if (json_is_string(value))
        return resolved_text(w, property, json_string_value(value));
    return json_is_object(value) || json_is_array(value) ? resolved_members(w, property, path, value)
                                                         : json_incref(value);
}

static void add_dependencies(json_t *options, const json_t *names) {
    json_t *list = json_array(), *name;
    size_t i;
    json_array_foreach(names, i, name)
        json_array_append_new(list, json_sprintf("${%s}", json_string_value(name)));
    json_object_set_new(options, "dependsOn", list);
}

json_t *gh_references_resource(struct gh_references *r, const struct gh_provider *p, const char *name,
                               const json_t *inputs, const json_t *depends_on, json_t *used) {
    struct writing w = { .r = r, .p = p, .name = name, .ignored = json_array(), .used = used };
    json_t *options = json_object(), *properties = resolved(&w, "", "", (json_t *)(uintptr_t)inputs);
    if (strcmp(p->token, USER) == 0) { /* for users that are made anew */
        json_object_set_new(properties, "password", secret(r, "initialPassword"));
        json_array_append_new(w.ignored, json_string("password"));
    }
    if (json_array_size(depends_on))
        add_dependencies(options, depends_on);
    if (json_array_size(w.ignored))
        json_object_set(options, "ignoreChanges", w.ignored);
    json_decref(w.ignored);
    /* "auth0:Role" of "auth0:index/role:Role" */
    return json_pack("{s:o, s:o, s:o}", "type", json_sprintf("auth0:%s", strrchr(p->token, ':') + 1),
                     "properties", properties, "options", options);
}
