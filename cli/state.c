/* gatehouse state: changes what the ledger says of a resource. The tenant is not called. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/stack/stack.h"
#include "cli/stack_run.h"
#include "stack/engine/ledger.h"
#include "stack/engine/urn.h"

struct state {
    const char *dir, *stack;
    char room[128];
    bool yes, force, all, dependents;
    struct gh_ledger *ledger;
    struct gh_diagnostics *diagnostics;
    json_t *chosen; /* entries, in the ledger's order */
};

static const char *text(const json_t *object, const char *member) {
    const char *value = json_string_value(json_object_get(object, member));
    return value ? value : "";
}

static bool holds(const json_t *list, const json_t *entry) {
    size_t i;
    json_t *other;
    json_array_foreach(list, i, other) {
        if (other == entry)
            return true;
    }
    return false;
}

/* The entry that somebody means by a name or URN; NULL after a message. */
static json_t *find(const struct state *s, const char *meant) {
    const char *project = gh_ledger_text(s->ledger, "project");
    json_t *found = NULL, *entry;
    size_t i, n = 0;
    json_array_foreach(gh_ledger_resources(s->ledger), i, entry) {
        if (gh_urn_means(meant, s->stack, project ? project : "", text(entry, "type"), text(entry, "name"))) {
            bool waits = json_object_get(entry, "replaced"); /* it gives way to its successor */
            found = found && waits ? found : entry;
            n += !waits;
        }
    }
    if (!found)
        fprintf(stderr, "error: no resource named '%s' found in stack '%s'\n", meant, s->stack);
    else if (n > 1) {
        fprintf(stderr, "error: there are %zu resources named '%s': say which one by its URN\n", n, meant);
        return NULL;
    }
    return found;
}

static bool choose(struct state *s, int count, char **meant) {
    json_t *named = json_array(), *entry;
    bool good = true;
    size_t i;
    for (int k = 0; k < count; k++) {
        json_t *one = find(s, meant[k]);
        good = good && one;
        if (one)
            json_array_append(named, one);
    }
    s->chosen = json_array();
    json_array_foreach(gh_ledger_resources(s->ledger), i, entry) {
        if (s->all || holds(named, entry))
            json_array_append(s->chosen, entry);
    }
    json_decref(named);
    return good;
}

static bool agreed(const struct state *s, const char *question) {
    char line[64] = "";
    if (s->yes)
        return true;
    printf("%s [yes/no] ", question);
    fflush(stdout);
    return fgets(line, sizeof line, stdin) && (strcmp(line, "yes\n") == 0 || strcmp(line, "y\n") == 0);
}

static int open_state(struct state *s) {
    if (!s->yes && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
        fprintf(stderr, "error: --yes must be given where nobody can be asked\n");
        return GH_EXIT_USAGE;
    }
    s->stack = gh_stack_name(s->dir, s->stack, s->room, sizeof s->room);
    if (!s->stack)
        return GH_EXIT_USAGE;
    if (!gh_stack_exists(s->dir, s->stack)) {
        fprintf(stderr, "error: there is no stack named '%s' here\n", s->stack);
        return GH_EXIT_NO_STACK;
    }
    s->diagnostics = gh_diagnostics_new();
    if (s->diagnostics && gh_ledger_open(s->dir, s->stack, true, s->diagnostics, &s->ledger) == GH_OK)
        return GH_EXIT_OK;
    if (s->diagnostics)
        gh_diagnostics_print(s->diagnostics, STDERR_FILENO, isatty(STDERR_FILENO));
    return GH_EXIT_ERROR;
}

/* Saves, and ends. `done` is said only of what is saved. */
static int finish(struct state *s, int status, const char *done) {
    if (!status && gh_ledger_save(s->ledger, NULL) != GH_OK)
        status = GH_EXIT_ERROR;
    if (!status)
        puts(done);
    if (s->diagnostics)
        gh_diagnostics_print(s->diagnostics, STDERR_FILENO, isatty(STDERR_FILENO));
    json_decref(s->chosen);
    gh_ledger_free(s->ledger);
    gh_diagnostics_free(s->diagnostics);
    return status;
}

static int parse(struct state *s, const char *usage, const char *about, bool deletes, int argc, char **argv,
                 int *operands) {
    const struct gh_option options[] = {
        GH_STACK_OPTIONS(s->dir, s->stack),
        { "yes", 'y', GH_OPTION_FLAG, &s->yes, NULL, "do it without asking" },
        { "all", 0, GH_OPTION_FLAG, &s->all, NULL, "every resource of the stack" },
        { deletes ? "force" : NULL, 0, GH_OPTION_FLAG, &s->force, NULL, "protected ones, too" },
        { "target-dependents", 0, GH_OPTION_FLAG, &s->dependents, NULL, "and all that depends on them" },
        { 0 },
    };
    int stop = gh_options_parse(options, usage, about, argc, argv, 64, operands);
    if (!stop && !*operands && !s->all) {
        fprintf(stderr, "gatehouse %s: NAME is missing; see gatehouse %s --help\n", argv[0], argv[0]);
        return GH_EXIT_USAGE + 1;
    }
    return stop;
}

/* ---- delete ---- */

static bool depends_on_chosen(const struct state *s, const json_t *entry) {
    size_t i, k;
    json_t *name, *other;
    json_array_foreach(json_object_get(entry, "dependsOn"), i, name) {
        json_array_foreach(s->chosen, k, other) {
            if (other != entry && json_equal(name, json_object_get(other, "name")))
                return true;
        }
    }
    return false;
}

/* What is forgotten must not be named by what stays. Dependents stand behind what they depend on. */
static bool check_dependents(struct state *s) {
    size_t i;
    json_t *entry;
    bool good = true;
    json_array_foreach(gh_ledger_resources(s->ledger), i, entry) {
        if (holds(s->chosen, entry) || !depends_on_chosen(s, entry))
            continue;
        if (s->dependents)
            json_array_append(s->chosen, entry);
        else {
            fprintf(stderr,
                    "error: %s depends on what is to be deleted; name it too, or --target-dependents\n",
                    text(entry, "name"));
            good = false;
        }
    }
    return good;
}

static bool check_protected(const struct state *s) {
    size_t i;
    json_t *entry;
    bool good = true;
    json_array_foreach(s->chosen, i, entry) {
        if (s->force || !json_is_true(json_object_get(entry, "protect")))
            continue;
        fprintf(stderr, "error: %s is protected; gatehouse state unprotect %s, or delete it with --force\n",
                text(entry, "name"), text(entry, "name"));
        good = false;
    }
    return good;
}

static int delete_state(int argc, char **argv) {
    struct state s = { .dir = "." };
    int operands = 0;
    int stop =
        parse(&s, "state delete NAME|URN... [OPTIONS]",
              "Forgets resources: the stack owns them no more, and they stay in the tenant as they are.",
              true, argc, argv, &operands);
    if (stop)
        return stop - 1;
    int status = open_state(&s);
    if (!status && (!choose(&s, operands, argv + 1) || !check_dependents(&s) || !check_protected(&s)))
        status = GH_EXIT_ERROR;
    if (!status && !agreed(&s, "This forgets the resources; the tenant keeps them. Go on?"))
        status = GH_EXIT_CANCELLED;
    for (size_t i = 0; !status && i < json_array_size(s.chosen); i++)
        gh_ledger_lose(s.ledger, json_array_get(s.chosen, i));
    return finish(&s, status, "Resource deleted");
}

/* ---- protect, unprotect ---- */

static int set_protect(bool protect, int argc, char **argv) {
    struct state s = { .dir = "." };
    int operands = 0;
    int stop =
        parse(&s, protect ? "state protect NAME|URN... [OPTIONS]" : "state unprotect NAME|URN... [OPTIONS]",
              protect ? "Protects resources from deletion, until the next up asks the program."
                      : "Takes the protection from resources, until the next up asks the program.",
              false, argc, argv, &operands);
    if (stop)
        return stop - 1;
    int status = open_state(&s);
    if (!status && !choose(&s, operands, argv + 1))
        status = GH_EXIT_ERROR;
    if (!status && !agreed(&s, "This changes what the ledger says. Go on?"))
        status = GH_EXIT_CANCELLED;
    for (size_t i = 0; !status && i < json_array_size(s.chosen); i++) {
        json_t *entry = json_array_get(s.chosen, i);
        if (protect)
            json_object_set_new(entry, "protect", json_true());
        else
            json_object_del(entry, "protect");
    }
    return finish(&s, status, protect ? "Resource protected" : "Resource unprotected");
}

static int protect_state(int argc, char **argv) {
    return set_protect(true, argc, argv);
}

static int unprotect_state(int argc, char **argv) {
    return set_protect(false, argc, argv);
}

/* ---- rename ---- */

static void rename_dependencies(const struct state *s, const char *from, const char *to) {
    size_t i, k;
    json_t *entry, *name;
    json_array_foreach(gh_ledger_resources(s->ledger), i, entry) {
        json_t *list = json_object_get(entry, "dependsOn");
        json_array_foreach(list, k, name) {
            if (strcmp(json_string_value(name) ? json_string_value(name) : "", from) == 0)
                json_array_set_new(list, k, json_string(to));
        }
    }
}

/* Names are unique in a program in YAML; in others with their type. */
static int check_name(const struct state *s, const char *to) {
    size_t i;
    json_t *entry;
    if (!*to || strpbrk(to, "\n\r") || strstr(to, "::")) {
        fprintf(stderr, "error: '%s' is no name for a resource\n", to);
        return GH_EXIT_USAGE;
    }
    json_array_foreach(gh_ledger_resources(s->ledger), i, entry) {
        if (strcmp(text(entry, "name"), to) == 0) {
            fprintf(stderr, "error: there is a resource named '%s' already\n", to);
            return GH_EXIT_ERROR;
        }
    }
    return GH_EXIT_OK;
}

static int rename_state(int argc, char **argv) {
    struct state s = { .dir = "." };
    int operands = 0;
    int stop =
        parse(&s, "state rename NAME|URN NEWNAME [OPTIONS]",
              "Gives a resource the name that the program has for it now.", false, argc, argv, &operands);
    if (stop)
        return stop - 1;
    if (operands != 2 || s.all) {
        fprintf(stderr,
                "gatehouse state rename: takes NAME and NEWNAME; see gatehouse state rename --help\n");
        return GH_EXIT_USAGE;
    }
    int status = open_state(&s);
    json_t *entry = status ? NULL : find(&s, argv[1]);
    status = status ? status : entry ? check_name(&s, argv[2]) : GH_EXIT_ERROR;
    if (!status && !agreed(&s, "This changes what the ledger says. Go on?"))
        status = GH_EXIT_CANCELLED;
    if (!status) {
        rename_dependencies(&s, text(entry, "name"), argv[2]);
        if (gh_ledger_rename(s.ledger, text(entry, "type"), text(entry, "name"), argv[2]) != GH_OK)
            status = GH_EXIT_ERROR;
    }
    return finish(&s, status, "Resource renamed");
}

int gh_command_state(int argc, char **argv) {
    static const struct gh_subcommand rows[] = {
        { "delete", "forget resources; they stay in the tenant", delete_state },
        { "protect", "protect resources from deletion", protect_state },
        { "unprotect", "take that protection away", unprotect_state },
        { "rename", "give a resource another name", rename_state },
        { 0 },
    };
    return gh_subcommand_run(rows, "state", NULL, argc, argv);
}
