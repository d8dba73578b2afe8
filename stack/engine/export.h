/* stack/engine/export.h - a live tenant as a program: all that it holds of the types that can be applied,
 * with names for people, references in place of ids, and the option `import`, so that the first `up` takes it
 * over as it is. */
#pragma once
#include <jansson.h>

#include "core/buf.h"
#include "stack/diagnostic.h"
#include "stack/engine/api.h"

struct gh_export {
    struct gh_api *api;
    const char *domain;
    const char
        *own_client; /* left out, with its grants: who asks is not a part of what it asks for; or NULL */
    bool users;      /* people, memberships and their roles, too */
    struct gh_diagnostics *diagnostics;
};

/* *program: new {"name", "runtime", "description", "config"?, "variables"?, "resources"}. Errors of the
 * calls: diagnosed. */
enum gh_err gh_export(const struct gh_export *x, json_t **program);

/* The program, or a part of one, as YAML. Small things stand on one line. */
void gh_program_write(struct gh_buf *out, const json_t *program);

/* A "$" of the tenant is none of the program's: it is doubled where it would begin a reference. New. */
json_t *gh_program_text(const char *text);
