/* cli/dev/dev.c - `gatehouse dev`: a tenant, a gateway and an upstream on this machine alone, for development
 * and tests. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/dev/certificates.h"
#include "cli/dev/dev.h"
#include "cli/options.h"
#include "follow/follower.h"
#include "sys/file.h"
#include "sys/process.h"

#define DEFAULT_PORT 8443
#define DEFAULT_GATEWAY_PORT 8444
#define DEFAULT_AUDIENCE "https://ai.example.com/v1"
#define INSTALLED_MODULE "/usr/lib/nginx/modules/ngx_http_gatehouse_module.so"

struct options {
    const char *data, *env_file, *audience, *upstream;
    struct gh_option_list issuers;
    long port, gateway_port;
};

static int complain(const char *what, const char *why) {
    fprintf(stderr, "gatehouse dev: %s: %s\n", what, why);
    return GH_EXIT_USAGE;
}

static int fail(const char *what, const char *why) {
    complain(what, why);
    return GH_EXIT_ERROR;
}

const char *gh_dev_path(const struct gh_dev *dev, const char *name) {
    return gh_arena_printf(dev->arena, "%s/%s", dev->dir, name).ptr;
}

const char *gh_dev_issuer_feed(const struct gh_dev *dev, size_t n) {
    char path[PATH_MAX];
    if (gh_follow_path(gh_dev_path(dev, "feed"), dev->issuers->values[n], ".feed", path) != GH_OK)
        return NULL;
    return gh_arena_cstr(dev->arena, gh_str_from(path));
}

/* What ends in nginx.conf between quotes must not end the quotes, nor name a variable. */
static bool is_plain(const char *text) {
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == '"' || *c == '\\' || *c == '$')
            return false;
    return *text != '\0';
}

/* http[s]://HOST[:PORT], nothing behind it: the caller's path and query go upstream as they came. */
static bool is_origin(const char *url) {
    const char *rest = strncmp(url, "https://", 8) == 0  ? url + 8
                       : strncmp(url, "http://", 7) == 0 ? url + 7
                                                         : NULL;
    return rest && *rest &&
           rest[strspn(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]")] == '\0';
}

static int check_options(const struct options *o) {
    if (!o->data)
        return complain("--data", "is needed: the folder that everything lives in");
    if (!is_plain(o->data))
        return complain("--data",
                        "a path with quotes, backslashes, '$' or control characters is not supported");
    if (!is_plain(o->audience) || strpbrk(o->audience, " ;{}"))
        return complain("--audience", "needs an API identifier such as " DEFAULT_AUDIENCE);
    if (o->upstream && !is_origin(o->upstream))
        return complain("--upstream", "needs http://HOST[:PORT] or https://HOST[:PORT], without a path");
    for (size_t i = 0; i < o->issuers.count; i++)
        if (!is_plain(o->issuers.values[i]) || strpbrk(o->issuers.values[i], " ;{}") ||
            strncmp(o->issuers.values[i], "https://", 8) != 0)
            return complain("--trust-issuer",
                            "needs https://HOST[:PORT][/PATH], as tokens have it in \"iss\"");
    if (o->port > 65535 || o->gateway_port > 65535)
        return complain("--port", "a port is at most 65535");
    return GH_EXIT_OK;
}

/* --- ports --- */

/* The ports of the last start of this DIR; 0 when there was none. */
static void read_last_ports(const struct gh_dev *dev, int last[2]) {
    struct gh_str text, first;
    unsigned long long n;
    last[0] = last[1] = 0;
    if (gh_file_read(dev->arena, gh_dev_path(dev, "ports"), 64, &text) || !gh_str_cut(&text, ' ', &first))
        return;
    if (gh_str_to_u64(first, 65535, &n))
        last[0] = (int)n;
    if (gh_str_to_u64(text, 65535, &n))
        last[1] = (int)n;
}

/* Asked: that port or an error. 0: the last one again when free, else any. Default: a free one instead of a
 * busy one, and said. */
static int reserve(const char *option, long asked, int standard, int last, struct gh_port *ret) {
    bool by_default = asked < 0;
    int first = by_default ? standard : asked ? (int)asked : last;
    enum gh_err e = gh_port_reserve(first, ret);
    if (e == GH_ERR_CONFLICT && asked <= 0) {
        e = gh_port_reserve(0, ret);
        if (!e && by_default)
            fprintf(stderr, "gatehouse dev: port %d is busy, taking %d (%s chooses one)\n", standard,
                    ret->number, option);
    }
    if (e) {
        char why[64];
        snprintf(why, sizeof why, "port %d is busy or not allowed", first);
        return complain(option, why);
    }
    return GH_EXIT_OK;
}

static int take_ports(struct gh_dev *dev, const struct options *o) {
    int last[2];
    read_last_ports(dev, last);
    int status = reserve("--port", o->port, DEFAULT_PORT, last[0], &dev->tenant_port);
    if (!status)
        status =
            reserve("--gateway-port", o->gateway_port, DEFAULT_GATEWAY_PORT, last[1], &dev->gateway_port);
    if (status)
        return status;
    struct gh_str text =
        gh_arena_printf(dev->arena, "%d %d", dev->tenant_port.number, dev->gateway_port.number);
    if (gh_file_write_atomic(gh_dev_path(dev, "ports"), text, 0600) != GH_OK)
        return fail(dev->dir, "cannot be written to");
    dev->origin = gh_arena_printf(dev->arena, "https://localhost:%d", dev->tenant_port.number).ptr;
    return GH_EXIT_OK;
}

/* --- places --- */

static int find_module(struct gh_dev *dev) {
    char self[PATH_MAX];
    if (gh_process_self(self, sizeof self) != GH_OK)
        return fail("/proc/self/exe", "cannot be read");
    struct gh_str dir = gh_str_from(self);
    while (dir.len && dir.ptr[dir.len - 1] != '/')
        dir.len--;
    dev->self = gh_arena_cstr(dev->arena, gh_str_from(self));
    dev->module =
        gh_arena_printf(dev->arena, "%.*sgateway/ngx_http_gatehouse_module.so", GH_STR_FMT(dir)).ptr;
    if (!gh_file_exists(dev->module))
        dev->module = INSTALLED_MODULE;
    if (!gh_file_exists(dev->module) || !is_plain(dev->module))
        return fail("ngx_http_gatehouse_module.so",
                    "is neither beside this program nor installed; run script/build");
    return GH_EXIT_OK;
}

/* DIR and its rooms, and ours alone: a second `dev` on the same DIR is refused. Everybody works in DIR/run
 * from here on. */
static int enter(struct gh_dev *dev, const struct options *o) {
    static const char *const rooms[] = { "run", "tenant", "feed" };
    if (gh_dir_make(o->data, 0700) != GH_OK)
        return fail(o->data, "cannot be made, or is no folder of ours");
    char *real = realpath(o->data, NULL);
    dev->dir = real ? gh_arena_cstr(dev->arena, gh_str_from(real)) : NULL;
    free(real);
    if (!dev->dir || !is_plain(dev->dir))
        return complain(o->data, "its real path cannot be used");
    int lock;
    enum gh_err e = gh_file_lock(gh_dev_path(dev, "lock"), &lock);
    if (e)
        return fail(dev->dir, e == GH_ERR_BUSY ? "another gatehouse dev runs there" : "cannot be locked");
    for (size_t i = 0; i < GH_COUNT(rooms); i++)
        if (gh_dir_make(gh_dev_path(dev, rooms[i]), 0700) != GH_OK)
            return fail(dev->dir, "cannot be written to");
    if (o->env_file) {
        char cwd[PATH_MAX];
        bool relative = o->env_file[0] != '/';
        if (relative && !getcwd(cwd, sizeof cwd))
            return fail("--env-file", strerror(errno));
        dev->env_file = relative ? gh_arena_printf(dev->arena, "%s/%s", cwd, o->env_file).ptr : o->env_file;
    }
    return chdir(gh_dev_path(dev, "run")) == 0 ? GH_EXIT_OK : fail(dev->dir, strerror(errno));
}

static int run(struct gh_dev *dev, const struct options *o) {
    char why[256] = "";
    int status = enter(dev, o);
    if (!status)
        status = find_module(dev);
    if (!status)
        status = take_ports(dev, o);
    if (status)
        return status;
    /* No stale file may say that we are ready. */
    unlink(gh_dev_path(dev, "env"));
    if (dev->env_file)
        unlink(dev->env_file);
    if (gh_dev_certificates(gh_dev_path(dev, "tls"), why) != GH_OK)
        return fail("certificates", why);
    if (gh_dev_write_nginx_conf(dev) != GH_OK)
        return fail(dev->dir, "nginx.conf cannot be written");
    return gh_dev_supervise(dev);
}

int gh_command_dev(int argc, char **argv) {
    struct options o = { .audience = DEFAULT_AUDIENCE, .port = -1, .gateway_port = -1 };
    const struct gh_option options[] = {
        { "data", 'd', GH_OPTION_TEXT, &o.data, "DIR",
          "the folder that everything lives in; made when absent" },
        { "port", 'p', GH_OPTION_NUMBER, &o.port, "PORT", "the tenant's port (8443; 0: any free one)" },
        { "gateway-port", 'g', GH_OPTION_NUMBER, &o.gateway_port, "PORT",
          "the gateway's port (8444; 0: any free one)" },
        { "env-file", 'e', GH_OPTION_TEXT, &o.env_file, "FILE",
          "write the clients' environment there too (DIR/env)" },
        { "audience", 'a', GH_OPTION_TEXT, &o.audience, "URI",
          "the API that the gateway guards (" DEFAULT_AUDIENCE ")" },
        { "upstream", 'u', GH_OPTION_TEXT, &o.upstream, "URL",
          "where the gateway sends what it lets in (the built-in mock)" },
        { "trust-issuer", 'i', GH_OPTION_LIST, &o.issuers, "URL",
          "let the gateway believe this issuer too; may be repeated" },
        { 0 },
    };
    int stop = gh_options_parse(
        options, "dev --data DIR [OPTIONS]",
        "Runs an identity tenant and a gateway on localhost until SIGTERM, everything below DIR.", argc, argv,
        0, NULL);
    if (stop)
        return stop - 1;
    int status = check_options(&o);
    if (status)
        return status;

    umask(077);
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(16 << 20);
    if (!a)
        return GH_EXIT_ERROR;
    struct gh_dev dev = { .arena = a, .audience = o.audience, .upstream = o.upstream, .issuers = &o.issuers };
    return run(&dev, &o);
}
