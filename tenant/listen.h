/* tenant/listen.h - the sockets we listen on, and whom we believe about a user's address. */
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include "core/arena.h"
#include "core/err.h"

/* A listening unix socket, 0600, in place of a stale one; a socket that somebody still answers on is BUSY.
 * IO, TOO_LARGE (path). */
enum gh_err gh_listen_unix(const char *path, int *ret_fd);

/* "127.0.0.1:PORT" or "[::1]:PORT": loopback only, because the bytes are not encrypted. FORBIDDEN_ADDRESS,
 * MALFORMED, BUSY (port), IO. */
enum gh_err gh_listen_tcp(const char *address, int *ret_fd);

/* The peers whose X-Forwarded-For counts. */
struct gh_peers {
    struct in6_addr addresses[16]; /* IPv4 mapped */
    size_t count;
};
enum gh_err gh_peers_parse(const char *list, struct gh_peers *ret); /* comma list, may be NULL; MALFORMED */

/* The user's address as text in the arena: the peer's own, or when the peer is trusted the last address of
 * X-Forwarded-For that is not a trusted one. `peer` is NULL or AF_UNIX for a unix socket, which only our own
 * terminator can open. Empty when nobody told. */
struct gh_str gh_client_address(struct gh_arena *a, const struct gh_peers *trusted,
                                const struct sockaddr *peer, struct gh_str forwarded_for);
