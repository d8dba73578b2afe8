/* A property that is a resource of its own: taken out, and declared below the resource it was in. */
#include <stdio.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "stack/language/mend.h"

static const struct move {
    const char *type, *property; /* where people write it */
    const char *into, *named;    /* the resource it is, and how that is named: NAME-roles */
    const char *copied[2];       /* properties that both have */
    const char *reference,
        *of; /* a property of the new one that refers to an output of the old one; or NULL */
} moves[] = {
    { "OrganizationMember",
      "roles",
      "OrganizationMemberRoles",
      "roles",
      { "organizationId", "userId" },
      NULL,
      NULL },
    { "Connection", "enabledClients", "ConnectionClients", "clients", { NULL }, "connectionId", "id" },
    { "ResourceServer",
      "scopes",
      "ResourceServerScopes",
      "scopes",
      { NULL },
      "resourceServerIdentifier",
      "identifier" },
    { "Role", "permissions", "RolePermissions", "permissions", { NULL }, "roleId", "id" },
};

/* A value on the line of its key. */
static void add_value(struct mending *m, struct gh_buf *out, const struct gh_yaml *value) {
    struct gh_str source = gh_yaml_source(m->text, value);
    const struct gh_yaml *culprit;
    if (source.len && value->line == value->last_line) {
        gh_buf_add(out, source);
        return;
    }
    json_t *json = gh_yaml_json(value, &culprit);
    gh_yaml_write(out, json);
    json_decref(json);
}

/* The lines of an entry of a map without braces, with the comments that stand directly above it. */
static struct gh_str entry_lines(const struct mending *m, const struct gh_yaml *entry) {
    unsigned from = entry->key->line;
    while (from > 1) {
        struct gh_str above = gh_str_trim(gh_yaml_lines(m->text, from - 1, from));
        if (!above.len || above.ptr[0] != '#')
            break;
        from--;
    }
    return gh_yaml_lines(m->text, from, entry->last_line + 1);
}

/* The same with another indentation. */
static void add_lines(struct gh_buf *out, struct gh_str lines, unsigned from, unsigned to) {
    struct gh_str line;
    while (lines.len) {
        if (!gh_str_cut(&lines, '\n', &line)) {
            line = lines;
            lines.len = 0;
        }
        for (unsigned i = 0; i < from && line.len && line.ptr[0] == ' '; i++)
            line = gh_str_skip(line, 1);
        if (line.len)
            gh_buf_addf(out, "%*s", (int)to, "");
        gh_buf_add(out, line);
        gh_buf_add_char(out, '\n');
    }
}

static void add_resource(struct mending *m, struct gh_buf *out, const struct move *row, const char *name,
                         const struct gh_yaml *resource, const struct gh_yaml *properties,
                         const struct gh_yaml *property) {
    unsigned indent = resource->key->column - 1;
    gh_buf_addf(out, "%*s%s:\n%*stype: auth0:%s\n%*sproperties:\n", (int)indent, "", name, (int)indent + 2,
                "", row->into, (int)indent + 2, "");
    for (size_t i = 0; i < GH_COUNT(row->copied) && row->copied[i]; i++) {
        gh_buf_addf(out, "%*s%s: ", (int)indent + 4, "", row->copied[i]);
        add_value(m, out, gh_yaml_get(properties, gh_str_from(row->copied[i])));
        gh_buf_add_char(out, '\n');
    }
    if (row->reference)
        gh_buf_addf(out, "%*s%s: ${%.*s.%s}\n", (int)indent + 4, "", row->reference,
                    GH_STR_FMT(resource->key->text), row->of);
    if (!properties->flow) {
        add_lines(out, entry_lines(m, property), property->key->column - 1, indent + 4);
        return;
    }
    gh_buf_addf(out, "%*s%s: ", (int)indent + 4, "", row->property);
    add_value(m, out, property);
    gh_buf_add_char(out, '\n');
}

/* What goes with the entry of a map in braces: the comma and the blanks around it. */
static struct gh_str entry_in_braces(struct mending *m, const struct gh_yaml *map,
                                     const struct gh_yaml *entry) {
    struct gh_str key = gh_yaml_source(m->text, entry->key), value = gh_yaml_source(m->text, entry),
                  whole = gh_yaml_source(m->text, map);
    if (!key.len || !value.len || !whole.len)
        return (struct gh_str){ 0 };
    const char *start = key.ptr, *end = value.ptr + value.len, *last = whole.ptr + whole.len;
    const char *after = end;
    while (after < last && (*after == ' ' || *after == '\n'))
        after++;
    if (after < last && *after == ',') {
        for (end = after + 1; end < last && *end == ' ';)
            end++;
    } else {
        while (start > whole.ptr + 1 && (start[-1] == ' ' || start[-1] == '\n'))
            start--;
        start -= start > whole.ptr + 1 && start[-1] == ',';
    }
    return (struct gh_str){ start, (size_t)(end - start) };
}

static bool is_possible(const struct mending *m, const struct move *row, const char *name,
                        const struct gh_yaml *resource, const struct gh_yaml *properties) {
    for (size_t i = 0; i < GH_COUNT(row->copied) && row->copied[i]; i++)
        if (!gh_yaml_get(properties, gh_str_from(row->copied[i])))
            return false;
    return !m->resources->flow && !resource->flow && mend_name_is_free(m, name);
}

bool mend_move(struct mending *m, const struct gh_yaml *resource, const struct gh_yaml *properties,
               const struct gh_yaml *property, const char *type) {
    const struct move *row = NULL;
    char name[256];
    for (size_t i = 0; i < GH_COUNT(moves); i++)
        if (strcmp(moves[i].type, type) == 0 &&
            mend_same_name(gh_str_from(moves[i].property), property->key->text))
            row = &moves[i];
    if (!row ||
        snprintf(name, sizeof name, "%s-%s", resource->key->text.ptr, row->named) >= (int)sizeof name ||
        !is_possible(m, row, name, resource, properties) || !mend_here(m, property->key))
        return false;
    gh_auto(gh_buf_release) struct gh_buf added = gh_buf_make(m->out->ceiling);
    add_resource(m, &added, row, name, resource, properties, property);
    struct gh_str below = gh_yaml_lines(m->text, resource->last_line + 1, ~0u),
                  upto = gh_yaml_lines(m->text, 1, resource->last_line + 1);
    struct gh_str gone =
        properties->flow ? entry_in_braces(m, properties, property) : entry_lines(m, property);
    if (!gone.len || added.failed)
        return false;
    gh_buf_add(m->out, (struct gh_str){ upto.ptr, (size_t)(gone.ptr - upto.ptr) });
    gh_buf_add(m->out,
               (struct gh_str){ gone.ptr + gone.len, (size_t)(upto.ptr + upto.len - gone.ptr - gone.len) });
    if (m->out->len && m->out->ptr[m->out->len - 1] != '\n')
        gh_buf_add_char(m->out, '\n');
    gh_buf_add(m->out, gh_buf_str(&added));
    gh_buf_add(m->out, below);
    gh_buf_addf(m->note, "%s of %.*s are a resource of their own, %s", row->property,
                GH_STR_FMT(resource->key->text), name);
    return true;
}
