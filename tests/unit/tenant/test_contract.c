/* tests/unit/tenant/test_contract.c - paths, formats and the validator against the generated tables. */
#include "tenant/contract/contract.h"
#include "tests/check.h"

static const struct gh_operation *match(enum gh_method method, const char *path, struct gh_str args[8],
                                        size_t *count) {
    bool other;
    return gh_contract_match(method, gh_str_from(path), args, count, &other);
}

TEST(a_path_and_a_method_name_one_operation) {
    static const struct {
        enum gh_method method;
        const char *path;
        int op; /* -1: none */
        const char *first;
    } rows[] = {
        { GH_GET, "roles", GH_OP_GET_ROLES, NULL },
        { GH_POST, "roles", GH_OP_POST_ROLES, NULL },
        { GH_GET, "roles/rol_1", GH_OP_GET_ROLES_BY_ID, "rol_1" },
        { GH_GET, "organizations/name/acme", GH_OP_GET_NAME_BY_NAME, "acme" },
        { GH_GET, "organizations/name/members", GH_OP_GET_NAME_BY_NAME, "members" },
        { GH_GET, "organizations/name", GH_OP_GET_ORGANIZATIONS_BY_ID,
          "name" }, /* no literal: an id like any */
        { GH_GET, "users/auth0%7Ca%2Fb/roles", GH_OP_GET_USER_ROLES, "auth0%7Ca%2Fb" },
        { GH_GET, "rolesX", -1, NULL },
        { GH_GET, "role", -1, NULL },
        { GH_GET, "roles/", -1, NULL },
        { GH_GET, "roles//permissions", -1, NULL },
        { GH_GET, "roles/rol_1/permissions/x/y", -1, NULL },
        { GH_GET, "", -1, NULL },
        { GH_PUT, "roles", -1, NULL },
        { GH_HEAD, "roles", -1, NULL },
        { GH_METHOD_OTHER, "roles", -1, NULL },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_str args[8] = { 0 };
        size_t count;
        const struct gh_operation *op = match(rows[i].method, rows[i].path, args, &count);
        CHECK_ROW(rows[i].path, op == (rows[i].op < 0 ? NULL : &gh_contract_operations[rows[i].op]));
        CHECK_ROW(rows[i].path, !rows[i].first || (count >= 1 && gh_str_is(args[0], rows[i].first)));
    }
}

TEST(every_operation_is_found_by_its_own_path) {
    for (size_t i = 0; i < GH_OP_COUNT; i++) {
        const struct gh_operation *op = &gh_contract_operations[i];
        struct gh_str args[8];
        size_t count;
        CHECK_ROW(op->id, match(op->method, op->path + 1, args, &count) == op);
    }
}

TEST(a_path_known_with_another_method_says_so) {
    struct gh_str args[8];
    size_t count;
    bool other = false;
    CHECK(!gh_contract_match(GH_PUT, GH_STR("roles"), args, &count, &other) && other);
    CHECK(!gh_contract_match(GH_GET, GH_STR("nonsense"), args, &count, &other) && !other);
}

/* The words are z-schema's; an empty expectation is an acceptance. */
TEST(a_body_is_accepted_or_refused_in_words) {
    static const struct {
        int op;
        const char *body, *why;
    } rows[] = {
        { GH_OP_POST_ORGANIZATIONS, "{\"name\":\"acme\"}", "" },
        { GH_OP_POST_ORGANIZATIONS, "{\"name\":\"acme\",\"metadata\":{\"a\":null}}", "" },
        { GH_OP_POST_ORGANIZATIONS, "{}", "'Missing required property: name'" },
        { GH_OP_POST_ORGANIZATIONS, "[]", "'Expected type object but found type array'" },
        { GH_OP_POST_ORGANIZATIONS, "{\"name\":1}",
          "'Expected type string but found type integer' on property name" },
        { GH_OP_POST_ORGANIZATIONS, "{\"name\":\"\"}",
          "'String is too short (0 chars), minimum 1' on property name (also) 'Object didn't pass validation "
          "for format "
          "organization-name: ' on property name" },
        { GH_OP_POST_ORGANIZATIONS, "{\"name\":\"Acme\"}",
          "'Object didn't pass validation for format organization-name: Acme' on property name" },
        { GH_OP_POST_ORGANIZATIONS, "{\"name\":\"a\",\"x\":1,\"y\":2}",
          "'Additional properties not allowed: x,y'" },
        { GH_OP_POST_ORGANIZATIONS, "{\"name\":\"a\",\"branding\":{\"colors\":{\"primary\":\"red\"}}}",
          "'Missing required property: page_background' on property branding.colors (also) 'Object didn't "
          "pass "
          "validation for format html-color: red' on property branding.colors.primary" },
        { GH_OP_POST_ORGANIZATIONS, "{\"name\":\"a\",\"third_party_client_access\":\"maybe\"}",
          "'No enum match for: maybe' on property third_party_client_access" },
        { GH_OP_POST_ORGANIZATIONS, "{\"name\":\"a\",\"metadata\":{\"k\":7}}",
          "'Expected type null,string but found type integer' on property metadata.k" },
        { GH_OP_POST_ORGANIZATIONS, "{\"name\":\"a\",\"enabled_connections\":[{}]}",
          "'Missing required property: connection_id' on property enabled_connections[0]" },
        { GH_OP_POST_MEMBERS, "{\"members\":[]}", "'Array is too short (0), minimum 1' on property members" },
        { GH_OP_POST_MEMBERS, "{\"members\":[\"<USER_ID>\"]}",
          "'Object didn't pass validation for format user-id-with-max-length: <USER_ID>' on property "
          "members[0]" },
        { GH_OP_POST_MEMBERS, "{\"members\":[\"auth0|1\"]}", "" },
        { GH_OP_POST_RESOURCE_SERVERS, "{\"identifier\":\"x\",\"token_lifetime\":-1}",
          "'Value -1 is less than minimum 0' on property token_lifetime" },
        { GH_OP_POST_RESOURCE_SERVERS, "{\"identifier\":\"x\",\"token_lifetime\":2592001}",
          "'Value 2592001 is greater than maximum 2592000' on property token_lifetime" },
        { GH_OP_POST_RESOURCE_SERVERS, "{\"identifier\":\"x\",\"token_lifetime\":1.5}",
          "'Expected type integer but found type number' on property token_lifetime" },
        { GH_OP_POST_RESOURCE_SERVERS, "{\"identifier\":\"x\",\"name\":\"<b>\"}",
          "'String does not match pattern ^[^<>]+$: <b>' on property name" },
        { GH_OP_PATCH_CLIENTS, "[{\"client_id\":\"abc\",\"status\":true}]", "" },
        { GH_OP_PATCH_CLIENTS, "[{\"client_id\":\"abc\"}]",
          "'Missing required property: status' on property [0]" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        json_auto_t *body = json_loads(rows[i].body, 0, NULL);
        gh_auto(gh_buf_release) struct gh_buf why = gh_buf_make(4096);
        bool fine = gh_contract_check(gh_contract_operations[rows[i].op].body, body, &why);
        CHECK_ROW(rows[i].body, fine == (rows[i].why[0] == 0));
        if (!fine && !gh_str_is(gh_buf_str(&why), rows[i].why))
            print_error("got:  %s\nwant: %s\n", why.ptr, rows[i].why);
        CHECK_ROW(rows[i].body, fine || gh_str_is(gh_buf_str(&why), rows[i].why));
    }
}

TEST(a_query_has_known_parameters_of_the_right_type_once) {
    static const struct {
        int op;
        const char *name, *value, *name2, *value2, *why;
    } rows[] = {
        { GH_OP_GET_ROLES, "per_page", "50", "page", "0", "" },
        { GH_OP_GET_ROLES, "per_page", "0", NULL, NULL,
          "'Value 0 is less than minimum 1' on property per_page" },
        { GH_OP_GET_ROLES, "per_page", "101", NULL, NULL,
          "'Value 101 is greater than maximum 100' on property per_page" },
        { GH_OP_GET_ROLES, "per_page", "ten", NULL, NULL,
          "'Expected type integer but found type string' on property per_page" },
        { GH_OP_GET_ROLES, "per_page", "+5", NULL, NULL,
          "'Expected type integer but found type string' on property per_page" },
        { GH_OP_GET_ROLES, "page", "-1", NULL, NULL, "'Value -1 is less than minimum 0' on property page" },
        { GH_OP_GET_ROLES, "include_totals", "yes", NULL, NULL,
          "'Expected type boolean but found type string' on property include_totals" },
        { GH_OP_GET_ROLES, "nonsense", "1", NULL, NULL, "'Additional properties not allowed: nonsense'" },
        { GH_OP_GET_ROLES, "page", "1", "page", "2",
          "'Expected type string but found type array' on property page" },
        { GH_OP_GET_CONNECTIONS, "strategy", "auth0", "strategy", "ad", "" },
        { GH_OP_GET_USERS_BY_EMAIL, "fields", "email", NULL, NULL, "'Missing required property: email'" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        const struct gh_param query[] = { { gh_str_from(rows[i].name), gh_str_from(rows[i].value) },
                                          { gh_str_from(rows[i].name2), gh_str_from(rows[i].value2) } };
        gh_auto(gh_buf_release) struct gh_buf why = gh_buf_make(4096);
        bool fine =
            gh_contract_check_query(&gh_contract_operations[rows[i].op], query, rows[i].name2 ? 2 : 1, &why);
        CHECK_ROW(rows[i].name, fine == (rows[i].why[0] == 0));
        CHECK_ROW(rows[i].why, fine || gh_str_is(gh_buf_str(&why), rows[i].why));
    }
}

/* Twenty troubles are told as sixteen: the answer stays readable and bounded. */
TEST(many_troubles_are_cut) {
    json_auto_t *body = json_object();
    json_t *members = json_array();
    for (int i = 0; i < 200; i++)
        json_array_append_new(members, json_integer(i));
    json_object_set_new(body, "members", members);
    gh_auto(gh_buf_release) struct gh_buf why = gh_buf_make(65536);
    CHECK(!gh_contract_check(gh_contract_operations[GH_OP_POST_MEMBERS].body, body, &why));
    size_t count = 0;
    for (const char *p = why.ptr; (p = strstr(p, "(also)")); p++)
        count++;
    CHECK(count == GH_CONTRACT_TROUBLES - 1);
}

GH_TESTS(a_path_and_a_method_name_one_operation, every_operation_is_found_by_its_own_path,
         a_path_known_with_another_method_says_so, a_body_is_accepted_or_refused_in_words,
         a_query_has_known_parameters_of_the_right_type_once, many_troubles_are_cut)
