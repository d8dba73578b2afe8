/* The HTTP side of the tenant with handlers of its own: what is refused before a handler, and that waiting
 * holds no thread. The tables that http.c walks are defined here instead of the APIs' own. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/clock.h"
#include "tenant/change.h"
#include "tenant/exchange.h"
#include "tenant/keys.h"
#include "tenant/password.h"
#include "tests/check.h"

static char dir[] = "/tmp/gh_http_XXXXXX", socket_path[64], database[64], feed_path[64], kek[64];
static struct gh_tenant *tenant;
static struct gh_tenant_config config;
static pthread_t server;
static atomic_int ready;

/* --- handlers */

static void echo(struct gh_exchange *x) {
    struct gh_str args[3] = { x->args[0], x->args[1], x->client_ip };
    gh_respond_json(x, 200,
                    json_pack("{s:i, s:s#, s:s#, s:s#, s:i}", "method", x->method, "a",
                              args[0].ptr ? args[0].ptr : "", (int)args[0].len, "b",
                              args[1].ptr ? args[1].ptr : "", (int)args[1].len, "ip",
                              args[2].ptr ? args[2].ptr : "", (int)args[2].len, "body", (int)x->body.len));
}

static void finish(struct gh_exchange *x) {
    gh_respond_json(x, x->err ? gh_err_status(x->err) : 200,
                    json_pack("{s:s}", "result", gh_err_name(x->err)));
}

static enum gh_err put(struct gh_db *db, struct gh_exchange *x) {
    return gh_db_run(db, GH_SQL_SETTING_PUT,
                     GH_BINDS(GH_TEXT("name", GH_STR("test")), GH_TEXT("doc", GH_STR("{}"))), NULL);
}
static void write_waits(struct gh_exchange *x) {
    gh_await_write(x, put, finish);
}

static enum gh_err bump_user(struct gh_db *db, struct gh_exchange *x) {
    return gh_change_bump(db, x, GH_EPOCH_USER, GH_STR("auth0|a"), GH_STR(""));
}
static void newest(struct gh_exchange *x) {
    long long epoch = 0, now = gh_clock_seconds();
    enum gh_err e =
        x->err ? x->err
               : gh_change_newest(x->tenant, GH_STR("auth0|a"), GH_STR(""), GH_STR(""), GH_STR(""), &epoch);
    gh_respond_json(x, e ? gh_err_status(e) : 200,
                    json_pack("{s:b}", "published", epoch >= now - 2 && epoch <= now + 1));
}
static void change_waits(struct gh_exchange *x) {
    gh_await_write(x, bump_user, newest);
}
static enum gh_err fail_after_revoke(struct gh_db *db, struct gh_exchange *x) {
    enum gh_err e = gh_change_bump(db, x, GH_EPOCH_USER, GH_STR("auth0|undone"), GH_STR(""));
    return e ? e : GH_ERR_CONFLICT;
}
static void not_published(struct gh_exchange *x) {
    long long epoch = -1;
    enum gh_err e =
        gh_change_newest(x->tenant, GH_STR("auth0|undone"), GH_STR(""), GH_STR(""), GH_STR(""), &epoch);
    gh_respond_json(x, x->err == GH_ERR_CONFLICT && !e && epoch == 0 ? 200 : 500, json_object());
}
static void undone_change_waits(struct gh_exchange *x) {
    gh_await_write(x, fail_after_revoke, not_published);
}

static enum gh_err hash(struct gh_exchange *x) {
    struct gh_str ret;
    return gh_password_hash(x->arena, GH_STR("secret"), &ret);
}
static void hash_waits(struct gh_exchange *x) {
    gh_await_work(x, GH_POOL_HASH, hash, finish);
}

static struct gh_sign_job *sign_job(struct gh_exchange *x) {
    return x->state;
}
static void signed_token(struct gh_exchange *x) {
    gh_respond_text(x, x->err ? 503 : 200, "text/plain", sign_job(x)->ret);
}
static void sign_waits(struct gh_exchange *x) {
    struct gh_sign_job *job = GH_NEW(x->arena, struct gh_sign_job);
    *job = (struct gh_sign_job){ .typ = "JWT", .payload = GH_STR("{\"iss\":\"https://localhost/\"}") };
    x->state = job;
    gh_await_sign(x, job, 1, signed_token);
}

static void time_waits(struct gh_exchange *x) {
    gh_await_time(x, gh_clock_milliseconds() + 300, finish);
}
static void says_nothing(struct gh_exchange *x) {
}
static void forges(struct gh_exchange *x) {
    gh_response_header(x, "X-Test", GH_STR("a\r\nX-Forged: 1"));
    gh_respond_redirect(x, 302, GH_STR("/a\r\nSet-Cookie: b"));
}
static void params(struct gh_exchange *x) {
    const struct gh_param *list;
    size_t count;
    struct gh_str value = { 0 };
    enum gh_err e = gh_request_params(x, &list, &count);
    if (!e && gh_param_find(list, count, "a", &value))
        gh_respond_text(x, 200, "text/plain", value);
    else
        gh_respond_json(x, e ? gh_err_status(e) : 200, json_pack("{s:s}", "error", gh_err_name(e)));
}
static void cookie(struct gh_exchange *x) {
    struct gh_str value = GH_STR("none");
    gh_request_cookie(x, "sid", &value);
    gh_respond_text(x, 200, "text/plain", value);
}

const struct gh_route gh_oauth_routes[] = {
    { GH_GET, "/echo/{a}", echo },       { GH_POST, "/echo/{a}", echo },
    { GH_GET, "/two/{a}/x/{b}", echo },  { GH_GET, "/write", write_waits },
    { GH_GET, "/change", change_waits }, { GH_GET, "/undone", undone_change_waits },
    { GH_GET, "/hash", hash_waits },     { GH_GET, "/sign", sign_waits },
    { GH_GET, "/time", time_waits },     { GH_GET, "/nothing", says_nothing },
    { GH_GET, "/forge", forges },        { GH_POST, "/params", params },
    { GH_GET, "/cookie", cookie },
};
const size_t gh_oauth_route_count = GH_COUNT(gh_oauth_routes);
const struct gh_route gh_login_routes[] = { { GH_GET, NULL, NULL } };
const size_t gh_login_route_count = 0;
void gh_api_dispatch(struct gh_exchange *x) {
    gh_respond_text(x, 200, "text/plain", x->path);
}

/* --- a client that sends what it likes */

static int dial(void) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval limit = { .tv_sec = 5 };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(address.sun_path, socket_path);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool send_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* Reads until the server closes, or until `times` answers began and the last one is whole. */
static size_t receive(int fd, char *ret, size_t room, int times) {
    size_t len = 0;
    for (;;) {
        ssize_t n = recv(fd, ret + len, room - 1 - len, 0);
        if (n <= 0)
            break;
        len += (size_t)n;
        ret[len] = '\0';
        const char *at = ret;
        int seen = 0;
        while ((at = strstr(at, "HTTP/1.1 "))) {
            const char *body = strstr(at, "\r\n\r\n"), *length = strstr(at, "Content-Length: ");
            if (!body || !length || (size_t)(ret + len - body - 4) < strtoul(length + 16, NULL, 10))
                break;
            seen++;
            at = body + 4;
        }
        if (times > 0 && seen >= times)
            break;
    }
    ret[len] = '\0';
    return len;
}

static char *ask(const char *request) {
    static char answer[65536];
    int fd = dial();
    answer[0] = '\0';
    if (fd >= 0 && send_all(fd, request, strlen(request)))
        receive(fd, answer, sizeof answer, 1);
    close(fd);
    return answer;
}

static int status_of(const char *answer) {
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : 0;
}

/* --- the tenant */

static void tell(void *unused) {
    atomic_store(&ready, 1);
}
static void *serve(void *unused) {
    return (void *)(long)gh_tenant_serve(tenant, tell, NULL);
}

static void start(void) {
    char why[256];
    enum gh_err e = gh_tenant_open(&config, &tenant, why);
    if (e)
        print_error("%s\n", why);
    CHECK(e == GH_OK);
    atomic_store(&ready, 0);
    pthread_create(&server, NULL, serve, NULL);
    while (!atomic_load(&ready))
        usleep(1000);
}

static long long stop(void) {
    long long before = gh_clock_monotonic_ns();
    gh_tenant_stop(tenant);
    pthread_join(server, NULL);
    gh_tenant_close(tenant);
    return (gh_clock_monotonic_ns() - before) / 1000000;
}

static int set_up(void **state) {
    CHECK(mkdtemp(dir));
    snprintf(socket_path, sizeof socket_path, "%s/s", dir);
    snprintf(database, sizeof database, "%s/db", dir);
    snprintf(feed_path, sizeof feed_path, "%s/feed", dir);
    snprintf(kek, sizeof kek, "%s/kek", dir);
    config = (struct gh_tenant_config){ .origin = "https://localhost",
                                        .database = database,
                                        .socket = socket_path,
                                        .feed = feed_path,
                                        .kek_file = kek,
                                        .trusted_peers = "10.0.0.1",
                                        .make_kek = true,
                                        .threads = 2 };
    start();
    return 0;
}

static int tear_down(void **state) {
    static const char *const names[] = { "db", "db-wal", "db-shm", "feed", "kek", "s" };
    char path[96];
    stop();
    for (size_t i = 0; i < GH_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

/* --- what it proves */

#define HEAD " HTTP/1.1\r\nHost: localhost\r\n"

TEST(what_two_servers_could_read_differently_is_refused) {
    static const struct {
        const char *name, *request;
        int status;
    } rows[] = {
        { "plain", "GET /echo/a" HEAD "\r\n", 200 },
        { "head", "HEAD /echo/a" HEAD "Connection: close\r\n\r\n", 200 },
        { "unknown path", "GET /nope" HEAD "\r\n", 404 },
        { "trailing slash", "GET /echo/a/" HEAD "\r\n", 404 },
        { "empty segment at the end", "GET /echo/" HEAD "\r\n", 404 },
        { "other method", "DELETE /echo/a" HEAD "\r\n", 405 },
        { "strange method", "BREW /echo/a" HEAD "\r\n", 405 },
        { "two Authorization",
          "GET /echo/a" HEAD "Authorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n", 400 },
        { "two Host", "GET /echo/a" HEAD "Host: other\r\n\r\n", 400 },
        { "two Cookie", "GET /echo/a" HEAD "Cookie: a=1\r\nCookie: b=2\r\n\r\n", 400 },
        { "two Content-Type",
          "POST /echo/a" HEAD "Content-Type: text/a\r\nContent-Type: text/b\r\nContent-Length: 0\r\n\r\n",
          400 },
        { "two Content-Length", "POST /echo/a" HEAD "Content-Length: 0\r\nContent-Length: 1\r\n\r\nx", 400 },
        { "length and chunks",
          "POST /echo/a" HEAD "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
        { "other coding", "POST /echo/a" HEAD "Transfer-Encoding: gzip\r\n\r\n", 400 },
        { "dot segment", "GET /echo/../write" HEAD "\r\n", 400 },
        { "encoded dot segment", "GET /echo/%2e%2e/write" HEAD "\r\n", 400 },
        { "encoded slash", "GET /echo/a%2Fb" HEAD "\r\n", 400 },
        { "empty segment", "GET //echo/a" HEAD "\r\n", 400 },
        { "bad escape", "GET /echo/%zz" HEAD "\r\n", 400 },
        { "escaped NUL", "GET /echo/a%00" HEAD "\r\n", 400 },
        { "no UTF-8", "GET /echo/%ff" HEAD "\r\n", 400 },
        { "absolute form", "GET http://localhost/echo/a" HEAD "\r\n", 400 },
        { "bad query", "GET /echo/a?x=%zz" HEAD "\r\n", 400 },
        { "query without UTF-8", "GET /echo/a?x=%ff" HEAD "\r\n", 400 },
        { "Management ids: encoded slash", "GET /api/v2/users/auth0%7Ca%2Fb" HEAD "\r\n", 200 },
        { "Management ids: identifier", "GET /api/v2/resource-servers/https:%2F%2Fapi.example%2F" HEAD "\r\n",
          200 },
        { "Management ids: encoded twice",
          "GET /api/v2/resource-servers/https:%252F%252Fapi.example%252F" HEAD "\r\n", 200 },
        { "Management ids: not the last", "GET /api/v2/users/a%2Fb/roles?x=1" HEAD "\r\n", 200 },
        { "Management ids: dots", "GET /api/v2/users/a%2F..%2Fb" HEAD "\r\n", 400 },
        { "Management ids: dots first", "GET /api/v2/users/..%2Fb" HEAD "\r\n", 400 },
        { "Management ids: dots, twice encoded", "GET /api/v2/users/a%252F..%252Fb" HEAD "\r\n", 400 },
        { "Management ids: dots last", "GET /api/v2/users/a%2F%2e%2e" HEAD "\r\n", 400 },
        { "Management ids: only slashes", "GET /api/v2/users/%2F%2F/roles" HEAD "\r\n", 400 },
        { "Management ids: way out", "GET /api/v2/..%2F..%2Fwrite" HEAD "\r\n", 400 },
        { "Management ids: real dots", "GET /api/v2/../../write" HEAD "\r\n", 400 },
        { "Management ids: NUL", "GET /api/v2/users/a%2F%00" HEAD "\r\n", 400 },
        { "a step without an end", "GET /nothing" HEAD "\r\n", 503 },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        int status = status_of(ask(rows[i].request));
        if (status != rows[i].status)
            print_error("got %d\n", status);
        CHECK_ROW(rows[i].name, status == rows[i].status);
    }
}

TEST(segments_are_split_before_they_are_decoded) {
    CHECK(strstr(ask("GET /two/a%7Cb/x/c%20d" HEAD "\r\n"), "\"a\":\"a|b\",\"b\":\"c d\""));
    CHECK(strstr(ask("GET /api/v2/users/auth0%7Ca%2Fb" HEAD "\r\n"), "\r\n\r\n/api/v2/users/auth0%7Ca%2Fb"));
}

TEST(every_answer_carries_the_standard_headers) {
    static const char *const rows[] = { "Strict-Transport-Security: max-age=31536000",
                                        "X-Content-Type-Options: nosniff", "Cache-Control: no-store",
                                        "X-Request-Id: abcdefgh" };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i], strstr(ask("GET /nope" HEAD "X-Request-Id: abcdefgh\r\n\r\n"), rows[i]));
    CHECK(!strstr(ask("GET /nope" HEAD "X-Request-Id: abcdefg\"h\r\n\r\n"), "abcdefg\""));
    CHECK(strstr(ask("DELETE /write" HEAD "\r\n"), "Allow: GET, HEAD"));
}

TEST(a_header_value_cannot_forge_another_header) {
    const char *answer = ask("GET /forge" HEAD "\r\n");
    CHECK(status_of(answer) == 503 && !strstr(answer, "X-Forged") && !strstr(answer, "Set-Cookie"));
}

TEST(bodies_and_headers_have_ceilings) {
    static char big[1 << 20], answer[65536];
    memset(big, 'a', sizeof big);
    CHECK(status_of(ask("POST /echo/a" HEAD "Content-Length: 8388609\r\n\r\n")) == 413);
    CHECK(status_of(ask("POST /echo/a" HEAD "Content-Length: 99999999999999999999\r\n\r\n")) == 413 ||
          status_of(ask("POST /echo/a" HEAD "Content-Length: 99999999999999999999\r\n\r\n")) == 400);

    int fd = dial(); /* exactly the limit */
    const char *head = "POST /echo/a" HEAD "Content-Length: 1048576\r\n\r\n";
    CHECK(send_all(fd, head, strlen(head)) && send_all(fd, big, sizeof big));
    receive(fd, answer, sizeof answer, 1);
    CHECK(status_of(answer) == 200 && strstr(answer, "\"body\":1048576"));
    close(fd);

    fd = dial(); /* one more: all of it is read before the answer, as a proxy needs it */
    head = "POST /echo/a" HEAD "Content-Length: 1048577\r\n\r\n";
    CHECK(send_all(fd, head, strlen(head)));
    CHECK(send_all(fd, big, sizeof big) && send_all(fd, "a", 1));
    receive(fd, answer, sizeof answer, 1);
    CHECK(status_of(answer) == 413);
    close(fd);

    fd = dial(); /* one more, in chunks: nobody said how long it would be */
    head = "POST /echo/a" HEAD "Transfer-Encoding: chunked\r\n\r\n100000\r\n";
    CHECK(send_all(fd, head, strlen(head)) && send_all(fd, big, sizeof big) &&
          send_all(fd, "\r\n1\r\na\r\n0\r\n\r\n", 13));
    receive(fd, answer, sizeof answer, 1);
    CHECK(status_of(answer) == 413);
    close(fd);

    fd = dial(); /* headers */
    head = "GET /echo/a" HEAD "X-A: ";
    CHECK(send_all(fd, head, strlen(head)));
    send_all(fd, big, 40000);
    send_all(fd, "\r\n\r\n", 4);
    receive(fd, answer, sizeof answer, 1);
    CHECK(status_of(answer) == 431 || status_of(answer) == 413);
    close(fd);

    char target[9000] = "GET /echo/";
    memset(target + 10, 'a', 8500);
    strcpy(target + 8510, HEAD "\r\n");
    CHECK(status_of(ask(target)) == 414);
}

TEST(the_users_address_comes_from_the_terminator) {
    CHECK(strstr(ask("GET /echo/a" HEAD "X-Forwarded-For: 192.0.2.1\r\n\r\n"), "\"ip\":\"192.0.2.1\""));
    CHECK(strstr(ask("GET /echo/a" HEAD "X-Forwarded-For: 203.0.113.9, 192.0.2.1\r\n\r\n"),
                 "\"ip\":\"192.0.2.1\""));
    CHECK(strstr(ask("GET /echo/a" HEAD "X-Forwarded-For: 203.0.113.9, 10.0.0.1\r\n\r\n"),
                 "\"ip\":\"203.0.113.9\""));
    CHECK(strstr(ask("GET /echo/a" HEAD "X-Forwarded-For: nonsense\r\n\r\n"), "\"ip\":\"\""));
}

TEST(parameters_are_read_from_forms_and_json_alike) {
#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define JSON "Content-Type: application/json; charset=utf-8\r\n"
    static const struct {
        const char *name, *request;
        int status;
        const char *holds;
    } rows[] = {
        { "form", "POST /params" HEAD FORM "Content-Length: 7\r\n\r\na=b+%26", 200, "\r\n\r\nb &" },
        { "json", "POST /params" HEAD JSON "Content-Length: 11\r\n\r\n{\"a\":\"b &\"}", 200, "\r\n\r\nb &" },
        { "number", "POST /params" HEAD JSON "Content-Length: 7\r\n\r\n{\"a\":1}", 200, "\r\n\r\n1" },
        { "null is absent", "POST /params" HEAD JSON "Content-Length: 10\r\n\r\n{\"a\":null}", 200, "ok" },
        { "nothing", "POST /params" HEAD "Content-Length: 0\r\n\r\n", 200, "ok" },
        { "twice", "POST /params" HEAD FORM "Content-Length: 7\r\n\r\na=1&a=2", 400, "malformed" },
        { "json twice", "POST /params" HEAD JSON "Content-Length: 13\r\n\r\n{\"a\":1,\"a\":2}", 400,
          "malformed" },
        { "object", "POST /params" HEAD JSON "Content-Length: 8\r\n\r\n{\"a\":{}}", 400, "malformed" },
        { "array", "POST /params" HEAD JSON "Content-Length: 2\r\n\r\n[]", 400, "malformed" },
        { "NUL", "POST /params" HEAD FORM "Content-Length: 5\r\n\r\na=%00", 400, "malformed" },
        { "no UTF-8", "POST /params" HEAD FORM "Content-Length: 5\r\n\r\na=%C0", 400, "malformed" },
        { "bad escape", "POST /params" HEAD FORM "Content-Length: 4\r\n\r\na=%1", 400, "malformed" },
        { "no type", "POST /params" HEAD "Content-Length: 3\r\n\r\na=1", 400, "unsupported" },
        { "other type", "POST /params" HEAD "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\na=1", 400,
          "unsupported" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        const char *answer = ask(rows[i].request);
        CHECK_ROW(rows[i].name, status_of(answer) == rows[i].status && strstr(answer, rows[i].holds));
    }
}

TEST(a_cookie_that_comes_twice_is_none) {
    CHECK(strstr(ask("GET /cookie" HEAD "Cookie: a=b; sid=x=y; c=d\r\n\r\n"), "\r\n\r\nx=y"));
    CHECK(strstr(ask("GET /cookie" HEAD "Cookie: sid=1; sid=2\r\n\r\n"), "\r\n\r\nnone"));
    CHECK(strstr(ask("GET /cookie" HEAD "Cookie: xsid=1; SID=2\r\n\r\n"), "\r\n\r\nnone"));
}

TEST(waits_end_with_their_result) {
    static const char *const rows[] = { "/write", "/hash", "/time", "/change", "/undone", "/sign" };
    char request[128];
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        snprintf(request, sizeof request, "GET %s" HEAD "\r\n", rows[i]);
        CHECK_ROW(rows[i], status_of(ask(request)) == 200);
    }
    CHECK(strstr(ask("GET /change" HEAD "\r\n"), "\"published\":true"));
    CHECK(strstr(ask("GET /sign" HEAD "\r\n"), "\r\n\r\neyJ"));
}

TEST(a_wait_holds_no_thread) {
    int waiting[50];
    long long before = gh_clock_monotonic_ns();
    static char answer[65536];
    for (size_t i = 0; i < GH_COUNT(waiting); i++) {
        waiting[i] = dial();
        CHECK(send_all(waiting[i], "GET /time" HEAD "\r\n", strlen("GET /time" HEAD "\r\n")));
    }
    CHECK(status_of(ask("GET /echo/a" HEAD "\r\n")) == 200);
    for (size_t i = 0; i < GH_COUNT(waiting); i++) {
        receive(waiting[i], answer, sizeof answer, 1);
        CHECK(status_of(answer) == 200);
        close(waiting[i]);
    }
    CHECK(gh_clock_monotonic_ns() - before < 3000000000LL); /* one after another they would take 15 s */
}

TEST(pipelined_requests_are_answered_in_order) {
    static char answer[65536];
    int fd = dial();
    const char *three = "GET /echo/1" HEAD "\r\nGET /write" HEAD "\r\nGET /echo/3" HEAD "\r\n";
    CHECK(send_all(fd, three, strlen(three)));
    receive(fd, answer, sizeof answer, 3);
    const char *one = strstr(answer, "\"a\":\"1\""), *two = strstr(answer, "\"result\":\"ok\""),
               *last = strstr(answer, "\"a\":\"3\"");
    CHECK(one && two && last && one < two && two < last);
    close(fd);
}

TEST(a_slow_request_holds_nobody_else) {
    int slow = dial();
    static char answer[65536];
    const char *half = "POST /echo/a" HEAD "Content-Length: 5\r\n\r\nab", *rest = "cde";
    CHECK(send_all(slow, half, strlen(half)));
    CHECK(status_of(ask("GET /echo/a" HEAD "\r\n")) == 200);
    CHECK(send_all(slow, rest, 3));
    receive(slow, answer, sizeof answer, 1);
    CHECK(status_of(answer) == 200 && strstr(answer, "\"body\":5"));
    close(slow);
}

TEST(a_client_that_goes_away_while_it_waits_harms_nobody) {
    for (int i = 0; i < 20; i++) {
        int fd = dial();
        CHECK(send_all(fd, "GET /hash" HEAD "\r\n", strlen("GET /hash" HEAD "\r\n")));
        close(fd);
    }
    CHECK(status_of(ask("GET /hash" HEAD "\r\n")) == 200);
}

/* The library aborts when it is stopped while a connection is suspended. */
TEST(a_stop_answers_what_waits_and_takes_less_than_two_seconds) {
    static const char *const rows[] = { "/time", "/hash", "/write", "/sign" };
    int waiting[120];
    static char answer[65536], request[64];
    for (size_t i = 0; i < GH_COUNT(waiting); i++) {
        waiting[i] = dial();
        snprintf(request, sizeof request, "GET %s" HEAD "\r\n", rows[i % GH_COUNT(rows)]);
        CHECK(send_all(waiting[i], request, strlen(request)));
    }
    int idle = dial(), half = dial();
    CHECK(send_all(half, "GET /ec", 7));
    usleep(150000); /* all are read, none of /time is over */
    int answered = 0;
    CHECK(stop() < 2000);
    for (size_t i = 0; i < GH_COUNT(waiting); i++) {
        receive(waiting[i], answer, sizeof answer, 1);
        int status = status_of(answer);
        CHECK(status == 200 || status == 503); /* hashes that had not begun */
        answered += status == 200;
        close(waiting[i]);
    }
    CHECK(answered >= 90); /* all but the hashes */
    close(idle);
    close(half);
    CHECK(dial() == -1);
    start(); /* on the same files, with the same keys */
    CHECK(status_of(ask("GET /sign" HEAD "\r\n")) == 200);
}

int main(void) {
    const struct CMUnitTest tests[] = { GH_TESTS_EACH(
        what_two_servers_could_read_differently_is_refused, segments_are_split_before_they_are_decoded,
        every_answer_carries_the_standard_headers, a_header_value_cannot_forge_another_header,
        bodies_and_headers_have_ceilings, the_users_address_comes_from_the_terminator,
        parameters_are_read_from_forms_and_json_alike, a_cookie_that_comes_twice_is_none,
        waits_end_with_their_result, a_wait_holds_no_thread, pipelined_requests_are_answered_in_order,
        a_slow_request_holds_nobody_else, a_client_that_goes_away_while_it_waits_harms_nobody,
        a_stop_answers_what_waits_and_takes_less_than_two_seconds) };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
