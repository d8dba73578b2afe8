#include "sys/address.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "core/str.h"

#define V4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static const struct {
    uint32_t net;
    unsigned bits;
} closed4[] = {
    { V4(0, 0, 0, 0), 8 },       /* this network */
    { V4(10, 0, 0, 0), 8 },      /* private, RFC 1918 */
    { V4(100, 64, 0, 0), 10 },   /* shared, RFC 6598: carriers and clouds */
    { V4(127, 0, 0, 0), 8 },     /* loopback */
    { V4(169, 254, 0, 0), 16 },  /* link local: cloud metadata */
    { V4(172, 16, 0, 0), 12 },   /* private */
    { V4(192, 0, 0, 0), 24 },    /* IETF protocol assignments */
    { V4(192, 0, 2, 0), 24 },    /* documentation */
    { V4(192, 88, 99, 0), 24 },  /* 6to4 relays, withdrawn */
    { V4(192, 168, 0, 0), 16 },  /* private */
    { V4(198, 18, 0, 0), 15 },   /* benchmarks */
    { V4(198, 51, 100, 0), 24 }, /* documentation */
    { V4(203, 0, 113, 0), 24 },  /* documentation */
    { V4(224, 0, 0, 0), 4 },     /* multicast */
    { V4(240, 0, 0, 0), 4 },     /* reserved, broadcast */
};

static const struct {
    uint8_t net[16];
    unsigned bits;
} closed6[] = {
    { { 0x20, 0x01 }, 23 },             /* IETF protocol assignments: Teredo, ORCHID, benchmarks */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
    { { 0x20, 0x02 }, 16 },             /* 6to4 */
    { { 0x3f, 0xff }, 20 },             /* documentation, RFC 9637 */
};

static bool is_public4(uint32_t address) {
    for (size_t i = 0; i < GH_COUNT(closed4); i++)
        if ((address ^ closed4[i].net) >> (32 - closed4[i].bits) == 0)
            return false;
    return true;
}

static bool starts_with_bits(const uint8_t *address, const uint8_t *net, unsigned bits) {
    unsigned whole = bits / 8, rest = bits % 8;
    return memcmp(address, net, whole) == 0 &&
           (rest == 0 || (address[whole] ^ net[whole]) >> (8 - rest) == 0);
}

static bool is_public6(const uint8_t a[16]) {
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    static const uint8_t nat64[12] = { 0x00, 0x64, 0xff,
                                       0x9b }; /* RFC 6052; the /48 for local use is closed */
    if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0)
        return is_public4(V4(a[12], a[13], a[14], a[15]));
    if (a[0] >> 5 != 1) /* 2000::/3 is all that was ever handed out as global unicast */
        return false;
    for (size_t i = 0; i < GH_COUNT(closed6); i++)
        if (starts_with_bits(a, closed6[i].net, closed6[i].bits))
            return false;
    return true;
}

bool gh_address_is_public(const struct sockaddr *address, socklen_t len) {
    if (address->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return is_public4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        return is_public6(in.sin6_addr.s6_addr);
    }
    return false;
}
