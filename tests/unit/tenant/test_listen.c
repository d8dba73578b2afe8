#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tenant/listen.h"
#include "tests/check.h"

TEST(a_socket_is_the_owners_and_replaces_only_a_dead_one) {
    char dir[] = "/tmp/gh_listen_XXXXXX", path[64], name[200];
    struct stat st;
    int fd, other = -1;
    CHECK(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    CHECK(gh_listen_unix(path, &fd) == GH_OK);
    CHECK(stat(path, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0600);
    CHECK(gh_listen_unix(path, &other) == GH_ERR_BUSY);
    close(fd);
    CHECK(gh_listen_unix(path, &fd) == GH_OK); /* its owner died */
    close(fd);
    unlink(path);

    FILE *file = fopen(path, "w"); /* a file is never taken away */
    fclose(file);
    CHECK(gh_listen_unix(path, &fd) == GH_ERR_CONFLICT && stat(path, &st) == 0);
    unlink(path);
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    CHECK(gh_listen_unix(name, &fd) == GH_ERR_TOO_LARGE);
    rmdir(dir);
}

TEST(plain_http_is_for_loopback_only) {
    static const struct {
        const char *address;
        enum gh_err want;
    } rows[] = {
        { "127.0.0.1:0", GH_OK },
        { "[::1]:0", GH_OK },
        { "0.0.0.0:0", GH_ERR_FORBIDDEN_ADDRESS },
        { "[::]:0", GH_ERR_FORBIDDEN_ADDRESS },
        { "192.0.2.1:80", GH_ERR_FORBIDDEN_ADDRESS },
        { "localhost:80", GH_ERR_MALFORMED },
        { "127.0.0.1", GH_ERR_MALFORMED },
        { "127.0.0.1:65536", GH_ERR_MALFORMED },
        { "127.0.0.1:", GH_ERR_MALFORMED },
        { ":80", GH_ERR_MALFORMED },
        { "", GH_ERR_MALFORMED },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        int fd = -1;
        enum gh_err e = gh_listen_tcp(rows[i].address, &fd);
        if (fd >= 0)
            close(fd);
        CHECK_ROW(rows[i].address, e == rows[i].want);
    }
}

TEST(a_forwarded_address_counts_as_far_as_trust_reaches) {
    static const struct {
        const char *peer, *forwarded, *want;
    } rows[] = {
        { "192.0.2.1", "", "192.0.2.1" },
        { "192.0.2.1", "198.51.100.7", "192.0.2.1" }, /* not trusted: what it says does not count */
        { "10.0.0.1", "198.51.100.7", "198.51.100.7" },
        { "10.0.0.1", "203.0.113.5, 198.51.100.7", "198.51.100.7" },
        { "10.0.0.1", "203.0.113.5, 10.0.0.2", "203.0.113.5" },
        { "10.0.0.1", "10.0.0.2", "10.0.0.2" },
        { "10.0.0.1", "203.0.113.5,", "10.0.0.1" },
        { "10.0.0.1", "203.0.113.5, x", "10.0.0.1" },
        { "10.0.0.1", "203.0.113.5:80", "10.0.0.1" },
        { "10.0.0.1", "", "10.0.0.1" },
        { "10.0.0.1", "2001:db8::1", "2001:db8::1" },
        { "::1", "2001:db8::1", "2001:db8::1" },
        { NULL, "198.51.100.7", "198.51.100.7" }, /* a unix socket: only our terminator opens it */
        { NULL, "", "" },
    };
    struct gh_peers trusted;
    CHECK(gh_peers_parse("10.0.0.1, 10.0.0.2,::1", &trusted) == GH_OK && trusted.count == 3);
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4096);
        struct sockaddr_in6 peer = { .sin6_family = AF_INET6 };
        char text[64];
        if (rows[i].peer) {
            snprintf(text, sizeof text, "%s%s", strchr(rows[i].peer, ':') ? "" : "::ffff:", rows[i].peer);
            CHECK(inet_pton(AF_INET6, text, &peer.sin6_addr) == 1);
        }
        struct gh_str got = gh_client_address(a, &trusted, rows[i].peer ? (struct sockaddr *)&peer : NULL,
                                              gh_str_from(rows[i].forwarded));
        CHECK_ROW(rows[i].forwarded, gh_str_is(got, rows[i].want));
    }
    CHECK(gh_peers_parse("10.0.0.1,,", &trusted) == GH_ERR_MALFORMED);
    CHECK(gh_peers_parse("10.0.0.0/8", &trusted) == GH_ERR_MALFORMED);
    CHECK(gh_peers_parse(NULL, &trusted) == GH_OK && trusted.count == 0);
}

GH_TESTS(a_socket_is_the_owners_and_replaces_only_a_dead_one, plain_http_is_for_loopback_only,
         a_forwarded_address_counts_as_far_as_trust_reaches)
