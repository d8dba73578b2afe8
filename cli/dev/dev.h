/* cli/dev/dev.h - what `gatehouse dev` knows about itself; its parts each take the whole. All paths are
 * absolute but the sockets, which are relative to DIR/run, everybody's working directory: so no path is too
 * long for a socket. */
#pragma once
#include "cli/dev/ports.h"
#include "cli/options.h"
#include "core/arena.h"

#define GH_DEV_TENANT_SOCKET "tenant.sock"
#define GH_DEV_MOCK_SOCKET "mock.sock"

struct gh_dev {
    struct gh_arena *arena;
    const char *dir;      /* DIR, resolved */
    const char *self;     /* our executable */
    const char *module;   /* ngx_http_gatehouse_module.so */
    const char *origin;   /* https://localhost:PORT */
    const char *audience; /* what the gateway wants tokens for */
    const char *upstream; /* http[s]://HOST[:PORT], or NULL: the mock */
    const char *env_file; /* or NULL */
    const struct gh_option_list
        *issuers; /* others whose tokens the gateway believes; the helper gets their keys */
    struct gh_port tenant_port, gateway_port;
};

/* DIR/name, in the arena; NULL when out of memory. */
const char *gh_dev_path(const struct gh_dev *dev, const char *name);

/* The feed that the helper keeps for the n-th of them; NULL when out of memory. */
const char *gh_dev_issuer_feed(const struct gh_dev *dev, size_t n);

/* cli/dev/nginx_conf.c: writes DIR/nginx/nginx.conf and the folders that nginx wants. */
enum gh_err gh_dev_write_nginx_conf(const struct gh_dev *dev);

/* cli/dev/supervisor.c: starts the children, writes the environment file when all is ready, keeps them
 * running until SIGTERM or SIGINT. Returns the exit status. */
int gh_dev_supervise(const struct gh_dev *dev);
