/* Any bytes as what a language host says, in a preview and with a placeholder that is known: what reaches the
 * engine is a resource of a type that there is, with a name that it has alone, and inputs that were checked;
 * whatever was refused is an error of the run. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/limits.h"
#include "fuzz/fuzz.h"
#include "stack/host.h"
#include "stack/schema.h"

#define ROOM (64 << 10) /* of a pipe */

struct seen {
    json_t *names;
};

/* Texts that the provider has to have; a placeholder among them was told as an error, or replaced. */
static void walk(json_t *value, unsigned depth) {
    json_t *child;
    const char *key;
    size_t i;
    MUST(depth <= GH_LIMIT_STACK_DEPTH);
    MUST(!json_is_string(value) || strcmp(json_string_value(value), "<USER_ID>") != 0);
    json_array_foreach(value, i, child) {
        walk(child, depth + 1);
    }
    json_object_foreach(value, key, child) {
        walk(child, depth + 1);
    }
}

static enum gh_err on_register(void *context, const struct gh_registration *r, struct gh_diagnostics *d,
                               json_t **outputs) {
    struct seen *s = context;
    char key[512];
    const struct gh_resource_type *type = gh_schema_resource(gh_str_from(r->type));
    MUST(type && *r->name && json_is_object(r->inputs));
    walk(r->inputs, 1);
    for (size_t i = 0; i < type->input_count; i++) {
        const struct gh_property *p = &type->inputs[i];
        json_t *value = gh_value_reveal(json_object_get(r->inputs, p->name));
        MUST(r->get_id || !p->required || json_object_get(r->inputs, p->name));
        MUST(r->get_id || !json_is_string(value) || strcmp(p->type, "boolean") != 0 ||
             gh_value_is_unknown(value));
    }
    if (!r->get_id && (size_t)snprintf(key, sizeof key, "%s %s", r->type, r->name) < sizeof key) {
        MUST(!json_object_get(s->names, key));
        json_object_set_new(s->names, key, json_true());
    }
    for (size_t i = 0; i < r->depends_on_count; i++)
        MUST(r->depends_on[i] != NULL);
    MUST(!r->depends_on[r->depends_on_count]);
    if (strlen(r->name) % 7 == 3) { /* some fail */
        gh_diagnose(d, GH_SEVERITY_ERROR, r->position, "refused");
        return GH_ERR_MALFORMED;
    }
    *outputs = json_deep_copy(r->inputs);
    json_object_set_new(*outputs, "id", gh_value_unknown());
    return GH_OK;
}

static enum gh_err on_invoke(void *context, const char *function, json_t *arguments, struct gh_position at,
                             struct gh_diagnostics *d, json_t **result) {
    MUST(gh_schema_function(gh_str_from(function)) && json_is_object(arguments));
    *result = json_pack("{s:s}", "name", "a");
    return GH_OK;
}

static bool feed(const uint8_t *data, size_t size, int *ret) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    size_t some = size > ROOM ? ROOM : size;
    MUST(write(ends[1], data, some) == (ssize_t)some);
    close(ends[1]);
    *ret = ends[0];
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int nowhere = -1;
    int fds[2];
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = gh_diagnostics_new();
    gh_auto(gh_program_freep) struct gh_program *p = NULL;
    gh_auto(gh_config_freep) struct gh_config *c = NULL;
    signal(SIGPIPE, SIG_IGN);
    nowhere = nowhere >= 0 ? nowhere : open("/dev/null", O_WRONLY | O_CLOEXEC);
    MUST(gh_program_parse("/nonexistent", "Pulumi.yaml", GH_STR("name: p\nruntime: python\n"), d, &p) ==
         GH_OK);
    MUST(gh_config_open("/nonexistent", "dev", p, d, &c) == GH_OK);
    if (!feed(data, size, &fds[0]))
        return 0;
    fds[1] = nowhere;
    struct seen seen = { .names = json_object() };
    json_t *outputs = NULL, *placeholders = json_pack("{s:s}", "<USER_ID>", "auth0|1");
    const struct gh_registrar registrar = { .context = &seen,
                                            .register_resource = on_register,
                                            .invoke = on_invoke };
    const struct gh_host host = { .dir = "/nonexistent",
                                  .program = p,
                                  .config = c,
                                  .preview = true,
                                  .descriptors = fds,
                                  .placeholders = placeholders };
    enum gh_err e = gh_host_run(&host, &registrar, d, &outputs);
    MUST(json_is_object(outputs) && (e != GH_OK) == (gh_diagnostics_count(d, GH_SEVERITY_ERROR) > 0));
    close(fds[0]);
    json_decref(outputs);
    json_decref(placeholders);
    json_decref(seen.names);
    return 0;
}
