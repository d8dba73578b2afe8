/* cli/command.h - one command of the program: a row in main.c's table, a file of its own. */
#pragma once

struct gh_command {
    const char *name, *arguments, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit status */
};

/* Exit statuses, as Pulumi's and sysexits' users know them. */
enum { GH_EXIT_OK = 0, GH_EXIT_ERROR = 1, GH_EXIT_USAGE = 2 };
