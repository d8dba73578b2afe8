/* stack/host.h - a program in JavaScript, TypeScript or Python: its own SDK runs it, a small host beside our
 * binary (host/) serves that SDK, and each resource arrives here as a line of JSON. docs/hosts.md has the
 * lines. */
#pragma once
#include "stack/config.h"
#include "stack/program.h"

struct gh_host {
    const char *dir; /* of Pulumi.yaml */
    const struct gh_program *program;
    const struct gh_config *config;
    const int *descriptors; /* {from, to} a host that somebody else started; NULL: it is started here */
    json_t *placeholders;   /* of gh_host_placeholders; borrowed, or NULL */
    bool preview;           /* the program is told that nothing is made */
};

/* What placeholders stand for, by "<NAME>": `given` ("<USER_ID>=auth0|1"), then gatehouse:placeholders of the
 * stack's file. A new object; NULL: *bad is none of the form. */
json_t *gh_host_placeholders(const struct gh_config *config, const char *const *given, size_t count,
                             const char **bad);

/* The twin of gh_program_run for a program whose runtime is not yaml. Call it from the main thread, with
 * SIGPIPE ignored. What went wrong was diagnosed: NOT_FOUND when the interpreter or the host is missing,
 * MALFORMED when the program failed or a resource is not what the provider's schema says, or the error of the
 * registrar. *outputs: new object in wire form, also when something failed. */
enum gh_err gh_host_run(const struct gh_host *h, const struct gh_registrar *registrar,
                        struct gh_diagnostics *d, json_t **outputs);
