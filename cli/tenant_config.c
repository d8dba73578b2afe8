#include "cli/tenant_config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/options.h"
#include "sys/file.h"

#define FILE_MAX 65536

static const struct {
    const char *name;
    size_t offset;
} settings[] = {
#define ROW(member, name, value, help) { name, offsetof(struct gh_tenant_config, member) },
    GH_TENANT_SETTINGS(ROW)
#undef ROW
};

static const char **setting(struct gh_tenant_config *c, size_t i) {
    return (const char **)((char *)c + settings[i].offset);
}

static const char *variable(size_t i) {
    char name[64] = "GATEHOUSE_";
    size_t len = strlen(name);
    for (const char *p = settings[i].name; *p && len + 1 < sizeof name; p++)
        name[len++] = *p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
    name[len] = '\0';
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static int complain(const char *command, const char *file, int line, const char *what, struct gh_str name) {
    fprintf(stderr, "gatehouse %s: %s:%d: %s '%.*s'\n", command, file, line, what, GH_STR_FMT(name));
    return GH_EXIT_USAGE + 1;
}

/* One line: blank, a comment, or `name = value`. The first one of a name counts as set; a second is an error,
 * because nobody can tell which was meant. */
static int read_line(struct gh_arena *a, const char *command, const char *file, int number,
                     struct gh_str line, struct gh_tenant_config *ret) {
    struct gh_str value = gh_str_trim(line), name;
    if (value.len > 0 && value.ptr[value.len - 1] == '\r')
        value = gh_str_trim((struct gh_str){ value.ptr, value.len - 1 });
    if (value.len == 0 || value.ptr[0] == '#')
        return 0;
    if (!gh_str_cut(&value, '=', &name))
        return complain(command, file, number, "expected name = value, found", value);
    name = gh_str_trim(name);
    for (size_t i = 0; i < GH_COUNT(settings); i++) {
        if (!gh_str_is(name, settings[i].name))
            continue;
        if (*setting(ret, i))
            return complain(command, file, number, "set twice:", name);
        *setting(ret, i) = gh_arena_cstr(a, gh_str_trim(value));
        return 0;
    }
    return complain(command, file, number, "unknown setting", name);
}

static int read_file(struct gh_arena *a, const char *command, const char *file,
                     struct gh_tenant_config *ret) {
    struct gh_str rest, line;
    enum gh_err e = gh_file_read(a, file, FILE_MAX, &rest);
    int stop = 0;
    if (e) {
        fprintf(stderr, "gatehouse %s: %s %s\n", command, file, gh_err_text(e));
        return GH_EXIT_ERROR + 1;
    }
    for (int number = 1; rest.len > 0 && !stop; number++) {
        if (!gh_str_cut(&rest, '\n', &line)) {
            line = rest;
            rest.len = 0;
        }
        stop = read_line(a, command, file, number, line, ret);
    }
    return stop;
}

static int check(const char *command, const struct gh_tenant_config *c) {
    const struct {
        const char *name, *value;
    } required[] = { { "origin", c->origin },
                     { "database", c->database },
                     { "feed", c->feed },
                     { "key-encryption-key", c->kek_file } };
    for (size_t i = 0; i < GH_COUNT(required); i++)
        if (!required[i].value) {
            fprintf(stderr, "gatehouse %s: '%s' is not set; see gatehouse %s --help\n", command,
                    required[i].name, command);
            return GH_EXIT_USAGE + 1;
        }
    if (c->socket && c->listen) {
        fprintf(stderr, "gatehouse %s: 'socket' and 'listen' exclude each other\n", command);
        return GH_EXIT_USAGE + 1;
    }
    return 0;
}

int gh_tenant_config_read(struct gh_arena *a, const char *about, int argc, char **argv,
                          struct gh_tenant_config *ret) {
    const char *file = NULL;
    struct gh_tenant_config flags = { 0 }, in_file = { 0 };
    char usage[64];
    const struct gh_option options[] = {
        { "config", 'c', GH_OPTION_TEXT, &file, "FILE", "lines `name = value`; # starts a comment" },
#define ROW(member, name, value, help) { name, 0, GH_OPTION_TEXT, &flags.member, value, help },
        GH_TENANT_SETTINGS(ROW)
#undef ROW
            { NULL, 0, 0, NULL, NULL, NULL },
    };
    snprintf(usage, sizeof usage, "%s --config FILE [OPTIONS]", argv[0]);
    int stop = gh_options_parse(options, usage, about, argc, argv, 0, NULL);
    if (!stop && file)
        stop = read_file(a, argv[0], file, &in_file);
    if (stop)
        return stop;

    *ret = (struct gh_tenant_config){ 0 };
    for (size_t i = 0; i < GH_COUNT(settings); i++) {
        const char *from_environment = variable(i);
        *setting(ret, i) = *setting(&flags, i) ? *setting(&flags, i)
                           : from_environment  ? from_environment
                                               : *setting(&in_file, i);
    }
    /* A listener given on the command line replaces the file's, of whichever kind. */
    if (flags.socket && !flags.listen)
        ret->listen = NULL;
    if (flags.listen && !flags.socket)
        ret->socket = NULL;
    return check(argv[0], ret);
}
