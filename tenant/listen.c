#include "tenant/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 512

static enum gh_err fail(int fd, enum gh_err e) {
    if (fd >= 0)
        close(fd);
    return e;
}

/* Does somebody still answer there? A socket file outlives its process; only a dead one may be replaced. */
static bool is_alive(const struct sockaddr_un *address) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    if (fd >= 0)
        close(fd);
    return alive;
}

enum gh_err gh_listen_unix(const char *path, int *ret_fd) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat st;
    if (strlen(path) >= sizeof address.sun_path)
        return GH_ERR_TOO_LARGE;
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (lstat(path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode))
            return GH_ERR_CONFLICT; /* never unlink what is no socket */
        if (is_alive(&address))
            return GH_ERR_BUSY;
        unlink(path);
    }

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return GH_ERR_IO;
    mode_t before = umask(0177); /* 0600 from the first moment; start-up is single-threaded in this respect */
    int bound = bind(fd, (const struct sockaddr *)&address, sizeof address);
    umask(before);
    if (bound || listen(fd, BACKLOG))
        return fail(fd, errno == EADDRINUSE ? GH_ERR_BUSY : GH_ERR_IO);
    *ret_fd = fd;
    return GH_OK;
}

/* HOST:PORT or [HOST]:PORT into a socket address. */
static bool parse_endpoint(const char *text, struct sockaddr_in6 *ret) {
    const char *colon = strrchr(text, ':');
    unsigned long long port;
    char host[64];
    if (!colon || !gh_str_to_u64(gh_str_from(colon + 1), 65535, &port))
        return false;
    struct gh_str h = { text, (size_t)(colon - text) };
    bool six = h.len > 2 && h.ptr[0] == '[' && h.ptr[h.len - 1] == ']';
    if (six)
        h = (struct gh_str){ h.ptr + 1, h.len - 2 };
    if (h.len >= sizeof host - 8)
        return false;
    snprintf(host, sizeof host, "%s%.*s", six ? "" : "::ffff:", GH_STR_FMT(h));
    *ret = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    return inet_pton(AF_INET6, host, &ret->sin6_addr) == 1;
}

static bool is_loopback(const struct in6_addr *a) {
    return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

enum gh_err gh_listen_tcp(const char *text, int *ret_fd) {
    struct sockaddr_in6 address;
    int on = 1, off = 0;
    if (!parse_endpoint(text, &address))
        return GH_ERR_MALFORMED;
    if (!is_loopback(&address.sin6_addr))
        return GH_ERR_FORBIDDEN_ADDRESS;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return GH_ERR_IO;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) || listen(fd, BACKLOG))
        return fail(fd, errno == EADDRINUSE ? GH_ERR_BUSY : GH_ERR_IO);
    *ret_fd = fd;
    return GH_OK;
}

/* An address as it stands in a header: IPv4 or IPv6, no port, no brackets. */
static bool parse_address(struct gh_str text, struct in6_addr *ret) {
    char buffer[64];
    text = gh_str_trim(text);
    if (text.len == 0 || text.len >= sizeof buffer - 8)
        return false;
    bool four = !memchr(text.ptr, ':', text.len);
    snprintf(buffer, sizeof buffer, "%s%.*s", four ? "::ffff:" : "", GH_STR_FMT(text));
    return inet_pton(AF_INET6, buffer, ret) == 1;
}

static struct gh_str format_address(struct gh_arena *a, const struct in6_addr *address) {
    char buffer[INET6_ADDRSTRLEN];
    bool four = IN6_IS_ADDR_V4MAPPED(address);
    const void *bytes = four ? (const void *)&address->s6_addr[12] : address;
    if (!inet_ntop(four ? AF_INET : AF_INET6, bytes, buffer, sizeof buffer))
        return (struct gh_str){ 0 };
    return gh_arena_dup(a, gh_str_from(buffer));
}

static bool is_trusted(const struct gh_peers *peers, const struct in6_addr *address) {
    for (size_t i = 0; i < peers->count; i++)
        if (IN6_ARE_ADDR_EQUAL(&peers->addresses[i], address))
            return true;
    return false;
}

enum gh_err gh_peers_parse(const char *list, struct gh_peers *ret) {
    struct gh_str rest = gh_str_from(list), one;
    ret->count = 0;
    while (rest.len > 0) {
        if (!gh_str_cut(&rest, ',', &one)) {
            one = rest;
            rest.len = 0;
        }
        if (ret->count == GH_COUNT(ret->addresses) || !parse_address(one, &ret->addresses[ret->count++]))
            return GH_ERR_MALFORMED;
    }
    return GH_OK;
}

/* Cuts the last entry of a comma list off. */
static struct gh_str take_last(struct gh_str *list) {
    size_t at = list->len;
    while (at > 0 && list->ptr[at - 1] != ',')
        at--;
    struct gh_str last = { list->ptr + at, list->len - at };
    list->len = at ? at - 1 : 0;
    return last;
}

struct gh_str gh_client_address(struct gh_arena *a, const struct gh_peers *trusted,
                                const struct sockaddr *peer, struct gh_str forwarded_for) {
    struct in6_addr found = { 0 }, next;
    bool known = false, believe = true;
    if (peer && peer->sa_family == AF_INET6) {
        found = ((const struct sockaddr_in6 *)peer)->sin6_addr;
        known = true;
        believe = is_trusted(trusted, &found);
    }
    /* From the right: each trusted hop vouches for the entry before it, and for no more. */
    while (believe && forwarded_for.len > 0 && parse_address(take_last(&forwarded_for), &next)) {
        found = next;
        known = true;
        believe = is_trusted(trusted, &found);
    }
    return known ? format_address(a, &found) : (struct gh_str){ 0 };
}
