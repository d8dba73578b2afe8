/* cli/tenant_config.h - how `serve` and `init` are configured: flags over environment over file. */
#pragma once
#include "core/arena.h"
#include "core/err.h"
#include "tenant/tenant.h"

/* The table of names: one row is a flag --name, a variable GATEHOUSE_NAME and a line `name = value` of the
 * file. */
#define GH_TENANT_SETTINGS(X)                                                                                \
    X(origin, "origin", "URL", "https://HOST[:PORT] under which users reach the tenant")                     \
    X(database, "database", "FILE", "the SQLite database")                                                   \
    X(socket, "socket", "FILE", "listen on this unix socket")                                                \
    X(listen, "listen", "ADDRESS", "listen on 127.0.0.1:PORT instead of a socket")                           \
    X(trusted_peers, "trusted-peers", "LIST", "addresses whose X-Forwarded-For counts, with --listen")       \
    X(feed, "feed", "FILE", "the feed that the gateway reads")                                               \
    X(kek_file, "key-encryption-key", "FILE", "64 hex digits; not readable for others")

/* Reads the command line of `command` and what it names. Returns as gh_options_parse: 0 to go on, or an exit
 * status + 1. What is missing or unknown is told on stderr. The texts live in the arena. */
int gh_tenant_config_read(struct gh_arena *a, const char *about, int argc, char **argv,
                          struct gh_tenant_config *ret);
