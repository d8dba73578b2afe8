#include "stack/engine/export.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "stack/engine/declare.h"
#include "stack/engine/export_name.h"
#include "stack/engine/live.h"
#include "stack/engine/reference.h"

#define USER "auth0:index/user:User"
#define API "auth0:index/resourceServer:ResourceServer"
#define CONNECTION "auth0:index/connection:Connection"
#define GRANT "auth0:index/clientGrant:ClientGrant"
#define MEMBER "auth0:index/organizationMember:OrganizationMember"
#define MEMBER_ROLES "auth0:index/organizationMemberRoles:OrganizationMemberRoles"

/* What must be there before, and is named by no reference: resources of `token` come after the `other` with
 * the same value of the property. */
static const struct {
    const char *token, *property, *other, *of;
} after[] = {
    { "auth0:index/rolePermissions:RolePermissions", "resourceServerIdentifier",
      "auth0:index/resourceServerScopes:ResourceServerScopes", "resourceServerIdentifier" },
    { GRANT, "audience", "auth0:index/resourceServerScopes:ResourceServerScopes",
      "resourceServerIdentifier" },
    { USER, "connectionName", "auth0:index/connectionClients:ConnectionClients", "connectionName" },
    { MEMBER_ROLES, "id", MEMBER, "id" },
};

/* One resource on its way into the program: inputs still with ids. */
struct found {
    const struct gh_provider *provider;
    char *name, *id;
    json_t *inputs, *live;
};

struct work {
    const struct gh_export *x;
    struct gh_live *live;
    struct found *list;
    size_t count, room;
    struct gh_references known;
    json_t *names;   /* taken */
    json_t *skipped; /* ids that are in no program: the own client, what is the system's */
};

static const char *text(const json_t *object, const char *member) {
    const char *value = json_string_value(json_object_get(object, member));
    return value ? value : "";
}

static enum gh_err fail(struct work *w, const struct gh_provider *p, enum gh_err e,
                        struct gh_api_reply *reply) {
    const struct gh_resource_type *type = gh_schema_resource(gh_str_from(p->token));
    gh_diagnose(w->x->diagnostics, GH_SEVERITY_ERROR, (struct gh_position){ 0 },
                "could not read all of type %s: %s", gh_schema_short_name(type),
                reply->error[0] ? reply->error : gh_err_text(e));
    if (e == GH_ERR_NO_PERMISSION)
        gh_diagnose_detail(w->x->diagnostics, "give the client that scope on the Management API");
    gh_api_reply_release(reply);
    return e;
}

static enum gh_err add(struct work *w, const struct gh_provider *p, const char *name, const char *id,
                       json_t *inputs /* stolen */, json_t *live) {
    if (w->count == w->room) {
        size_t room = w->room ? w->room * 2 : 64;
        struct found *list = reallocarray(w->list, room, sizeof *list);
        if (!list)
            return GH_ERR_NOMEM;
        w->list = list;
        w->room = room;
    }
    w->list[w->count++] = (struct found){
        .provider = p, .name = strdup(name), .id = strdup(id), .inputs = inputs, .live = json_incref(live)
    };
    return inputs && w->list[w->count - 1].name && w->list[w->count - 1].id ? GH_OK : GH_ERR_NOMEM;
}

/* The system's own objects come with every tenant, and who asks is not what it asks for. */
static bool is_left_out(struct work *w, const struct gh_provider *p, const json_t *object) {
    bool own = w->x->own_client && strcmp(text(object, "client_id"), w->x->own_client) == 0;
    bool system = json_is_true(json_object_get(object, "is_system"));
    if (system && strcmp(p->token, API) == 0 && !w->known.management)
        w->known.management = json_incref(json_object_get(object, "identifier"));
    bool out = own || system || json_is_true(json_object_get(object, "global"));
    if (out)
        json_object_set_new(w->skipped, text(object, p->id), json_true());
    return out;
}

static enum gh_err add_object(struct work *w, const struct gh_provider *p, json_t *object) {
    char name[GH_EXPORT_NAME];
    const char *id = text(object, p->id),
               *shown = text(object, strcmp(p->token, USER) == 0 ? "email" : "name");
    json_t *inputs = gh_declare(p, object, NULL);
    if (strcmp(p->token, GRANT) == 0) { /* "<client>-<api>" */
        const char *client = gh_references_name(&w->known, text(object, "client_id"));
        const char *api = gh_references_named(&w->known, API, text(object, "audience"));
        gh_export_name(w->names, client ? client : "grant", api ? api : "management", "grant", name);
    } else
        gh_export_name(w->names, *shown ? shown : id, NULL, gh_export_kind(p->token), name);
    gh_references_note(&w->known, p, name, id, inputs);
    return add(w, p, name, id, inputs, object);
}

static enum gh_err list_objects(struct work *w, const struct gh_provider *p) {
    struct gh_api_reply reply = { 0 };
    json_t *items = NULL, *item;
    size_t i;
    bool users = strcmp(p->token, USER) == 0; /* their collection has no end that a program may hope for */
    enum gh_err e =
        gh_api_list(w->x->api, p->list, p->items, users ? GH_PAGING_PAGE : p->paging, &items, &reply);
    if (e)
        return fail(w, p, e, &reply);
    json_array_foreach(items, i, item) {
        if (!e && !is_left_out(w, p, item))
            e = add_object(w, p, item);
    }
    json_decref(items);
    return e;
}

/* A resource below a parent: its inputs begin with what names the parent. */
static enum gh_err add_child(struct work *w, const struct gh_provider *p, const struct found *parent,
                             const char *other, json_t *live, const json_t *parents) {
    char name[GH_EXPORT_NAME];
    gh_auto(gh_buf_release) struct gh_buf id = gh_buf_make(8192);
    enum gh_err e = gh_provider_expand(p->id, NULL, parents, false, &id);
    if (e)
        return e;
    gh_export_name(w->names, parent->name, other ? other : gh_export_part(p->token, parent->provider->token),
                   gh_export_kind(p->token), name);
    return add(w, p, name, id.ptr, gh_declare(p, live, parents), live);
}

static enum gh_err list_links(struct work *w, const struct gh_provider *p, size_t at, const json_t *parents) {
    struct gh_api_reply reply = { 0 };
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    json_t *items = NULL, *item;
    size_t i;
    enum gh_err e = gh_provider_expand(p->list, NULL, parents, true, &path);
    e = e ? e : gh_api_list(w->x->api, path.ptr, p->items, p->paging, &items, &reply);
    if (e)
        return fail(w, p, e, &reply);
    json_array_foreach(items, i, item) {
        const char *child = text(item, p->child_member), *other = gh_references_name(&w->known, child);
        if (e || json_object_get(w->skipped, child))
            continue;
        json_t *both = json_copy((json_t *)(uintptr_t)parents);
        json_object_set_new(both, p->child, json_string(child));
        const struct found parent = w->list[at]; /* the list may move */
        e = add_child(w, p, &parent, other, item, both);
        json_decref(both);
    }
    json_decref(items);
    return e;
}

static enum gh_err list_set(struct work *w, const struct gh_provider *p, size_t at, const json_t *parents,
                            const char *other) {
    struct gh_api_reply reply = { 0 };
    json_t *elements = NULL;
    enum gh_err e = gh_live_elements(w->live, p, parents, GH_AGE_ANY, &elements, &reply);
    if (e)
        return fail(w, p, e, &reply);
    const struct found parent = w->list[at];
    if (json_array_size(elements))
        e = add_child(w, p, &parent, other, elements, parents);
    json_decref(elements);
    return e;
}

/* What a facet holds is in its parent. One that says nothing is none. */
static enum gh_err add_facet(struct work *w, const struct gh_provider *p, size_t at, const json_t *parents) {
    json_t *said = gh_declare(p, w->list[at].live, parents), *value;
    const char *key;
    bool more = false;
    json_object_foreach(said, key, value) more |=
        !json_object_get(parents, key) && (!json_is_array(value) || json_array_size(value));
    json_decref(said);
    const struct found parent = w->list[at];
    return more ? add_child(w, p, &parent, NULL, parent.live, parents) : GH_OK;
}

/* The same collection element by element: then not as a whole, too. */
static bool is_shared(const struct gh_provider *p) {
    for (size_t i = 0; i < gh_provider_count() && p->kind == GH_KIND_SET; i++) {
        const struct gh_provider *other = gh_provider_at(i);
        if (other->kind == GH_KIND_LINK && strcmp(other->list, p->list) == 0)
            return true;
    }
    return false;
}

static enum gh_err list_children(struct work *w, const struct gh_provider *p) {
    enum gh_err e = GH_OK;
    size_t until = w->count;
    for (size_t at = 0; at < until && !e; at++) {
        const struct found *parent = &w->list[at];
        if (strcmp(parent->provider->token, p->dies_with.token) != 0)
            continue;
        const char *identifier = text(parent->inputs, "identifier");
        bool named_so = *identifier && strstr(p->dies_with.property, "Identifier");
        json_t *parents = json_pack("{s:s}", p->dies_with.property, named_so ? identifier : parent->id);
        e = p->kind == GH_KIND_LINK  ? list_links(w, p, at, parents)
            : p->kind == GH_KIND_SET ? list_set(w, p, at, parents, NULL)
                                     : add_facet(w, p, at, parents);
        json_decref(parents);
    }
    return e;
}

/* The roles of each member: named by the organization and the user. */
static enum gh_err list_member_roles(struct work *w, const struct gh_provider *p) {
    enum gh_err e = GH_OK;
    size_t until = w->count;
    for (size_t at = 0; at < until && !e; at++)
        if (strcmp(w->list[at].provider->token, MEMBER) == 0) {
            json_t *parents = json_copy(w->list[at].inputs);
            e = list_set(w, p, at, parents, "roles");
            json_decref(parents);
        }
    return e;
}

/* What every tenant has one of: its settings. */
static bool is_single(const struct gh_provider *p) {
    return p->kind == GH_KIND_FACET && !p->dies_with.token && p->object && !strchr(p->object, '{');
}

static enum gh_err add_single(struct work *w, const struct gh_provider *p) {
    struct gh_api_reply reply = { 0 };
    enum gh_err e = gh_api_call(w->x->api, "GET", p->object, NULL, &reply);
    if (e)
        return fail(w, p, e, &reply);
    char name[GH_EXPORT_NAME];
    json_t *inputs = gh_declare(p, reply.body, NULL);
    if (json_object_size(inputs)) {
        gh_export_name(w->names, gh_export_kind(p->token), "settings", "settings", name);
        e = add(w, p, name, p->id, inputs, reply.body);
    } else
        json_decref(inputs);
    gh_api_reply_release(&reply);
    return e;
}

static bool is_of_people(const struct gh_provider *p) {
    return strcmp(p->token, USER) == 0 || strcmp(p->token, MEMBER) == 0 ||
           strcmp(p->token, MEMBER_ROLES) == 0;
}

static enum gh_err collect(struct work *w) {
    enum gh_err e = GH_OK;
    for (int pass = 0; pass < 3; pass++) /* objects, grants (named by clients and APIs), what is below them */
        for (size_t i = 0; i < gh_provider_count() && !e; i++) {
            const struct gh_provider *p = gh_provider_at(i);
            bool object = p->kind == GH_KIND_OBJECT && p->list && !strchr(p->list, '{');
            int when = !object ? 2 : strcmp(p->token, GRANT) == 0;
            bool part = p->kind == GH_KIND_ELEMENT; /* its set says all of them */
            if (when != pass || part || (is_of_people(p) && !w->x->users) || is_shared(p))
                continue;
            if (object)
                e = list_objects(w, p);
            else if (is_single(p))
                e = add_single(w, p);
            else if (strcmp(p->token, MEMBER_ROLES) != 0 && p->dies_with.token)
                e = list_children(w, p);
        }
    const struct gh_provider *roles = gh_provider_find(MEMBER_ROLES);
    return e || !w->x->users ? e : list_member_roles(w, roles);
}

/* ---- the program ---- */

static bool says(const json_t *value, const char *property, const char *wanted) {
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_object(value) && strcmp(text(value, property), wanted) == 0)
        return true;
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        if (says(member, property, wanted))
            return true;
    }
    json_array_foreach(value, i, member) {
        if (says(member, property, wanted))
            return true;
    }
    return false;
}

/* By a property that both have, by the id of both, or by the name of the connection that one has by id. */
static bool comes_after(const struct work *w, const struct found *f, const struct found *other, size_t row) {
    if (strcmp(after[row].property, "id") == 0)
        return strcmp(f->id, other->id) == 0;
    const char *wanted = text(other->inputs, after[row].of);
    for (size_t i = 0; !*wanted && i < w->count; i++) /* the connection of these clients */
        if (strcmp(w->list[i].id, other->id) == 0 && strcmp(w->list[i].provider->token, CONNECTION) == 0)
            wanted = text(w->list[i].inputs, "name");
    return *wanted && says(f->inputs, after[row].property, wanted);
}

static json_t *dependencies(const struct work *w, const struct found *f) {
    json_t *list = json_array();
    for (size_t row = 0; row < GH_COUNT(after); row++)
        for (size_t i = 0; i < w->count && strcmp(after[row].token, f->provider->token) == 0; i++)
            if (strcmp(w->list[i].provider->token, after[row].other) == 0 &&
                comes_after(w, f, &w->list[i], row))
                json_array_append_new(list, json_string(w->list[i].name));
    return list;
}

static json_t *resource(struct work *w, const struct found *f) {
    json_t *depends = dependencies(w, f);
    json_t *ret = gh_references_resource(&w->known, f->provider, f->name, f->inputs, depends, NULL);
    json_object_set_new(json_object_get(ret, "options"), "import", json_string(f->id));
    json_decref(depends);
    return ret;
}

static json_t *program(struct work *w) {
    char name[GH_EXPORT_NAME];
    json_t *none = json_object(), *resources = json_object();
    gh_export_name(none, strncmp(w->x->domain, "localhost", 9) == 0 ? "tenant" : w->x->domain, NULL, "stack",
                   name);
    name[strcspn(name, ".")] = '\0';
    json_decref(none);
    for (size_t i = 0; i < w->count; i++)
        json_object_set_new(resources, w->list[i].name, resource(w, &w->list[i]));
    json_t *ret = json_pack("{s:s, s:s, s:o}", "name", name, "runtime", "yaml", "description",
                            json_sprintf("The tenant %s", w->x->domain));
    if (json_object_size(w->known.config))
        json_object_set(ret, "config", w->known.config);
    if (json_object_size(w->known.variables))
        json_object_set(ret, "variables", w->known.variables);
    json_object_set_new(ret, "resources", resources);
    return ret;
}

enum gh_err gh_export(const struct gh_export *x, json_t **ret) {
    struct work w = { .x = x,
                      .live = gh_live_new(x->api),
                      .names = json_pack("{s:b, s:b, s:b}", "tenant", 1, "initialPassword", 1, "pulumi", 1),
                      .skipped = json_object() };
    bool ready = gh_references_init(&w.known) && w.live && w.names && w.skipped;
    enum gh_err e = ready ? collect(&w) : GH_ERR_NOMEM;
    if (!e && !(*ret = program(&w)))
        e = GH_ERR_NOMEM;
    for (size_t i = 0; i < w.count; i++) {
        free(w.list[i].name);
        free(w.list[i].id);
        json_decref(w.list[i].inputs);
        json_decref(w.list[i].live);
    }
    free(w.list);
    gh_live_free(w.live);
    gh_references_release(&w.known);
    json_decref(w.names);
    json_decref(w.skipped);
    return e;
}
