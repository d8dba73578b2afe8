/* cli/command.h - one command of the program: a row in main.c's table, a file of its own. */
#pragma once

struct gh_command {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit status */
};

/* Exit statuses, as Pulumi's users know them (notes in docs/stack.md). */
enum { GH_EXIT_OK = 0, GH_EXIT_ERROR = 1, GH_EXIT_USAGE = 2 };

/* The commands; each is documented where it is defined. */
int gh_command_dev(int argc, char **argv);
int gh_command_feed(int argc, char **argv);
int gh_command_serve(int argc, char **argv);
int gh_command_init(int argc, char **argv);
int gh_command_mock_ai(int argc, char **argv);
int gh_command_check(int argc, char **argv);
int gh_command_preview(int argc, char **argv);
int gh_command_up(int argc, char **argv);
int gh_command_engine(int argc, char **argv);
int gh_command_destroy(int argc, char **argv);
int gh_command_export(int argc, char **argv);
int gh_command_import(int argc, char **argv);
int gh_command_refresh(int argc, char **argv);
int gh_command_config(int argc, char **argv);
int gh_command_token(int argc, char **argv);
int gh_command_state(int argc, char **argv);
int gh_command_stack(int argc, char **argv);
