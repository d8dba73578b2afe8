#include "stack/engine/lookup_lists.h"

#include <string.h>

#include "core/cleanup.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"

#define F(name) "auth0:index/" name ":" name

/* clang-format off */
static const struct {
    const char *function, *output, *skip, *list, *items, *member; /* member: of each item; NULL: items as objects */
    enum gh_paging paging;
} relations[] = {
    { F("getRole"), "permissions", "skipPermissions", "/roles/{id}/permissions", "permissions", NULL, GH_PAGING_PAGE },
    { F("getRole"), "users", "skipUsers", "/roles/{id}/users", "users", "user_id", GH_PAGING_CHECKPOINT },
    { F("getUser"), "permissions", "skipPermissions", "/users/{id}/permissions", "permissions", NULL, GH_PAGING_PAGE },
    { F("getUser"), "roles", "skipRoles", "/users/{id}/roles", "roles", "id", GH_PAGING_PAGE },
    { F("getOrganization"), "members", "skipMembers", "/organizations/{id}/members", "members", "user_id", GH_PAGING_CHECKPOINT },
    { F("getOrganization"), "connections", "skipConnections", "/organizations/{id}/connections", "connections", NULL, GH_PAGING_PAGE },
    { F("getOrganization"), "clientGrants", "skipClientGrants", "/organizations/{id}/client-grants", "client_grants", "id", GH_PAGING_PAGE },
    { F("getConnection"), "enabledClients", "skipEnabledClients", "/connections/{id}/clients", "clients", "client_id", GH_PAGING_CHECKPOINT },
};

enum match { EQUAL, ONE_OF, CONTAINS };
static const struct {
    const char *function, *output, *list, *items;
    struct { const char *argument, *member; enum match match; } filters[4];
} lists[] = {
    { F("getClients"), "clients", "/clients", "clients",
      { { "appTypes", "app_type", ONE_OF }, { "isFirstParty", "is_first_party", EQUAL }, { "nameFilter", "name", CONTAINS },
        { "externalClientId", "external_client_id", EQUAL } } },
    { F("getClientGrants"), "clientGrants", "/client-grants", "client_grants",
      { { "audience", "audience", EQUAL }, { "clientId", "client_id", EQUAL }, { "defaultFor", "default_for", EQUAL } } },
};
/* clang-format on */

/* As the function's output of that name would hold them. Steals the items. */
static void put(const char *function, const char *output, json_t *items, json_t *result) {
    const struct gh_resource_type *type = gh_schema_function(gh_str_from(function));
    const struct gh_property *p =
        type ? gh_schema_property(type->outputs, type->output_count, gh_str_from(output)) : NULL;
    if (p)
        json_object_set_new(result, output, gh_mapping_decode_value(p, items));
    json_decref(items);
}

static json_t *members_of(json_t *items, const char *member) {
    json_t *ret = json_array(), *item;
    size_t i;
    json_array_foreach(items, i, item) json_array_append(ret, json_object_get(item, member));
    json_decref(items);
    return ret;
}

enum gh_err gh_lookup_add_relations(struct gh_api *api, const char *function, const char *id,
                                    json_t *arguments, json_t *result, struct gh_api_reply *reply) {
    enum gh_err e = GH_OK;
    for (size_t i = 0; i < GH_COUNT(relations) && !e; i++) {
        gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
        json_t *items = NULL;
        if (strcmp(relations[i].function, function) != 0 ||
            json_is_true(gh_value_reveal(json_object_get(arguments, relations[i].skip))))
            continue;
        e = gh_provider_expand(relations[i].list, id, NULL, true, &path);
        e = e ? e : gh_api_list(api, path.ptr, relations[i].items, relations[i].paging, &items, reply);
        if (!e)
            put(function, relations[i].output,
                relations[i].member ? members_of(items, relations[i].member) : items, result);
    }
    return e;
}

bool gh_lookup_is_list(const char *function) {
    for (size_t i = 0; i < GH_COUNT(lists); i++)
        if (strcmp(lists[i].function, function) == 0)
            return true;
    return false;
}

static bool fits(const json_t *have, json_t *want, enum match match) {
    size_t i;
    json_t *one;
    const char *text = json_string_value(have), *part = json_string_value(want);
    switch (match) {
    case EQUAL:
        return json_equal(have, want);
    case CONTAINS:
        return text && part && strcasestr(text, part);
    case ONE_OF:
        json_array_foreach(want, i, one) {
            if (json_equal(have, gh_value_reveal(one)))
                return true;
        }
        return json_array_size(want) == 0;
    }
    return false;
}

static bool is_wanted(size_t row, const json_t *item, json_t *arguments) {
    for (size_t i = 0; i < GH_COUNT(lists[row].filters) && lists[row].filters[i].argument; i++) {
        json_t *want = gh_value_reveal(json_object_get(arguments, lists[row].filters[i].argument));
        if (want && !json_is_null(want) &&
            !fits(json_object_get(item, lists[row].filters[i].member), want, lists[row].filters[i].match))
            return false;
    }
    return true;
}

enum gh_err gh_lookup_list(struct gh_api *api, const char *function, json_t *arguments, json_t **result,
                           struct gh_api_reply *reply) {
    for (size_t row = 0; row < GH_COUNT(lists); row++) {
        json_t *items = NULL, *kept = json_array(), *item;
        size_t i;
        if (strcmp(lists[row].function, function) != 0) {
            json_decref(kept);
            continue;
        }
        enum gh_err e =
            gh_api_list(api, lists[row].list, lists[row].items, GH_PAGING_CHECKPOINT, &items, reply);
        json_array_foreach(items, i, item) {
            if (is_wanted(row, item, arguments))
                json_array_append(kept, item);
        }
        json_decref(items);
        *result = e ? NULL : json_copy(arguments);
        if (!e) {
            put(function, lists[row].output, kept, *result);
            json_object_set_new(*result, "id", json_string(lists[row].output));
        } else
            json_decref(kept);
        return e;
    }
    return GH_ERR_UNSUPPORTED;
}

enum gh_err gh_lookup_user(struct gh_api *api, json_t *arguments, json_t **ret, struct gh_api_reply *reply) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(16384);
    enum gh_err e =
        gh_provider_expand("/users?search_engine=v3&per_page=2&q={query}", NULL, arguments, true, &path);
    e = e ? e : gh_api_call(api, "GET", path.ptr, NULL, reply);
    if (e)
        return e;
    size_t n = json_array_size(reply->body);
    if (n == 1)
        *ret = json_incref(json_array_get(reply->body, 0));
    return n == 1 ? GH_OK : n ? GH_ERR_CONFLICT : GH_ERR_NOT_FOUND;
}
