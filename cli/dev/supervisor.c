/* cli/dev/supervisor.c - the children: the tenant, the mock upstream, the helper for other issuers' keys, and
 * nginx. They stay in our process group, die with us, and come back when they crash. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/dev/dev.h"
#include "cli/dev/tenant_child.h"
#include "core/buf.h"
#include "feed/feed.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/process.h"

#define START_MS 10000 /* what takes longer has failed */
#define STOP_MS 2500   /* SIGTERM ends all within 3 s */
#define CRASHES 5      /* in CRASH_WINDOW_MS: then something is wrong that a restart does not cure */
#define CRASH_WINDOW_MS 10000
#define POLL_MS 2

enum child_kind { TENANT, MOCK, HELPER, NGINX, CHILDREN };

struct child {
    const char *name;
    pid_t pid; /* 0: not running */
    int crashes;
    long long first_crash_ms;
};

struct supervisor {
    const struct gh_dev *dev;
    struct child children[CHILDREN];
    int signals;     /* a signalfd of SIGTERM, SIGINT, SIGHUP, SIGCHLD */
    int credentials; /* the tenant's pipe until its first readiness, then -1 */
    struct gh_dev_credentials machine;
    bool ready; /* all answered once: from then on a crash is cured by a restart, before it is a failed start
                 */
    bool stopping;
};

static long long now_ms(void) {
    return gh_clock_monotonic_ns() / 1000000;
}

/* --- starting --- */

static void write_pid(const struct supervisor *s, const struct child *c) {
    struct gh_str path = gh_arena_printf(s->dev->arena, "%s/run/%s.pid", s->dev->dir, c->name);
    struct gh_str text = gh_arena_printf(s->dev->arena, "%d\n", (int)c->pid);
    if (path.ptr && text.ptr && gh_file_write_atomic(path.ptr, text, 0600) != GH_OK)
        gh_log(GH_LOG_WARN, "dev.pid_file", "path", "%s", path.ptr, NULL);
}

static enum gh_err start_tenant(struct supervisor *s) {
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return GH_ERR_IO;
    pid_t pid = fork();
    if (pid == 0) {
        close(pipe_fds[0]);
        _exit(gh_dev_tenant_main(s->dev, pipe_fds[1]));
    }
    close(pipe_fds[1]);
    if (pid < 0) {
        close(pipe_fds[0]);
        return GH_ERR_IO;
    }
    if (s->credentials >= 0)
        close(s->credentials);
    s->credentials = pipe_fds[0];
    s->children[TENANT].pid = pid;
    return GH_OK;
}

static enum gh_err start_mock(struct supervisor *s) {
    unlink(GH_DEV_MOCK_SOCKET);
    const char *argv[] = { s->dev->self, "mock-ai", "--socket", GH_DEV_MOCK_SOCKET, NULL };
    return gh_spawn(&(struct gh_spawn){ .argv = argv }, &s->children[MOCK].pid);
}

/* The tenant publishes its own keys: the helper is for others'. */
static enum gh_err start_helper(struct supervisor *s) {
    const struct gh_option_list *issuers = s->dev->issuers;
    const char *argv[4 + 2 * GH_COUNT(issuers->values) + 1] = { s->dev->self, "feed", "--data",
                                                                gh_dev_path(s->dev, "feed") };
    for (size_t i = 0; i < issuers->count; i++) {
        argv[4 + 2 * i] = "--issuer";
        argv[5 + 2 * i] = issuers->values[i];
    }
    return gh_spawn(&(struct gh_spawn){ .argv = argv }, &s->children[HELPER].pid);
}

static enum gh_err start_nginx(struct supervisor *s) {
    const char *prefix = gh_dev_path(s->dev, "nginx/"), *conf = gh_dev_path(s->dev, "nginx/nginx.conf");
    const char *argv[] = { "nginx", "-e", "stderr", "-p", prefix, "-c", conf, NULL };
    return conf ? gh_spawn(&(struct gh_spawn){ .argv = argv }, &s->children[NGINX].pid) : GH_ERR_NOMEM;
}

static bool is_wanted(const struct supervisor *s, enum child_kind kind) {
    return (kind != MOCK || !s->dev->upstream) && (kind != HELPER || s->dev->issuers->count > 0);
}

static bool start(struct supervisor *s, enum child_kind kind) {
    static enum gh_err (*const starters[CHILDREN])(struct supervisor *) = { start_tenant, start_mock,
                                                                            start_helper, start_nginx };
    struct child *c = &s->children[kind];
    enum gh_err e = starters[kind](s);
    if (e) {
        c->pid = 0;
        gh_log(GH_LOG_ERROR, "dev.start_failed", "child", "%s", c->name, "reason", "%s", gh_err_text(e),
               NULL);
        return false;
    }
    write_pid(s, c);
    return true;
}

/* --- children that ended --- */

/* nginx's workers outlive a killed master and hold the ports; as our adopted children (subreaper) they can be
 * found and ended. */
static void kill_orphans(const struct supervisor *s) {
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    for (char *at = text, *end; *at; at = end) {
        pid_t pid = (pid_t)strtol(at, &end, 10);
        if (end == at)
            return;
        bool ours = false;
        for (size_t i = 0; i < CHILDREN; i++)
            ours |= s->children[i].pid == pid;
        if (!ours && pid > 0)
            kill(pid, SIGKILL);
        while (*end == ' ')
            end++;
    }
}

static bool crashes_too_often(struct child *c) {
    long long now = now_ms();
    if (c->crashes == 0 || now - c->first_crash_ms > CRASH_WINDOW_MS) {
        c->crashes = 0;
        c->first_crash_ms = now;
    }
    return ++c->crashes >= CRASHES;
}

/* False when the child cannot be kept running. */
static bool on_exit_of(struct supervisor *s, enum child_kind kind, int status) {
    struct child *c = &s->children[kind];
    c->pid = 0;
    if (s->stopping)
        return true;
    gh_log(GH_LOG_WARN, "dev.child_ended", "child", "%s", c->name, WIFSIGNALED(status) ? "signal" : "status",
           "%d", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), NULL);
    if (kind == NGINX)
        kill_orphans(s);
    if (!s->ready)
        return false;
    if (crashes_too_often(c)) {
        gh_log(GH_LOG_ERROR, "dev.crash_loop", "child", "%s", c->name, NULL);
        return false;
    }
    return start(s, kind);
}

static bool reap(struct supervisor *s) {
    int status;
    bool fine = true;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        for (size_t i = 0; i < CHILDREN; i++)
            if (s->children[i].pid == pid)
                fine &= on_exit_of(s, (enum child_kind)i, status);
    return fine;
}

/* One turn of the loop: waits for a signal or for `fd` (-1: none). False when it is time to stop. */
static bool turn(struct supervisor *s, int fd, int timeout_ms) {
    struct pollfd polled[] = { { .fd = s->signals, .events = POLLIN }, { .fd = fd, .events = POLLIN } };
    if (poll(polled, 2, timeout_ms) <= 0 || !(polled[0].revents & POLLIN))
        return true;
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo != SIGCHLD)
            s->stopping = true;
    return reap(s) && !s->stopping;
}

/* --- readiness --- */

static bool can_connect(const struct sockaddr *address, socklen_t len) {
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && connect(fd, address, len) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool port_answers(int port) {
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((unsigned short)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    return can_connect((struct sockaddr *)&address, sizeof address);
}

static bool mock_is_ready(const struct supervisor *s) {
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = GH_DEV_MOCK_SOCKET };
    return s->dev->upstream || can_connect((struct sockaddr *)&address, sizeof address);
}

static bool nginx_is_ready(const struct supervisor *s) {
    return port_answers(s->dev->tenant_port.number) && port_answers(s->dev->gateway_port.number);
}

/* The tenant writes its machine client into the pipe when it serves. */
static bool tenant_is_ready(struct supervisor *s) {
    struct pollfd polled = { .fd = s->credentials, .events = POLLIN };
    if (poll(&polled, 1, 0) != 1 || !(polled.revents & POLLIN))
        return false;
    return read(s->credentials, &s->machine, sizeof s->machine) == (ssize_t)sizeof s->machine;
}

/* Its feeds are there; keys come when their issuers answer. */
static bool helper_is_ready(struct supervisor *s) {
    for (size_t i = 0; i < s->dev->issuers->count; i++) {
        gh_auto(gh_feed_freep) struct gh_feed *feed = NULL;
        const char *path = gh_dev_issuer_feed(s->dev, i);
        if (!path || gh_feed_open(path, &feed) != GH_OK)
            return false;
    }
    return true;
}

static bool wait_until(struct supervisor *s, const char *what, bool (*is_ready)(struct supervisor *s),
                       int fd) {
    for (long long end = now_ms() + START_MS; now_ms() < end;) {
        if (is_ready(s))
            return true;
        if (!turn(s, fd, fd >= 0 ? 50 : POLL_MS))
            return false;
    }
    gh_log(GH_LOG_ERROR, "dev.start_timeout", "waiting_for", "%s", what, NULL);
    return false;
}

static bool proxies_are_ready(struct supervisor *s) {
    return mock_is_ready(s) && nginx_is_ready(s);
}

/* --- the environment file --- */

/* 'it'\''s': a value as the shell reads it back, whatever is in it. */
static void add_export(struct gh_buf *b, const char *name, struct gh_str value) {
    gh_buf_addf(b, "export %s='", name);
    for (size_t i = 0; i < value.len; i++)
        gh_buf_add(b, value.ptr[i] == '\'' ? GH_STR("'\\''") : (struct gh_str){ value.ptr + i, 1 });
    gh_buf_add(b, GH_STR("'\n"));
}

static enum gh_err write_environment(const struct supervisor *s, const char *path) {
    const struct gh_dev *dev = s->dev;
    gh_auto(gh_buf_release) struct gh_buf b = gh_buf_make(65536);
    add_export(&b, "AUTH0_DOMAIN", gh_arena_printf(dev->arena, "localhost:%d", dev->tenant_port.number));
    add_export(&b, "AUTH0_CLIENT_ID", gh_str_from(s->machine.id));
    add_export(&b, "AUTH0_CLIENT_SECRET", gh_str_from(s->machine.secret));
    add_export(&b, "SSL_CERT_FILE", gh_str_from(gh_dev_path(dev, "tls/bundle.pem")));
    add_export(&b, "NODE_EXTRA_CA_CERTS", gh_str_from(gh_dev_path(dev, "tls/ca.pem")));
    add_export(&b, "GATEHOUSE_GATEWAY",
               gh_arena_printf(dev->arena, "https://localhost:%d", dev->gateway_port.number));
    return b.failed ? GH_ERR_TOO_LARGE : gh_file_write_atomic(path, gh_buf_str(&b), 0600);
}

static bool announce(const struct supervisor *s, long long started_ms) {
    const struct gh_dev *dev = s->dev;
    const char *files[] = { gh_dev_path(dev, "env"), dev->env_file };
    for (size_t i = 0; i < GH_COUNT(files) && files[i]; i++)
        if (write_environment(s, files[i]) != GH_OK) {
            fprintf(stderr, "gatehouse dev: cannot write %s\n", files[i]);
            return false;
        }
    printf("gatehouse dev: ready in %lld ms\n  tenant   %s\n  gateway  https://localhost:%d -> %s\n  clients "
           " . %s\n",
           now_ms() - started_ms, dev->origin, dev->gateway_port.number,
           dev->upstream ? dev->upstream : "gatehouse mock-ai", dev->env_file ? dev->env_file : files[0]);
    fflush(stdout);
    return true;
}

/* --- the life of it all --- */

static bool bring_up(struct supervisor *s) {
    long long started = now_ms();
    if (!start(s, TENANT) || (is_wanted(s, MOCK) && !start(s, MOCK)) ||
        (is_wanted(s, HELPER) && !start(s, HELPER)))
        return false;
    /* nginx maps the feeds before it forks its workers: their writers come first. */
    if (!wait_until(s, "tenant", tenant_is_ready, s->credentials) ||
        !wait_until(s, "feed", helper_is_ready, -1) || !start(s, NGINX))
        return false;
    s->ready = wait_until(s, "nginx", proxies_are_ready, -1) && announce(s, started);
    return s->ready;
}

static void stop_all(struct supervisor *s) {
    s->stopping = true;
    for (size_t i = 0; i < CHILDREN; i++)
        if (s->children[i].pid)
            kill(s->children[i].pid, SIGTERM);
    int running = 1;
    for (long long end = now_ms() + STOP_MS; running && now_ms() < end;) {
        reap(s);
        running = 0;
        for (size_t i = 0; i < CHILDREN; i++)
            running += s->children[i].pid != 0;
        if (running)
            turn(s, -1, 20);
    }
    for (size_t i = 0; i < CHILDREN; i++)
        if (s->children[i].pid)
            kill(s->children[i].pid, SIGKILL);
    kill_orphans(s);
    unlink(GH_DEV_TENANT_SOCKET);
    unlink(GH_DEV_MOCK_SOCKET);
}

static bool take_signals(struct supervisor *s) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return false;
    s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals >= 0 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
}

int gh_dev_supervise(const struct gh_dev *dev) {
    struct supervisor s = { .dev = dev,
                            .credentials = -1,
                            .children = { [TENANT] = { .name = "tenant" },
                                          [MOCK] = { .name = "mock" },
                                          [HELPER] = { .name = "feed" },
                                          [NGINX] = { .name = "nginx" } } };
    if (!take_signals(&s)) {
        fprintf(stderr, "gatehouse dev: cannot take signals: %m\n");
        return GH_EXIT_ERROR;
    }
    bool fine = bring_up(&s);
    while (fine && !s.stopping)
        fine = turn(&s, -1, -1);
    bool asked = s.stopping;
    stop_all(&s);
    explicit_bzero(&s.machine, sizeof s.machine);
    return asked ? GH_EXIT_OK : GH_EXIT_ERROR;
}
