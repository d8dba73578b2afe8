#include "cli/stack_options.h"

#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static const struct gh_stack_words words[] = {
    [GH_STACK_PREVIEW] = { "preview [OPTIONS]",
                           "Shows what up would do: the program, the ledger and the live tenant compared.",
                           "Previewing update", "", "", "" },
    [GH_STACK_UP] = { "up [OPTIONS]",
                      "Makes the tenant what the program in Pulumi.yaml declares. A second up changes "
                      "nothing.",
                      "Previewing update", "Updating", "Do you want to perform this update?",
                      "update cancelled" },
    [GH_STACK_DESTROY] = { "destroy [OPTIONS]",
                           "Removes everything that the stack made. What it adopted goes back to what it was "
                           "found as.",
                           "Previewing destroy", "Destroying", "Do you want to perform this destroy?",
                           "destroy cancelled" },
    [GH_STACK_REFRESH] = { "refresh [OPTIONS]",
                           "Makes the ledger say what is live: what was changed outside the stack, and what "
                           "is gone.",
                           "Previewing refresh", "Refreshing", "Do you want to perform this refresh?",
                           "refresh cancelled" },
};

const struct gh_stack_words *gh_stack_words(enum gh_stack_verb verb) {
    return &words[verb];
}

/* Which verbs an option is for. */
enum { EVERY, CHANGING /* the tenant, or what would: all but refresh */, DESTROY };

static bool is_for(int which, enum gh_stack_verb verb) {
    return which == EVERY || (which == CHANGING && verb != GH_STACK_REFRESH) ||
           (which == DESTROY && verb == GH_STACK_DESTROY);
}

static int check_colour(const char *colour) {
    static const char *const good[] = { "always", "never", "auto" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (strcmp(colour, good[i]) == 0)
            return 0;
    fprintf(stderr, "error: --color is always, never or auto, not '%s'\n", colour);
    return GH_EXIT_USAGE + 1;
}

int gh_stack_options_parse(enum gh_stack_verb verb, int argc, char **argv, struct gh_stack_flags *f) {
    *f = (struct gh_stack_flags){ .dir = ".", .colour = "auto", .parallel = 4 };
    /* clang-format off */
    const struct {
        int which;
        struct gh_option option;
    } rows[] = {
        { EVERY,    { "cwd", 'C', GH_OPTION_TEXT, &f->dir, "DIR", "the folder with Pulumi.yaml (default: here)" } },
        { EVERY,    { "stack", 's', GH_OPTION_TEXT, &f->stack, "NAME", "the stack; made when there is none (default: the one selected)" } },
        { EVERY,    { "config", 'c', GH_OPTION_LIST, &f->config, "KEY=VALUE", "set a value of the stack first, and save it" } },
        { CHANGING, { "placeholder", 0, GH_OPTION_LIST, &f->placeholders, "<NAME>=VALUE", "what a placeholder in a Python or JavaScript program stands for" } },
        { CHANGING, { "allow-data-loss", 0, GH_OPTION_LIST, &f->allow_data_loss, "NAME", "that resource may go with people the stack did not make" } },
        { EVERY,    { "diff", 0, GH_OPTION_FLAG, &f->diff, NULL, "show every property that changes" } },
        { CHANGING, { "adopt", 0, GH_OPTION_FLAG, &f->adopt, NULL, "take over what exists, also beyond this machine" } },
        { EVERY,    { "expect-no-changes", 0, GH_OPTION_FLAG, &f->expect_none, NULL, "exit with status 7 if there are changes" } },
        { EVERY,    { "target", 't', GH_OPTION_LIST, &f->targets, "NAME", "only that resource, by name or URN" } },
        { EVERY,    { "target-dependents", 0, GH_OPTION_FLAG, &f->target_dependents, NULL, "and what depends on the targets" } },
        { EVERY,    { "show-sames", 0, GH_OPTION_FLAG, &f->same, NULL, "a line for what stays as it is, too" } },
        { EVERY,    { "show-secrets", 0, GH_OPTION_FLAG, &f->secrets, NULL, "print secrets instead of [secret]" } },
        { EVERY,    { "suppress-outputs", 0, GH_OPTION_FLAG, &f->no_outputs, NULL, "no outputs at the end" } },
        { EVERY,    { "suppress-progress", 0, GH_OPTION_FLAG, &f->no_progress, NULL, "a line a step, on a terminal too" } },
        { EVERY,    { "json", 'j', GH_OPTION_FLAG, &f->json, NULL, "print events, one JSON object a line" } },
        { EVERY,    { "color", 0, GH_OPTION_TEXT, &f->colour, "WHEN", "always, never or auto (default: auto)" } },
        { CHANGING, { "refresh", 'r', GH_OPTION_FLAG, &f->refresh, NULL, "let the ledger take what is live first" } },
        { EVERY,    { "parallel", 'p', GH_OPTION_NUMBER, &f->parallel, "N", "at most N calls at a time (default: 4; more than 10 is 10)" } },
        { EVERY,    { "message", 'm', GH_OPTION_TEXT, &f->message, "TEXT", "accepted, not kept" } },
        { EVERY,    { "non-interactive", 0, GH_OPTION_FLAG, &f->non_interactive, NULL, "never ask" } },
        { EVERY,    { "yes", 'y', GH_OPTION_FLAG, &f->yes, NULL, "do it without asking" } },
        { EVERY,    { "skip-preview", 'f', GH_OPTION_FLAG, &f->skip_preview, NULL, "do not print the plan first" } },
        { EVERY,    { "preview-only", 0, GH_OPTION_FLAG, &f->preview_only, NULL, "show only" } },
        { DESTROY,  { "ignore-protect", 0, GH_OPTION_FLAG, &f->ignore_protect, NULL, "protected resources too" } },
    };
    /* clang-format on */
    enum { ROWS = sizeof rows / sizeof *rows };
    struct gh_option options[ROWS + 1] = { 0 };
    for (size_t i = 0, n = 0; i < ROWS; i++)
        if (is_for(rows[i].which, verb))
            options[n++] = rows[i].option;
    int stop = gh_options_parse(options, words[verb].usage, words[verb].about, argc, argv, 0, NULL);
    return stop ? stop : check_colour(f->colour);
}
