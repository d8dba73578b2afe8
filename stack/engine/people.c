/* What holds people is not deleted unseen: a connection its users, an organization its members, a user its
 * memberships and linked identities. What this stack made itself (own.c), it may take away. */
#include <string.h>

#include "stack/engine/internal.h"
#include "stack/engine/live_users.h"
#include "stack/value.h"

#define CONNECTION "auth0:index/connection:Connection"
#define ORGANIZATION "auth0:index/organization:Organization"
#define USER "auth0:index/user:User"

/* What kinds of objects hold people, and the list that counts them; {query} is made here. */
static const struct holder {
    const char *token, *list, *items, *id, *one, *many;
    enum gh_paging paging; /* NONE: the list ends at 1,000; ours are told apart by asking for them */
} holders[] = {
    { CONNECTION, "/users?search_engine=v3&fields=user_id&include_fields=true&q={query}", "users", "user_id",
      "user", "users", GH_PAGING_NONE },
    { ORGANIZATION, "/organizations/{id}/members", "members", "user_id", "member", "members",
      GH_PAGING_CHECKPOINT },
    { USER, "/users/{id}/organizations", "organizations", "id", "membership", "memberships", GH_PAGING_PAGE },
};

static const char *text(const json_t *object, const char *member) {
    const char *value = json_string_value(gh_value_reveal(json_object_get(object, member)));
    return value ? value : "";
}

bool gh_people_is_user(const char *type) {
    return strcmp(type, USER) == 0;
}

void gh_people_expect(struct gh_engine *e, const json_t *users) {
    gh_crowd_free(e->crowd);
    e->crowd = gh_crowd_new(e->options.api, users);
    gh_crowd_list(e->crowd);
    gh_own_index(e);
}

static const struct holder *holder_of(const struct gh_step *s) {
    for (size_t i = 0; i < GH_COUNT(holders); i++)
        if (strcmp(holders[i].token, s->type->token) == 0)
            return &holders[i];
    return NULL;
}

static json_int_t count_others(const json_t *items, const char *id, const json_t *own) {
    json_int_t n = 0;
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item) n += !json_object_get(own, text(item, id));
    return n;
}

static enum gh_err count_by_id(struct gh_engine *e, const struct holder *h, const char *path,
                               const char *connection, json_int_t all, json_t *own, json_int_t *ret,
                               struct gh_api_reply *reply) {
    json_t *items = NULL;
    size_t ours = 0;
    if (h->paging == GH_PAGING_NONE) {
        enum gh_err err = gh_live_users_among(e->options.api, own, connection, &ours, reply);
        *ret = all - (json_int_t)ours;
        return err;
    }
    enum gh_err err = gh_api_list(e->options.api, path, h->items, h->paging, &items, reply);
    if (!err)
        *ret = count_others(items, h->id, own);
    json_decref(items);
    return err;
}

/* One call when there is nobody, or more than the stack ever made; else they are told apart by their ids. */
static enum gh_err count(struct gh_engine *e, const struct holder *h, const char *path,
                         const char *connection, json_t *own, json_int_t *ret, struct gh_api_reply *reply) {
    gh_auto(gh_buf_release) struct gh_buf one = gh_buf_make(16384);
    gh_buf_addf(&one, "%s%cinclude_totals=true&per_page=1&page=0", path, strchr(path, '?') ? '&' : '?');
    if (one.failed)
        return GH_ERR_NOMEM;
    enum gh_err err = gh_api_call(e->options.api, "GET", one.ptr, NULL, reply);
    if (err == GH_ERR_NOT_FOUND) /* it is gone, and they with it */
        return GH_OK;
    json_t *total = err ? NULL : json_object_get(reply->body, "total");
    if (err || !json_is_integer(total))
        return err ? err : GH_ERR_MALFORMED;
    json_int_t all = json_integer_value(total), ours = (json_int_t)json_object_size(own);
    json_t *items = json_object_get(reply->body, h->items);
    *ret = all > ours ? all - ours : count_others(items, h->id, own);
    if (all > ours || all <= (json_int_t)json_array_size(items))
        return GH_OK;
    gh_api_reply_release(reply);
    return count_by_id(e, h, path, connection, all, own, ret, reply);
}

/* identities.connection:"NAME", with what would end the quotes escaped. */
static json_t *query_of(const char *connection) {
    gh_auto(gh_buf_release) struct gh_buf q = gh_buf_make(4096);
    gh_buf_addf(&q, "identities.connection:\"");
    for (; *connection; connection++)
        gh_buf_addf(&q, strchr("\"\\", *connection) ? "\\%c" : "%c", *connection);
    gh_buf_addf(&q, "\"");
    return q.failed ? NULL : json_pack("{s:s}", "query", q.ptr);
}

/* Linked accounts of others that go with the user. The stack links none. */
static json_int_t linked(const struct gh_step *s, const json_t *user) {
    size_t n = json_array_size(json_object_get(user, "identities"));
    return gh_people_is_user(s->type->token) && n > 1 ? (json_int_t)n - 1 : 0;
}

/* Who would be lost: those of the list, linked accounts, and the person whom a user is. */
struct others {
    json_int_t listed, identities, persons;
};

/* Of many users by a search, which in the plan of `up` and `destroy` has been made already. */
static enum gh_err get(struct gh_engine *e, const struct gh_step *s, const struct holder *h, json_t **ret,
                       struct gh_api_reply *reply) {
    bool fresh = e->applying && strcmp(h->token, CONNECTION) != 0; /* its name does not change */
    *ret = fresh && strcmp(h->token, USER) == 0 ? gh_crowd_user(e->crowd, s->id) : NULL;
    json_t *old = json_object_get(s->entry, "inputs");
    return *ret ? GH_OK : gh_live_get(e->live, s->provider, s->id, old, fresh, ret, reply);
}

static json_int_t count_listed(const json_t *organizations, const json_t *own) {
    json_int_t n = 0;
    const char *id;
    json_t *mark;
    json_object_foreach((json_t *)(uintptr_t)organizations, id, mark) n += !json_object_get(own, id);
    return n;
}

static enum gh_err ask(struct gh_engine *e, const struct gh_step *s, const struct holder *h,
                       struct others *found, struct gh_api_reply *reply) {
    json_t *live = NULL;
    enum gh_err err = get(e, s, h, &live, reply);
    if (err || !live)
        return err;
    found->identities = linked(s, live);
    found->persons = strcmp(h->token, USER) == 0 && !gh_own_was_made(s->entry);
    const char *connection = json_string_value(json_object_get(live, "name"));
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    json_t *query = query_of(connection ? connection : ""),
           *own = gh_own_ids(e, s, connection ? connection : "");
    const json_t *listed = strcmp(h->token, USER) == 0 ? gh_crowd_memberships(e->crowd, s->id) : NULL;
    err = query && own ? gh_provider_expand(h->list, s->id, query, true, &path) : GH_ERR_NOMEM;
    if (!err && listed)
        found->listed = count_listed(listed, own);
    else if (!err)
        err = count(e, h, path.ptr, connection ? connection : "", own, &found->listed, reply);
    json_decref(query);
    json_decref(own);
    json_decref(live);
    return err;
}

bool gh_people_may_go(const struct gh_engine *e, const char *name) {
    for (size_t i = 0; i < e->options.allow_data_loss_count; i++)
        if (strcmp(e->options.allow_data_loss[i], name) == 0)
            return true;
    return false;
}

/* "1,204 users", " and " between two. */
static void add_count(struct gh_buf *out, json_int_t n, const char *one, const char *many) {
    char digits[32];
    if (!n)
        return;
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n);
    gh_buf_addf(out, "%s", out->len ? " and " : "");
    for (int i = 0; i < len; i++)
        gh_buf_addf(out, "%s%c", i && (len - i) % 3 == 0 ? "," : "", digits[i]);
    gh_buf_addf(out, " %s", n == 1 ? one : many);
}

static const char *deed(const struct gh_step *s) {
    return s->op == GH_OP_REPLACE ? "replacing" : "deleting";
}

static enum gh_err refuse(struct gh_engine *e, const struct gh_step *s, const char *who, bool one) {
    bool held = strcmp(s->type->token, CONNECTION) == 0 && json_object_size(e->held) > 0;
    gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, s->position, "%s %s holds %s that %s",
                gh_schema_short_name(s->type), s->name, who,
                held ? "may not be deleted" : "this stack did not make");
    gh_diagnose_detail(e->options.diagnostics, "%s it deletes %s, too; --allow-data-loss %s accepts that",
                       deed(s), one ? "it" : "them", s->name);
    return GH_ERR_CONFLICT;
}

static enum gh_err refuse_uncounted(struct gh_engine *e, const struct gh_step *s, const struct holder *h,
                                    enum gh_err err, const struct gh_api_reply *reply) {
    e->denied |= err == GH_ERR_NO_TOKEN;
    gh_diagnose(e->options.diagnostics, GH_SEVERITY_ERROR, s->position,
                "the %s of %s %s could not be counted: %s", h->many, gh_schema_short_name(s->type), s->name,
                reply->error[0] ? reply->error : gh_err_text(err));
    gh_diagnose_detail(e->options.diagnostics,
                       "%s it may delete people that this stack did not make; --allow-data-loss %s accepts "
                       "that",
                       deed(s), s->name);
    return err;
}

static enum gh_err guard(struct gh_engine *e, struct gh_step *s) {
    const struct holder *h = holder_of(s);
    struct gh_api_reply reply = { 0 };
    struct others found = { 0 };
    if (!h || !s->id || json_is_true(json_object_get(s->entry, "retainOnDelete")))
        return GH_OK;
    bool allowed = gh_people_may_go(e, s->name);
    enum gh_err err = ask(e, s, h, &found, &reply);
    if (err)
        err = allowed && err != GH_ERR_NO_TOKEN ? GH_OK : refuse_uncounted(e, s, h, err, &reply);
    gh_api_reply_release(&reply);
    json_int_t all = found.listed + found.identities + found.persons;
    if (err || all == 0)
        return err;
    gh_auto(gh_buf_release) struct gh_buf who = gh_buf_make(256);
    add_count(&who, found.persons, "person", "people");
    add_count(&who, found.listed, h->one, h->many);
    add_count(&who, found.identities, "linked identity", "linked identities");
    if (!allowed)
        return refuse(e, s, who.ptr, all == 1);
    s->note = gh_arena_printf(e->arena, "with %s that this stack did not make", who.ptr).ptr;
    return GH_OK;
}

enum gh_err gh_people_guard(struct gh_engine *e, struct gh_step *s) {
    enum gh_err err = guard(e, s);
    if (err && e->applying && gh_people_is_user(s->type->token) && s->id)
        json_object_set_new(e->held, s->id, json_true());
    return err;
}

void gh_people_check_names(const struct gh_engine *e) {
    for (size_t i = 0; i < e->options.allow_data_loss_count; i++) {
        bool meant = false;
        for (size_t k = 0; k < e->count && !meant; k++)
            meant = (e->steps[k]->op == GH_OP_DELETE || e->steps[k]->op == GH_OP_REPLACE) &&
                    strcmp(e->steps[k]->name, e->options.allow_data_loss[i]) == 0;
        if (!meant)
            gh_diagnose(e->options.diagnostics, GH_SEVERITY_WARNING, (struct gh_position){ 0 },
                        "--allow-data-loss %s: nothing of that name is deleted or replaced",
                        e->options.allow_data_loss[i]);
    }
}
