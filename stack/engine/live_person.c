#include "stack/engine/live_person.h"

#include <string.h>
#include <strings.h>

#include "core/cleanup.h"
#include "stack/engine/live_users.h"
#include "stack/value.h"

static const char *input(const json_t *inputs, const char *name) {
    const char *text = json_string_value(gh_value_reveal(json_object_get(inputs, name)));
    return text && *text && strcmp(text, GH_UNKNOWN) != 0 ? text : NULL;
}

static bool is_of(const json_t *user, const char *connection) {
    size_t i;
    json_t *identity;
    json_array_foreach(json_object_get(user, "identities"), i, identity) {
        const char *its = json_string_value(json_object_get(identity, "connection"));
        if (its && strcmp(its, connection) == 0)
            return true;
    }
    return false;
}

static bool is_named(const json_t *user, const char *username) {
    const char *its = json_string_value(json_object_get(user, "username"));
    return its && strcasecmp(its, username) == 0;
}

static enum gh_err get(struct gh_api *api, const char *template, const json_t *inputs,
                       struct gh_api_reply *reply) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    enum gh_err e = gh_provider_expand(template, NULL, inputs, true, &path);
    return e ? e : gh_api_call(api, "GET", path.ptr, NULL, reply);
}

/* Of a database connection: "auth0|" and what the program says. */
static enum gh_err by_id(struct gh_api *api, const json_t *inputs, const char *connection, json_t *ret,
                         struct gh_api_reply *reply) {
    enum gh_err e = get(api, "/users/auth0%7C{userId}", inputs, reply);
    if (!e && is_of(reply->body, connection))
        json_array_append(ret, reply->body);
    if (!e || e == GH_ERR_NOT_FOUND) {
        gh_api_reply_release(reply);
        e = GH_OK;
    }
    return e;
}

static enum gh_err by_username(struct gh_api *api, const json_t *inputs, const char *connection, json_t *ret,
                               struct gh_api_reply *reply) {
    const char *username = input(inputs, "username");
    json_t *user;
    size_t i;
    enum gh_err e = get(api, "/users?search_engine=v3&q=username%3A%22{username}%22", inputs, reply);
    json_array_foreach(e ? NULL : reply->body, i, user) {
        if (is_of(user, connection) && is_named(user, username))
            json_array_append(ret, user);
    }
    if (!e)
        gh_api_reply_release(reply);
    return e;
}

enum gh_err gh_live_person_by_name(struct gh_api *api, const json_t *inputs, json_t *ret,
                                   struct gh_api_reply *reply) {
    const char *connection = input(inputs, "connectionName"), *username = input(inputs, "username");
    if (!connection)
        return GH_OK;
    if (input(inputs, "userId"))
        return by_id(api, inputs, connection, ret, reply);
    /* what a quoted text of the query cannot hold is not looked for: then a refusal tells */
    return username && gh_live_users_may_search(username) ? by_username(api, inputs, connection, ret, reply)
                                                          : GH_OK;
}
