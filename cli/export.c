/* gatehouse export: the live tenant as a stack file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/stack_run.h"
#include "cli/tenant_api.h"
#include "core/cleanup.h"
#include "stack/engine/export.h"
#include "sys/file.h"

struct flags {
    const char *file;
    bool users, force;
};

#define PROGRAM_MAX (64 << 20)

static int deliver(const struct flags *f, const json_t *program) {
    gh_auto(gh_buf_release) struct gh_buf text = gh_buf_make(PROGRAM_MAX);
    gh_program_write(&text, program);
    if (text.failed) {
        fprintf(stderr, "error: the program is too large\n");
        return GH_EXIT_ERROR;
    }
    if (!f->file) {
        fwrite(text.ptr, 1, text.len, stdout);
        return fflush(stdout) == 0 ? GH_EXIT_OK : GH_EXIT_ERROR;
    }
    if (gh_file_write_atomic(f->file, gh_buf_str(&text), 0644) != GH_OK) {
        fprintf(stderr, "error: %s cannot be written\n", f->file);
        return GH_EXIT_ERROR;
    }
    printf("%zu resources written to %s\n", json_object_size(json_object_get(program, "resources")), f->file);
    return GH_EXIT_OK;
}

static int export_tenant(const struct flags *f, struct gh_arena *a, struct gh_diagnostics *d) {
    struct gh_api_settings settings;
    struct gh_api *api = NULL;
    int status = gh_tenant_api_open(a, NULL, &settings, &api);
    if (status)
        return status;
    const struct gh_export x = { .api = api,
                                 .domain = settings.domain,
                                 .own_client = settings.client_id,
                                 .users = f->users,
                                 .diagnostics = d };
    json_t *program = NULL;
    enum gh_err e = gh_export(&x, &program);
    status = e == GH_ERR_NO_TOKEN ? GH_EXIT_DENIED : e ? GH_EXIT_ERROR : deliver(f, program);
    json_decref(program);
    gh_api_free(api);
    return status;
}

int gh_command_export(int argc, char **argv) {
    struct flags f = { 0 };
    const struct gh_option options[] = {
        { "out", 'o', GH_OPTION_TEXT, &f.file, "FILE", "write it there instead of the standard output" },
        { "users", 0, GH_OPTION_FLAG, &f.users, NULL, "people, their memberships and roles, too" },
        { "force", 'f', GH_OPTION_FLAG, &f.force, NULL, "also over a FILE that exists" },
        { 0 },
    };
    int stop = gh_options_parse(options, "export [OPTIONS]",
                                "Writes a stack file of all that the tenant holds and a stack can declare.",
                                argc, argv, 0, NULL);
    if (stop)
        return stop - 1;
    if (f.file && !f.force && gh_file_exists(f.file)) {
        fprintf(stderr, "error: %s exists already; --force writes over it\n", f.file);
        return GH_EXIT_ERROR;
    }
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = gh_diagnostics_new();
    int status = a && d ? export_tenant(&f, a, d) : GH_EXIT_ERROR;
    if (d)
        gh_diagnostics_print(d, STDERR_FILENO, isatty(STDERR_FILENO));
    return status;
}
