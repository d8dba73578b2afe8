#include "stack/engine/live_person.h"

#include <string.h>
#include <strings.h>

#include "core/cleanup.h"
#include "stack/engine/live_key.h"
#include "stack/engine/live_users.h"
#include "stack/value.h"

static const char *input(const json_t *inputs, const char *name) {
    const char *text = json_string_value(gh_value_reveal(json_object_get(inputs, name)));
    return text && *text && strcmp(text, GH_UNKNOWN) != 0 ? text : NULL;
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
    if (!e && gh_live_key_has_identity(reply->body, connection))
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
        if (gh_live_key_has_identity(user, connection) && is_named(user, username))
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

/* One address that is asked for, and what came of it. */
struct asked_email {
    const char *email;
    json_t *users; /* array, or NULL: ask for it alone */
};

static void search_emails(void *context, void **items, size_t count) {
    struct gh_api *api = context;
    json_t *asked = json_object(), *found = NULL, *user;
    struct gh_api_reply reply = { 0 };
    size_t i;
    for (size_t k = 0; k < count; k++)
        json_object_set_new(asked, ((struct asked_email *)items[k])->email, json_true());
    enum gh_err e = gh_live_emails_search(api, asked, &found, &reply);
    gh_api_reply_release(&reply);
    for (size_t k = 0; !e && found && k < count; k++) {
        struct asked_email *one = items[k];
        one->users = json_array();
        json_array_foreach(found, i, user) {
            const char *email = json_string_value(json_object_get(user, "email"));
            if (email && strcasecmp(email, one->email) == 0)
                json_array_append(one->users, user);
        }
    }
    json_decref(found);
    json_decref(asked);
}

json_t *gh_live_person_by_email(struct gh_api *api, const char *email) {
    struct asked_email one = { .email = email };
    if (gh_live_users_may_search(email))
        gh_crew_gather(gh_api_crew(api), "users by e-mail", GH_CREW_BATCH, &one, search_emails, api);
    return one.users;
}
