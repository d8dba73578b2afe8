/* cli/options.h - options of one command as a table: parsing, --help and errors come from the rows.
 * GNU spelling: --name VALUE, --name=VALUE, -n VALUE, flags without value, "--" ends the options. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum gh_option_kind {
    GH_OPTION_FLAG,   /* bool * */
    GH_OPTION_TEXT,   /* const char ** */
    GH_OPTION_NUMBER, /* long *, decimal, not negative */
    GH_OPTION_LIST,   /* struct gh_option_list *, may be repeated */
};

struct gh_option {
    const char *name; /* without dashes; NULL ends the table */
    char letter;      /* 0: none */
    enum gh_option_kind kind;
    void *target;
    const char *value_name; /* "DIR"; NULL for flags */
    const char *help;
};

struct gh_option_list {
    const char *values[64];
    size_t count;
};

/* Fills the targets. Leftover operands are moved to the front of argv (after argv[0]) and counted in
 * *operands; more than `max_operands` is an error. Returns 0 to go on, or an exit status + 1 (1: --help was
 * printed, 3: usage error was printed on stderr):
 *
 *     int stop = gh_options_parse(...);
 *     if (stop)
 *         return stop - 1;
 */
int gh_options_parse(const struct gh_option *options, const char *usage, const char *about, int argc,
                     char **argv, int max_operands, int *operands);
