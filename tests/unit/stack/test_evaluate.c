#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/stack/recorder.h"

struct running {
    char dir[64];
    struct gh_diagnostics *d;
    struct gh_program *p;
    struct gh_config *config;
    struct recorder rec;
    json_t *outputs;
    enum gh_err error;
};

static void running_release(struct running *r) {
    json_decref(r->outputs);
    gh_config_free(r->config);
    gh_program_free(r->p);
    gh_diagnostics_free(r->d);
    gh_buf_release(&r->rec.log);
    char path[128];
    static const char *const left[] = { "Pulumi.dev.yaml", "inside.txt", "link",
                                        "sub/inside.txt",  "sub",        "loop" };
    for (size_t i = 0; i < GH_COUNT(left); i++) {
        snprintf(path, sizeof path, "%s/%s", r->dir, left[i]);
        if (unlink(path) != 0)
            rmdir(path);
    }
    rmdir(r->dir);
}

static void write_file(const char *dir, const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void prepare(struct running *r, const char *program, const char *config) {
    strcpy(r->dir, "/tmp/gh-evaluate-XXXXXX");
    CHECK(mkdtemp(r->dir));
    if (config)
        write_file(r->dir, "Pulumi.dev.yaml", config);
    r->d = gh_diagnostics_new();
    r->error = gh_program_parse(r->dir, "Pulumi.yaml", gh_str_from(program), r->d, &r->p);
    if (!r->error)
        r->error = gh_config_open(r->dir, "dev", r->p, r->d, &r->config);
}

static void run(struct running *r) {
    struct gh_registrar registrar = recorder_registrar(&r->rec);
    if (!r->error)
        r->error = gh_program_run(r->p, r->config, &registrar, r->d, &r->outputs);
}

#define HEAD "name: t\nruntime: yaml\n"

static const char *dumped(const json_t *value) {
    static char text[4096];
    char *all = value ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;
    snprintf(text, sizeof text, "%s", all ? all : "none");
    free(all);
    return text;
}

TEST(resources_come_in_the_order_of_need_then_of_the_domain_then_of_the_file) {
    gh_auto(running_release) struct running r = { 0 };
    prepare(&r,
            HEAD
            "variables:\n  who: ${role.name}\n"
            "resources:\n"
            "  perms: {type: auth0:RolePermissions, properties: {roleId: \"${role.id}\", permissions: []}}\n"
            "  late: {type: auth0:Role, properties: {name: \"${who}-late\"}}\n"
            "  role: {type: auth0:Role, properties: {name: first, description: 7}}\n"
            "  scopes: {type: auth0:ResourceServerScopes, properties: {resourceServerIdentifier: x, scopes: "
            "[]}, options: {dependsOn: [\"${late}\"]}}\n",
            NULL);
    run(&r);
    CHECK(r.error == GH_OK);
    assert_string_equal(r.rec.log.ptr,
                        "role Role {\"description\":\"7\",\"name\":\"first\"}\n"
                        "late Role {\"name\":\"first-late\"} <- role\n"
                        "scopes ResourceServerScopes {\"resourceServerIdentifier\":\"x\","
                        "\"scopes\":[]} <- late\n"
                        "perms RolePermissions {\"permissions\":[],\"roleId\":\"id_role\"} <- role\n");
}

TEST(a_wish_of_the_domain_yields_to_a_need) {
    gh_auto(running_release) struct running r = { 0 };
    prepare(&r,
            HEAD "resources:\n"
                 "  scopes: {type: auth0:ResourceServerScopes, properties: {resourceServerIdentifier: "
                 "\"${perms.roleId}\", scopes: []}}\n"
                 "  perms: {type: auth0:RolePermissions, properties: {roleId: r, permissions: []}}\n",
            NULL);
    run(&r);
    CHECK(r.error == GH_OK && strncmp(r.rec.log.ptr, "perms", 5) == 0);
}

TEST(what_holds_a_secret_is_a_secret) {
    gh_auto(running_release) struct running r = { 0 };
    prepare(
        &r,
        HEAD
        "config: {pw: {type: string, secret: true, default: canary}, n: 4}\n"
        "resources:\n"
        "  u: {type: auth0:User, properties: {connectionName: c, password: plain, nickname: \"x-${pw}\"}}\n"
        "outputs:\n"
        "  joined: {\"fn::join\": [\"-\", [a, \"${pw}\"]]}\n"
        "  nick: ${u.nickname}\n"
        "  pass: ${u.password}\n"
        "  plain: n is ${n}\n"
        "  json: {\"fn::toJSON\": {b: \"${pw}\", a: 1}}\n"
        "  picked: {\"fn::select\": [0, [\"${pw}\", open]]}\n",
        NULL);
    run(&r);
    CHECK(r.error == GH_OK);
    static const char *const secret[] = { "joined", "nick", "pass", "json", "picked" };
    for (size_t i = 0; i < GH_COUNT(secret); i++)
        CHECK_ROW(secret[i], gh_value_is_secret(json_object_get(r.outputs, secret[i])));
    json_t *masked = gh_value_masked(r.outputs);
    CHECK(!strstr(dumped(masked), "canary") && strstr(dumped(masked), "\"plain\":\"n is 4\""));
    json_decref(masked);
    json_t *plain = gh_value_plain(r.outputs);
    assert_string_equal(dumped(plain),
                        "{\"joined\":\"a-canary\",\"json\":\"{\\\"a\\\":1,\\\"b\\\":\\\"canary\\\"}\","
                        "\"nick\":\"x-canary\",\"pass\":\"plain\",\"picked\":\"canary\","
                        "\"plain\":\"n is 4\"}");
    json_decref(plain);
}

#define SECRET(text) "{\"" GH_SECRET_KEY "\":\"" GH_SECRET_MARK "\",\"value\":\"" text "\"}"

TEST(inputs_arrive_as_the_provider_wants_them) {
    gh_auto(running_release) struct running r = { 0 };
    prepare(&r,
            HEAD
            "resources:\n"
            "  u: {type: auth0:User, properties: {connectionName: 5, password: pw, blocked: null}}\n"
            "  s: {type: auth0:ResourceServerScopes, properties: {resourceServerIdentifier: a, scopes: "
            "[{name: 1, "
            "description: null}]}}\n"
            "  c: {type: auth0:Connection, properties: {name: c, strategy: s, options: {clientSecret: deep}, "
            "metadata: {n: 1.5, b: true}}}\n",
            NULL);
    run(&r);
    CHECK(r.error == GH_OK);
    CHECK(strstr(r.rec.log.ptr, "u User {\"connectionName\":\"5\",\"password\":" SECRET("pw") "}\n"));
    CHECK(strstr(r.rec.log.ptr, "\"scopes\":[{\"name\":\"1\"}]}\n"));
    CHECK(strstr(r.rec.log.ptr, "\"options\":{\"clientSecret\":" SECRET("deep") "}"));
    CHECK(strstr(r.rec.log.ptr, "\"metadata\":{\"b\":\"true\",\"n\":\"1.5\"}"));
}

TEST(in_a_preview_what_rests_on_an_unknown_is_unknown) {
    gh_auto(running_release) struct running r = { 0 };
    r.rec.preview = true;
    prepare(&r,
            HEAD
            "variables: {c: {\"fn::auth0:getClient\": {clientId: \"${a.id}\"}}}\n"
            "resources:\n  a: {type: auth0:Role, properties: {name: a}}\n"
            "outputs: {text: \"is ${a.id}\", bare: \"${a}\", looked: \"${c.name}\", name: \"${a.name}\", "
            "up: {\"fn::toBase64\": \"${a.id}\"}}\n",
            NULL);
    run(&r);
    CHECK(r.error == GH_OK && !strstr(r.rec.log.ptr, "invoke"));
    static const char *const unknown[] = { "text", "bare", "looked", "up" };
    for (size_t i = 0; i < GH_COUNT(unknown); i++)
        CHECK_ROW(unknown[i], gh_value_is_unknown(json_object_get(r.outputs, unknown[i])));
    CHECK(strcmp(json_string_value(json_object_get(r.outputs, "name")), "a") == 0);
}

TEST(what_needs_a_failed_resource_is_skipped_and_the_rest_goes_on) {
    gh_auto(running_release) struct running r = { .rec.fail = "a" };
    prepare(&r,
            HEAD "variables: {v: \"${a.name}\"}\n"
                 "resources:\n"
                 "  a: {type: auth0:Role, properties: {name: a}}\n"
                 "  b: {type: auth0:Role, properties: {name: \"${v}\"}}\n"
                 "  c: {type: auth0:Role, properties: {name: c}, options: {dependsOn: [\"${b}\"]}}\n"
                 "  d: {type: auth0:Role, properties: {name: d}}\n"
                 "outputs: {d: \"${d.id}\", c: \"${c.id}\"}\n",
            NULL);
    run(&r);
    CHECK(r.error == GH_ERR_CONFLICT);
    assert_string_equal(r.rec.log.ptr, "a Role {\"name\":\"a\"}\nd Role {\"name\":\"d\"}\n");
    assert_string_equal(dumped(r.outputs), "{\"d\":\"id_d\"}");
}

TEST(expressions_give_these_values) {
    static const struct {
        const char *expression, *value;
    } rows[] = {
        { "\"$${a} costs $5 and $$\"", "\"${a} costs $5 and $\"" },
        { "\"${list[1]}\"", "\"two\"" },
        { "\"${map.a[\\\"b.c\\\"]}\"", "[1,2]" },
        { "\"${map[\\\"a\\\"][\\\"b.c\\\"][0]}-${flag}\"", "\"1-true\"" },
        { "\"${map.none}\"", "null" },
        { "\"${flag}\"", "true" },
        { "\"${t:num}\"", "1.5" },
        { "\"n${num}\"", "\"n1.5\"" },
        { "\"${pulumi.stack}/${pulumi.project}\"", "\"dev/t\"" },
        { "\"${r.urn}\"", "\"urn:pulumi:dev::t::auth0:index/role:Role::r\"" },
        { "{\"fn::split\": [\",\", \"a,,b,\"]}", "[\"a\",\"\",\"b\",\"\"]" },
        { "{\"fn::select\": [1, [a, b]]}", "\"b\"" },
        { "{\"FN::Join\": [\"\", []]}", "\"\"" },
        { "{\"fn::toBase64\": hello}", "\"aGVsbG8=\"" },
        { "{\"fn::fromBase64\": aGVsbG8=}", "\"hello\"" },
        { "{\"fn::fromJSON\": \"{\\\"a\\\": [1]}\"}", "{\"a\":[1]}" },
        { "{\"fn::toJSON\": [1, null, x]}", "\"[1,null,\\\"x\\\"]\"" },
        { "{\"fn::invoke\": {function: auth0:getTenant, return: domain}}", "\"tenant.example\"" },
        /* and these fail */
        { "\"${list[7]}\"", "none" },
        { "\"x${list}\"", "none" },
        { "{\"fn::select\": [2, [a, b]]}", "none" },
        { "{\"fn::select\": [-1, [a, b]]}", "none" },
        { "{\"fn::fromBase64\": \"a\"}", "none" },
        { "{\"fn::fromBase64\": AAAA}", "none" }, /* NUL */
        { "{\"fn::fromBase64\": /w==}", "none" }, /* not UTF-8 */
        { "{\"fn::fromJSON\": \"{\"}", "none" },
        { "{\"fn::split\": [\"\", a]}", "none" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(running_release) struct running r = { 0 };
        char program[1024];
        snprintf(program, sizeof program,
                 HEAD "config: {flag: true, num: 1.5}\n"
                      "variables:\n  list: [one, two]\n  map: {a: {b.c: [1, 2]}}\n"
                      "resources: {r: {type: auth0:Role, properties: {name: r}}}\n"
                      "outputs:\n  x: %s\n",
                 rows[i].expression);
        prepare(&r, program, NULL);
        CHECK_ROW(rows[i].expression, r.error == GH_OK);
        run(&r);
        const char *got = dumped(json_object_get(r.outputs, "x"));
        if (strcmp(got, rows[i].value) != 0)
            print_error("%s\n", got);
        CHECK_ROW(rows[i].expression, strcmp(got, rows[i].value) == 0);
        CHECK_ROW(rows[i].expression, (r.error != GH_OK) == (strcmp(rows[i].value, "none") == 0));
    }
}

TEST(read_file_cannot_leave_the_project) {
    static const struct {
        const char *path;
        bool good;
    } rows[] = {
        { "inside.txt", true },
        { "./inside.txt", true },
        { "sub/inside.txt", true },
        { "../inside.txt", false },
        { "sub/../inside.txt", false },
        { "/etc/passwd", false },
        { "link", false },
        { "loop/inside.txt", false },
        { "sub", false },
        { "none.txt", false },
        { "", false },
        { "sub//inside.txt", false },
        { ".", false },
        { "..", false },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(running_release) struct running r = { 0 };
        char program[256], path[128];
        snprintf(program, sizeof program, HEAD "outputs: {x: {\"fn::readFile\": \"%s\"}}\n", rows[i].path);
        prepare(&r, program, NULL);
        write_file(r.dir, "inside.txt", "in");
        snprintf(path, sizeof path, "%s/sub", r.dir);
        CHECK(mkdir(path, 0700) == 0);
        write_file(r.dir, "sub/inside.txt", "in");
        snprintf(path, sizeof path, "%s/link", r.dir);
        CHECK(symlink("/etc/passwd", path) == 0);
        snprintf(path, sizeof path, "%s/loop", r.dir);
        CHECK(symlink(".", path) == 0);
        run(&r);
        CHECK_ROW(rows[i].path, (r.error == GH_OK) == rows[i].good);
        CHECK_ROW(rows[i].path, (json_object_get(r.outputs, "x") != NULL) == rows[i].good);
    }
}

TEST(every_missing_value_is_named_with_the_way_to_set_it) {
    gh_auto(running_release) struct running r = { 0 };
    prepare(&r, HEAD "config: {a: {type: string}, b: {type: integer}, c: 1}\n", "config: {t:b: many}\n");
    run(&r);
    CHECK(r.error == GH_ERR_MALFORMED && gh_diagnostics_count(r.d, GH_SEVERITY_ERROR) == 2);
    assert_string_equal(gh_diagnostics_at(r.d, 0)->summary.ptr, "Missing required configuration value 'a'");
    CHECK(strstr(gh_diagnostics_at(r.d, 0)->detail.ptr, "-c a=") &&
          strstr(gh_diagnostics_at(r.d, 0)->detail.ptr, "Pulumi.dev.yaml"));
    CHECK(strstr(gh_diagnostics_at(r.d, 1)->summary.ptr, "'b'") &&
          strstr(gh_diagnostics_at(r.d, 1)->summary.ptr, "not of type integer"));
}

TEST(variables_that_double_are_stopped) {
    static const char *const forms[] = { "[\"${@}\", \"${@}\"]", "{a: \"${@}\", b: \"${@}\"}", "x${@}${@}",
                                         "{\"fn::toJSON\": [\"${@}\", \"${@}\"]}" };
    for (size_t i = 0; i < GH_COUNT(forms); i++) {
        gh_auto(running_release) struct running r = { 0 };
        gh_auto(gh_buf_release) struct gh_buf program = gh_buf_make(65536);
        gh_buf_add(&program, GH_STR(HEAD "variables:\n  v0: x\n"));
        for (int n = 1; n < 100; n++) {
            gh_buf_addf(&program, "  v%d: ", n);
            for (const char *c = forms[i]; *c; c++)
                *c == '@' ? gh_buf_addf(&program, "v%d", n - 1) : gh_buf_add_char(&program, *c);
            gh_buf_add_char(&program, '\n');
        }
        prepare(&r, program.ptr, NULL);
        CHECK_ROW(forms[i], r.error == GH_OK);
        run(&r);
        CHECK_ROW(forms[i],
                  r.error == GH_ERR_MALFORMED && strstr(gh_diagnostics_at(r.d, 0)->summary.ptr, "too large"));
    }
}

GH_TESTS(inputs_arrive_as_the_provider_wants_them, variables_that_double_are_stopped,
         resources_come_in_the_order_of_need_then_of_the_domain_then_of_the_file,
         a_wish_of_the_domain_yields_to_a_need, what_holds_a_secret_is_a_secret,
         in_a_preview_what_rests_on_an_unknown_is_unknown,
         what_needs_a_failed_resource_is_skipped_and_the_rest_goes_on, expressions_give_these_values,
         read_file_cannot_leave_the_project, every_missing_value_is_named_with_the_way_to_set_it)
