/* Reads Pulumi.yaml into declarations: the keys of the project, of a config value, of a resource and of its
 * options, each by a table; what is not in a table is refused by name. */
#include <stdio.h>

#include "core/limits.h"
#include "stack/language/record.h"
#include "sys/file.h"

#define ARENA (256 << 20)

/* ---- config ---- */

static void config_type(struct loading *l, const struct gh_yaml *v) {
    static const struct {
        const char *written, *meant;
    } types[] = { { "string", "string" },   { "integer", "integer" }, { "number", "number" },
                  { "boolean", "boolean" }, { "array", "array" },     { "object", "object" } };
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
    (void)record_boolean(l, v, &l->at_hand->secret);
}

static void config_items(struct loading *l, const struct gh_yaml *v) {
    l->at_hand->has_items = v->kind == GH_YAML_MAPPING && gh_yaml_get(v, GH_STR("type"));
    if (!l->at_hand->has_items)
        refuse(&l->r, place_of(v), "'items' is a map with the type of the items: items: { type: string }");
}

static const struct key config_keys[] = {
    { "type", config_type },     { "default", config_default }, { "value", config_value },
    { "secret", config_secret }, { "description", NULL },       { "items", config_items },
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
    if (gh_yaml_is_null(map) || !record_is_map(l, map))
        return;
    for (const struct gh_yaml *v = map->first; v; v = v->next) {
        struct declaration *d = declare(l, DECLARED_CONFIG, v);
        if (!d)
            return;
        if (v->kind == GH_YAML_MAPPING)
            record_keys(l, v, d->name.ptr, config_keys, GH_COUNT(config_keys));
        else
            d->default_value = v;                                      /* shorthand: key: literal */
        if (d->type && strcmp(d->type, "array") == 0 && !d->has_items) /* Pulumi's project schema wants it */
            refuse(&l->r, d->at, "config value '%s' is an array: say what of, items: { type: string }",
                   d->name.ptr);
        finish_config(l, d);
    }
}

/* ---- variables and outputs ---- */

static void read_variables(struct loading *l, const struct gh_yaml *map) {
    if (gh_yaml_is_null(map) || !record_is_map(l, map))
        return;
    for (const struct gh_yaml *v = map->first; v; v = v->next) {
        struct declaration *d = declare(l, DECLARED_VARIABLE, v);
        if (!d)
            return;
        d->expr = expr_read(&l->r, v);
    }
}

static void read_outputs(struct loading *l, const struct gh_yaml *map) {
    if (!gh_yaml_is_null(map) && record_is_map(l, map))
        l->p->outputs = expr_read(&l->r, map);
}

/* ---- the project ---- */

/* Python's environment is used where it is, never made: that is the business of pip and its friends. */
static void runtime_environment(struct loading *l, const struct gh_yaml *options) {
    const struct gh_yaml *folder = options ? gh_yaml_get(options, GH_STR("virtualenv")) : NULL;
    const struct gh_yaml *toolchain = options ? gh_yaml_get(options, GH_STR("toolchain")) : NULL;
    if (folder && record_is_text(l, folder))
        l->p->virtualenv = folder->text.ptr;
    else if (toolchain && !gh_str_is(toolchain->text, "pip"))
        refuse(&l->r, place_of(toolchain),
               "Gatehouse runs no toolchain: say where its environment is with virtualenv: .venv");
}

static void project_runtime(struct loading *l, const struct gh_yaml *v) {
    const struct gh_yaml *name = v->kind == GH_YAML_MAPPING ? gh_yaml_get(v, GH_STR("name")) : v;
    const struct gh_yaml *options = gh_yaml_get(v, GH_STR("options"));
    if (!name || name->kind != GH_YAML_SCALAR) {
        refuse(&l->r, place_of(v), "the runtime needs a name");
        return;
    }
    static const char *const known[] = { "yaml", "nodejs", "python" };
    for (size_t i = 0; i < GH_COUNT(known); i++)
        if (gh_str_is(name->text, known[i]))
            l->p->runtime = known[i];
    if (!l->p->runtime)
        refuse(&l->r, place_of(name),
               "runtime '%.*s' is not supported: Gatehouse runs programs with runtime yaml, nodejs or python",
               GH_STR_FMT(name->text));
    if (options && gh_yaml_get(options, GH_STR("compiler")))
        refuse(&l->r, place_of(options), "a compiler is not in Gatehouse's subset of Pulumi YAML");
    runtime_environment(l, options);
}

static void project_main(struct loading *l, const struct gh_yaml *v) {
    if (!record_is_text(l, v))
        return;
    l->p->main = v->text.ptr;
    l->p->main_at = place_of(v->key);
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
    { "main", project_main },
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
        record_keys(&l, root, "the project", project_keys, GH_COUNT(project_keys));
        if (p->main && p->runtime && gh_program_is_yaml(p))
            refuse(&l.r, p->main_at, "'main' is for programs in another language than YAML");
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

const char *gh_program_runtime(const struct gh_program *p) {
    return p->runtime;
}

bool gh_program_is_yaml(const struct gh_program *p) {
    return strcmp(p->runtime, "yaml") == 0;
}

const char *gh_program_main(const struct gh_program *p) {
    return p->main;
}

const char *gh_program_virtualenv(const struct gh_program *p) {
    return p->virtualenv;
}
