#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "stack/config.h"
#include "stack/program.h"
#include "tests/check.h"

/* The state of Pulumi's own tests, whose passphrase is "password"; and one made with Python's hashlib and
 * cryptography: passphrase "correct horse", salt 00..07, nonce 00..0b. */
#define PULUMI_STATE "v1:fozI5u6B030=:v1:F+6ZduKKd8G0/V7L:PGMFeIzwobWRKmEAzUdaQHqC5mMRIQ=="
#define STATE "v1:AAECAwQFBgc=:v1:AAECAwQFBgcICQoL:Lsv0Mq4P43OA9/CWlvPiZJXoK3BhFA=="
#define SEALED "v1:ZGVmZ2hpamtsbW5v:LNlNL9iUNfedTkt36tg+xzzqO43AHjRkt7k8tnf/"
#define SEALED_EMPTY "v1:ZGVmZ2hpamtsbW5v:JZboVPEeNpwlKe8ikIOviA=="
#define PLAIN "s3cret with \u00fc"

TEST(a_state_of_pulumi_opens_with_its_passphrase_only) {
    static const struct {
        const char *passphrase, *state;
        enum gh_err want;
    } rows[] = {
        { "password", PULUMI_STATE, GH_OK },
        { "Password", PULUMI_STATE, GH_ERR_CRYPTO },
        { "", PULUMI_STATE, GH_ERR_CRYPTO },
        { "correct horse", STATE, GH_OK },
        { "correct horse",
          "v1:AAECAwQFBgY=:v1:AAECAwQFBgcICQoL:Lsv0Mq4P43OA9/CWlvPiZJXoK3BhFA==", GH_ERR_CRYPTO },
        { "correct horse",
          "v1:AAECAwQFBgc=:v1:AAECAwQFBgcICQoL:Lsv0Mq4P43OA9/CWlvPiZJXoK3BhFQ==", GH_ERR_CRYPTO },
        { "correct horse",
          "v2:AAECAwQFBgc=:v1:AAECAwQFBgcICQoL:Lsv0Mq4P43OA9/CWlvPiZJXoK3BhFA==", GH_ERR_MALFORMED },
        { "correct horse",
          "v1:AAECAwQFBg==:v1:AAECAwQFBgcICQoL:Lsv0Mq4P43OA9/CWlvPiZJXoK3BhFA==", GH_ERR_MALFORMED },
        { "correct horse", "v1:AAECAwQFBgc=", GH_ERR_MALFORMED },
        { "correct horse", "", GH_ERR_MALFORMED },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_crypter_freep) struct gh_crypter *c = NULL;
        enum gh_err e = gh_crypter_new(gh_str_from(rows[i].passphrase), rows[i].state, &c);
        CHECK_ROW(rows[i].state, e == rows[i].want && (c != NULL) == (e == GH_OK));
    }
}

TEST(a_ciphertext_opens_whole_or_not_at_all) {
    static const struct {
        const char *text;
        enum gh_err want;
    } rows[] = {
        { SEALED, GH_OK },
        { "v1:ZGVmZ2hpamtsbW5v:LNlNL9iUNfedTkt36tg+xzzqO43AHjRkt7k8tnf+", GH_ERR_CRYPTO }, /* one bit */
        { "v1:ZGVmZ2hpamtsbW5w:LNlNL9iUNfedTkt36tg+xzzqO43AHjRkt7k8tnf/", GH_ERR_CRYPTO },
        { "v1:ZGVmZ2hpamtsbW5v:LNlNL9iUNfedTkt36tg+xzzqO43AHjRkt7k8tnf", GH_ERR_MALFORMED }, /* base64 */
        { "v1:ZGVmZ2hpamtsbW5v:LNlNL9iUNfc=", GH_ERR_MALFORMED }, /* no room for a tag */
        { "v1:ZGVmZ2g=:LNlNL9iUNfedTkt36tg+xzzqO43AHjRkt7k8tnf/", GH_ERR_MALFORMED },
        { "v2:ZGVmZ2hpamtsbW5v:LNlNL9iUNfedTkt36tg+xzzqO43AHjRkt7k8tnf/", GH_ERR_MALFORMED },
        { "v1:ZGVmZ2hpamtsbW5v", GH_ERR_MALFORMED },
        { "", GH_ERR_MALFORMED },
    };
    gh_auto(gh_crypter_freep) struct gh_crypter *c = NULL;
    CHECK(gh_crypter_new(GH_STR("correct horse"), STATE, &c) == GH_OK);
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_buf_release) struct gh_buf plain = gh_buf_make(4096);
        CHECK_ROW(rows[i].text, gh_crypter_decrypt(c, gh_str_from(rows[i].text), &plain) == rows[i].want);
        CHECK_ROW(rows[i].text, rows[i].want ? plain.len == 0 : gh_str_is(gh_buf_str(&plain), PLAIN));
    }
    gh_auto(gh_buf_release) struct gh_buf empty = gh_buf_make(16), sealed = gh_buf_make(4096),
                                          back = gh_buf_make(64);
    CHECK(gh_crypter_decrypt(c, GH_STR(SEALED_EMPTY), &empty) == GH_OK && empty.len == 0);
    CHECK(gh_crypter_encrypt(c, GH_STR("again"), &sealed) == GH_OK);
    CHECK(gh_crypter_decrypt(c, gh_buf_str(&sealed), &back) == GH_OK &&
          gh_str_is(gh_buf_str(&back), "again"));
}

/* ---- files ---- */

#define PROGRAM                                                                                              \
    "name: t\nruntime: yaml\nconfig:\n  email: {type: string}\n  pw: {type: string, secret: true}\n"         \
    "  n: {type: integer, default: 3}\n  on: {type: boolean, default: false}\n  list: {type: array, items: " \
    "{type: integer}, "                                                                                      \
    "default: []}\n"

struct stack {
    char dir[64], file[96];
    struct gh_diagnostics *d;
    struct gh_program *p;
    struct gh_config *c;
    enum gh_err error;
};

static void stack_open(struct stack *s, const char *text) {
    strcpy(s->dir, "/tmp/gh-config-XXXXXX");
    CHECK(mkdtemp(s->dir));
    snprintf(s->file, sizeof s->file, "%s/Pulumi.dev.yaml", s->dir);
    FILE *f = text ? fopen(s->file, "w") : NULL;
    if (f) {
        fputs(text, f);
        fclose(f);
    }
    s->d = gh_diagnostics_new();
    CHECK(gh_program_parse(s->dir, "Pulumi.yaml", GH_STR(PROGRAM), s->d, &s->p) == GH_OK);
    s->error = gh_config_open(s->dir, "dev", s->p, s->d, &s->c);
}

static void stack_close(struct stack *s) {
    gh_config_free(s->c);
    gh_program_free(s->p);
    gh_diagnostics_free(s->d);
    unlink(s->file);
    CHECK(rmdir(s->dir) == 0); /* nothing else was left there */
}

static const char *content(const struct stack *s) {
    static char text[8192];
    FILE *f = fopen(s->file, "r");
    text[f ? fread(text, 1, sizeof text - 1, f) : 0] = '\0';
    if (f)
        fclose(f);
    return text;
}

static bool is(const struct stack *s, const char *key, const char *want) {
    json_t *value = gh_config_get(s->c, key), *plain = value ? gh_value_plain(value) : NULL;
    char *text = plain ? json_dumps(plain, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    bool same = want ? text && strcmp(text, want) == 0 : !text;
    if (!same)
        print_error("%s is %s\n", key, text ? text : "none");
    free(text);
    json_decref(plain);
    json_decref(value);
    return same;
}

static enum gh_err set(struct stack *s, const char *key, const char *value) {
    return gh_config_set(s->c, gh_str_from(key), gh_str_from(value), false, s->d);
}

TEST(values_are_read_by_their_declared_type) {
    gh_auto(stack_close) struct stack s = { 0 };
    stack_open(&s, "config:\n  t:email: a@b\n  n: \"12\"\n  t:on: \"true\"\n  t:list: '[1]'\n  auth0:domain: "
                   "d.example\n");
    CHECK(s.error == GH_OK);
    CHECK(is(&s, "email", "\"a@b\"") && is(&s, "t:email", "\"a@b\"") && is(&s, "n", "12") &&
          is(&s, "on", "true"));
    CHECK(is(&s, "list", "[1]") && is(&s, "auth0:domain", "\"d.example\"") && is(&s, "pw", NULL));
    CHECK(is(&s, "auth0:none", NULL));
}

TEST(defaults_hold_where_the_stack_says_nothing) {
    gh_auto(stack_close) struct stack s = { 0 };
    stack_open(&s, NULL);
    CHECK(s.error == GH_OK && is(&s, "n", "3") && is(&s, "on", "false") && is(&s, "list", "[]"));
    CHECK(is(&s, "email", NULL) && content(&s)[0] == '\0');
}

TEST(a_set_value_leaves_all_else_as_it_was) {
    static const struct {
        const char *before, *key, *value, *after;
    } rows[] = {
        { NULL, "email", "a@b.c", "config:\n  t:email: a@b.c\n" },
        { "# mine\n", "email", "x", "# mine\nconfig:\n  t:email: x\n" },
        { "# mine\nenvironment: [e]\nconfig:\n    # why\n    t:n: 1 # one\n    t:email: old # gone\n\n# "
          "end\n",
          "email", "new: \"x\"\n",
          "# mine\nenvironment: [e]\nconfig:\n    # why\n    t:n: 1 # one\n    t:email: \"new: "
          "\\\"x\\\"\\n\"\n\n# end\n" },
        { "config:\n  t:email: |\n    two\n    lines\n  t:n: 1\n", "email", "one",
          "config:\n  t:email: one\n  t:n: 1\n" },
        { "config:\n  t:n: 1", "email", "true", "config:\n  t:n: 1\n  t:email: \"true\"\n" },
        { "config:\nother: 1\n", "n", "7", "config:\n  t:n: \"7\"\nother: 1\n" },
        { "config: {}\nother: {a: [1, x]}\n", "email", "x", "config:\n  t:email: x\nother: {a: [1, x]}\n" },
        { "{config: {t:n: 1}, z: 2}", "email", "x", "config:\n  t:n: 1\n  t:email: x\nz: 2\n" },
        { "config: {t:email: old}", "t:email", "x", "config:\n  t:email: x\n" },
        { "other: 1\n...\n", "email", "x", "other: 1\nconfig:\n  t:email: x\n" },
        { "a: 1\n", "auth0:domain", "d.example:8443", "a: 1\nconfig:\n  auth0:domain: d.example:8443\n" },
        { "a: 1\n", "email", "\xe2\x80\xa8\x7f\xc3\xbc",
          "a: 1\nconfig:\n  t:email: \"\\u2028\\u007F\xc3\xbc\"\n" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(stack_close) struct stack s = { 0 };
        stack_open(&s, rows[i].before);
        CHECK_ROW(rows[i].after, s.error == GH_OK && set(&s, rows[i].key, rows[i].value) == GH_OK);
        if (strcmp(content(&s), rows[i].after) != 0)
            print_error("got:\n%s\n", content(&s));
        CHECK_ROW(rows[i].after, strcmp(content(&s), rows[i].after) == 0);
    }
}

TEST(a_removed_value_leaves_all_else_as_it_was) {
    static const struct {
        const char *before, *key, *after;
        enum gh_err want;
    } rows[] = {
        { "# mine\nconfig:\n  # why\n  t:n: 1 # one\n  t:email: |\n    two\n    lines\nz: 2\n", "email",
          "# mine\nconfig:\n  # why\n  t:n: 1 # one\nz: 2\n", GH_OK },
        { "config:\n  t:n: 1\n", "t:n", "config:\n", GH_OK },
        { "config:\n  n: 1\n", "n", "config:\n", GH_OK },
        { "config:\n  auth0:domain: x\n  t:n: 1\n", "auth0:domain", "config:\n  t:n: 1\n", GH_OK },
        { "config: {t:n: 1, t:email: x}\nz: [2]\n", "n", "config:\n  t:email: x\nz: [2]\n", GH_OK },
        { "config: {t:n: 1}\n", "n", "config:\n", GH_OK },
        { "config:\n  t:n: 1\n", "email", "config:\n  t:n: 1\n", GH_ERR_NOT_FOUND },
        { "config:\n  t:n: 1\n", "", "config:\n  t:n: 1\n", GH_ERR_NOT_FOUND },
        { "config:\n", "n", "config:\n", GH_ERR_NOT_FOUND },
        { "a: 1\n", "a", "a: 1\n", GH_ERR_NOT_FOUND },
        { NULL, "n", "", GH_ERR_NOT_FOUND },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(stack_close) struct stack s = { 0 };
        stack_open(&s, rows[i].before);
        CHECK_ROW(rows[i].after, s.error == GH_OK);
        CHECK_ROW(rows[i].after, gh_config_remove(s.c, gh_str_from(rows[i].key), s.d) == rows[i].want);
        if (strcmp(content(&s), rows[i].after) != 0)
            print_error("got:\n%s\n", content(&s));
        CHECK_ROW(rows[i].after, strcmp(content(&s), rows[i].after) == 0);
    }
}

TEST(what_does_not_fit_is_not_saved) {
    static const struct {
        const char *key, *value;
        enum gh_err want;
    } rows[] = {
        { "emial", "x", GH_ERR_NOT_FOUND },    { "t:emial", "x", GH_ERR_NOT_FOUND },
        { "", "x", GH_ERR_NOT_FOUND },         { "n", "many", GH_ERR_MALFORMED },
        { "n", "1.5", GH_ERR_MALFORMED },      { "n", "01", GH_ERR_MALFORMED },
        { "on", "yes", GH_ERR_MALFORMED },     { "list", "{}", GH_ERR_MALFORMED },
        { "email", "\xff", GH_ERR_MALFORMED }, { "pw", "x", GH_ERR_UNSUPPORTED },
    };
    unsetenv("PULUMI_CONFIG_PASSPHRASE");
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(stack_close) struct stack s = { 0 };
        stack_open(&s, "a: 1\n");
        CHECK_ROW(rows[i].key, set(&s, rows[i].key, rows[i].value) == rows[i].want);
        CHECK_ROW(rows[i].key,
                  strcmp(content(&s), "a: 1\n") == 0 && gh_diagnostics_count(s.d, GH_SEVERITY_ERROR) == 1);
    }
}

TEST(a_secret_is_sealed_on_disk_and_opens_again) {
    gh_auto(stack_close) struct stack s = { 0 };
    setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse", 1);
    stack_open(&s, "config:\n  t:n: 1\n");
    CHECK(set(&s, "pw", "canary") == GH_OK && is(&s, "pw", "\"canary\""));
    CHECK(!strstr(content(&s), "canary") && strstr(content(&s), "  t:pw:\n    secure: v1:") &&
          strstr(content(&s), "encryptionsalt: v1:"));
    json_t *value = gh_config_get(s.c, "pw");
    CHECK(gh_value_is_secret(value));
    json_decref(value);

    struct gh_config *again = NULL;
    CHECK(gh_config_open(s.dir, "dev", s.p, s.d, &again) == GH_OK);
    gh_config_free(s.c);
    s.c = again;
    CHECK(is(&s, "pw", "\"canary\""));

    setenv("PULUMI_CONFIG_PASSPHRASE", "wrong", 1);
    CHECK(gh_config_open(s.dir, "dev", s.p, s.d, &again) == GH_ERR_CRYPTO);
    unsetenv("PULUMI_CONFIG_PASSPHRASE");
    CHECK(gh_config_open(s.dir, "dev", s.p, s.d, &again) == GH_OK); /* locked until it is asked for */
    gh_config_free(s.c);
    s.c = again;
    CHECK(is(&s, "pw", NULL) && gh_config_check(s.c, s.d) == GH_ERR_MALFORMED);
}

TEST(secrets_that_pulumi_wrote_are_read) {
    gh_auto(stack_close) struct stack s = { 0 };
    setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse", 1);
    stack_open(&s, "encryptionsalt: " STATE "\nconfig:\n  t:pw:\n    secure: " SEALED
                   "\n  t:email: {secure: " SEALED "}\n");
    unsetenv("PULUMI_CONFIG_PASSPHRASE");
    CHECK(s.error == GH_OK && is(&s, "pw", "\"" PLAIN "\"") && is(&s, "email", "\"" PLAIN "\""));
    json_t *value =
        gh_config_get(s.c, "email"); /* a secret of the stack stays one, whatever the program says */
    CHECK(gh_value_is_secret(value));
    json_decref(value);
}

TEST(a_stack_name_cannot_leave_the_folder) {
    static const char *const names[] = { "", "../x", "a/b", ".hidden", "a b", "a\nb" };
    gh_auto(stack_close) struct stack s = { 0 };
    stack_open(&s, NULL);
    for (size_t i = 0; i < GH_COUNT(names); i++) {
        struct gh_config *c = NULL;
        CHECK_ROW(names[i], gh_config_open(s.dir, names[i], s.p, s.d, &c) == GH_ERR_MALFORMED && !c);
    }
}

GH_TESTS(a_removed_value_leaves_all_else_as_it_was, a_state_of_pulumi_opens_with_its_passphrase_only,
         a_ciphertext_opens_whole_or_not_at_all, values_are_read_by_their_declared_type,
         defaults_hold_where_the_stack_says_nothing, a_set_value_leaves_all_else_as_it_was,
         what_does_not_fit_is_not_saved, a_secret_is_sealed_on_disk_and_opens_again,
         secrets_that_pulumi_wrote_are_read, a_stack_name_cannot_leave_the_folder)
