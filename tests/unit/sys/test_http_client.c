/* Addresses, and the client against a server of our own in a thread. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/address.h"
#include "sys/http_client.h"
#include "tests/check.h"

static bool is_public(const char *text) {
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return gh_address_is_public((struct sockaddr *)&in, sizeof in);
    CHECK_ROW(text, inet_pton(AF_INET6, text, &in6.sin6_addr) == 1);
    return gh_address_is_public((struct sockaddr *)&in6, sizeof in6);
}

TEST(only_global_unicast_is_public) {
    static const char *const yes[] = {
        "1.1.1.1",    "8.8.8.8",       "9.255.255.255", "11.0.0.0",        "100.63.255.255",   "100.128.0.0",
        "128.0.0.1",  "169.253.1.1",   "172.15.0.1",    "172.32.0.0",      "192.0.1.1",        "192.167.1.1",
        "198.17.0.1", "223.255.255.1", "2606:4700::1",  "::ffff:8.8.8.8",  "64:ff9b::8.8.8.8", "2001:200::1",
        "2a00::1",    "3ffe::1",       "198.20.0.0",    "2001:4860::8888",
    };
    static const char *const no[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "::8.8.8.8",
        "64:ff9b::10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:0:4136:e378::",
        "2001:10::1",
        "2001:1ff::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::1",
        "3fff::1",
        "3fff:fff::1",
        "5f00::1",
        "fc00::1",
        "fd00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "::ffff:0:127.0.0.1",
        "4000::1",
        "1fff::1",
    };
    for (size_t i = 0; i < GH_COUNT(yes); i++)
        CHECK_ROW(yes[i], is_public(yes[i]));
    for (size_t i = 0; i < GH_COUNT(no); i++)
        CHECK_ROW(no[i], !is_public(no[i]));
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x08080808) };
    CHECK(gh_address_is_public((struct sockaddr *)&in, sizeof in));
    CHECK(!gh_address_is_public((struct sockaddr *)&in, 4)); /* cut short */
    in.sin_family = AF_UNIX;
    CHECK(!gh_address_is_public((struct sockaddr *)&in, sizeof in));
}

/* --- a server that answers by path ------------------------------------------------------------------------
 */

static struct server {
    int listener, port, requests, connections;
    char last[4096];
    pthread_t thread;
} server;

static void answer(int fd, const char *text) {
    CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static bool head_is_whole(const char *text) {
    return strstr(text, "\r\n\r\n") != NULL;
}

/* False when the connection shall close. */
static bool serve_one(int fd) {
    size_t got = 0;
    do {
        ssize_t n = recv(fd, server.last + got, sizeof server.last - 1 - got, 0);
        if (n <= 0)
            return false;
        got += (size_t)n;
        server.last[got] = 0;
    } while (!head_is_whole(server.last));
    server.requests++;
    const char *path = strchr(server.last, ' ') + 1;
    if (strncmp(path, "/die", 4) == 0)
        return false;
    if (strncmp(path, "/big", 4) == 0)
        answer(fd, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n12345678901");
    else if (strncmp(path, "/moved", 6) == 0)
        answer(fd, "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n");
    else if (strncmp(path, "/hints", 6) == 0)
        answer(fd, "HTTP/1.1 103 Early Hints\r\nX-A: interim\r\n\r\nHTTP/1.1 404 No\r\nX-A:  final "
                   "\r\nContent-Length: "
                   "2\r\n\r\nno");
    else if (strncmp(path, "/silence", 8) == 0)
        return true;
    else
        answer(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    return true;
}

static void *serve(void *none) {
    for (int fd; (fd = accept(server.listener, NULL, NULL)) >= 0; close(fd)) {
        server.connections++;
        while (serve_one(fd))
            ;
    }
    return NULL;
}

static int start(void **state) {
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server.listener, (struct sockaddr *)&at, len) || listen(server.listener, 8) ||
        getsockname(server.listener, (struct sockaddr *)&at, &len))
        return -1;
    server.port = ntohs(at.sin_port);
    return pthread_create(&server.thread, NULL, serve, NULL);
}

static int stop(void **state) {
    shutdown(server.listener, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.listener);
    return 0;
}

static struct gh_http_client *client(enum gh_egress egress) {
    struct gh_http_client_options o = { .egress = egress,
                                        .user_agent = "gatehouse-test",
                                        .timeout_ms = 2000,
                                        .connect_timeout_ms = 1000,
                                        .max_response = 10 };
    struct gh_http_client *c = gh_http_client_new(&o);
    CHECK(c);
    return c;
}

static const char *url(const char *path) {
    static char text[256];
    snprintf(text, sizeof text, "http://127.0.0.1:%d%s", server.port, path);
    return text;
}

static enum gh_err call(struct gh_http_client *c, struct gh_arena *a, const char *method, const char *to,
                        struct gh_http_reply *reply, struct gh_http_failure *failure) {
    return gh_http_call(c, a, &(struct gh_http_call){ .method = method, .url = to }, reply, failure);
}

TEST(a_request_arrives_as_it_was_written) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    gh_auto(gh_http_client_freep) struct gh_http_client *c = client(GH_EGRESS_ANYWHERE);
    struct gh_http_header headers[] = { { GH_STR("X-One"), GH_STR("1") }, { GH_STR("X-Empty"), GH_STR("") } };
    struct gh_http_call post = { "POST", url("/x"), headers, 2, GH_STR("body") };
    struct gh_http_reply reply;
    CHECK(gh_http_call(c, a, &post, &reply, NULL) == GH_OK);
    CHECK(reply.status == 200 && gh_str_is(reply.body, "ok"));
    CHECK(strncmp(server.last, "POST /x HTTP/1.1\r\n", 18) == 0 && strstr(server.last, "\r\nX-One: 1\r\n"));
    CHECK(strstr(server.last, "\r\nX-Empty:\r\n") && strstr(server.last, "\r\nContent-Length: 4\r\n"));
    CHECK(strstr(server.last, "User-Agent: gatehouse-test") && !strstr(server.last, "Content-Type"));
    CHECK(!strstr(server.last, "Expect") && strstr(server.last, "\r\n\r\nbody"));

    int connections = server.connections;
    CHECK(call(c, a, "DELETE", url("/y"), &reply, NULL) == GH_OK &&
          strncmp(server.last, "DELETE /y ", 10) == 0);
    CHECK(!strstr(server.last, "X-One")); /* nothing of the call before */
    CHECK(call(c, a, "POST", url("/y"), &reply, NULL) == GH_OK &&
          strstr(server.last, "\r\nContent-Length: 0\r\n"));
    CHECK(call(c, a, "HEAD", url("/z"), &reply, NULL) == GH_OK && strncmp(server.last, "HEAD /z ", 8) == 0);
    CHECK(server.connections == connections); /* kept alive */
}

TEST(an_answer_is_the_last_one_and_is_not_followed) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    gh_auto(gh_http_client_freep) struct gh_http_client *c = client(GH_EGRESS_ANYWHERE);
    struct gh_http_reply reply;
    struct gh_str value;
    CHECK(call(c, a, "GET", url("/hints"), &reply, NULL) == GH_OK && reply.status == 404);
    CHECK(gh_http_reply_header(&reply, "x-a", &value) && gh_str_is(value, "final"));
    CHECK(!gh_http_reply_header(&reply, "x-b", &value));
    int requests = server.requests;
    CHECK(call(c, a, "GET", url("/moved"), &reply, NULL) == GH_OK && reply.status == 302);
    CHECK(server.requests == requests + 1);
}

TEST(answers_above_the_ceiling_and_silence_end) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    gh_auto(gh_http_client_freep) struct gh_http_client *c = client(GH_EGRESS_ANYWHERE);
    struct gh_http_reply reply;
    struct gh_http_failure why = { 0 };
    CHECK(call(c, a, "GET", url("/big"), &reply, &why) == GH_ERR_TOO_LARGE && why.sent && why.error[0]);
    struct gh_http_client_options o = { .egress = GH_EGRESS_ANYWHERE, .timeout_ms = 100, .max_response = 10 };
    gh_auto(gh_http_client_freep) struct gh_http_client *hasty = gh_http_client_new(&o);
    CHECK(call(hasty, a, "GET", url("/silence"), &reply, &why) == GH_ERR_TIMEOUT && why.sent);
    gh_auto(gh_arena_freep) struct gh_arena *none = gh_arena_new(0);
    CHECK(call(c, none, "GET", url("/"), &reply, &why) == GH_ERR_NOMEM);
}

TEST(a_post_on_a_dying_connection_is_not_repeated) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    gh_auto(gh_http_client_freep) struct gh_http_client *c = client(GH_EGRESS_ANYWHERE);
    struct gh_http_reply reply;
    struct gh_http_failure why = { 0 };
    CHECK(call(c, a, "GET", url("/"), &reply, NULL) == GH_OK);
    int requests = server.requests;
    CHECK(call(c, a, "POST", url("/die"), &reply, &why) == GH_ERR_IO && why.sent);
    CHECK(server.requests == requests + 1);
    CHECK(call(c, a, "GET", url("/"), &reply, NULL) == GH_OK); /* the client lives on */
}

TEST(nothing_listening_means_nothing_was_sent) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    gh_auto(gh_http_client_freep) struct gh_http_client *c = client(GH_EGRESS_ANYWHERE);
    struct gh_http_reply reply;
    struct gh_http_failure why = { .sent = true };
    CHECK(call(c, a, "POST", "http://127.0.0.1:1/", &reply, &why) == GH_ERR_IO && !why.sent && why.error[0]);
}

TEST(a_public_client_does_not_reach_inside) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    gh_auto(gh_http_client_freep) struct gh_http_client *c = client(GH_EGRESS_PUBLIC);
    static const char *const hosts[] = { "127.0.0.1", "localhost",  "[::1]",  "[::ffff:127.0.0.1]",
                                         "0.0.0.0",   "2130706433", "0x7f.1", "169.254.169.254",
                                         "10.0.0.1" };
    struct gh_http_reply reply;
    struct gh_http_failure why;
    int connections = server.connections;
    char proxy[64];
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", server.port);
    setenv("http_proxy", proxy, 1);
    for (size_t i = 0; i < GH_COUNT(hosts); i++) {
        char to[128];
        snprintf(to, sizeof to, "http://%s:%d/", hosts[i], server.port);
        CHECK_ROW(hosts[i], call(c, a, "GET", to, &reply, &why) == GH_ERR_FORBIDDEN_ADDRESS && !why.sent);
    }
    unsetenv("http_proxy");
    CHECK(server.connections == connections);
    struct gh_http_client_options o = { .egress = GH_EGRESS_PUBLIC,
                                        .unix_socket = "/tmp/x",
                                        .timeout_ms = 100 };
    gh_auto(gh_http_client_freep) struct gh_http_client *inside = gh_http_client_new(&o);
    CHECK(call(inside, a, "GET", "http://example.com/", &reply, &why) == GH_ERR_FORBIDDEN_ADDRESS);
}

TEST(what_is_not_a_plain_http_request_is_refused_before_it_starts) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
    gh_auto(gh_http_client_freep) struct gh_http_client *c = client(GH_EGRESS_ANYWHERE);
    static const char *const urls[] = { "file:///etc/passwd",
                                        "ftp://127.0.0.1/",
                                        "gopher://127.0.0.1/",
                                        "",
                                        "http://",
                                        "http://user:secret@127.0.0.1/",
                                        "http://a b/" };
    struct gh_http_reply reply;
    struct gh_http_failure why;
    for (size_t i = 0; i < GH_COUNT(urls); i++)
        CHECK_ROW(urls[i], call(c, a, "GET", urls[i], &reply, &why) == GH_ERR_MALFORMED && !why.sent);
    static const struct gh_http_header bad[] = { { GH_STR("X"), GH_STR("1\r\nY: 2") },
                                                 { GH_STR("X\n"), GH_STR("1") },
                                                 { GH_STR("X:"), GH_STR("1") },
                                                 { GH_STR(""), GH_STR("1") } };
    for (size_t i = 0; i < GH_COUNT(bad); i++) {
        struct gh_http_call get = { .method = "GET", .url = url("/"), .headers = &bad[i], .header_count = 1 };
        CHECK(gh_http_call(c, a, &get, &reply, &why) == GH_ERR_MALFORMED && !why.sent);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_global_unicast_is_public),
        cmocka_unit_test(a_request_arrives_as_it_was_written),
        cmocka_unit_test(an_answer_is_the_last_one_and_is_not_followed),
        cmocka_unit_test(answers_above_the_ceiling_and_silence_end),
        cmocka_unit_test(a_post_on_a_dying_connection_is_not_repeated),
        cmocka_unit_test(nothing_listening_means_nothing_was_sent),
        cmocka_unit_test(a_public_client_does_not_reach_inside),
        cmocka_unit_test(what_is_not_a_plain_http_request_is_refused_before_it_starts),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
