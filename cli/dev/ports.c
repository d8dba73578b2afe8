#include "cli/dev/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIES 32 /* a port that is free on 127.0.0.1 may be taken on ::1 */

static int bound_socket(int family, const struct sockaddr *address, socklen_t len) {
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
        bind(fd, address, len) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static enum gh_err reserve_once(int number, struct gh_port *ret) {
    struct sockaddr_in v4 = { .sin_family = AF_INET,
                              .sin_port = htons((unsigned short)number),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    socklen_t len = sizeof v4;

    int ipv4 = bound_socket(AF_INET, (struct sockaddr *)&v4, sizeof v4);
    if (ipv4 < 0)
        return errno == EADDRINUSE || errno == EACCES ? GH_ERR_CONFLICT : GH_ERR_IO;
    if (getsockname(ipv4, (struct sockaddr *)&v4, &len) != 0) {
        close(ipv4);
        return GH_ERR_IO;
    }
    v6.sin6_port = v4.sin_port;
    int ipv6 = bound_socket(AF_INET6, (struct sockaddr *)&v6, sizeof v6);
    if (ipv6 < 0 && errno == EADDRINUSE) {
        close(ipv4);
        return GH_ERR_CONFLICT;
    }
    *ret = (struct gh_port){ .number = ntohs(v4.sin_port), .ipv4 = ipv4, .ipv6 = ipv6 };
    return GH_OK;
}

enum gh_err gh_port_reserve(int number, struct gh_port *ret) {
    enum gh_err e = GH_ERR_CONFLICT;
    for (int i = 0; i < (number ? 1 : TRIES) && e == GH_ERR_CONFLICT; i++)
        e = reserve_once(number, ret);
    return e;
}
