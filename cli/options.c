#include "cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

enum { GO_ON = 0, HELPED = GH_EXIT_OK + 1, REFUSED = GH_EXIT_USAGE + 1 };

static void print_help(const struct gh_option *options, const char *usage, const char *about) {
    printf("Usage: gatehouse %s\n\n%s\n\nOptions:\n", usage, about);
    for (const struct gh_option *o = options; o->name; o++) {
        char left[64], letter[8] = "    ";
        if (o->letter)
            snprintf(letter, sizeof letter, "-%c, ", o->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->value_name ? " " : "",
                 o->value_name ? o->value_name : "");
        printf("  %-30s %s\n", left, o->help);
    }
    printf("  %-30s %s\n", "-h, --help", "show this text");
}

static int refuse(const char *command, const char *what, const char *why) {
    fprintf(stderr, "gatehouse %s: %s %s; see gatehouse %s --help\n", command, what, why, command);
    return REFUSED;
}

static const struct gh_option *find_name(const struct gh_option *options, const char *name, size_t len) {
    for (const struct gh_option *o = options; o->name; o++)
        if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
            return o;
    return NULL;
}

static const struct gh_option *find_letter(const struct gh_option *options, char letter) {
    for (const struct gh_option *o = options; o->name; o++)
        if (o->letter && o->letter == letter)
            return o;
    return NULL;
}

static const char *store(const struct gh_option *o, const char *value) {
    switch (o->kind) {
    case GH_OPTION_FLAG:
        *(bool *)o->target = true;
        return NULL;
    case GH_OPTION_TEXT:
        *(const char **)o->target = value;
        return NULL;
    case GH_OPTION_NUMBER: {
        char *end = NULL;
        errno = 0;
        long n = strtol(value, &end, 10);
        if (errno || end == value || *end || n < 0)
            return "needs a number";
        *(long *)o->target = n;
        return NULL;
    }
    case GH_OPTION_LIST: {
        struct gh_option_list *list = o->target;
        if (list->count == sizeof list->values / sizeof list->values[0])
            return "is given too often";
        list->values[list->count++] = value;
        return NULL;
    }
    }
    return "has no kind";
}

/* One argument that starts with '-'. *taken is how many argv entries it used. */
static int parse_one(const struct gh_option *options, char **argv, int left, int *taken) {
    const char *arg = argv[0], *value = NULL;
    const struct gh_option *o;
    if (arg[1] == '-') {
        const char *equals = strchr(arg, '=');
        size_t len = equals ? (size_t)(equals - arg - 2) : strlen(arg + 2);
        o = find_name(options, arg + 2, len);
        value = equals ? equals + 1 : NULL;
    } else {
        o = find_letter(options, arg[1]);
        value = arg[2] ? arg + 2 : NULL;
    }
    if (!o)
        return -1;
    *taken = 1;
    if (o->kind == GH_OPTION_FLAG && value)
        return -2;
    if (o->kind != GH_OPTION_FLAG && !value) {
        if (left < 2)
            return -3;
        value = argv[1];
        *taken = 2;
    }
    return store(o, value) ? -4 : 0;
}

int gh_options_parse(const struct gh_option *options, const char *usage, const char *about, int argc,
                     char **argv, int max_operands, int *operands) {
    static const char *const reasons[] = { "", "is not an option", "takes no value", "needs a value",
                                           "has a value that does not fit" };
    const char *command = argv[0];
    int kept = 0;
    for (int i = 1; i < argc;) {
        char *arg = argv[i];
        if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            print_help(options, usage, about);
            return HELPED;
        }
        if (strcmp(arg, "--") == 0) {
            for (i++; i < argc; i++)
                argv[1 + kept++] = argv[i];
            break;
        }
        if (arg[0] != '-' || arg[1] == '\0') {
            argv[1 + kept++] = arg;
            i++;
            continue;
        }
        int taken = 1, status = parse_one(options, argv + i, argc - i, &taken);
        if (status < 0)
            return refuse(command, arg, reasons[-status]);
        i += taken;
    }
    if (kept > max_operands)
        return refuse(command, argv[1 + max_operands], "is one argument too many");
    if (operands)
        *operands = kept;
    return GO_ON;
}
