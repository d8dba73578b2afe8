/* cli/mock_ai.c - gatehouse mock-ai: the built-in upstream, on its own. */
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/options.h"
#include "mock/ai.h"

static int fail(const char *what, const char *why) {
    fprintf(stderr, "gatehouse mock-ai: %s: %s\n", what, why);
    return -1;
}

/* Binds and listens; the descriptor or -1. Closes `fd` when it fails. */
static int listen_on(int fd, const struct sockaddr *address, socklen_t len, const char *name) {
    if (fd >= 0 && bind(fd, address, len) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    fail(name, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static int listen_socket(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address.sun_path))
        return fail(path, "the path is too long for a socket");
    memcpy(address.sun_path, path, strlen(path));
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) /* left by one that was killed */
        unlink(path);
    return listen_on(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&address,
                     sizeof(address), path);
}

/* "HOST:PORT" or "[V6]:PORT", a number each. */
static int listen_address(const char *text) {
    char host[64];
    const char *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;
    if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    if (!colon || n == 0 || n >= sizeof(host))
        return fail(text, "an address is HOST:PORT, as 127.0.0.1:8000 or [::1]:8000");
    memcpy(host, text, n);
    host[n] = '\0';

    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM },
                    *found;
    int e = getaddrinfo(host, colon + 1, &hints, &found);
    if (e)
        return fail(text, gai_strerror(e));
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    fd = listen_on(fd, found->ai_addr, found->ai_addrlen, text);
    freeaddrinfo(found);
    return fd;
}

/* Tells the port that port 0 became. A socket's path needs no telling: the caller named it. */
static void announce(int fd) {
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    char host[64] = "", port[16] = "";
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return;
    printf(strchr(host, ':') ? "listening on http://[%s]:%s\n" : "listening on http://%s:%s\n", host, port);
    fflush(stdout);
}

int gh_command_mock_ai(int argc, char **argv) {
    const char *address = NULL, *path = NULL;
    const struct gh_option options[] = {
        { "listen", 0, GH_OPTION_TEXT, &address, "ADDRESS", "listen on HOST:PORT; port 0 takes a free one" },
        { "socket", 0, GH_OPTION_TEXT, &path, "PATH", "listen on a Unix socket" },
        { 0 },
    };
    int operands, stop = gh_options_parse(options, "mock-ai [--listen ADDRESS | --socket PATH]",
                                          "Runs a small upstream that speaks the OpenAI API, until SIGTERM.",
                                          argc, argv, 0, &operands);
    if (stop)
        return stop - 1;
    if (address && path) {
        fail("--listen and --socket", "only one of them, please");
        return GH_EXIT_USAGE;
    }

    int fd = path ? listen_socket(path) : listen_address(address ? address : "127.0.0.1:8000");
    if (fd < 0)
        return GH_EXIT_ERROR;

    sigset_t ends;
    int got;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL); /* before the threads start: they inherit it */
    signal(SIGPIPE, SIG_IGN);

    struct gh_mock_ai *mock;
    if (gh_mock_ai_start(fd, &mock) != GH_OK) {
        fail("the HTTP server", "did not start");
        return GH_EXIT_ERROR;
    }
    if (!path)
        announce(fd);
    sigwait(&ends, &got);
    gh_mock_ai_stop(mock);
    if (path)
        unlink(path);
    return GH_EXIT_OK;
}
