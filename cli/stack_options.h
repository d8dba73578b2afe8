/* cli/stack_options.h - the options of preview, up, destroy and refresh, and what each of them says. */
#pragma once
#include "cli/options.h"
#include "cli/stack_run.h"

struct gh_stack_flags {
    const char *dir, *stack, *colour, *message;
    struct gh_option_list config, allow_data_loss, targets, placeholders;
    bool yes, skip_preview, diff, json, adopt, expect_none, same, secrets, no_outputs, ignore_protect,
        refresh, preview_only, non_interactive, target_dependents, no_progress;
    long parallel;
};

struct gh_stack_words {
    const char *usage, *about, *planning, *doing, *question, *cancelled;
};
const struct gh_stack_words *gh_stack_words(enum gh_stack_verb verb);

/* As gh_options_parse; *ret has the defaults of what is not given. An option that means nothing to the verb
 * is none of it. */
int gh_stack_options_parse(enum gh_stack_verb verb, int argc, char **argv, struct gh_stack_flags *ret);
