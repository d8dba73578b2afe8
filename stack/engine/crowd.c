#include "stack/engine/crowd.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "stack/engine/live_users.h"

enum { FEW = 3 }; /* so many users are asked for one by one */

struct gh_crowd {
    struct gh_api *api;
    json_t *ids;
    json_t *memberships; /* id of a user → {id of an organization: true}; NULL: not known */
    json_t *waiting;     /* ids that no search has named yet */
    json_t *users;       /* id → the user, as the search has it */
};

struct gh_crowd *gh_crowd_new(struct gh_api *api, const json_t *ids) {
    struct gh_crowd *c = json_object_size(ids) > FEW ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return NULL;
    *c = (struct gh_crowd){ .api = api,
                            .ids = json_copy((json_t *)(uintptr_t)ids),
                            .waiting = json_object(),
                            .users = json_object() };
    return c;
}

void gh_crowd_free(struct gh_crowd *c) {
    if (!c)
        return;
    json_t *owned[] = { c->ids, c->memberships, c->waiting, c->users };
    for (size_t i = 0; i < GH_COUNT(owned); i++)
        json_decref(owned[i]);
    free(c);
}

/* --- memberships --- */

static enum gh_err add_members(const json_t *members, const char *organization, json_t *memberships) {
    size_t i;
    json_t *member;
    json_array_foreach(members, i, member) {
        const char *id = json_string_value(json_object_get(member, "user_id"));
        json_t *of = id ? json_object_get(memberships, id) : NULL;
        if (!id || (of && json_object_set_new(of, organization, json_true()) != 0))
            return id ? GH_ERR_NOMEM : GH_ERR_MALFORMED;
    }
    return GH_OK;
}

static enum gh_err list_members(struct gh_api *api, const char *organization, size_t *left,
                                json_t *memberships, struct gh_api_reply *reply) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    json_t *members = NULL;
    enum gh_err e = gh_provider_expand("/organizations/{id}/members?fields=user_id&include_fields=true",
                                       organization, NULL, true, &path);
    e = e ? e : gh_api_list_within(api, path.ptr, "members", GH_PAGING_CHECKPOINT, left, &members, reply);
    if (e == GH_ERR_NOT_FOUND) /* it is gone meanwhile, and its memberships with it */
        gh_api_reply_release(reply);
    else if (!e)
        e = add_members(members, organization, memberships);
    json_decref(members);
    return e == GH_ERR_NOT_FOUND ? GH_OK : e;
}

static enum gh_err list_all(struct gh_crowd *c, json_t *memberships, struct gh_api_reply *reply) {
    size_t left = json_object_size(c->ids), i; /* one read of each user is the other way */
    json_t *organizations = NULL, *one;
    enum gh_err e = gh_api_list_within(c->api, "/organizations", "organizations", GH_PAGING_CHECKPOINT, &left,
                                       &organizations, reply);
    if (!e && json_array_size(organizations) > left) /* each has a page at least */
        e = GH_ERR_TOO_LARGE;
    json_array_foreach(organizations, i, one) {
        const char *id = json_string_value(json_object_get(one, "id"));
        e = e ? e : id ? list_members(c->api, id, &left, memberships, reply) : GH_ERR_MALFORMED;
    }
    json_decref(organizations);
    return e;
}

static void restart(struct gh_crowd *c) {
    json_decref(c->memberships);
    c->memberships = NULL;
    json_object_clear(c->users);
    json_object_clear(c->waiting);
    json_object_update(c->waiting, c->ids);
}

bool gh_crowd_list(struct gh_crowd *c) {
    struct gh_api_reply reply = { 0 };
    json_t *memberships = c ? json_object() : NULL, *mark;
    const char *id;
    if (!memberships)
        return false;
    restart(c);
    enum gh_err e = GH_OK;
    json_object_foreach(c->ids, id, mark) {
        if (json_object_set_new(memberships, id, json_object()) != 0)
            e = GH_ERR_NOMEM;
    }
    e = e ? e : list_all(c, memberships, &reply);
    gh_api_reply_release(&reply);
    if (e)
        json_decref(memberships);
    else
        c->memberships = memberships;
    return !e;
}

void gh_crowd_unlist(struct gh_crowd *c) {
    if (c)
        restart(c);
}

const json_t *gh_crowd_memberships(const struct gh_crowd *c, const char *id) {
    return c ? json_object_get(c->memberships, id) : NULL;
}

/* --- users --- */

/* Who is not found waits no longer: the search lags behind, and only the user's own path can tell. */
static void search(struct gh_crowd *c, const char *id) {
    struct gh_api_reply reply = { 0 };
    json_t *asked = json_object(), *found = NULL, *user;
    size_t i;
    gh_live_users_take(c->waiting, id, asked);
    if (gh_live_users_search(c->api, asked, &found, &reply) != GH_OK)
        json_object_clear(c->waiting); /* a tenant that does not take such a query */
    gh_api_reply_release(&reply);
    json_array_foreach(found, i, user) {
        const char *own = json_string_value(json_object_get(user, "user_id"));
        if (own && json_object_get(asked, own) && json_is_array(json_object_get(user, "identities")))
            json_object_set(c->users, own, user);
    }
    json_decref(found);
    json_decref(asked);
}

json_t *gh_crowd_user(struct gh_crowd *c, const char *id) {
    if (c && json_object_get(c->waiting, id))
        search(c, id);
    return c ? json_incref(json_object_get(c->users, id)) : NULL;
}
