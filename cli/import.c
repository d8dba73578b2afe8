/* gatehouse import: objects of the tenant become the stack's own, and what the program has to say of them is
 * printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/stack_run.h"
#include "cli/subcommand.h"
#include "cli/tenant_api.h"
#include "core/cleanup.h"
#include "stack/engine/display.h"
#include "stack/engine/export.h"
#include "sys/file.h"

#define FILE_MAX (16 << 20)

struct import {
    struct gh_workspace w;
    const char *file, *out, *protect;
    bool yes, preview_only, skip_preview;
    char **operands; /* TYPE NAME ID; or none, with `file` */
    struct gh_arena *arena;
    struct gh_api_settings settings;
    struct gh_api *api;
    struct gh_engine *engine;
};

static int connect_to_tenant(struct import *i, struct gh_display *display) {
    int status = gh_tenant_api_open(i->arena, NULL, &i->settings, &i->api);
    if (status)
        return status;
    const struct gh_engine_options options = {
        .dir = i->w.dir,
        .stack = i->w.stack,
        .project = gh_program_name(i->w.program),
        .domain = i->settings.domain,
        .write = !i->preview_only,
        .api = i->api,
        .config = i->w.config,
        .diagnostics = i->w.diagnostics,
        .event = i->skip_preview ? NULL : gh_display_step,
        .context = display,
    };
    return gh_engine_new(&options, &i->engine) == GH_OK ? GH_EXIT_OK : GH_EXIT_ERROR;
}

static enum gh_err plan_file(struct import *i, bool protect) {
    struct gh_str text;
    json_error_t why;
    json_t *file = NULL, *list, *one;
    size_t k;
    if (gh_file_read(i->arena, i->file, FILE_MAX, &text) == GH_OK)
        file = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
    list = json_object_get(file, "resources");
    enum gh_err e = json_array_size(list) ? GH_OK : GH_ERR_MALFORMED;
    json_array_foreach(list, k, one) {
        const char *type = NULL, *name = NULL, *id = NULL;
        if (!e && json_unpack(one, "{s:s, s:s, s:s}", "type", &type, "name", &name, "id", &id) != 0)
            e = GH_ERR_MALFORMED;
        else if (!e && gh_engine_plan_import(i->engine, type, name, id, protect) != GH_OK)
            e = GH_ERR_CONFLICT;
    }
    json_decref(file);
    if (e == GH_ERR_MALFORMED)
        fprintf(stderr,
                "error: %s is no list of imports: {\"resources\": [{\"type\", \"name\", \"id\"}, ...]}\n",
                i->file);
    return e;
}

static int plan(struct import *i, bool protect) {
    enum gh_err e =
        i->file ? plan_file(i, protect)
                : gh_engine_plan_import(i->engine, i->operands[0], i->operands[1], i->operands[2], protect);
    return !e ? GH_EXIT_OK : gh_engine_denied(i->engine) ? GH_EXIT_DENIED : GH_EXIT_ERROR;
}

static bool agreed(const struct import *i) {
    char line[64] = "";
    if (i->yes)
        return true;
    fprintf(stderr, "\nDo you want to perform this import? [yes/no] ");
    return fgets(line, sizeof line, stdin) && (strcmp(line, "yes\n") == 0 || strcmp(line, "y\n") == 0);
}

static int deliver(const struct import *i, const json_t *program, bool protect) {
    gh_auto(gh_buf_release) struct gh_buf text = gh_buf_make(FILE_MAX);
    gh_program_write(&text, program);
    if (text.failed)
        return GH_EXIT_ERROR;
    fprintf(stderr,
            "Put this into the program: what the stack owns and the program does not declare, up deletes.\n");
    if (protect)
        fprintf(stderr,
                "It is protected: nothing deletes it until the option protect is gone and up was run.\n");
    if (!i->out)
        fwrite(text.ptr, 1, text.len, stdout);
    else if (gh_file_write_atomic(i->out, gh_buf_str(&text), 0644) != GH_OK) {
        fprintf(stderr, "error: %s cannot be written\n", i->out);
        return GH_EXIT_ERROR;
    }
    return GH_EXIT_OK;
}

static int import_all(struct import *i, bool protect) {
    struct gh_display display = { .out = stderr, /* the program alone is for stdout */
                                  .project = gh_program_name(i->w.program),
                                  .stack = i->w.stack };
    json_t *program = NULL;
    int status = connect_to_tenant(i, &display);
    status = status ? status : plan(i, protect);
    if (status || i->preview_only)
        return gh_workspace_fail(&i->w, status);
    if (!agreed(i)) {
        fprintf(stderr, "import cancelled; nothing was done\n");
        return GH_EXIT_CANCELLED;
    }
    status = gh_engine_import(i->engine, &program) == GH_OK ? GH_EXIT_OK : GH_EXIT_ERROR;
    status = status ? status : deliver(i, program, protect);
    json_decref(program);
    return gh_workspace_fail(&i->w, status);
}

static int usage(const char *what) {
    fprintf(stderr, "gatehouse import: %s; see gatehouse import --help\n", what);
    return GH_EXIT_USAGE;
}

static int check(const struct import *i, int operands, bool *protect) {
    *protect = !i->protect || strcmp(i->protect, "true") == 0;
    if (i->protect && !*protect && strcmp(i->protect, "false") != 0)
        return usage("--protect is true or false");
    if (i->file ? operands != 0 : operands != 3)
        return usage("takes TYPE, NAME and ID, or --file FILE");
    if (!i->yes && !i->preview_only && !isatty(STDIN_FILENO)) {
        fprintf(stderr, "error: --yes must be given where nobody can be asked\n");
        return GH_EXIT_USAGE;
    }
    return GH_EXIT_OK;
}

int gh_command_import(int argc, char **argv) {
    struct import i = { .w = { .dir = "." } };
    bool protect;
    int operands = 0;
    const struct gh_option options[] = {
        GH_WORKSPACE_OPTIONS(i.w),
        { "file", 'f', GH_OPTION_TEXT, &i.file, "FILE", "import all that this JSON file lists" },
        { "out", 'o', GH_OPTION_TEXT, &i.out, "FILE",
          "write the resources there, not to the standard output" },
        { "protect", 0, GH_OPTION_TEXT, &i.protect, "BOOL", "protect them from deletion (default: true)" },
        { "preview-only", 0, GH_OPTION_FLAG, &i.preview_only, NULL, "show only" },
        { "skip-preview", 0, GH_OPTION_FLAG, &i.skip_preview, NULL, "do not print the plan first" },
        { "yes", 'y', GH_OPTION_FLAG, &i.yes, NULL, "do it without asking" },
        { 0 },
    };
    int stop =
        gh_options_parse(options, "import TYPE NAME ID [OPTIONS]",
                         "Takes an object of the tenant into the stack, and prints its place in the program.",
                         argc, argv, 3, &operands);
    if (stop)
        return stop - 1;
    int status = check(&i, operands, &protect);
    if (status)
        return status;
    i.operands = argv + 1;
    i.arena = gh_arena_new(FILE_MAX + (1 << 16));
    stop = gh_workspace_open(&i.w);
    status = stop ? stop - 1 : i.arena ? import_all(&i, protect) : GH_EXIT_ERROR;
    gh_engine_free(i.engine);
    gh_api_free(i.api);
    gh_workspace_release(&i.w);
    gh_arena_free(i.arena);
    return status;
}
