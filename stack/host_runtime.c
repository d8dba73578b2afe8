/* Which host runs a program, with which interpreter. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "stack/host_private.h"
#include "sys/file.h"
#include "sys/process.h"

static const struct runtime {
    const char *name, *interpreter, *script;
    bool virtualenv; /* Python's environments */
} runtimes[] = { { "nodejs", "node", "node/host.cjs", false },
                 { "python", "python3", "python/host.py", true } };

/* Beside the binary in a build, under share/ where it is installed. */
static bool find_script(const char *name, char *ret, size_t size) {
    static const char *const places[] = { "host", "../share/gatehouse/host" };
    char self[PATH_MAX];
    if (gh_process_self(self, sizeof self))
        return false;
    char *slash = strrchr(self, '/');
    *slash = 0;
    for (size_t i = 0; i < GH_COUNT(places); i++)
        if ((size_t)snprintf(ret, size, "%s/%s/%s", self, places[i], name) < size && gh_file_exists(ret))
            return true;
    return false;
}

/* runtime.options.virtualenv, else VIRTUAL_ENV, else what PATH has. The path is not resolved: Python finds
 * its environment by the name it was called by. */
static enum gh_err find_python(struct host_session *s, char *ret, size_t size) {
    const char *named = gh_program_virtualenv(s->host->program), *active = getenv("VIRTUAL_ENV");
    const char *folder = named ? named : active;
    char dir[PATH_MAX];
    if (!folder || !*folder)
        return GH_OK;
    bool fits = *folder == '/' ? (size_t)snprintf(ret, size, "%s/bin/python", folder) < size
                               : realpath(s->host->dir, dir) &&
                                     (size_t)snprintf(ret, size, "%s/%s/bin/python", dir, folder) < size;
    if (fits && gh_file_exists(ret))
        return GH_OK;
    gh_diagnose(s->d, GH_SEVERITY_ERROR, (struct gh_position){ 0 },
                "%s names %s, and there is no Python in it: make it with python3 -m venv %s && %s/bin/pip "
                "install pulumi pulumi_auth0",
                named ? "runtime.options.virtualenv" : "VIRTUAL_ENV", folder, folder, folder);
    return GH_ERR_NOT_FOUND;
}

enum gh_err host_start(struct host_session *s) {
    char script[PATH_MAX], interpreter[2 * PATH_MAX];
    const struct runtime *r = NULL;
    if (s->host->descriptors) {
        host_channel_attach(&s->channel, s->host->descriptors[0], s->host->descriptors[1]);
        return GH_OK;
    }
    for (size_t i = 0; i < GH_COUNT(runtimes); i++)
        if (strcmp(gh_program_runtime(s->host->program), runtimes[i].name) == 0)
            r = &runtimes[i];
    if (!r)
        return GH_ERR_UNSUPPORTED;
    if (!find_script(r->script, script, sizeof script)) {
        gh_diagnose(s->d, GH_SEVERITY_ERROR, (struct gh_position){ 0 },
                    "the language host %s is not beside the gatehouse binary: is the installation complete?",
                    r->script);
        return GH_ERR_NOT_FOUND;
    }
    snprintf(interpreter, sizeof interpreter, "%s", r->interpreter);
    enum gh_err e = r->virtualenv ? find_python(s, interpreter, sizeof interpreter) : GH_OK;
    if (e)
        return e;
    const char *argv[] = { interpreter, script, NULL, NULL }; /* a place for the descriptor */
    e = host_channel_start(&s->channel, argv, s->host->dir);
    if (e)
        gh_diagnose(s->d, GH_SEVERITY_ERROR, (struct gh_position){ 0 }, "%s cannot be started: %s",
                    interpreter, e == GH_ERR_NOT_FOUND ? "there is no such program" : gh_err_text(e));
    return e;
}
