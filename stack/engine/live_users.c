#include "stack/engine/live_users.h"

#include <string.h>

#include "core/buf.h"
#include "core/cleanup.h"
#include "stack/form.h"

enum {
    AT_ONCE = 100,     /* of one answer: the largest page */
    QUERY_MAX = 3900,  /* bytes of the query before its encoding */
    TARGET_MAX = 7000, /* and of the encoded target: servers take 8 KiB */
};

/* '"' ends the text, '\\' begins an escape; controls are in no id. */
bool gh_live_users_may_search(const char *text) {
    for (const char *c = text; *c; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
            return false;
    return *text && strlen(text) < 256;
}

/* How much a text takes at most: quotes and OR, each byte of its own encoded as three. */
static bool has_room(size_t *query, size_t *target, const char *text) {
    *query += strlen(text) + sizeof "\"\" OR ";
    *target += 3 * (strlen(text) + sizeof "\"\" OR ");
    return *query <= QUERY_MAX && *target <= 2 * TARGET_MAX;
}

void gh_live_users_take(json_t *waiting, const char *id, json_t *taken) {
    size_t query = 32, target = 96;
    const char *other;
    void *next;
    json_t *mark;
    has_room(&query, &target, id);
    json_object_set_new(taken, id, json_true());
    json_object_del(waiting, id);
    json_object_foreach_safe(waiting, next, other, mark) {
        if (json_object_size(taken) == AT_ONCE || !has_room(&query, &target, other))
            return;
        json_object_set(taken, other, mark);
        json_object_del(waiting, other);
    }
}

static void add_term(struct gh_buf *out, const char *text, bool first) {
    gh_percent_add(out, first ? "\"" : " OR \"");
    gh_percent_add(out, text);
    gh_percent_add(out, "\"");
}

/* The first of `asked` that fit are taken out of it. An address may be that of several users: of more, then,
 * than a page holds. */
static enum gh_err search(struct gh_api *api, const char *field, json_t *asked, json_t *found,
                          struct gh_api_reply *reply) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(32768);
    size_t count = 0, query = 32 + strlen(field);
    const char *text;
    void *next;
    json_t *mark, *users = NULL;
    gh_buf_addf(&path, "/users?search_engine=v3&q=%s", field);
    gh_percent_add(&path, ":(");
    json_object_foreach_safe(asked, next, text, mark) {
        query += strlen(text) + sizeof "\"\" OR ";
        if (!gh_live_users_may_search(text)) {
            json_object_del(asked, text);
            continue;
        }
        if (count && (count == AT_ONCE || query > QUERY_MAX || path.len + 3 * strlen(text) > TARGET_MAX))
            break;
        add_term(&path, text, count++ == 0);
        json_object_del(asked, text);
    }
    gh_percent_add(&path, ")");
    if (path.failed || !count)
        return path.failed ? GH_ERR_NOMEM : GH_OK;
    enum gh_err e = gh_api_list(api, path.ptr, "users", GH_PAGING_PAGE, &users, reply);
    if (!e && json_array_extend(found, users) != 0)
        e = GH_ERR_NOMEM;
    json_decref(users);
    return e;
}

static enum gh_err search_all(struct gh_api *api, const char *field, json_t *asked, json_t **ret,
                              struct gh_api_reply *reply) {
    json_t *rest = json_copy(asked), *found = json_array();
    enum gh_err e = rest && found ? GH_OK : GH_ERR_NOMEM;
    while (!e && json_object_size(rest))
        e = search(api, field, rest, found, reply);
    json_decref(rest);
    if (e)
        json_decref(found);
    else
        *ret = found;
    return e;
}

enum gh_err gh_live_users_search(struct gh_api *api, json_t *asked, json_t **ret,
                                 struct gh_api_reply *reply) {
    return json_object_size(asked) < 2 ? GH_OK : search_all(api, "user_id", asked, ret, reply);
}

enum gh_err gh_live_emails_search(struct gh_api *api, json_t *asked, json_t **ret,
                                  struct gh_api_reply *reply) {
    return json_object_size(asked) < 2 ? GH_OK : search_all(api, "email", asked, ret, reply);
}

enum gh_err gh_live_users_among(struct gh_api *api, json_t *ids, const char *connection, size_t *ret,
                                struct gh_api_reply *reply) {
    gh_auto(gh_buf_release) struct gh_buf field = gh_buf_make(4096);
    json_t *found = NULL;
    gh_percent_add(&field, "identities.connection:\"");
    for (const char *c = connection; *c; c++)
        gh_percent_add(&field,
                       (char[]){ *c == '"' || *c == '\\' ? '\\' : *c, *c == '"' || *c == '\\' ? *c : 0, 0 });
    gh_percent_add(&field, "\" AND user_id");
    enum gh_err e = field.failed ? GH_ERR_NOMEM : search_all(api, field.ptr, ids, &found, reply);
    *ret = json_array_size(found);
    json_decref(found);
    return e;
}
