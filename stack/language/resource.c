/* One resource of a program: its type, its properties, and the options of how it is managed. */
#include <stdlib.h>

#include "stack/language/record.h"

static void option_protect(struct loading *l, const struct gh_yaml *v) {
    (void)record_boolean(l, v, &l->at_hand->options.protect);
}

static void option_retain(struct loading *l, const struct gh_yaml *v) {
    (void)record_boolean(l, v, &l->at_hand->options.retain_on_delete);
}

static void option_delete_first(struct loading *l, const struct gh_yaml *v) {
    (void)record_boolean(l, v, &l->at_hand->options.delete_before_replace);
}

static void option_import(struct loading *l, const struct gh_yaml *v) {
    if (!record_is_text(l, v))
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

/* "urn:pulumi:STACK::PROJECT::TYPE::NAME" of this very type: its name; else empty. */
static struct gh_str name_of_urn(const struct loading *l, struct gh_str urn) {
    struct gh_str rest = urn, parts[4];
    const struct gh_resource_type *type = l->at_hand->resource;
    if (!gh_str_starts(urn, GH_STR("urn:pulumi:")))
        return (struct gh_str){ 0 };
    for (size_t i = 0; i < 3; i++) {
        const char *cut = memmem(rest.ptr, rest.len, "::", 2);
        if (!cut)
            return (struct gh_str){ 0 };
        parts[i] = (struct gh_str){ rest.ptr, (size_t)(cut - rest.ptr) };
        rest = gh_str_skip(rest, parts[i].len + 2);
    }
    return type && gh_schema_resource(parts[2]) == type ? rest : (struct gh_str){ 0 };
}

/* The name form, written { name: OLD } or as the URN of a resource of the same type: all that can change
 * here, as there are no parents, and a stack and a project are a ledger's own. */
static struct gh_str alias_of(struct loading *l, const struct gh_yaml *v) {
    const struct gh_yaml *name = v->kind == GH_YAML_MAPPING ? gh_yaml_get(v, GH_STR("name")) : NULL;
    if (v->kind == GH_YAML_SCALAR)
        return name_of_urn(l, v->text);
    return name && v->count == 1 && name->kind == GH_YAML_SCALAR ? name->text : (struct gh_str){ 0 };
}

static void option_aliases(struct loading *l, const struct gh_yaml *v) {
    const char **names = need(&l->r, gh_arena_calloc(l->p->arena, v->count + 1, sizeof *names));
    size_t n = 0;
    if (v->kind != GH_YAML_SEQUENCE)
        refuse(&l->r, place_of(v), "aliases is a list of former names: aliases: [{ name: OLD }]");
    for (const struct gh_yaml *item = v->first; names && item; item = item->next) {
        struct gh_str alias = alias_of(l, item);
        if (alias.len)
            names[n++] = alias.ptr;
        else
            refuse(&l->r, place_of(item),
                   "an alias is { name: OLD }, or the urn of a resource of the same type");
    }
    l->at_hand->options.aliases = names;
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

static const struct key option_keys[] = {
    { "dependsOn", option_depends },
    { "protect", option_protect },
    { "ignoreChanges", option_ignore },
    { "import", option_import },
    { "retainOnDelete", option_retain },
    { "deleteBeforeReplace", option_delete_first },
    { "replaceOnChanges", option_replace },
    { "additionalSecretOutputs", option_secret },
    { "aliases", option_aliases },
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
    if (!record_is_text(l, v))
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
    if (record_is_text(l, v))
        l->at_hand->registered = v->text.ptr;
}

static void resource_properties(struct loading *l, const struct gh_yaml *v) {
    if (!gh_yaml_is_null(v) && record_is_map(l, v))
        l->at_hand->properties = expr_read(&l->r, v);
}

static void resource_options(struct loading *l, const struct gh_yaml *v) {
    if (!gh_yaml_is_null(v) && record_is_map(l, v))
        record_keys(l, v, "options", option_keys, GH_COUNT(option_keys));
}

static void get_id(struct loading *l, const struct gh_yaml *v) {
    l->at_hand->get_id = expr_read(&l->r, v);
}

static void get_state(struct loading *l, const struct gh_yaml *v) {
    if (!gh_yaml_is_null(v) && record_is_map(l, v))
        l->at_hand->properties = expr_read(&l->r, v);
}

static const struct key get_keys[] = { { "id", get_id }, { "state", get_state } };

/* Read, not managed: what is said in `state` only helps to find it. */
static void resource_get(struct loading *l, const struct gh_yaml *v) {
    if (!record_is_map(l, v))
        return;
    record_keys(l, v, "get", get_keys, GH_COUNT(get_keys));
    if (!gh_yaml_get(v, GH_STR("id")))
        refuse(&l->r, place_of(v->key), "get: Required field 'id' is missing");
}

static const struct key resource_keys[] = {
    { "type", NULL }, /* read first: options name properties of the type */
    { "name", resource_name },
    { "properties", resource_properties },
    { "options", resource_options },
    { "get", resource_get },
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
    const struct gh_yaml *type = gh_yaml_get(map, GH_STR("type"));
    if (type)
        resource_type(l, type);
    else
        refuse(&l->r, d->at, "Required field 'type' is missing on resource \"%s\"", d->name.ptr);
    if (gh_yaml_get(map, GH_STR("get")) && gh_yaml_get(map, GH_STR("properties"))) {
        refuse(&l->r, d->at, "%s has both 'get' and 'properties': it is read, or it is managed", d->name.ptr);
        return;
    }
    for (const struct gh_yaml *v = map->first; v; v = v->next)
        if (!is_misplaced_option(l, v))
            record_key(l, v, d->name.ptr, resource_keys, GH_COUNT(resource_keys));
}

void read_resources(struct loading *l, const struct gh_yaml *map) {
    if (gh_yaml_is_null(map) || !record_is_map(l, map))
        return;
    for (const struct gh_yaml *v = map->first; v; v = v->next) {
        struct declaration *d = declare(l, DECLARED_RESOURCE, v);
        if (!d)
            return;
        d->registered = d->name.ptr;
        if (record_is_map(l, v))
            read_resource(l, d, v);
    }
}

/* The names under which resources are registered must differ too. */
static int registered_order(const void *left, const void *right) {
    const struct declaration *a = *(struct declaration *const *)left,
                             *b = *(struct declaration *const *)right;
    return strcmp(a->registered ? a->registered : "", b->registered ? b->registered : "");
}

static int registered_search(const void *name, const void *row) {
    const char *registered = (*(struct declaration *const *)row)->registered;
    return strcmp(name, registered ? registered : "");
}

/* A former name that somebody bears now would make two owners of one object. */
static void aliases_are_free(struct loading *l, struct declaration *const *sorted) {
    const struct gh_program *p = l->p;
    for (size_t i = 0; i < p->count; i++) {
        const struct declaration *d = sorted[i];
        for (const char *const *alias = d->options.aliases; alias && *alias; alias++)
            if (bsearch(*alias, sorted, p->count, sizeof *sorted, registered_search))
                refuse(&l->r, d->at, "the alias '%s' is the name of a resource of this program", *alias);
    }
}

void registered_are_unique(struct loading *l) {
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
    aliases_are_free(l, sorted);
}
