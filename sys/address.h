/* sys/address.h - which addresses are out on the public internet: where a URL that a stranger chose may lead.
 */
#pragma once
#include <stdbool.h>
#include <sys/socket.h>

/* True for global unicast only (IANA special-purpose registries, RFC 6890). An IPv6 address that carries an
 * IPv4 one (mapped, NAT64) is judged by what it carries; 6to4 and Teredo are refused whole. */
bool gh_address_is_public(const struct sockaddr *address, socklen_t len);
