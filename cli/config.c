/* gatehouse config: the values of a stack. All offline. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/subcommand.h"
#include "core/limits.h"

static void print_json(json_t *value) {
    char *text = json_dumps(value, JSON_INDENT(2));
    puts(text ? text : "{}");
    free(text);
    json_decref(value);
}

/* {"value": …, "secret": false}; a secret that is not shown has no value. Texts, as Pulumi has them. */
static json_t *described(json_t *value, bool show) {
    bool secret = gh_value_has_secret(value);
    json_t *ret = json_pack("{s:b}", "secret", secret);
    if (secret && !show)
        return ret;
    json_t *plain = gh_value_plain(value);
    char *text = json_is_string(plain) ? NULL : json_dumps(plain, JSON_ENCODE_ANY | JSON_COMPACT);
    json_object_set_new(ret, "value", text ? json_string(text) : json_incref(plain));
    free(text);
    json_decref(plain);
    return ret;
}

/* "memberEmail" of the project's own, "auth0:domain" of others. */
static const char *short_key(const struct gh_workspace *w, const char *key) {
    const char *project = gh_program_name(w->program);
    size_t n = strlen(project);
    return strncmp(key, project, n) == 0 && key[n] == ':' ? key + n + 1 : key;
}

static bool is_locked(const json_t *value) {
    return gh_value_is_secret(value) && json_is_null(json_object_get(value, "value"));
}

static int list(int argc, char **argv) {
    struct gh_workspace w = { .dir = "." };
    bool json = false, secrets = false;
    const struct gh_option options[] = {
        GH_WORKSPACE_OPTIONS(w),
        { "json", 'j', GH_OPTION_FLAG, &json, NULL, "one JSON object" },
        { "show-secrets", 0, GH_OPTION_FLAG, &secrets, NULL, "print secrets instead of [secret]" },
        { 0 },
    };
    int stop = gh_options_parse(options, "config [OPTIONS]", "The values that the stack's file holds.", argc,
                                argv, 0, NULL);
    stop = stop ? stop : gh_workspace_open(&w);
    json_t *all = json_object(), *value;
    const char *key;
    if (!stop && !json)
        printf("%-32s  %s\n", "KEY", "VALUE");
    json_object_foreach(stop ? NULL : gh_config_values(w.config), key, value) {
        json_t *shown = secrets && !is_locked(value) ? gh_value_plain(value) : gh_value_masked(value);
        if (secrets && is_locked(value) && !stop) {
            fprintf(stderr, "error: PULUMI_CONFIG_PASSPHRASE is not set: secrets stay closed without it\n");
            stop = GH_EXIT_USAGE + 1;
        }
        if (json)
            json_object_set_new(all, key, described(value, secrets));
        else
            gh_print_value(short_key(&w, key), 0, 32, shown);
        json_decref(shown);
    }
    if (json && !stop)
        print_json(json_incref(all));
    json_decref(all);
    gh_workspace_release(&w);
    return stop ? stop - 1 : GH_EXIT_OK;
}

static int get(int argc, char **argv) {
    struct gh_workspace w = { .dir = "." };
    bool json = false;
    int operands = 0;
    const struct gh_option options[] = {
        GH_WORKSPACE_OPTIONS(w),
        { "json", 'j', GH_OPTION_FLAG, &json, NULL, "a JSON object with value and secret" },
        { 0 },
    };
    int stop = gh_options_parse(options, "config get KEY [OPTIONS]", "Prints one value, a secret opened.",
                                argc, argv, 1, &operands);
    if (!stop && operands < 1) {
        fprintf(stderr, "gatehouse config get: KEY is missing; see gatehouse config get --help\n");
        stop = GH_EXIT_USAGE + 1;
    }
    stop = stop ? stop : gh_workspace_open(&w);
    json_t *value = stop ? NULL : gh_config_get(w.config, argv[1]);
    if (!stop && !value) {
        fprintf(stderr,
                "error: configuration key '%s' has no value in stack '%s', or it is a secret that "
                "stays closed without PULUMI_CONFIG_PASSPHRASE\n",
                argv[1], w.stack);
        stop = GH_EXIT_ERROR + 1;
    } else if (!stop && json) {
        print_json(described(value, true));
    } else if (!stop) {
        json_t *plain = gh_value_plain(value);
        gh_print_value(NULL, 0, 0, plain);
        json_decref(plain);
    }
    json_decref(value);
    gh_workspace_release(&w);
    return stop ? stop - 1 : GH_EXIT_OK;
}

/* The value from stdin, so that a secret need not be in the list of processes. One line end is dropped. */
static bool read_value(struct gh_buf *ret) {
    char room[4096];
    if (isatty(STDIN_FILENO))
        fprintf(stderr, "value: ");
    for (size_t n; (n = fread(room, 1, sizeof room, stdin)) > 0;)
        gh_buf_add(ret, (struct gh_str){ room, n });
    OPENSSL_cleanse(room, sizeof room);
    while (ret->len && (ret->ptr[ret->len - 1] == '\n' || ret->ptr[ret->len - 1] == '\r'))
        ret->len--;
    return !ret->failed && !ferror(stdin);
}

static int set(int argc, char **argv) {
    struct gh_workspace w = { .dir = "." };
    bool secret = false, plaintext = false;
    int operands = 0;
    const struct gh_option options[] = {
        GH_WORKSPACE_OPTIONS(w),
        { "secret", 0, GH_OPTION_FLAG, &secret, NULL, "encrypt it with PULUMI_CONFIG_PASSPHRASE" },
        { "plaintext", 0, GH_OPTION_FLAG, &plaintext, NULL, "save it readable: the default" },
        { 0 },
    };
    int stop = gh_options_parse(options, "config set KEY [VALUE] [OPTIONS]",
                                "Saves one value; without VALUE it is read from the standard input.", argc,
                                argv, 2, &operands);
    if (!stop && (operands < 1 || (secret && plaintext))) {
        fprintf(stderr, "gatehouse config set: %s; see gatehouse config set --help\n",
                operands < 1 ? "KEY is missing" : "--secret and --plaintext exclude each other");
        stop = GH_EXIT_USAGE + 1;
    }
    gh_auto(gh_buf_release) struct gh_buf typed = gh_buf_make(GH_LIMIT_STACK_FILE);
    if (!stop && operands < 2 && !read_value(&typed)) {
        fprintf(stderr, "error: no value could be read from the standard input\n");
        stop = GH_EXIT_USAGE + 1;
    }
    stop = stop ? stop : gh_workspace_open(&w);
    struct gh_str value = !stop && operands > 1 ? gh_str_from(argv[2]) : gh_buf_str(&typed);
    if (!stop && gh_config_set(w.config, gh_str_from(argv[1]), value, secret, w.diagnostics) != GH_OK)
        stop = gh_workspace_fail(&w, GH_EXIT_USAGE) + 1;
    if (typed.ptr)
        OPENSSL_cleanse(typed.ptr, typed.len);
    gh_workspace_release(&w);
    return stop ? stop - 1 : GH_EXIT_OK;
}

static int rm(int argc, char **argv) {
    struct gh_workspace w = { .dir = "." };
    int operands = 0;
    const struct gh_option options[] = { GH_WORKSPACE_OPTIONS(w), { 0 } };
    int stop = gh_options_parse(options, "config rm KEY [OPTIONS]",
                                "Takes one value out of the stack's file.", argc, argv, 1, &operands);
    if (!stop && operands < 1) {
        fprintf(stderr, "gatehouse config rm: KEY is missing; see gatehouse config rm --help\n");
        stop = GH_EXIT_USAGE + 1;
    }
    stop = stop ? stop : gh_workspace_open(&w);
    if (!stop && gh_config_remove(w.config, gh_str_from(argv[1]), w.diagnostics) != GH_OK)
        stop = gh_workspace_fail(&w, GH_EXIT_ERROR) + 1;
    gh_workspace_release(&w);
    return stop ? stop - 1 : GH_EXIT_OK;
}

int gh_command_config(int argc, char **argv) {
    static const struct gh_subcommand rows[] = {
        { "get", "print one value", get },
        { "set", "save one value, --secret encrypted", set },
        { "rm", "take one value out", rm },
        { 0 },
    };
    return gh_subcommand_run(rows, "config", list, argc, argv);
}
