/* tests/unit/tenant/test_security.c - whom a change revokes. Handlers run against a real store; what they
 * bump is compared with the rows below, and adding things must bump nothing. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/clock.h"
#include "tenant/api/collection.h"
#include "tenant/exchange_private.h"
#include "tenant/record.h"
#include "tenant/seal.h"
#include "tests/check.h"

struct world {
    char dir[64], database[128], kek[128];
    struct gh_tenant tenant;
    struct gh_arena *arena;
};

static struct world *world_new(void) {
    static char why[256];
    struct world *w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/gatehouse-security-XXXXXX");
    CHECK(mkdtemp(w->dir));
    snprintf(w->database, sizeof w->database, "%s/db", w->dir);
    snprintf(w->kek, sizeof w->kek, "%s/kek", w->dir);
    w->arena = gh_arena_new(64 << 20);
    w->tenant.domain = GH_STR("localhost");
    w->tenant.management_audience = GH_STR("https://localhost/api/v2/");
    CHECK(gh_sealer_open(w->kek, true, &w->tenant.sealer) == GH_OK);
    CHECK(gh_store_open(w->database, &w->tenant.store, why) == GH_OK);
    return w;
}

static void world_free(struct world *w) {
    char command[128];
    gh_store_close(w->tenant.store);
    gh_sealer_close(w->tenant.sealer);
    gh_arena_free(w->arena);
    snprintf(command, sizeof command, "rm -rf '%s'", w->dir);
    CHECK(system(command) == 0);
    free(w);
}

/* One call of one handler in its own transaction. */
struct run {
    struct gh_exchange x;
    struct gh_exchange_private private;
    struct gh_call call;
};

static enum gh_err run_handler(struct gh_db *db, void *data) {
    struct run *r = data;
    return r->call.handler->run(db, &r->call);
}

/* Arguments are texts; the answer's member `id_name` (may be NULL) is returned, in the world's arena. */
static const char *act(struct world *w, struct run *r, enum gh_op op, const char *a, const char *b,
                       const char *body, const char *id_name) {
    *r = (struct run){
        .x = { .tenant = &w->tenant, .arena = w->arena, .method = gh_contract_operations[op].method },
        .call = { .op = &gh_contract_operations[op],
                  .handler = &gh_handlers[op],
                  .now = gh_clock_milliseconds() }
    };
    r->x.private = &r->private;
    r->x.args[0] = gh_str_from(a);
    r->x.args[1] = gh_str_from(b);
    r->x.state = r->call.x = &r->x;
    r->call.caller.scope = GH_STR("create:organization_connections update:client_keys");
    json_auto_t *json = body ? json_loads(body, 0, NULL) : NULL;
    r->call.body = json;
    enum gh_err e = gh_store_write_wait(w->tenant.store, run_handler, r);
    if (e)
        print_error("%s: %s %s\n", r->call.op->id, gh_err_name(e), r->call.failure.message);
    CHECK_ROW(r->call.op->id, e == GH_OK);
    const char *id = id_name ? json_string_value(json_object_get(r->call.answer, id_name)) : NULL;
    id = id ? gh_arena_cstr(w->arena, gh_str_from(id)) : NULL;
    CHECK_ROW(r->call.op->id, !id_name || id);
    json_decref(r->call.answer);
    r->call.body = NULL;
    return id;
}

static size_t count_changes(const struct run *r) {
    size_t n = 0;
    for (const struct gh_change *c = r->private.changes; c; c = c->next)
        n++;
    return n;
}

static bool bumped(const struct run *r, enum gh_epoch_kind kind, const char *a, const char *b) {
    for (const struct gh_change *c = r->private.changes; c; c = c->next)
        if (c->kind == kind && gh_str_is(c->a, a) && gh_str_is(c->b, b))
            return true;
    return false;
}

/* A member with a role that has a permission, and a user and a client beside the organization. */
struct story {
    const char *connection, *organization, *role, *api, *member, *outsider, *client, *grant;
};

#define BODY(...) gh_arena_printf(w->arena, __VA_ARGS__).ptr

static const char *add(struct world *w, enum gh_op op, const char *a, const char *b, const char *body,
                       const char *id_name) {
    struct run r;
    const char *id = act(w, &r, op, a, b, body, id_name);
    CHECK_ROW(r.call.op->id, count_changes(&r) == 0); /* adding never revokes */
    return id;
}

static const char *add_user(struct world *w, const char *name) {
    return add(w, GH_OP_POST_USERS, NULL, NULL,
               BODY("{\"connection\":\"db\",\"email\":\"%s@x.example\",\"password\":\"p\"}", name),
               "user_id");
}

static struct story tell(struct world *w) {
    struct story s;
    const char *permission =
        "{\"permissions\":[{\"resource_server_identifier\":\"urn:ai\",\"permission_name\":\"chat\"}]}";
    s.connection =
        add(w, GH_OP_POST_CONNECTIONS, NULL, NULL, "{\"name\":\"db\",\"strategy\":\"auth0\"}", "id");
    s.organization = add(w, GH_OP_POST_ORGANIZATIONS, NULL, NULL, "{\"name\":\"acme\"}", "id");
    s.api = add(w, GH_OP_POST_RESOURCE_SERVERS, NULL, NULL,
                "{\"identifier\":\"urn:ai\",\"scopes\":[{\"value\":\"chat\"},{\"value\":\"list\"}]}", "id");
    s.role = add(w, GH_OP_POST_ROLES, NULL, NULL, "{\"name\":\"r\"}", "id");
    add(w, GH_OP_POST_ROLE_PERMISSION_ASSIGNMENT, s.role, NULL, permission, NULL);
    s.member = add_user(w, "member");
    s.outsider = add_user(w, "outsider");
    add(w, GH_OP_POST_ORGANIZATION_CONNECTION, s.organization, NULL,
        BODY("{\"connection_id\":\"%s\"}", s.connection), NULL);
    add(w, GH_OP_POST_MEMBERS, s.organization, NULL, BODY("{\"members\":[\"%s\"]}", s.member), NULL);
    add(w, GH_OP_POST_ORGANIZATION_MEMBER_ROLES, s.organization, s.member,
        BODY("{\"roles\":[\"%s\"]}", s.role), NULL);
    add(w, GH_OP_POST_USER_ROLES, s.outsider, NULL, BODY("{\"roles\":[\"%s\"]}", s.role), NULL);
    add(w, GH_OP_POST_PERMISSIONS, s.outsider, NULL, permission, NULL);
    s.client = add(w, GH_OP_POST_CLIENTS, NULL, NULL, "{\"name\":\"c\"}", "client_id");
    add(w, GH_OP_PATCH_CLIENTS, s.connection, NULL,
        BODY("[{\"client_id\":\"%s\",\"status\":true}]", s.client), NULL);
    s.grant = add(w, GH_OP_POST_CLIENT_GRANTS, NULL, NULL,
                  BODY("{\"client_id\":\"%s\",\"audience\":\"urn:ai\",\"scope\":[\"chat\"],\"organization_"
                       "usage\":\"allow\"}",
                       s.client),
                  "id");
    add(w, GH_OP_CREATE_ORGANIZATION_CLIENT_GRANTS, s.organization, NULL,
        BODY("{\"grant_id\":\"%s\"}", s.grant), NULL);
    return s;
}

/* Each change is made in a world of its own. `who` names whose epochs move: M the pair, U the member's own, X
 * the outsider, O the organization, C the client, A the API. */
static void check_change(struct world *w, const struct story *s, const struct run *r, const char *who) {
    const struct {
        char name;
        enum gh_epoch_kind kind;
        const char *a, *b;
    } subjects[] = {
        { 'M', GH_EPOCH_MEMBER, s->organization, s->member },
        { 'U', GH_EPOCH_USER, s->member, "" },
        { 'X', GH_EPOCH_USER, s->outsider, "" },
        { 'O', GH_EPOCH_ORGANIZATION, s->organization, "" },
        { 'C', GH_EPOCH_CLIENT, s->client, "" },
        { 'A', GH_EPOCH_AUDIENCE, "urn:ai", "" },
    };
    for (size_t i = 0; i < GH_COUNT(subjects); i++)
        CHECK_ROW(r->call.op->id, bumped(r, subjects[i].kind, subjects[i].a, subjects[i].b) ==
                                      (strchr(who, subjects[i].name) != NULL));
    CHECK_ROW(r->call.op->id, count_changes(r) == strlen(who));
}

TEST(what_is_taken_away_revokes_exactly_whom_it_concerns) {
    enum subject { NONE, ORGANIZATION, ROLE, MEMBER, OUTSIDER, CLIENT, GRANT, CONNECTION, API };
    static const struct {
        enum gh_op op;
        enum subject a, b;
        const char *body; /* %s is the member's id, or the role's where `roles` are meant */
        const char *who;
    } rows[] = {
        { GH_OP_DELETE_MEMBERS, ORGANIZATION, NONE, "{\"members\":[\"%s\"]}", "M" },
        { GH_OP_DELETE_MEMBERS, ORGANIZATION, NONE, "{\"members\":[\"auth0|nobody\"]}", "" },
        { GH_OP_DELETE_ORGANIZATION_MEMBER_ROLES, ORGANIZATION, MEMBER, "{\"roles\":[\"%s\"]}", "M" },
        { GH_OP_DELETE_ORGANIZATION_MEMBER_ROLES, ORGANIZATION, OUTSIDER, "{\"roles\":[\"%s\"]}", "" },
        { GH_OP_DELETE_USER_ROLES, OUTSIDER, NONE, "{\"roles\":[\"%s\"]}", "X" },
        { GH_OP_DELETE_USER_ROLES, MEMBER, NONE, "{\"roles\":[\"%s\"]}", "" },
        { GH_OP_DELETE_ROLES_BY_ID, ROLE, NONE, NULL, "MX" },
        { GH_OP_DELETE_ROLE_PERMISSION_ASSIGNMENT, ROLE, NONE,
          "{\"permissions\":[{\"resource_server_identifier\":\"urn:ai\",\"permission_name\":\"chat\"}]}",
          "MX" },
        { GH_OP_DELETE_ROLE_PERMISSION_ASSIGNMENT, ROLE, NONE,
          "{\"permissions\":[{\"resource_server_identifier\":\"urn:ai\",\"permission_name\":\"list\"}]}",
          "" },
        { GH_OP_DELETE_PERMISSIONS, OUTSIDER, NONE,
          "{\"permissions\":[{\"resource_server_identifier\":\"urn:ai\",\"permission_name\":\"chat\"}]}",
          "X" },
        { GH_OP_PATCH_ROLES_BY_ID, ROLE, NONE, "{\"description\":\"d\"}", "" },
        { GH_OP_DELETE_USERS_BY_ID, MEMBER, NONE, NULL, "U" },
        { GH_OP_PATCH_USERS_BY_ID, MEMBER, NONE, "{\"blocked\":true}", "U" },
        { GH_OP_PATCH_USERS_BY_ID, MEMBER, NONE, "{\"name\":\"n\"}", "" },
        { GH_OP_DELETE_ORGANIZATIONS_BY_ID, ORGANIZATION, NONE, NULL, "O" },
        { GH_OP_PATCH_ORGANIZATIONS_BY_ID, ORGANIZATION, NONE, "{\"display_name\":\"d\"}", "" },
        { GH_OP_DELETE_ORGANIZATION_CONNECTION, ORGANIZATION, CONNECTION, NULL, "M" },
        { GH_OP_PATCH_ORGANIZATION_CONNECTION, ORGANIZATION, CONNECTION, "{\"is_enabled\":false}", "M" },
        { GH_OP_PATCH_ORGANIZATION_CONNECTION, ORGANIZATION, CONNECTION, "{\"show_as_button\":false}", "" },
        { GH_OP_DELETE_CONNECTIONS_BY_ID, CONNECTION, NONE, NULL, "UX" },
        { GH_OP_DELETE_CLIENTS_BY_ID, CLIENT, NONE, NULL, "C" },
        { GH_OP_POST_ROTATE_SECRET, CLIENT, NONE, NULL, "C" },
        { GH_OP_PATCH_CLIENTS_BY_ID, CLIENT, NONE,
          "{\"client_secret\":\"0123456789012345678901234567890123456789012345678\"}", "C" },
        { GH_OP_PATCH_CLIENTS_BY_ID, CLIENT, NONE, "{\"name\":\"n\"}", "" },
        { GH_OP_PATCH_CLIENTS_BY_ID, CLIENT, NONE, "{\"grant_types\":[\"client_credentials\"]}", "C" },
        { GH_OP_PATCH_CLIENTS_BY_ID, CLIENT, NONE,
          "{\"grant_types\":[\"authorization_code\",\"implicit\",\"refresh_token\",\"client_credentials\","
          "\"urn:ietf:params:oauth:grant-type:device_code\"]}",
          "" },
        { GH_OP_PATCH_CLIENTS_BY_ID, CLIENT, NONE, "{\"organization_usage\":\"require\"}", "C" },
        { GH_OP_PATCH_CLIENTS_BY_ID, CLIENT, NONE, "{\"organization_usage\":\"allow\"}", "" },
        { GH_OP_PATCH_CLIENTS, CONNECTION, NONE, "[{\"client_id\":\"%s\",\"status\":false}]", "C" },
        { GH_OP_PATCH_CLIENTS, CONNECTION, NONE, "[{\"client_id\":\"%s\",\"status\":true}]", "" },
        { GH_OP_PATCH_CONNECTIONS_BY_ID, CONNECTION, NONE, "{\"enabled_clients\":[]}", "C" },
        { GH_OP_PATCH_CONNECTIONS_BY_ID, CONNECTION, NONE, "{\"enabled_clients\":[\"%s\"]}", "" },
        { GH_OP_PATCH_CONNECTIONS_BY_ID, CONNECTION, NONE, "{\"display_name\":\"d\"}", "" },
        { GH_OP_DELETE_CLIENT_GRANTS_BY_ID, GRANT, NONE, NULL, "C" },
        { GH_OP_PATCH_CLIENT_GRANTS_BY_ID, GRANT, NONE, "{\"scope\":[]}", "C" },
        { GH_OP_PATCH_CLIENT_GRANTS_BY_ID, GRANT, NONE, "{\"scope\":[\"chat\",\"list\"]}", "" },
        { GH_OP_PATCH_CLIENT_GRANTS_BY_ID, GRANT, NONE, "{\"organization_usage\":\"deny\"}", "C" },
        { GH_OP_DELETE_CLIENT_GRANTS_BY_GRANT_ID, ORGANIZATION, GRANT, NULL, "C" },
        { GH_OP_DELETE_RESOURCE_SERVERS_BY_ID, API, NONE, NULL, "A" },
        { GH_OP_PATCH_RESOURCE_SERVERS_BY_ID, API, NONE, "{\"scopes\":[{\"value\":\"list\"}]}", "A" },
        { GH_OP_PATCH_RESOURCE_SERVERS_BY_ID, API, NONE, "{\"enforce_policies\":true}", "A" },
        { GH_OP_PATCH_RESOURCE_SERVERS_BY_ID, API, NONE, "{\"enforce_policies\":false}", "" },
        { GH_OP_PATCH_RESOURCE_SERVERS_BY_ID, API, NONE, "{\"token_dialect\":\"rfc9068_profile_authz\"}",
          "A" },
        { GH_OP_PATCH_RESOURCE_SERVERS_BY_ID, API, NONE, "{\"token_lifetime\":600}", "" },
        { GH_OP_PATCH_RESOURCE_SERVERS_BY_ID, API, NONE, "{\"name\":\"n\"}", "" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct world *w = world_new();
        struct story s = tell(w);
        const char *const subjects[] = { NULL,     s.organization, s.role,       s.member, s.outsider,
                                         s.client, s.grant,        s.connection, s.api };
        const char *hole = rows[i].body ? strstr(rows[i].body, "%s") : NULL, *body = rows[i].body;
        if (hole)
            body = BODY("%.*s%s%s", (int)(hole - body), body,
                        strstr(body, "roles")    ? s.role
                        : strstr(body, "client") ? s.client
                                                 : s.member,
                        hole + 2);
        struct run r;
        act(w, &r, rows[i].op, subjects[rows[i].a], subjects[rows[i].b], body, NULL);
        check_change(w, &s, &r, rows[i].who);
        world_free(w);
    }
}

GH_TESTS(what_is_taken_away_revokes_exactly_whom_it_concerns)
