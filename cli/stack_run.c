#include "cli/stack_run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/stack_options.h"
#include "cli/tenant_api.h"
#include "core/cleanup.h"
#include "stack/engine/display.h"
#include "stack/engine/events.h"
#include "stack/engine/tree.h"
#include "stack/engine/tree_capture.h"
#include "stack/host.h"
#include "sys/clock.h"

/* All that one run holds; released in one place. */
struct run {
    enum gh_stack_verb verb;
    const int *host; /* descriptors of a language host that runs already; or NULL */
    struct gh_stack_flags flags;
    const char *stack;
    struct gh_arena *arena;
    struct gh_diagnostics *diagnostics;
    struct gh_program *program;
    struct gh_config *config;
    json_t *placeholders;
    struct gh_api_settings settings;
    struct gh_api *api;
    struct gh_engine *engine;
    struct gh_display display;
    struct gh_events events; /* of --json, in place of the display */
    struct gh_tree *tree;    /* on a terminal, while a pass goes on */
    struct gh_tree_capture *capture;
    json_t *outputs;
    long long started;
};

static void release(struct run *r) {
    gh_engine_free(r->engine);
    gh_api_free(r->api);
    json_decref(r->outputs);
    json_decref(r->placeholders);
    gh_config_free(r->config);
    gh_program_free(r->program);
    gh_diagnostics_free(r->diagnostics);
    gh_arena_free(r->arena);
}

static int print_errors(struct run *r, int status) {
    if (r->flags.json)
        gh_events_diagnostics(&r->events);
    fflush(stdout);
    gh_diagnostics_print(r->diagnostics, STDERR_FILENO, isatty(STDERR_FILENO));
    return status;
}

static size_t errors(const struct run *r) {
    return gh_diagnostics_count(r->diagnostics, GH_SEVERITY_ERROR);
}

static void on_wait(void *context, unsigned seconds, const char *why) {
    fprintf(stderr, "waiting %u s: %s\n", seconds, why);
}

static void on_event(void *context, const struct gh_step *s, enum gh_event event) {
    struct run *r = context;
    if (r->flags.json)
        gh_events_step(&r->events, s, event);
    else if (r->tree)
        gh_tree_step(r->tree, s, event);
    else
        gh_display_step(&r->display, s, event);
}

/* The live tree, where somebody watches and did not ask for more than fits in a row. */
static void begin_tree(struct run *r) {
    const char *term = getenv("TERM");
    bool watched = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
    fflush(stdout);
    if (watched && !r->flags.json && !r->flags.no_progress && (!r->flags.diff || r->display.applying))
        r->tree = gh_tree_begin(&r->display);
    gh_engine_tell_at_once(r->engine, r->tree != NULL);
    r->capture = gh_tree_capture_begin(r->tree);
}

static void end_tree(struct run *r, bool failed) {
    bool drawn = r->tree != NULL;
    gh_tree_capture_end(r->capture);
    gh_tree_end(r->tree, failed);
    r->capture = NULL;
    r->tree = NULL;
    for (size_t i = 0; drawn && !r->display.applying && i < gh_engine_step_count(r->engine); i++)
        gh_display_foreign(&r->display, gh_engine_step_at(r->engine, i));
    if (drawn)
        fputc('\n', stdout);
}

static void set_display(struct run *r) {
    const char *when = r->flags.colour;
    bool terminal = isatty(STDOUT_FILENO);
    const char *none = getenv("NO_COLOR"); /* no-color.org: when it is there and not empty */
    r->display = (struct gh_display){
        .out = stdout,
        .stack = r->stack,
        .colour = strcmp(when, "always") == 0 || (terminal && strcmp(when, "auto") == 0 && !(none && *none)),
        .diff = r->flags.diff,
        .same = r->flags.same,
        .secrets = r->flags.secrets,
    };
    r->events = (struct gh_events){ .out = stdout, .stack = r->stack, .secrets = r->flags.secrets };
}

static bool is_of_ledger(const struct run *r) {
    return r->verb == GH_STACK_DESTROY || r->verb == GH_STACK_REFRESH;
}

/* For programs in other languages; in YAML a placeholder is an error that names the remedy. */
static int load_placeholders(struct run *r) {
    const struct gh_option_list *given = &r->flags.placeholders;
    const char *bad = NULL;
    r->placeholders = gh_host_placeholders(r->config, given->values, given->count, &bad);
    if (bad)
        fprintf(stderr, "error: --placeholder takes <NAME>=VALUE, not '%s'\n", bad);
    else if (given->count && gh_program_is_yaml(r->program))
        fprintf(stderr, "error: --placeholder is for programs in other languages: in YAML, write a config "
                        "value in its place\n");
    else
        return GH_EXIT_OK;
    return GH_EXIT_USAGE;
}

/* Program and values, before any call: what is wrong with them is told without a tenant. */
static int load(struct run *r) {
    const char *dir = r->flags.dir;
    if (gh_program_load(dir, r->diagnostics, &r->program) != GH_OK)
        return print_errors(r, GH_EXIT_ERROR);
    r->display.project = r->events.project = gh_program_name(r->program);
    if (gh_config_open(dir, r->stack, r->program, r->diagnostics, &r->config) != GH_OK)
        return print_errors(r, GH_EXIT_USAGE);
    for (size_t i = 0; i < r->flags.config.count; i++) {
        struct gh_str value = gh_str_from(r->flags.config.values[i]), key;
        if (!gh_str_cut(&value, '=', &key)) {
            fprintf(stderr, "error: -c takes KEY=VALUE, not '%s'\n", r->flags.config.values[i]);
            return GH_EXIT_USAGE;
        }
        if (gh_config_set(r->config, key, value, false, r->diagnostics) != GH_OK)
            return print_errors(r, GH_EXIT_USAGE);
    }
    if (r->host && gh_program_is_yaml(r->program)) {
        fprintf(stderr, "error: gatehouse engine is for programs in other languages than YAML\n");
        return GH_EXIT_USAGE;
    }
    int status = load_placeholders(r);
    if (status)
        return status;
    if (is_of_ledger(r)) /* the ledger knows all there is to know */
        return GH_EXIT_OK;
    if (gh_program_check(r->program, r->diagnostics) != GH_OK || errors(r))
        return print_errors(r, GH_EXIT_ERROR);
    if (gh_config_check(r->config, r->diagnostics) != GH_OK)
        return print_errors(r, GH_EXIT_USAGE);
    return GH_EXIT_OK;
}

static int connect_to_tenant(struct run *r) {
    int status = gh_tenant_api_open(r->arena, on_wait, &r->settings, &r->api);
    if (status)
        return status;
    struct gh_engine_options options = {
        .dir = r->flags.dir,
        .stack = r->stack,
        .project = gh_program_name(r->program),
        .domain = r->settings.domain,
        .parallel = (unsigned)(r->flags.parallel < 1    ? 1
                               : r->flags.parallel > 10 ? 10
                                                        : r->flags.parallel),
        .write = r->verb != GH_STACK_PREVIEW && !r->flags.preview_only,
        .adopt = r->flags.adopt,
        .ignore_protect = r->flags.ignore_protect,
        .allow_data_loss = r->flags.allow_data_loss.values,
        .allow_data_loss_count = r->flags.allow_data_loss.count,
        .targets = r->flags.targets.values,
        .target_count = r->flags.targets.count,
        .target_dependents = r->flags.target_dependents,
        .api = r->api,
        .config = r->config,
        .diagnostics = r->diagnostics,
        .event = r->flags.skip_preview ? NULL : on_event,
        .context = r,
    };
    return gh_engine_new(&options, &r->engine) == GH_OK ? GH_EXIT_OK : print_errors(r, GH_EXIT_ERROR);
}

static int failure(struct run *r, int status) {
    return print_errors(r, gh_engine_denied(r->engine) ? GH_EXIT_DENIED : status);
}

/* One pass of the program: YAML is evaluated here, the others run under their host. */
static enum gh_err run_program(struct run *r, bool preview) {
    struct gh_registrar registrar = gh_engine_registrar(r->engine);
    const struct gh_host host = { .dir = r->flags.dir,
                                  .program = r->program,
                                  .config = r->config,
                                  .placeholders = r->placeholders,
                                  .descriptors = r->host,
                                  .preview = preview };
    json_decref(r->outputs);
    r->outputs = NULL;
    return gh_program_is_yaml(r->program)
               ? gh_program_run(r->program, r->config, &registrar, r->diagnostics, &r->outputs)
               : gh_host_run(&host, &registrar, r->diagnostics, &r->outputs);
}

static int plan(struct run *r) {
    if (r->flags.json)
        gh_events_prelude(&r->events, gh_config_values(r->config));
    else if (!r->flags.skip_preview)
        printf("%s (%s):\n", gh_stack_words(r->verb)->planning, r->stack);
    if (!r->flags.skip_preview)
        begin_tree(r);
    enum gh_err e = r->flags.refresh ? gh_engine_refresh_first(r->engine) : GH_OK;
    if (e) {
        end_tree(r, true);
        return failure(r, GH_EXIT_ERROR);
    }
    if (r->verb == GH_STACK_REFRESH)
        e = gh_engine_plan_refresh(r->engine);
    else if (r->verb == GH_STACK_DESTROY)
        e = gh_engine_plan_destroy(r->engine);
    else {
        e = run_program(r, true);
        e = e ? e : gh_engine_end_plan(r->engine);
    }
    end_tree(r, e || errors(r));
    return e || errors(r) ? failure(r, GH_EXIT_ERROR) : GH_EXIT_OK;
}

/* Outputs and counts, of either pass. */
static void tell_end(struct run *r) {
    if (r->events.applying || !r->flags.skip_preview) {
        if (r->outputs && !r->flags.no_outputs)
            gh_events_outputs(&r->events, r->outputs);
        gh_events_summary(&r->events, r->engine, gh_clock_monotonic_ns() - r->started);
    }
}

static int show_plan(struct run *r, size_t *changes) {
    *changes = 0;
    for (size_t i = 0; i < gh_engine_step_count(r->engine); i++)
        *changes += gh_engine_step_at(r->engine, i)->op != GH_OP_SAME;
    if (r->flags.json)
        tell_end(r);
    else if (!r->flags.skip_preview) {
        if (!is_of_ledger(r) && !r->flags.no_outputs)
            gh_display_outputs(&r->display, r->outputs);
        gh_display_summary(&r->display, r->engine);
    }
    if (*changes && r->flags.expect_none) {
        fflush(stdout);
        fprintf(stderr, "error: no changes were expected, but there are %zu\n", *changes);
        return GH_EXIT_UNEXPECTED;
    }
    return GH_EXIT_OK;
}

static bool agreed(const struct run *r) {
    char line[64] = "";
    printf("\n%s [yes/no] ", gh_stack_words(r->verb)->question);
    fflush(stdout);
    return fgets(line, sizeof line, stdin) && (strcmp(line, "yes\n") == 0 || strcmp(line, "y\n") == 0);
}

/* Nothing is left of the outputs where everything was destroyed. */
static enum gh_err end_apply(struct run *r, bool failed) {
    if (r->verb == GH_STACK_REFRESH)
        return gh_engine_refresh(r->engine);
    if (r->verb == GH_STACK_UP || r->flags.targets.count)
        return gh_engine_end_apply(r->engine, r->outputs, failed);
    json_t *none = json_object();
    enum gh_err e = gh_engine_end_apply(r->engine, none, failed);
    json_decref(none);
    return e;
}

static int apply(struct run *r) {
    r->display.applying = r->events.applying = true;
    if (!r->flags.json)
        printf("%s%s (%s):\n", r->flags.skip_preview ? "" : "\n", gh_stack_words(r->verb)->doing, r->stack);
    enum gh_err e = GH_OK;
    gh_engine_begin_apply(r->engine, on_event);
    begin_tree(r);
    if (r->verb == GH_STACK_UP)
        e = run_program(r, false);
    enum gh_err ended = end_apply(r, e != GH_OK);
    end_tree(r, e || ended || errors(r));
    if (r->flags.json)
        tell_end(r);
    else {
        if (r->verb == GH_STACK_UP && !e && !r->flags.no_outputs)
            gh_display_outputs(&r->display, r->outputs);
        gh_display_summary(&r->display, r->engine);
        gh_display_duration(&r->display, gh_clock_monotonic_ns() - r->started);
    }
    return e || ended || errors(r) ? failure(r, GH_EXIT_RESOURCE)
                                   : print_errors(r, GH_EXIT_OK); /* warnings */
}

static int run(struct run *r) {
    size_t changes;
    int status = load(r);
    status = status ? status : connect_to_tenant(r);
    status = status ? status : plan(r);
    status = status ? status : show_plan(r, &changes);
    if (status)
        return status;
    if (r->verb == GH_STACK_PREVIEW || r->flags.preview_only)
        return print_errors(r, GH_EXIT_OK); /* warnings */
    if (!r->flags.yes && !agreed(r)) {
        fprintf(stderr, "%s; nothing was done\n", gh_stack_words(r->verb)->cancelled);
        return GH_EXIT_CANCELLED;
    }
    status = apply(r);
    return status;
}

int gh_stack_run(enum gh_stack_verb verb, int argc, char **argv) {
    return gh_stack_run_hosted(verb, NULL, argc, argv);
}

int gh_stack_run_hosted(enum gh_stack_verb verb, const int *host, int argc, char **argv) {
    char room[128];
    struct run r = { .verb = verb, .host = host, .started = gh_clock_monotonic_ns() };
    int stop = gh_stack_options_parse(verb, argc, argv, &r.flags);
    if (stop)
        return stop - 1;
    r.stack = gh_stack_name(r.flags.dir, r.flags.stack, room, sizeof room);
    if (!r.stack)
        return GH_EXIT_USAGE;
    bool asks = verb != GH_STACK_PREVIEW && !r.flags.yes && !r.flags.preview_only;
    if (asks &&
        (r.flags.json || r.flags.non_interactive || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
        fprintf(stderr, "error: --yes must be given where nobody can be asked\n");
        return GH_EXIT_USAGE;
    }
    signal(SIGPIPE, SIG_IGN); /* a closed pager must not end a run between a call and its journal line */
    set_display(&r);
    r.arena = gh_arena_new(1 << 16);
    r.diagnostics = gh_diagnostics_new();
    int status = GH_EXIT_ERROR;
    r.events.diagnostics = r.diagnostics;
    if (r.arena && r.diagnostics)
        status = run(&r);
    else
        fprintf(stderr, "error: out of memory\n");
    if (r.flags.json && r.diagnostics)
        gh_events_end(&r.events);
    release(&r);
    return status;
}
