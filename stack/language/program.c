/* Reads Pulumi.yaml into declarations: the keys of the project, of a config value, of a resource and of its
 * options, each by a table; what is not in a table is refused by name. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/limits.h"
#include "stack/language/tree.h"
#include "sys/file.h"

#define ARENA (256 << 20)

struct loading {
    struct reading r;
    struct gh_program *p;
    struct declaration *at_hand;
    size_t room;
};

/* One key of a map: what reads it, or why it is not read. */
struct key {
    const char *name;
    void (*read)(struct loading *l,
                 const struct gh_yaml *value); /* NULL and no reason: it says nothing to us */
    const char *reason;
};

static bool is_text(struct loading *l, const struct gh_yaml *v) {
    bool text = v->kind == GH_YAML_SCALAR && !gh_yaml_is_null(v);
    if (!text)
        refuse(&l->r, place_of(v), "'%.*s' must be a text", GH_STR_FMT(v->key->text));
    return text;
}

static bool is_map(struct loading *l, const struct gh_yaml *v) {
    if (v->kind != GH_YAML_MAPPING)
        refuse(&l->r, place_of(v), "'%.*s' must be a map", GH_STR_FMT(v->key->text));
    return v->kind == GH_YAML_MAPPING;
}

static bool read_boolean(struct loading *l, const struct gh_yaml *v, bool *ret) {
    json_t *value = v->kind == GH_YAML_SCALAR ? gh_yaml_scalar(v) : NULL;
    bool good = json_is_boolean(value);
    if (good)
        *ret = json_is_true(value);
    else
        refuse(&l->r, place_of(v), "'%.*s' must be true or false, written out", GH_STR_FMT(v->key->text));
    json_decref(value);
    return good;
}

static void refuse_key(struct loading *l, const struct gh_yaml *v, const char *what, const struct key *keys,
                       size_t count) {
    struct gh_str name = v->key->text;
    struct nearest near = { .wanted = name };
    for (size_t i = 0; i < count; i++) {
        if (gh_str_eq_nocase(name, gh_str_from(keys[i].name))) {
            refuse(&l->r, place_of(v->key), "'%.*s' looks like a miscapitalization of '%s'", GH_STR_FMT(name),
                   keys[i].name);
            return;
        }
        if (!keys[i].reason)
            nearest_add(&near, gh_str_from(keys[i].name));
    }
    refuse(&l->r, place_of(v->key), "%s has invalid key '%.*s'", what, GH_STR_FMT(name));
    nearest_tell(&near, l->r.d, "Existing keys are:");
}

static void read_keys(struct loading *l, const struct gh_yaml *map, const char *what, const struct key *keys,
                      size_t count) {
    for (const struct gh_yaml *v = map->first; v; v = v->next) {
        const struct key *k = keys;
        while (k < keys + count && !gh_str_is(v->key->text, k->name))
            k++;
        if (k == keys + count)
            refuse_key(l, v, what, keys, count);
        else if (k->reason)
            refuse(&l->r, place_of(v->key), "%s: '%s' %s", what, k->name, k->reason);
        else if (k->read)
            k->read(l, v);
    }
}

static struct declaration *declare(struct loading *l, enum declaration_kind kind, const struct gh_yaml *v) {
    struct gh_program *p = l->p;
    if (p->count == l->room) {
        size_t room = l->room ? l->room * 2 : 64;
        struct declaration **all = need(&l->r, gh_arena_calloc(p->arena, room, sizeof *all));
        if (!all)
            return NULL;
        if (p->count)
            memcpy(all, p->all, p->count * sizeof *all);
        p->all = all;
        l->room = room;
    }
    if (p->count >= GH_LIMIT_STACK_RESOURCES) {
        refuse(&l->r, place_of(v->key), "a program declares at most %d things", GH_LIMIT_STACK_RESOURCES);
        return NULL;
    }
    struct declaration *d = need(&l->r, GH_NEW(p->arena, struct declaration));
    if (!d)
        return NULL;
    *d =
        (struct declaration){ .kind = kind, .name = v->key->text, .at = place_of(v->key), .index = p->count };
    if (gh_str_is(d->name, "pulumi"))
        refuse(&l->r, d->at, "the name 'pulumi' is reserved: ${pulumi.stack} and others are found there");
    if (d->name.len == 0 || strcspn(d->name.ptr, ".[]{}\"$ \t\n") != d->name.len)
        refuse(&l->r, d->at, "'%s' is no name that a reference can hold: no blanks, dots, brackets or quotes",
               d->name.ptr);
    p->all[p->count++] = d;
    l->at_hand = d;
    return d;
}

/* ---- config ---- */

static void config_type(struct loading *l, const struct gh_yaml *v) {
    static const struct {
        const char *written, *meant;
    } types[] = { { "string", "string" }, { "integer", "integer" }, { "int", "integer" },
                  { "number", "number" }, { "boolean", "boolean" }, { "array", "array" },
                  { "object", "object" } };
    for (size_t i = 0; i < GH_COUNT(types); i++)
        if (v->kind == GH_YAML_SCALAR && gh_str_is(v->text, types[i].written)) {
            l->at_hand->type = types[i].meant;
            return;
        }
    refuse(&l->r, place_of(v), "a config type is one of string, integer, number, boolean, array, object");
}

static void config_default(struct loading *l, const struct gh_yaml *v) {
    l->at_hand->default_value = v;
}

static void config_value(struct loading *l, const struct gh_yaml *v) {
    l->at_hand->value = v;
}

static void config_secret(struct loading *l, const struct gh_yaml *v) {
    (void)read_boolean(l, v, &l->at_hand->secret);
}

static const struct key config_keys[] = {
    { "type", config_type },     { "default", config_default }, { "value", config_value },
    { "secret", config_secret }, { "description", NULL },       { "items", NULL },
};

static const char *type_of_json(const json_t *v) {
    static const char *const names[] = { "object", "array",   "string", "integer",
                                         "number", "boolean", "boolean" };
    return json_is_null(v) ? "null" : names[json_typeof(v)];
}

static bool config_fits(const char *type, const char *value_type) {
    return strcmp(type, value_type) == 0 ||
           (strcmp(type, "number") == 0 && strcmp(value_type, "integer") == 0);
}

static void check_config_literal(struct loading *l, struct declaration *d, const struct gh_yaml *literal) {
    const struct gh_yaml *culprit = NULL;
    json_t *value = gh_yaml_json(literal, &culprit);
    const char *type = value ? type_of_json(value) : NULL;
    if (!value)
        refuse(&l->r, place_of(culprit ? culprit : literal),
               "YAML readers disagree about this value: quote it");
    else if (d->type && !config_fits(d->type, type))
        refuse(&l->r, place_of(literal), "type mismatch: default value of type %s but type %s was specified",
               type, d->type);
    else if (!d->type && json_is_null(value))
        refuse(&l->r, place_of(literal), "unable to infer the type of config value '%s'", d->name.ptr);
    else if (!d->type)
        d->type = type; /* a literal of the table: it outlives the value */
    json_decref(value);
}

static void finish_config(struct loading *l, struct declaration *d) {
    struct gh_str rest = d->name, project;
    if (gh_str_cut(&rest, ':', &project) && gh_str_is(project, l->p->name))
        d->name = rest; /* one's own project in front says nothing */
    else if (rest.len != d->name.len && (!d->value || d->type))
        refuse(&l->r, d->at, "'%s' belongs to another package: it takes a value and no type", d->name.ptr);
    if (d->default_value && d->value)
        refuse(&l->r, d->at, "config value '%s' has both default and value", d->name.ptr);
    const struct gh_yaml *literal = d->default_value ? d->default_value : d->value;
    if (literal)
        check_config_literal(l, d, literal);
    else if (!d->type && !l->r.failed)
        refuse(&l->r, d->at, "unable to infer the type of config value '%s': say type or default",
               d->name.ptr);
}

static void read_config(struct loading *l, const struct gh_yaml *map) {
    if (gh_yaml_is_null(map) || !is_map(l, map))
        return;
    for (const struct gh_yaml *v = map->first; v; v = v->next) {
        struct declaration *d = declare(l, DECLARED_CONFIG, v);
        if (!d)
            return;
        if (v->kind == GH_YAML_MAPPING)
            read_keys(l, v, d->name.ptr, config_keys, GH_COUNT(config_keys));
        else
            d->default_value = v; /* shorthand: key: literal */
        finish_config(l, d);
    }
}

/* ---- variables and outputs ---- */

static void read_variables(struct loading *l, const struct gh_yaml *map) {
    if (gh_yaml_is_null(map) || !is_map(l, map))
        return;
    for (const struct gh_yaml *v = map->first; v; v = v->next) {
        struct declaration *d = declare(l, DECLARED_VARIABLE, v);
        if (!d)
            return;
        d->expr = expr_read(&l->r, v);
    }
}

static void read_outputs(struct loading *l, const struct gh_yaml *map) {
    if (!gh_yaml_is_null(map) && is_map(l, map))
        l->p->outputs = expr_read(&l->r, map);
}

/* ---- resource options ---- */

static void option_protect(struct loading *l, const struct gh_yaml *v) {
    (void)read_boolean(l, v, &l->at_hand->options.protect);
}

static void option_retain(struct loading *l, const struct gh_yaml *v) {
    (void)read_boolean(l, v, &l->at_hand->options.retain_on_delete);
}

static void option_delete_first(struct loading *l, const struct gh_yaml *v) {
    (void)read_boolean(l, v, &l->at_hand->options.delete_before_replace);
}

static void option_import(struct loading *l, const struct gh_yaml *v) {
    if (!is_text(l, v))
        return;
    if (memmem(v->text.ptr, v->text.len, "${", 2))
        refuse(&l->r, place_of(v), "'import' is an id written out: it cannot hold a reference");
    l->at_hand->options.import_id = v->text.ptr;
}

static const char *const *read_names(struct loading *l, const struct gh_yaml *v) {
    const char **names = need(&l->r, gh_arena_calloc(l->p->arena, v->count + 1, sizeof *names));
    size_t n = 0;
    if (v->kind != GH_YAML_SEQUENCE)
        refuse(&l->r, place_of(v), "'%.*s' must be a list of property names", GH_STR_FMT(v->key->text));
    for (const struct gh_yaml *item = v->first; names && item; item = item->next) {
        struct gh_str root = { item->text.ptr, strcspn(item->text.ptr ? item->text.ptr : "", ".[") };
        const struct gh_resource_type *type = l->at_hand->resource;
        if (item->kind != GH_YAML_SCALAR || (!gh_str_is(root, "*") && type && !gh_schema_member(type, root)))
            refuse(&l->r, place_of(item), "'%.*s' names no property of %s", GH_STR_FMT(root),
                   type ? gh_schema_short_name(type) : "the resource");
        names[n++] = item->text.ptr;
    }
    return names;
}

static void option_ignore(struct loading *l, const struct gh_yaml *v) {
    l->at_hand->options.ignore_changes = read_names(l, v);
}

static void option_replace(struct loading *l, const struct gh_yaml *v) {
    l->at_hand->options.replace_on_changes = read_names(l, v);
}

static void option_secret(struct loading *l, const struct gh_yaml *v) {
    l->at_hand->options.additional_secret_outputs = read_names(l, v);
}

static void option_depends(struct loading *l, const struct gh_yaml *v) {
    struct expr *e = expr_read(&l->r, v);
    if (!e)
        return;
    bool good = e->kind == EXPR_LIST;
    for (struct expr *item = e->first; good && item; item = item->next)
        good = item->kind == EXPR_ACCESS && !item->path;
    if (!good)
        refuse(&l->r, place_of(v), "dependsOn is a list of resources: dependsOn: [\"${name}\"]");
    l->at_hand->options.depends_on = e;
}

#define NOT_HERE "is not in Gatehouse's subset of Pulumi YAML"

static const struct key option_keys[] = {
    { "dependsOn", option_depends },
    { "protect", option_protect },
    { "ignoreChanges", option_ignore },
    { "import", option_import },
    { "retainOnDelete", option_retain },
    { "deleteBeforeReplace", option_delete_first },
    { "replaceOnChanges", option_replace },
    { "additionalSecretOutputs", option_secret },
    { "aliases", NULL, NOT_HERE },
    { "customTimeouts", NULL, NOT_HERE },
    { "parent", NULL, NOT_HERE },
    { "provider", NULL, NOT_HERE ": there is one provider, set by AUTH0_DOMAIN and its friends" },
    { "providers", NULL, NOT_HERE },
    { "version", NULL, NOT_HERE },
    { "pluginDownloadURL", NULL, NOT_HERE },
    { "replaceWith", NULL, NOT_HERE },
    { "deletedWith", NULL, NOT_HERE },
    { "hideDiffs", NULL, NOT_HERE },
    { "replacementTrigger", NULL, NOT_HERE },
    { "envVarMappings", NULL, NOT_HERE },
};

/* ---- resources ---- */

static void resource_type(struct loading *l, const struct gh_yaml *v) {
    if (!is_text(l, v))
        return;
    struct gh_str rest = v->text, package;
    l->at_hand->resource = gh_schema_resource(v->text);
    if (l->at_hand->resource)
        return;
    if (!gh_str_cut(&rest, ':', &package) || !gh_str_is(package, "auth0")) {
        refuse(&l->r, place_of(v),
               "resource type \"%.*s\" is not in Gatehouse: it knows the provider auth0 only",
               GH_STR_FMT(v->text));
        return;
    }
    refuse(&l->r, place_of(v), "unable to find resource type \"%.*s\" in resource provider \"auth0\"",
           GH_STR_FMT(v->text));
    const char *colon = strrchr(v->text.ptr, ':');
    struct nearest near = { .wanted = gh_str_from(colon + 1) };
    for (size_t i = 0; i < gh_schema_resource_count(); i++)
        nearest_add(&near, gh_str_from(gh_schema_short_name(gh_schema_resource_at(i))));
    nearest_tell(&near, l->r.d, "The nearest types are:");
}

static void resource_name(struct loading *l, const struct gh_yaml *v) {
    if (is_text(l, v))
        l->at_hand->registered = v->text.ptr;
}

static void resource_properties(struct loading *l, const struct gh_yaml *v) {
    if (!gh_yaml_is_null(v) && is_map(l, v))
        l->at_hand->properties = expr_read(&l->r, v);
}

static void resource_options(struct loading *l, const struct gh_yaml *v) {
    if (!gh_yaml_is_null(v) && is_map(l, v))
        read_keys(l, v, "options", option_keys, GH_COUNT(option_keys));
}

static const struct key resource_keys[] = {
    { "type", resource_type },
    { "name", resource_name },
    { "properties", resource_properties },
    { "options", resource_options },
    { "get", NULL, NOT_HERE ": look the object up with a function such as fn::auth0:getRole" },
    { "defaultProvider", NULL, NOT_HERE ": there is one provider, set by AUTH0_DOMAIN and its friends" },
};

/* A key of the options that was written one level too high. */
static bool is_misplaced_option(struct loading *l, const struct gh_yaml *v) {
    for (size_t i = 0; i < GH_COUNT(option_keys); i++)
        if (gh_str_is(v->key->text, option_keys[i].name)) {
            refuse(&l->r, place_of(v->key), "%s has invalid key '%s'", l->at_hand->name.ptr,
                   option_keys[i].name);
            gh_diagnose_detail(l->r.d, "'%s' exists under options, e.g. options: { %s: … }",
                               option_keys[i].name, option_keys[i].name);
            return true;
        }
    return false;
}

static void read_resource(struct loading *l, struct declaration *d, const struct gh_yaml *map) {
    const struct gh_yaml *type =
        gh_yaml_get(map, GH_STR("type")); /* first: the options name its properties */
    if (!type)
        refuse(&l->r, d->at, "Required field 'type' is missing on resource \"%s\"", d->name.ptr);
    else
        resource_type(l, type);
    for (const struct gh_yaml *v = map->first; v; v = v->next) {
        struct gh_yaml alone = *map;
        struct gh_yaml copy = *v;
        copy.next = NULL;
        alone.first = &copy;
        if (v != type && !is_misplaced_option(l, v))
            read_keys(l, &alone, d->name.ptr, resource_keys, GH_COUNT(resource_keys));
    }
}

static void read_resources(struct loading *l, const struct gh_yaml *map) {
    if (gh_yaml_is_null(map) || !is_map(l, map))
        return;
    for (const struct gh_yaml *v = map->first; v; v = v->next) {
        struct declaration *d = declare(l, DECLARED_RESOURCE, v);
        if (!d)
            return;
        d->registered = d->name.ptr;
        if (is_map(l, v))
            read_resource(l, d, v);
    }
}

/* ---- the project ---- */

static void project_runtime(struct loading *l, const struct gh_yaml *v) {
    const struct gh_yaml *name = v->kind == GH_YAML_MAPPING ? gh_yaml_get(v, GH_STR("name")) : v;
    const struct gh_yaml *options = gh_yaml_get(v, GH_STR("options"));
    if (!name || name->kind != GH_YAML_SCALAR) {
        refuse(&l->r, place_of(v), "the runtime needs a name");
        return;
    }
    if (!gh_str_is(name->text, "yaml"))
        refuse(&l->r, place_of(name),
               "runtime '%.*s' is not supported: Gatehouse runs programs with runtime: yaml",
               GH_STR_FMT(name->text));
    if (options && gh_yaml_get(options, GH_STR("compiler")))
        refuse(&l->r, place_of(options), "a compiler is not in Gatehouse's subset of Pulumi YAML");
}

static const struct key project_keys[] = {
    { "name", NULL }, /* read before all others */
    { "runtime", project_runtime },
    { "config", read_config },
    { "variables", read_variables },
    { "resources", read_resources },
    { "outputs", read_outputs },
    { "description", NULL },
    { "author", NULL },
    { "website", NULL },
    { "license", NULL },
    { "namespace", NULL },
    { "version", NULL },
    { "pulumi", NULL },
    { "template", NULL },
    { "backend", NULL },
    { "plugins", NULL },
    { "options", NULL },
    { "configuration", NULL, "is deprecated: rename it to 'config'" },
    { "components", NULL, NOT_HERE },
    { "packages", NULL, NOT_HERE },
    { "main", NULL, NOT_HERE },
    { "stackConfigDir", NULL, NOT_HERE ": Pulumi.<stack>.yaml stands beside Pulumi.yaml" },
};

static bool project_name(struct loading *l, const struct gh_yaml *root) {
    const struct gh_yaml *name = root->kind == GH_YAML_MAPPING ? gh_yaml_get(root, GH_STR("name")) : NULL;
    if (root->kind != GH_YAML_MAPPING) {
        refuse(&l->r, place_of(root), "a program is a map with name, runtime and resources");
        return false;
    }
    bool good = name && name->kind == GH_YAML_SCALAR && name->text.len > 0 && name->text.len <= 100 &&
                strspn(name->text.ptr, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") ==
                    name->text.len;
    if (!name)
        refuse(&l->r, place_of(root), "Required field 'name' is missing: the project's name");
    else if (!good)
        refuse(&l->r, place_of(name),
               "a project's name holds letters, digits, '-', '_' and '.', at most 100");
    else
        l->p->name = name->text.ptr;
    if (!gh_yaml_get(root, GH_STR("runtime")))
        refuse(&l->r, place_of(root), "Required field 'runtime' is missing: write runtime: yaml");
    return good;
}

/* The names under which resources are registered must differ too. */
static int registered_order(const void *left, const void *right) {
    const struct declaration *a = *(struct declaration *const *)left,
                             *b = *(struct declaration *const *)right;
    return strcmp(a->registered ? a->registered : "", b->registered ? b->registered : "");
}

static void registered_are_unique(struct loading *l) {
    struct gh_program *p = l->p;
    struct declaration **sorted = need(&l->r, gh_arena_calloc(p->arena, p->count, sizeof *sorted));
    if (!sorted || !p->count)
        return;
    memcpy(sorted, p->all, p->count * sizeof *sorted);
    qsort(sorted, p->count, sizeof *sorted, registered_order);
    for (size_t i = 1; i < p->count; i++)
        if (sorted[i]->registered && sorted[i - 1]->registered &&
            strcmp(sorted[i]->registered, sorted[i - 1]->registered) == 0 &&
            !gh_str_eq(sorted[i]->name, sorted[i - 1]->name))
            refuse(&l->r, sorted[i]->at, "two resources are registered as '%s'", sorted[i]->registered);
}

enum gh_err gh_program_parse(const char *dir, const char *file, struct gh_str text, struct gh_diagnostics *d,
                             struct gh_program **ret) {
    struct gh_arena *a = gh_arena_new(ARENA);
    struct gh_program *p = a ? GH_NEW(a, struct gh_program) : NULL;
    if (!p) {
        gh_arena_free(a);
        return GH_ERR_NOMEM;
    }
    *p = (struct gh_program){ .arena = a,
                              .file = gh_arena_cstr(a, gh_str_from(file)),
                              .dir = gh_arena_cstr(a, gh_str_from(dir)),
                              .name = "" };
    struct loading l = { .r = { .arena = a, .d = d, .file = p->file }, .p = p };
    const struct gh_yaml *root;
    gh_diagnostics_source(d, file, text);
    enum gh_err e = gh_yaml_parse(a, p->file, text, d, &root);
    if (!e && project_name(&l, root)) {
        read_keys(&l, root, "the project", project_keys, GH_COUNT(project_keys));
        registered_are_unique(&l);
        if (!graph_link(p, d))
            l.r.failed = true;
    }
    if (e || l.r.failed) {
        gh_arena_free(a);
        return e ? e : GH_ERR_MALFORMED;
    }
    *ret = p;
    return GH_OK;
}

enum gh_err gh_program_load(const char *dir, struct gh_diagnostics *d, struct gh_program **ret) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/Pulumi.yaml", dir) >= (int)sizeof path)
        return GH_ERR_TOO_LARGE;
    const char *shown = strncmp(path, "./", 2) == 0 ? path + 2 : path;
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(2 * GH_LIMIT_STACK_FILE);
    struct gh_str text;
    enum gh_err e = a ? gh_file_read(a, path, GH_LIMIT_STACK_FILE, &text) : GH_ERR_NOMEM;
    if (e) {
        gh_diagnose(d, GH_SEVERITY_ERROR, (struct gh_position){ .file = shown }, "%s",
                    e == GH_ERR_NOT_FOUND ? "there is no such file; -C names the folder of a program"
                                          : gh_err_text(e));
        return e;
    }
    return gh_program_parse(dir, shown, text, d, ret);
}

void gh_program_free(struct gh_program *p) {
    if (p)
        gh_arena_free(p->arena);
}

const char *gh_program_name(const struct gh_program *p) {
    return p->name;
}
