/* Who is there by the stack's own doing: the ids in what an object holds (people.c) that the stack may take
 * away. A membership is its own when the ledger has it, or when the stack made both the user and the
 * organization. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "stack/engine/internal.h"
#include "stack/value.h"

#define CONNECTION "auth0:index/connection:Connection"
#define ORGANIZATION "auth0:index/organization:Organization"
#define USER "auth0:index/user:User"
#define MEMBER "auth0:index/organizationMember:OrganizationMember"
#define MEMBERS "auth0:index/organizationMembers:OrganizationMembers"

/* Users are many, and nobody may walk the ledger for each. */
struct gh_own {
    json_t *memberships;   /* id of a user → {id of an organization: true} */
    json_t *organizations; /* ids of those that the stack made */
    size_t entries;        /* from so many: a deletion leaves their number, as it only moves its entry */
};

static const char *text(const json_t *object, const char *member) {
    const char *value = json_string_value(gh_value_reveal(json_object_get(object, member)));
    return value ? value : "";
}

static bool is(const json_t *object, const char *member, const char *value) {
    return strcmp(text(object, member), value) == 0;
}

static void add(json_t *set, const char *id) {
    if (*id)
        json_object_set_new(set, id, json_true());
}

bool gh_own_was_made(const json_t *entry) {
    return !json_is_true(json_object_get(entry, "adopted")) &&
           !json_is_true(json_object_get(entry, "imported"));
}

/* --- memberships of an entry --- */

typedef void membership(void *context, const char *organization, const char *user);

/* Members that a set put into the organization: all of its elements but those that it found there. */
static void each_of_set(const json_t *entry, membership *tell, void *context) {
    json_t *inputs = json_object_get(entry, "inputs"), *found = json_object(), *member;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(entry, "found"), "members"), i, member)
        add(found, json_string_value(member) ? json_string_value(member) : "");
    json_array_foreach(json_object_get(inputs, "members"), i, member) {
        const char *user = json_string_value(gh_value_reveal(member));
        if (user && !json_object_get(found, user))
            tell(context, text(inputs, "organizationId"), user);
    }
    json_decref(found);
}

static void each_membership(const json_t *entry, membership *tell, void *context) {
    const json_t *inputs = json_object_get(entry, "inputs");
    if (is(entry, "type", MEMBERS))
        each_of_set(entry, tell, context);
    else if (is(entry, "type", MEMBER))
        tell(context, text(inputs, "organizationId"), text(inputs, "userId"));
}

/* --- of a user, by the index --- */

static void index_membership(void *context, const char *organization, const char *user) {
    json_t *memberships = context, *of = json_object_get(memberships, user);
    if (!of && json_object_set_new(memberships, user, of = json_object()) != 0)
        return; /* one that is not known to be ours is refused */
    add(of, organization);
}

/* What this run removed already counts, too: a search may answer from an index that lags behind. */
static size_t lists_of(const struct gh_engine *e, const json_t *lists[2]) {
    lists[0] = gh_ledger_resources(e->ledger);
    lists[1] = e->removed;
    return json_array_size(lists[0]) + json_array_size(lists[1]);
}

static struct gh_own *make_index(const struct gh_engine *e) {
    struct gh_own *x = calloc(1, sizeof *x);
    const json_t *lists[2];
    json_t *entry;
    size_t i;
    if (!x)
        return NULL;
    *x = (struct gh_own){ json_object(), json_object(), lists_of(e, lists) };
    for (size_t k = 0; k < GH_COUNT(lists); k++)
        json_array_foreach(lists[k], i, entry) {
            if (!gh_own_was_made(entry))
                continue;
            each_membership(entry, index_membership, x->memberships);
            if (is(entry, "type", ORGANIZATION))
                add(x->organizations, text(entry, "id"));
        }
    return x;
}

void gh_own_free(struct gh_own *x) {
    if (!x)
        return;
    json_decref(x->memberships);
    json_decref(x->organizations);
    free(x);
}

void gh_own_unindex(struct gh_engine *e) {
    gh_own_free(e->own);
    e->own = NULL;
}

void gh_own_index(struct gh_engine *e) {
    gh_own_unindex(e);
    e->own = make_index(e);
}

static json_t *of_user(struct gh_engine *e, const struct gh_step *s) {
    const json_t *lists[2];
    if (e->own && e->own->entries != lists_of(e, lists)) /* what was given back or kept left no trace */
        gh_own_index(e);
    struct gh_own *x = e->own ? e->own : make_index(e);
    json_t *own = x ? json_object() : NULL;
    if (own)
        json_object_update(own, json_object_get(x->memberships, s->id));
    if (own && gh_own_was_made(s->entry))
        json_object_update(own, x->organizations);
    if (x != e->own)
        gh_own_free(x);
    return own;
}

/* --- of a connection or an organization --- */

struct members {
    const char *organization;
    json_t *own;
};

static void add_member(void *context, const char *organization, const char *user) {
    struct members *m = context;
    if (strcmp(organization, m->organization) == 0)
        add(m->own, user);
}

/* What is to be kept (retainOnDelete) is nobody's to take along. */
static void add_own(json_t *own, const struct gh_step *s, const json_t *entry, const char *connection) {
    bool user = is(entry, "type", USER);
    if (!gh_own_was_made(entry) || json_is_true(json_object_get(entry, "retainOnDelete")))
        return;
    if (strcmp(s->type->token, ORGANIZATION) == 0) {
        each_membership(entry, add_member, &(struct members){ s->id, own });
        if (user && gh_own_was_made(s->entry))
            add(own, text(entry, "id"));
    } else if (user && strcasecmp(text(json_object_get(entry, "inputs"), "connectionName"), connection) == 0)
        add(own, text(entry, "id"));
}

json_t *gh_own_ids(struct gh_engine *e, const struct gh_step *s, const char *connection) {
    if (gh_people_is_user(s->type->token))
        return of_user(e, s);
    json_t *own = json_object(), *entry, *mark;
    const json_t *lists[2];
    const char *id;
    size_t i;
    lists_of(e, lists);
    for (size_t k = 0; k < GH_COUNT(lists); k++)
        json_array_foreach(lists[k], i, entry) add_own(own, s, entry, connection);
    json_object_foreach(strcmp(s->type->token, CONNECTION) == 0 ? e->held : NULL, id, mark)
        json_object_del(own, id);
    return own;
}
