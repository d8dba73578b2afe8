#include "stack/engine/lookup.h"

#include <string.h>

#include "stack/engine/lookup_lists.h"
#include "stack/engine/mapping.h"
#include "stack/engine/unserved.h"
#include "stack/value.h"

/* A lookup finds an object of a type we know: by its id, or by its natural key under the name of that input.
 */
static const struct {
    const char *function, *token, *id, *key;
} rows[] = {
    { "auth0:index/getOrganization:getOrganization", "auth0:index/organization:Organization",
      "organizationId", "name" },
    { "auth0:index/getConnection:getConnection", "auth0:index/connection:Connection", "connectionId",
      "name" },
    { "auth0:index/getRole:getRole", "auth0:index/role:Role", "roleId", "name" },
    { "auth0:index/getClient:getClient", "auth0:index/client:Client", "clientId", "name" },
    { "auth0:index/getResourceServer:getResourceServer", "auth0:index/resourceServer:ResourceServer",
      "resourceServerId", "identifier" },
    { "auth0:index/getUser:getUser", "auth0:index/user:User", "userId", NULL },
};

static enum gh_err fail(struct gh_diagnostics *d, struct gh_position at, const char *function,
                        enum gh_err err, const char *said) {
    const char *name = strrchr(function, ':');
    gh_diagnose(d, GH_SEVERITY_ERROR, at, "%s: %s", name ? name + 1 : function, said);
    return err;
}

/* The tenant's own domain and the identifier of its Management API. */
static enum gh_err tenant(struct gh_api *api, const char *domain, struct gh_position at,
                          struct gh_diagnostics *d, json_t **result) {
    static const char function[] = "auth0:index/getTenant:getTenant";
    struct gh_api_reply reply = { 0 };
    enum gh_err err = gh_api_call(api, "GET", "/tenants/settings", NULL, &reply);
    if (err) {
        err = fail(d, at, function, err, reply.error);
        gh_api_reply_release(&reply);
        return err;
    }
    const struct gh_resource_type *type = gh_schema_function(gh_str_from(function));
    *result = gh_mapping_decode(type, reply.body);
    json_object_set_new(*result, "id", json_string(domain));
    json_object_set_new(*result, "domain", json_string(domain));
    json_object_set_new(*result, "managementApiIdentifier", json_sprintf("https://%s/api/v2/", domain));
    gh_api_reply_release(&reply);
    return GH_OK;
}

static enum gh_err find(struct gh_live *live, const struct gh_provider *p, const char *id, const char *key,
                        const char *value, json_t **ret, struct gh_api_reply *reply) {
    if (id)
        return gh_live_get(live, p, id, NULL, GH_AGE_ANY, ret, reply);
    json_t *inputs = json_pack("{s:s}", key, value), *found = NULL;
    enum gh_err err = gh_live_by_key(live, p, inputs, GH_AGE_ANY, &found, reply);
    *ret = json_incref(json_array_get(found, 0));
    json_decref(found);
    json_decref(inputs);
    return err;
}

static enum gh_err look(struct gh_api *api, struct gh_live *live, size_t row, json_t *arguments,
                        struct gh_position at, struct gh_diagnostics *d, json_t **result) {
    const char *function = rows[row].function;
    const struct gh_provider *p = gh_provider_find(rows[row].token);
    const char *id = json_string_value(gh_value_reveal(json_object_get(arguments, rows[row].id)));
    const char *value =
        rows[row].key ? json_string_value(gh_value_reveal(json_object_get(arguments, rows[row].key))) : NULL;
    struct gh_api_reply reply = { 0 };
    json_t *object = NULL;
    bool query = !id && !rows[row].key && json_object_get(arguments, "query");
    if (!id && !value && !query)
        return fail(d, at, function, GH_ERR_MALFORMED, "neither an id nor a name is given");
    enum gh_err err = query ? gh_lookup_user(api, arguments, &object, &reply)
                            : find(live, p, id, rows[row].key, value, &object, &reply);
    if (err == GH_ERR_NOT_FOUND && query)
        err = fail(d, at, function, err, "nobody in the tenant fits the query");
    else if (err == GH_ERR_CONFLICT && query)
        err = fail(d, at, function, err, "several people fit the query");
    else if (err)
        err = fail(d, at, function, err, reply.error);
    else if (!object)
        err = fail(d, at, function, GH_ERR_NOT_FOUND, "there is no such object in the tenant");
    gh_api_reply_release(&reply);
    if (err)
        return err;
    *result = gh_mapping_decode(gh_schema_function(gh_str_from(function)), object);
    const char *own = json_string_value(json_object_get(object, p->id));
    json_object_set_new(*result, "id", json_string(own ? own : ""));
    json_object_set_new(*result, rows[row].id, json_string(own ? own : ""));
    err = gh_lookup_add_relations(api, function, own ? own : "", arguments, *result, &reply);
    if (err) {
        err = fail(d, at, function, err, reply.error);
        json_decref(*result);
        *result = NULL;
    }
    gh_api_reply_release(&reply);
    json_decref(object);
    return err;
}

bool gh_lookup_is_served(const char *function) {
    bool served = strcmp(function, "auth0:index/getTenant:getTenant") == 0 || gh_lookup_is_list(function);
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        served |= strcmp(rows[i].function, function) == 0;
    return served;
}

enum gh_err gh_lookup(struct gh_api *api, struct gh_live *live, const char *domain, const char *function,
                      json_t *arguments, struct gh_position at, struct gh_diagnostics *d, json_t **result) {
    if (gh_value_has_unknown(arguments)) { /* a preview, before that which is asked for exists */
        *result = json_object();
        const struct gh_resource_type *type = gh_schema_function(gh_str_from(function));
        for (size_t i = 0; type && i < type->output_count; i++)
            json_object_set_new(*result, type->outputs[i].name, gh_value_unknown());
        json_object_set_new(*result, "id", gh_value_unknown());
        return GH_OK;
    }
    if (strcmp(function, "auth0:index/getTenant:getTenant") == 0)
        return tenant(api, domain, at, d, result);
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        if (strcmp(rows[i].function, function) == 0)
            return look(api, live, i, arguments, at, d, result);
    if (gh_lookup_is_list(function)) {
        struct gh_api_reply reply = { 0 };
        enum gh_err listed = gh_lookup_list(api, function, arguments, result, &reply);
        if (listed)
            listed = fail(d, at, function, listed, reply.error);
        gh_api_reply_release(&reply);
        return listed;
    }
    const char *needs = gh_unserved_operation(function);
    enum gh_err err = fail(d, at, function, GH_ERR_UNSUPPORTED, "this lookup cannot be answered");
    gh_diagnose_detail(
        d, "it needs %s, which Gatehouse's tenant does not serve; gatehouse check --types lists what can be",
        needs ? needs : "an operation");
    return err;
}
