/* cli/dev/ports.h - loopback ports that are ours before nginx listens on them. */
#pragma once
#include <stdbool.h>

#include "core/err.h"

/* Bound on 127.0.0.1 and ::1 (where there is one) but not listening: a reservation that nobody can take, and
 * beside which nginx can bind and listen, again and again after a crash, because both sides set SO_REUSEADDR.
 * The descriptors close with the process. */
struct gh_port {
    int number;
    int ipv4, ipv6; /* descriptors; ipv6 is -1 on a machine without ::1 */
};

/* `number` 0 takes a free one. CONFLICT when it is busy, IO. */
enum gh_err gh_port_reserve(int number, struct gh_port *ret);
