/* Finds the next mistake that can be mended and mends it. */
#include "stack/language/mend.h"

#include "core/cleanup.h"
#include "core/limits.h"
#include "stack/language/type.h"

#define MOST 2000 /* mistakes of one file */

static char folded(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool mend_same_name(struct gh_str a, struct gh_str b) {
    size_t i = 0, j = 0;
    for (;;) {
        while (i < a.len && (a.ptr[i] == '_' || a.ptr[i] == '-'))
            i++;
        while (j < b.len && (b.ptr[j] == '_' || b.ptr[j] == '-'))
            j++;
        if (i == a.len || j == b.len)
            return i == a.len && j == b.len;
        if (folded(a.ptr[i++]) != folded(b.ptr[j++]))
            return false;
    }
}

bool mend_here(struct mending *m, const struct gh_yaml *at) {
    for (size_t i = 0; i < m->tried_count; i++)
        if (m->tried[i].line == at->line && m->tried[i].column == at->column)
            return false;
    m->at = place_of(at);
    gh_buf_reset(m->out);
    gh_buf_reset(m->note);
    return true;
}

void mend_replace(struct mending *m, struct gh_str old, struct gh_str with) {
    gh_buf_add(m->out, (struct gh_str){ m->text.ptr, (size_t)(old.ptr - m->text.ptr) });
    gh_buf_add(m->out, with);
    const char *rest = old.ptr + old.len;
    gh_buf_add(m->out, (struct gh_str){ rest, (size_t)(m->text.ptr + m->text.len - rest) });
}

bool mend_name_is_free(const struct mending *m, const char *name) {
    static const char *const sections[] = { "config", "variables", "resources" };
    for (size_t i = 0; i < GH_COUNT(sections); i++) {
        const struct gh_yaml *map = gh_yaml_get(m->root, gh_str_from(sections[i]));
        if (map && gh_yaml_get(map, gh_str_from(name)))
            return false;
    }
    return true;
}

static const struct gh_resource_type *type_of_resource(const struct gh_yaml *resource) {
    const struct gh_yaml *type = gh_yaml_get(resource, GH_STR("type"));
    return type && type->kind == GH_YAML_SCALAR ? gh_schema_resource(type->text) : NULL;
}

const struct gh_yaml *mend_resource_of_type(const struct mending *m, struct gh_str name, const char *type) {
    const struct gh_yaml *resource = gh_yaml_get(m->resources, name);
    const struct gh_resource_type *t = resource ? type_of_resource(resource) : NULL;
    return t && (!type || strcmp(gh_schema_short_name(t), type) == 0) ? resource : NULL;
}

/* ---- names of properties ---- */

static bool rename_key(struct mending *m, const struct gh_yaml *map, const struct gh_yaml *value,
                       const char *name) {
    struct gh_str key = gh_yaml_source(m->text, value->key);
    if (gh_yaml_get(map, gh_str_from(name)) || !key.len || !mend_here(m, value->key))
        return false;
    gh_buf_addf(m->note, "%.*s is written %s", GH_STR_FMT(value->key->text), name);
    mend_replace(m, key, gh_str_from(name));
    return true;
}

static const char *property_meant(const char *on, const struct gh_property *properties, size_t count,
                                  struct gh_str written) {
    static const struct {
        const char *type, *written, *meant;
    } renamed[] = { { "User", "connection", "connectionName" } };
    for (size_t i = 0; i < count; i++)
        if (mend_same_name(gh_str_from(properties[i].name), written))
            return properties[i].name;
    for (size_t i = 0; i < GH_COUNT(renamed); i++)
        if (strcmp(renamed[i].type, on) == 0 && mend_same_name(gh_str_from(renamed[i].written), written))
            return renamed[i].meant;
    return NULL;
}

/* The one map whose keys the check knows. */
static bool mend_colors(struct mending *m, const struct gh_yaml *colors) {
    static const char *const keys[] = { "primary", "page_background" };
    for (const struct gh_yaml *v = colors->first; v; v = v->next)
        for (size_t i = 0; i < GH_COUNT(keys); i++)
            if (!gh_str_is(v->key->text, keys[i]) && mend_same_name(v->key->text, gh_str_from(keys[i])) &&
                rename_key(m, colors, v, keys[i]))
                return true;
    return false;
}

static bool mend_members(struct mending *m, const struct gh_yaml *resource, const struct gh_yaml *map,
                         const char *on, const struct gh_property *properties, size_t count);

static bool mend_value(struct mending *m, const struct gh_yaml *value, const struct gh_property *p,
                       struct gh_str type) {
    if (type_is_list(type) && value->kind == GH_YAML_SEQUENCE)
        for (const struct gh_yaml *item = value->first; item; item = item->next)
            if (mend_value(m, item, p, type_item(type)))
                return true;
    if (value->kind != GH_YAML_MAPPING)
        return false;
    if (type_is_map(type) && strcmp(p->name, "colors") == 0)
        return mend_colors(m, value);
    const struct gh_object_type *object = type_object(type);
    return object && mend_members(m, NULL, value, object->name, object->properties, object->property_count);
}

/* `resource`: the one whose properties these are; NULL further inside. */
static bool mend_members(struct mending *m, const struct gh_yaml *resource, const struct gh_yaml *map,
                         const char *on, const struct gh_property *properties, size_t count) {
    for (const struct gh_yaml *v = map->first; v; v = v->next) {
        const struct gh_property *p = gh_schema_property(properties, count, v->key->text);
        if (p && mend_value(m, v, p, gh_str_from(p->type)))
            return true;
        if (p)
            continue;
        const char *meant = property_meant(on, properties, count, v->key->text);
        if (meant ? rename_key(m, map, v, meant) : resource && mend_move(m, resource, map, v, on))
            return true;
    }
    return false;
}

/* ---- texts ---- */

static bool mend_texts(struct mending *m, const struct gh_yaml *node) {
    if (node->kind == GH_YAML_SCALAR)
        return mend_scalar(m, node);
    for (const struct gh_yaml *child = node->first; child; child = child->next)
        if (mend_texts(m, child))
            return true;
    return false;
}

/* ---- the file ---- */

static bool mend_one(struct mending *m) {
    static const char *const sections[] = { "variables", "resources", "outputs" };
    /* Texts first: what moves takes the right ones along. */
    for (size_t i = 0; i < GH_COUNT(sections); i++) {
        const struct gh_yaml *section = gh_yaml_get(m->root, gh_str_from(sections[i]));
        if (section && mend_texts(m, section))
            return true;
    }
    for (const struct gh_yaml *r = m->resources->first; r; r = r->next) {
        const struct gh_resource_type *t = type_of_resource(r);
        const struct gh_yaml *properties = t ? gh_yaml_get(r, GH_STR("properties")) : NULL;
        if (properties && properties->kind == GH_YAML_MAPPING &&
            mend_members(m, r, properties, gh_schema_short_name(t), t->inputs, t->input_count))
            return true;
    }
    return false;
}

/* One step: *text becomes the next one. False: there is nothing more to mend. */
static bool step(const char *file, struct gh_buf *text, struct mending *m, struct gh_buf *notes) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(256 << 20);
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *unheard = gh_diagnostics_new();
    gh_auto(gh_buf_release) struct gh_buf out = gh_buf_make(2 * GH_LIMIT_STACK_FILE),
                                          note = gh_buf_make(4096);
    const struct gh_yaml *again;
    m->text = gh_buf_str(text);
    if (!a || !unheard || gh_yaml_parse(a, file, m->text, unheard, &m->root) != GH_OK)
        return false;
    m->resources = gh_yaml_get(m->root, GH_STR("resources"));
    m->out = &out;
    m->note = &note;
    if (!m->resources || !mend_one(m))
        return false;
    /* Believed only when it is YAML again. */
    if (out.failed || gh_yaml_parse(a, file, gh_buf_str(&out), unheard, &again) != GH_OK) {
        bool room = m->tried_count < GH_COUNT(m->tried);
        if (room)
            m->tried[m->tried_count++] = m->at;
        return room;
    }
    gh_buf_addf(notes, "%s:%u: %.*s\n", file, m->at.line, (int)note.len, note.ptr ? note.ptr : "");
    gh_buf_reset(text);
    gh_buf_add(text, gh_buf_str(&out));
    return true;
}

enum gh_err gh_program_mend(const char *file, struct gh_str text, struct gh_buf *ret, struct gh_buf *notes) {
    struct mending m = { 0 };
    gh_buf_reset(ret);
    gh_buf_add(ret, text);
    for (int i = 0; i < MOST && step(file, ret, &m, notes); i++)
        ;
    return ret->failed || notes->failed ? GH_ERR_NOMEM : GH_OK;
}
